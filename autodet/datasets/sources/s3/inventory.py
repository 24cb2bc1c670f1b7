"""Object list of a bucket's folder, kept on disk because it may have two hundred thousand keys.

The list stays beside the files, so that a resumed download knows which of them still match the server.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from autodet.datasets.sources.archive import safe_path
from autodet.errors import ArchiveError, DatasetError
from autodet.settings import Settings
from autodet.text_format import size_text
from autodet.workspace import safe_join

SCHEMA = """
CREATE TABLE IF NOT EXISTS listed (folded TEXT PRIMARY KEY, path TEXT, key TEXT, size INTEGER, etag TEXT);
DROP TABLE IF EXISTS fresh;
DROP TABLE IF EXISTS folders;
CREATE TABLE fresh (folded TEXT PRIMARY KEY, path TEXT, key TEXT, size INTEGER, etag TEXT);
CREATE TABLE folders (folded TEXT PRIMARY KEY);
"""
OUTDATED = """
SELECT listed.path FROM listed LEFT JOIN fresh ON fresh.path = listed.path AND fresh.folded = listed.folded
WHERE (fresh.key, fresh.size, fresh.etag) IS NOT (listed.key, listed.size, listed.etag)
"""


@dataclass(frozen=True)
class S3Object:
    """One object of a bucket.

    Attributes:
        key: Its name in the bucket.
        path: Its target path, relative to the folder of files.
        size: Its size in bytes.
        etag: The server's identifier of this content, without quotes; empty if not given.
    """

    key: str
    path: PurePosixPath
    size: int
    etag: str


class Inventory:
    """The objects of one download, stored in a database file.

    Attributes:
        count: The number of objects.
        size: Their total size in bytes.
    """

    def __init__(self, file: Path, shown: str, settings: Settings) -> None:
        """Open or create the database.

        Args:
            file: The database file.
            shown: The source's name in error messages.
            settings: The limits on bytes and files.
        """
        self._database = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        self._database.execute(
            "PRAGMA synchronous = OFF"
        )  # a machine crash may lose the list, which is then requested again
        self._shown, self._settings = shown, settings
        self.count = self.size = 0
        self._last_folder = PurePosixPath()

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def refresh(self, objects: Iterable[S3Object], files: Path) -> None:
        """Store the server's current list, and delete files of changed or removed objects.

        Raises:
            DatasetError: The objects are too many or too large, or two of them cannot both be files.
        """
        self.count = self.size = 0
        self._last_folder = PurePosixPath()
        self._database.executescript(SCHEMA)
        self._database.execute("BEGIN")
        for item in objects:
            self._add(item)
        self._refuse_file_in_file()
        for (path,) in self._database.execute(OUTDATED):
            with suppress(FileNotFoundError, NotADirectoryError):
                safe_join(files, path).unlink()
        self._database.execute("DROP TABLE listed")
        self._database.execute("ALTER TABLE fresh RENAME TO listed")
        self._database.execute("COMMIT")

    def objects(self) -> Iterator[S3Object]:
        """Yield all objects in the server's order."""
        for key, path, size, etag in self._database.execute("SELECT key, path, size, etag FROM listed ORDER BY rowid"):
            yield S3Object(key, PurePosixPath(path), size, etag)

    def _add(self, item: S3Object) -> None:
        self.count += 1
        self.size += item.size
        if self.count > self._settings.max_archive_entries:
            raise DatasetError(
                f"{self._shown!r} holds more than {self._settings.max_archive_entries} files; choose the folder of one "
                "data set, or raise AUTODET_MAX_ARCHIVE_FILES."
            )
        if self.size > self._settings.max_archive_bytes:
            raise DatasetError(
                f"{self._shown!r} holds more than {size_text(self._settings.max_archive_bytes)}; choose a smaller "
                "folder, or raise AUTODET_MAX_ARCHIVE_MB."
            )
        folded = str(item.path).casefold()
        row = (folded, str(item.path), item.key, item.size, item.etag)
        try:
            self._database.execute("INSERT INTO fresh VALUES (?, ?, ?, ?, ?)", row)
        except sqlite3.IntegrityError:
            (other,) = self._database.execute("SELECT key FROM fresh WHERE folded = ?", (folded,)).fetchone()
            raise DatasetError(
                f"The bucket holds both {other[:100]!r} and {item.key[:100]!r}, which are one file on many computers; "
                "rename one."
            ) from None
        if item.path.parent != self._last_folder:  # most objects share the folder of the previous one
            self._last_folder = item.path.parent
            folders = [(str(folder).casefold(),) for folder in item.path.parents][:-1]
            self._database.executemany("INSERT OR IGNORE INTO folders VALUES (?)", folders)

    def _refuse_file_in_file(self) -> None:
        found = self._database.execute("SELECT key FROM fresh JOIN folders USING (folded) LIMIT 1").fetchone()
        if found:
            raise DatasetError(f"{found[0][:100]!r} is both a file and a folder in the bucket; rename one.")


def safe_key(key: str) -> PurePosixPath:
    """Convert a key to a path that stays below the folder it is joined to.

    Raises:
        DatasetError: The key is absolute, contains ``..``, is too deep, or is not a valid file name.
    """
    try:
        return safe_path(key)
    except ArchiveError as error:
        raise DatasetError(f"The bucket holds the key {key[:100]!r}, which is not a file name; rename it.") from error
