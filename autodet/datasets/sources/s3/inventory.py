"""What a bucket's folder holds, on disk: two hundred thousand keys need not sit in memory.

The list is kept beside the files, so that whoever goes on with a download knows which of them are still what the
server has.
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
    """One object.

    Attributes:
        key: Its name in the bucket.
        path: Where it goes, below the folder of files.
        size: In bytes.
        etag: What its server calls this content, without quotes; empty if it does not say.
    """

    key: str
    path: PurePosixPath
    size: int
    etag: str


class Inventory:
    """The objects of one download, in a file.

    Attributes:
        count: How many there are.
        size: How many bytes they have together.
    """

    def __init__(self, file: Path, shown: str, settings: Settings) -> None:
        """Open it, or begin it.

        Args:
            file: Where it is kept.
            shown: What errors call the source.
            settings: The caps on bytes and files.
        """
        self._database = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        self._database.execute(
            "PRAGMA synchronous = OFF"
        )  # a crash of the machine may cost the list, which is asked anew
        self._shown, self._settings = shown, settings
        self.count = self.size = 0
        self._last_folder = PurePosixPath()

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def refresh(self, objects: Iterable[S3Object], files: Path) -> None:
        """Take what the server lists now, and delete files of objects that have changed or gone.

        Raises:
            DatasetError: They are too many or too large, or two of them cannot both be files.
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
        """All of them, in the server's order."""
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
        if item.path.parent != self._last_folder:  # most objects lie beside the one before them
            self._last_folder = item.path.parent
            folders = [(str(folder).casefold(),) for folder in item.path.parents][:-1]
            self._database.executemany("INSERT OR IGNORE INTO folders VALUES (?)", folders)

    def _refuse_file_in_file(self) -> None:
        found = self._database.execute("SELECT key FROM fresh JOIN folders USING (folded) LIMIT 1").fetchone()
        if found:
            raise DatasetError(f"{found[0][:100]!r} is both a file and a folder in the bucket; rename one.")


def safe_key(key: str) -> PurePosixPath:
    """A key as a path that stays below wherever it is joined to.

    Raises:
        DatasetError: It is absolute, goes up, or holds what no file name can.
    """
    try:
        return safe_path(key)
    except ArchiveError as error:
        raise DatasetError(f"The bucket holds the key {key[:100]!r}, which is not a file name; rename it.") from error
