"""A registry in a folder, which may be on a network share: hard links create documents, no locks are needed."""

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from autodet.errors import NotFoundError, RegistryError
from autodet.registry.store import ABOUT, MARKER, MAX_DOCUMENT_BYTES, MAX_KEYS, Report, too_many
from autodet.workspace import open_atomically, safe_join

CHUNK_BYTES = 1 << 20
ABANDONED_SECONDS = 86_400.0  # after which a hidden file belongs to a killed process


@dataclass(frozen=True)
class FolderStore:
    """The registry below a folder; hidden files are those of writers at work.

    Attributes:
        folder: The existing folder.
    """

    folder: Path

    @property
    def address(self) -> str:
        """The folder."""
        return str(self.folder)

    def prepare(self) -> None:
        """Write the marker of the registry, as ``Store.prepare``."""
        self.create(MARKER, ABOUT)

    def list(self, prefix: str) -> dict[str, str]:
        """Return keys with their modification times, as ``Store.list``."""
        found: dict[str, str] = {}
        with self._sentences():
            start = self._path(prefix.rstrip("/"))
            for parent, folders, files in os.walk(start):
                folders[:] = sorted(name for name in folders if not name.startswith("."))
                for name in files:
                    path = Path(parent) / name
                    if name.startswith("."):
                        continue
                    if len(found) == MAX_KEYS:
                        raise too_many(self.address)
                    with suppress(FileNotFoundError):
                        facts = path.stat()
                        stamp = f"{facts.st_mtime_ns} {facts.st_ino} {facts.st_size}"
                        found[path.relative_to(self.folder).as_posix()] = stamp
        return found

    def read(self, key: str) -> bytes:
        """Return a document, as ``Store.read``."""
        with self._sentences(), self._path(key).open("rb") as file:
            return file.read(MAX_DOCUMENT_BYTES)

    def create(self, key: str, content: bytes) -> bool:
        """Create a document, as ``Store.create``: a hard link appears as a whole, or fails if the name is taken."""
        with self._sentences():
            path = self._path(key)
            path.parent.mkdir(parents=True, exist_ok=True)
            hidden = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
            try:
                with hidden.open("xb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                os.link(hidden, path)
            except FileExistsError:
                return False
            finally:
                hidden.unlink(missing_ok=True)
        return True

    def has_file(self, key: str, size: int) -> bool:
        """Return whether a file has a size, as ``Store.has_file``."""
        with self._sentences(), suppress(FileNotFoundError):
            return self._path(key).stat().st_size == size
        return False

    def put_file(self, key: str, file: Path, report: Report) -> None:
        """Store a file, as ``Store.put_file``."""
        with self._sentences():
            path = self._path(key)
            path.parent.mkdir(parents=True, exist_ok=True)
            _sweep(path.parent)
            _copy(file, path, report)

    def fetch(self, key: str, size: int, folder: Path, report: Report) -> Path:
        """Copy a file, as ``Store.fetch``."""
        with self._sentences():
            source, target = self._path(key), folder / "bundle"
            if source.stat().st_size == size:
                _copy(source, target, report)
                return target
        raise RegistryError(f"The file {key} in {self.address} is damaged: its size is wrong; push the model again.")

    def _path(self, key: str) -> Path:
        return safe_join(self.folder, *key.split("/"))

    @contextmanager
    def _sentences(self) -> Iterator[None]:
        if not self.folder.is_dir():
            raise RegistryError(
                f"There is no folder {self.address}; create it or mount it, or change AUTODET_REGISTRY."
            )
        try:
            yield
        except FileNotFoundError as error:
            raise NotFoundError(f"The registry {self.address} lacks the file {error.filename}.") from error
        except OSError as error:
            raise RegistryError(
                f"The registry {self.address} cannot be used: {error.strerror}; check its permissions and its free "
                "space, and that its file system has hard links."
            ) from error


def _copy(source: Path, target: Path, report: Report) -> None:
    done, size = 0, source.stat().st_size
    with source.open("rb") as read, open_atomically(target) as written:
        while chunk := read.read(CHUNK_BYTES):
            written.write(chunk)
            done += len(chunk)
            report(done, size)


def _sweep(folder: Path) -> None:
    """Delete files of processes that were killed a day ago."""
    for hidden in folder.glob(".*"):
        with suppress(OSError):
            if time.time() - hidden.stat().st_mtime > ABANDONED_SECONDS:
                hidden.unlink()
