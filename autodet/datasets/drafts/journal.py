"""The journal of drafts: an append-only file in the data set's folder, which every change reaches at once.

datasets/<id>/drafts/
  journal.jsonl    one change in each line, the newest last: the whole draft of a photo, or a new class
  lock             held while a line is written

The draft of a photo has a revision. A change names the revision that it is based on, and is refused if another one
came first. A line that a killed process left incomplete does not count, and the next writer removes it.
"""

import json
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from autodet.access.change import change
from autodet.access.visitor import current_visitor
from autodet.datasets.manifest import Dataset
from autodet.errors import BusyError, DatasetError, DraftConflictError
from autodet.lock import hold_folder, hold_lock
from autodet.records import DraftBox, DraftState, ImageRecord, PhotoDraft

FOLDER, JOURNAL = "drafts", "journal.jsonl"


@dataclass(frozen=True, eq=False)
class Drafts:
    """The labels of a data set as they stand now.

    Attributes:
        dataset: The data set, which stays as it is.
        classes: Names of its classes, and of those that were added, in this order.
        changed: The drafts of photos that differ from the data set, by file.
    """

    dataset: Dataset
    classes: tuple[str, ...]
    changed: Mapping[str, PhotoDraft]

    @cached_property
    def records(self) -> Mapping[str, ImageRecord]:
        """The photos of the data set, by file."""
        return {record.file: record for record in self.dataset.images}

    def of(self, file: str) -> PhotoDraft:
        """Return the draft of a photo; one without changes has the labels of the data set and revision 0.

        Raises:
            DatasetError: The data set has no such photo.
        """
        if file in self.changed:
            return self.changed[file]
        if file not in self.records:
            raise DatasetError(f"The data set {self.dataset.name!r} has no photo {file!r}; name one of its photos.")
        return _as_imported(self.records[file], self.dataset.classes)

    def state_of(self, file: str) -> DraftState:
        """Return what is known of a photo, quicker than ``of``."""
        if file in self.changed:
            return self.changed[file].state
        return "labelled" if len(self.records[file].annotations) else "unlabelled"


def read_drafts(dataset: Dataset) -> Drafts:
    """Return the labels of a data set as they stand now; lines that were read before are not read again."""
    state = _states.setdefault(str(dataset.folder), _State())
    with state.lock:
        state.catch_up(dataset.folder / FOLDER / JOURNAL)
        classes = dict.fromkeys((*dataset.classes, *_classes_of_folders(dataset), *state.classes))
        return Drafts(dataset, tuple(classes), dict(state.photos))


def save_draft(dataset: Dataset, draft: PhotoDraft) -> PhotoDraft:
    """Store a person's change of one photo at once.

    Args:
        dataset: The data set.
        draft: The whole new state of the photo; its revision is the one that the change is based on.

    Returns:
        The draft as stored, with its new revision, author and time.

    Raises:
        AccessError: The visitor may not change anything.
        DraftConflictError: The photo was changed since that revision; nothing was stored.
        DatasetError: The data set or its photo does not exist.
    """
    first = read_drafts(dataset).of(draft.file).author != current_visitor().name
    with change("label photos", f"{dataset.id}: {draft.file}", dataset.workspace, logged=first):

        def written(now: Drafts) -> Iterator[PhotoDraft]:
            current = now.of(draft.file)
            if current.revision != draft.revision:
                raise DraftConflictError(current)
            yield _signed(draft)

        return _write(dataset, written)[0]


def propose_labels(dataset: Dataset, proposals: Mapping[str, Sequence[DraftBox]], model: str) -> int:
    """Add a model's proposals to photos; they replace earlier proposals and leave the labels as they are.

    Args:
        dataset: The data set.
        proposals: The proposed boxes of each photo, with scores, by file.
        model: Id of the model.

    Returns:
        The number of photos that changed.

    Raises:
        AccessError: The visitor may not change anything.
        DatasetError: The data set or a photo does not exist.
    """

    def written(now: Drafts) -> Iterator[PhotoDraft]:
        for file, boxes in proposals.items():
            current = now.of(file)
            proposed = replace(current, boxes=(*current.labels, *boxes), model=model if boxes else "")
            if proposed != current:
                yield _signed(proposed)

    with change("propose labels", f"{dataset.id}: {len(proposals)} photos, {model}", dataset.workspace):
        return len(_write(dataset, written))


def add_draft_class(dataset: Dataset, name: str) -> None:
    """Add a class to the drafts of a data set; an existing one stays as it is."""
    with change("label photos", f"{dataset.id}: class {name}", dataset.workspace), _opened(dataset) as append:
        if name not in read_drafts(dataset).classes:
            append([{"class": name, "author": current_visitor().name, "time": _now()}])


def carry_drafts(old: Dataset, new: Dataset) -> int:
    """Take the drafts of a data set over to one with the same photos and more; photos are told by their content.

    Drafts that ``new`` has of its own are kept.

    Returns:
        The number of drafts that were taken over.

    Raises:
        AccessError: The visitor may not change anything.
        DatasetError: A data set was deleted.
    """
    drafts, now = read_drafts(old), read_drafts(new)
    files = {record.sha256: file for file, record in now.records.items() if file not in now.changed}
    found = [(draft, files.get(drafts.records[file].sha256)) for file, draft in drafts.changed.items()]
    carried = [_renamed(draft, file) for draft, file in found if file]
    classes = [name for name in drafts.classes if name not in now.classes]
    with change("label photos", f"{new.id}: {len(carried)} drafts of {old.id}", new.workspace), _opened(new) as append:
        append([*({"class": name} for name in classes), *({"photo": draft.to_json()} for draft in carried)])
    return len(carried)


def _renamed(draft: PhotoDraft, file: str) -> PhotoDraft:
    return replace(draft, file=file, issues=tuple(replace(issue, file=file) for issue in draft.issues))


def _classes_of_folders(dataset: Dataset) -> list[str]:
    """Return the folders that photos without labels were sorted into by class."""
    return [name for one in dataset.findings if one.kind == "unlabelled" for name in one.values.get("classes", ())]


@dataclass
class _State:
    """What this process has read of a journal."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    inode: int = 0
    read: int = 0  # bytes
    classes: list[str] = field(default_factory=list)
    photos: dict[str, PhotoDraft] = field(default_factory=dict)

    def catch_up(self, journal: Path) -> None:
        try:
            with journal.open("rb") as file:
                found = os.fstat(file.fileno())
                if found.st_ino != self.inode or found.st_size < self.read:
                    self.inode, self.read, self.classes, self.photos = found.st_ino, 0, [], {}
                file.seek(self.read)
                text = file.read()
        except FileNotFoundError:
            self.inode, self.read, self.classes, self.photos = 0, 0, [], {}
            return
        whole = text[: text.rfind(b"\n") + 1]
        self.read += len(whole)
        for line in whole.splitlines():
            self._take(json.loads(line))

    def _take(self, document: Mapping[str, Any]) -> None:
        if "class" in document:
            self.classes.append(document["class"])
        elif "photo" in document:
            draft = PhotoDraft.from_json(document["photo"])
            self.photos[draft.file] = draft


_states: dict[str, _State] = {}


def _write(dataset: Dataset, changed: Callable[[Drafts], Iterable[PhotoDraft]]) -> list[PhotoDraft]:
    """Append the drafts that a function makes of the current ones."""
    with _opened(dataset) as append:
        written = list(changed(read_drafts(dataset)))
        append([{"photo": draft.to_json()} for draft in written])
    return written


@contextmanager
def _opened(dataset: Dataset) -> Iterator[Callable[[Sequence[Mapping[str, Any]]], None]]:
    """Hold the journal; yield a function that appends lines to it."""
    folder = dataset.folder / FOLDER
    try:
        with hold_folder(dataset.folder):
            folder.mkdir(exist_ok=True)
            with hold_lock(folder), (folder / JOURNAL).open("a+b") as file:
                yield lambda documents: _append(file.fileno(), documents)
    except (FileNotFoundError, BusyError) as error:  # BusyError: the data set is being deleted
        raise DatasetError(
            f"The labels of {dataset.name!r} could not be stored: it was deleted, or is in use; reload the page."
        ) from error


def _append(descriptor: int, documents: Sequence[Mapping[str, Any]]) -> None:
    """Append whole lines after the last complete one; after an error the file is as before."""
    end = _whole_bytes(descriptor)
    os.ftruncate(descriptor, end)
    text = "".join(json.dumps(document, separators=(",", ":")) + "\n" for document in documents).encode()
    try:
        while text:
            text = text[os.write(descriptor, text) :]
        os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, end)
        raise


def _whole_bytes(descriptor: int) -> int:
    """Return the length of a journal up to its last complete line."""
    end = size = os.fstat(descriptor).st_size
    while end:
        start = max(0, end - 65536)
        place = os.pread(descriptor, end - start, start).rfind(b"\n")
        if place >= 0:
            return start + place + 1
        end = start
    return min(size, 0)


def _signed(draft: PhotoDraft) -> PhotoDraft:
    return replace(draft, revision=draft.revision + 1, author=current_visitor().name, time=_now())


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _as_imported(record: ImageRecord, classes: Sequence[str]) -> PhotoDraft:
    marks = record.annotations
    columns = (marks.class_ids.tolist(), marks.boxes_xyxy.tolist(), marks.difficult.tolist(), marks.truncated.tolist())
    boxes = (
        DraftBox(classes[class_id], (box[0], box[1], box[2], box[3]), difficult, truncated)
        for class_id, box, difficult, truncated in zip(*columns, strict=True)
    )
    return PhotoDraft(record.file, tuple(boxes), reviewed=bool(len(marks)))
