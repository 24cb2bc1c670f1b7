"""The file of a journal: whole lines are appended under a lock, and read once by each process.

Every file begins with a line that no other file has, so that a process notices when another one has replaced the file
by a shorter one with the same content.
"""

import json
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from autodet.lock import hold_folder, hold_lock
from autodet.records import AcceptedProposals, PhotoDraft

FOLDER, JOURNAL = "drafts", "journal.jsonl"
PREDICTIONS = "predictions"  # subfolder with the detections of models, by their weights
HEAD_BYTES = 40  # within the first line, which holds a random number
MAX_BYTES = 8_000_000  # of a file in which most lines are out of date

Document = Mapping[str, Any]


@dataclass
class JournalFile:
    """What this process has read of a journal.

    Attributes:
        folder: The data set's folder.
        classes: The lines of added classes, by name.
        photos: The newest draft of each photo, by file.
        accepted: The photos of the last acceptance of proposals, by file.
    """

    folder: Path
    classes: dict[str, Document] = field(default_factory=dict)
    photos: dict[str, PhotoDraft] = field(default_factory=dict)
    accepted: dict[str, AcceptedProposals] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    _head: bytes = b""
    _read: int = 0  # bytes
    _lines: int = 0

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / FOLDER / JOURNAL

    def catch_up(self) -> None:
        """Read the lines that were added; hold ``lock``."""
        try:
            with self.path.open("rb") as file:
                head = file.read(HEAD_BYTES)
                if not head.startswith(self._head) or os.fstat(file.fileno()).st_size < self._read:
                    self._forget()
                file.seek(self._read)
                text = file.read()
        except (FileNotFoundError, NotADirectoryError):
            self._forget()
            return
        whole = text[: text.rfind(b"\n") + 1]
        if not self._read:
            self._head = whole[:HEAD_BYTES]
        self._read += len(whole)
        for line in whole.splitlines():
            self._take(line)

    def history(self, file: str) -> Iterator[PhotoDraft]:
        """Yield the drafts of a photo that the file still has, the oldest first."""
        begin = _line({"photo": {"file": file}}).removesuffix(b"}}\n")  # the first attribute of a draft
        with suppress(FileNotFoundError, NotADirectoryError), self.path.open("rb") as lines:
            for line in lines:
                if line.startswith(begin) and line.endswith(b"\n"):
                    yield PhotoDraft.from_json(json.loads(line)["photo"])

    @contextmanager
    def opened(self) -> Iterator[int]:
        """Hold the journal for ``append``; yield its descriptor.

        Raises:
            FileNotFoundError: The data set does not exist.
            BusyError: It is being deleted, or another process does not let go of the journal.
        """
        with hold_folder(self.folder):
            folder = self.path.parent
            folder.mkdir(exist_ok=True)
            with hold_lock(folder), self.path.open("a+b") as file:
                yield file.fileno()

    def append(self, descriptor: int, documents: Iterable[Document]) -> None:
        """Append lines after the last complete one, and shorten the file if most lines are out of date.

        Raises:
            OSError: The disk is full or cannot be written; the file is as before.
        """
        text = b"".join(map(_line, documents))
        if not text:
            return
        end = _whole_bytes(descriptor)
        os.ftruncate(descriptor, end)
        text = text if end else _first_line() + text
        try:
            _write(descriptor, text)
        except OSError:
            os.ftruncate(descriptor, end)
            raise
        if end + len(text) > MAX_BYTES:
            with self.lock:
                self.catch_up()
                if self._lines > 2 * (len(self.photos) + len(self.classes)):
                    self._compact()

    def _compact(self) -> None:
        """Replace the file by one with the newest lines only; a reader has the old file or the new one."""
        draft = self.path.with_suffix(f".{uuid4().hex}.tmp")
        photos = ({"photo": photo.to_json()} for photo in self.photos.values())
        current = [*self.classes.values(), *photos, acceptance_line(self.accepted)]
        with suppress(OSError):  # a full disk: the long file holds the same
            try:
                with draft.open("xb") as file:
                    _write(file.fileno(), _first_line() + b"".join(map(_line, current)))
                draft.replace(self.path)
            finally:
                draft.unlink(missing_ok=True)

    def _take(self, line: bytes) -> None:
        self._lines += 1
        document = json.loads(line)
        if "class" in document:
            self.classes.setdefault(document["class"], document)
        elif "photo" in document:
            draft = PhotoDraft.from_json(document["photo"])
            self.photos[draft.file] = draft
        elif "accepted" in document:
            self.accepted = {
                file: AcceptedProposals.from_json(accepted) for file, accepted in document["accepted"].items()
            }

    def _forget(self) -> None:
        self.classes, self.photos, self.accepted = {}, {}, {}
        self._head, self._read, self._lines = b"", 0, 0


def journal_file(folder: Path) -> JournalFile:
    """Return what this process has read of the journal of a data set, by the data set's folder."""
    return _files.setdefault(str(folder.absolute()), JournalFile(folder.absolute()))


_files: dict[str, JournalFile] = {}


def write_journal(folder: Path, documents: Iterable[Document]) -> None:
    """Write the first journal of a data set that is not published yet; it needs no lock.

    Raises:
        OSError: The disk is full or cannot be written.
    """
    path = folder / FOLDER / JOURNAL
    path.parent.mkdir()
    with path.open("xb") as file:
        _write(file.fileno(), _first_line() + b"".join(map(_line, documents)))


def acceptance_line(accepted: Mapping[str, AcceptedProposals]) -> Document:
    """Return the line of an acceptance of proposals, by file."""
    return {"accepted": {file: one.to_json() for file, one in accepted.items()}}


def _line(document: Document) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"


def _first_line() -> bytes:
    return _line({"journal": uuid4().hex})


def _write(descriptor: int, text: bytes) -> None:
    while text:
        text = text[os.write(descriptor, text) :]
    os.fsync(descriptor)


def _whole_bytes(descriptor: int) -> int:
    """Return the length of a journal up to its last complete line."""
    end = os.fstat(descriptor).st_size
    while end:
        start = max(0, end - 65536)
        place = os.pread(descriptor, end - start, start).rfind(b"\n")
        if place >= 0:
            return start + place + 1
        end = start
    return 0
