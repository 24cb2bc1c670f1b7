"""The journal of drafts: an append-only file in the data set's folder, which every change reaches at once.

datasets/<id>/drafts/
  journal.jsonl    one change in each line, the newest last: the whole draft of a photo, a new class, or the
                   change that an acceptance of proposals made
  lock             held while a line is written

The draft of a photo has a revision. A change names the revision that it is based on, and is refused if another one
came first. A line that a killed process left incomplete does not count, and the next writer removes it.
"""

import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property, partial

from autodet.access.change import change
from autodet.access.visitor import current_visitor
from autodet.datasets.drafts.journal_file import (
    FOLDER,
    PREDICTIONS,
    Document,
    acceptance_line,
    journal_file,
    write_journal,
)
from autodet.datasets.formats.labels import MAX_NAME_LENGTH, plain_name
from autodet.datasets.manifest import Dataset
from autodet.datasets.versions.relabel import refuse_second_spellings
from autodet.errors import BusyError, DatasetError, DraftConflictError
from autodet.records import AcceptedProposals, DraftBox, DraftState, ImageRecord, PhotoDraft
from autodet.text_format import spelling_key


@dataclass(frozen=True, eq=False)
class Drafts:
    """The labels of a data set as they stand now.

    Attributes:
        dataset: The data set, which stays as it is.
        classes: Names of its classes, and of those that were added, in this order.
        changed: The drafts of photos that differ from the data set, by file.
        accepted: The photos of the last acceptance of proposals, by file; ``drafts.acceptance`` takes it back.
    """

    dataset: Dataset
    classes: tuple[str, ...]
    changed: Mapping[str, PhotoDraft]
    accepted: Mapping[str, AcceptedProposals] = field(default_factory=dict)

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
        return self.imported(file)

    def imported(self, file: str) -> PhotoDraft:
        """Return a photo of the data set with the labels that the data set has."""
        return as_imported(self.records[file], self.dataset.classes)

    def state_of(self, file: str) -> DraftState:
        """Return the state of a photo, quicker than ``of``."""
        if file in self.changed:
            return self.changed[file].state
        return "labelled" if len(self.records[file].annotations) else "unlabelled"


def read_drafts(dataset: Dataset) -> Drafts:
    """Return the labels of a data set as they stand now; lines that were read before are not read again."""
    journal = journal_file(dataset.folder)
    with journal.lock:
        journal.catch_up()
        classes = dict.fromkeys((*dataset.classes, *_classes_of_folders(dataset), *journal.classes))
        return Drafts(dataset, tuple(classes), dict(journal.photos), journal.accepted)


def earlier_proposals(dataset: Dataset, file: str) -> tuple[DraftBox, ...]:
    """Return the proposals that a photo had before, which undo may bring back.

    A journal of many megabytes forgets them, because it keeps the newest draft of each photo only.
    """
    drafts = journal_file(dataset.folder).history(file)
    return tuple(dict.fromkeys(box for draft in drafts for box in draft.proposals))


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
            yield replace(draft, issues=()) if draft.reviewed else draft

        return write_drafts(dataset, written)[0]


def propose_labels(
    dataset: Dataset,
    proposals: Mapping[str, Sequence[DraftBox]],
    model: str,
    revisions: Mapping[str, int] | None = None,
) -> int:
    """Add a model's proposals to photos; they replace earlier proposals and leave the labels as they are.

    Args:
        dataset: The data set.
        proposals: The proposed boxes of each photo, with scores, by file.
        model: Id of the model.
        revisions: The revision of each photo that its proposals are made for; a photo with a later one stays as it is.

    Returns:
        The number of photos that changed.

    Raises:
        AccessError: The visitor may not change anything.
        DatasetError: The data set or a photo does not exist.
    """

    def written(now: Drafts) -> Iterator[PhotoDraft]:
        for file, boxes in proposals.items():
            current = now.of(file)
            if revisions is not None and revisions[file] != current.revision:
                continue
            proposed = replace(current, boxes=(*current.labels, *boxes), model=model if boxes else "")
            if proposed != current:
                yield proposed

    with change("propose labels", f"{dataset.id}: {len(proposals)} photos, {model}", dataset.workspace):
        return len(write_drafts(dataset, written))


def add_draft_class(dataset: Dataset, name: str) -> str:
    """Add a class to the drafts of a data set; an existing one stays as it is.

    Returns:
        The name of the class, on one line and without control characters.

    Raises:
        AccessError: The visitor may not change anything.
        DatasetError: The name is blank, too long, or another spelling of a class that exists.
    """
    plain = plain_name(name)
    if not plain:
        raise DatasetError(f"A class needs a name of 1 to {MAX_NAME_LENGTH} characters; write one.")
    with change("label photos", f"{dataset.id}: class {plain}", dataset.workspace), _opened(dataset) as append:
        classes = read_drafts(dataset).classes
        if plain not in classes:
            refuse_second_spellings([plain], [plain, *classes])
            append([{"class": plain, "author": current_visitor().name, "time": _now()}])
    return plain


def carry_drafts(old: Dataset, new: Dataset, classes: Collection[str] = ()) -> None:
    """Take the drafts and kept predictions of a data set over to one with the same photos and more.

    Photos are told by their content.

    Args:
        old: The data set.
        new: The other one, in its hidden folder: it is not published yet.
        classes: Further classes to label with, apart from other spellings of those that there are.

    Raises:
        AccessError: The visitor may not change anything.
        OSError: The disk is full.
    """
    drafts = read_drafts(old)
    files = {record.sha256: record.file for record in new.images}
    found = [(draft, files.get(drafts.records[file].sha256)) for file, draft in drafts.changed.items()]
    carried = [renamed_draft(draft, file) for draft, file in found if file]
    known = (*new.classes, *_classes_of_folders(new))
    own = [name for name in drafts.classes if name not in known]
    spelled = {spelling_key(name) for name in (*known, *own)}
    more = {spelling_key(name): name for name in classes if spelling_key(name) not in spelled}
    lines: list[Document] = [
        *({"class": name} for name in (*own, *more.values())),
        *({"photo": one.to_json()} for one in carried),
    ]
    accepted = {file: drafts.accepted[draft.file] for draft, file in found if file and draft.file in drafts.accepted}
    with change("label photos", f"{new.name}: {len(carried)} drafts of {old.id}", new.workspace):
        if lines:
            write_journal(new.folder, [*lines, acceptance_line(accepted)])
        if (old.folder / FOLDER / PREDICTIONS).is_dir():  # so that no model looks at the photos again
            shutil.copytree(old.folder / FOLDER / PREDICTIONS, new.folder / FOLDER / PREDICTIONS)


def renamed_draft(draft: PhotoDraft, file: str) -> PhotoDraft:
    """Return the draft of the same photo in another data set, which names it ``file``."""
    return replace(draft, file=file, issues=tuple(replace(issue, file=file) for issue in draft.issues))


def _classes_of_folders(dataset: Dataset) -> list[str]:
    """Return the folders that photos without labels were sorted into by class."""
    return [name for one in dataset.findings if one.kind == "unlabelled" for name in one.values.get("classes", ())]


def write_drafts(
    dataset: Dataset,
    changed: Callable[[Drafts], Iterable[PhotoDraft]],
    accepted: Mapping[str, AcceptedProposals] | None = None,
) -> list[PhotoDraft]:
    """Store the drafts that a function makes of the current ones, all or none; call it within ``change``.

    Args:
        dataset: The data set.
        changed: Returns the drafts to store, each with the revision that it is based on; no other change comes between.
        accepted: The acceptances that these drafts make, by file; ``changed`` may fill it in.

    Returns:
        The drafts as stored.

    Raises:
        DatasetError: The data set was deleted, or the disk is full.
    """
    with _opened(dataset) as append:
        written = [_signed(draft) for draft in changed(read_drafts(dataset))]
        lines = [{"photo": draft.to_json()} for draft in written]
        append([*lines, acceptance_line(accepted)] if accepted else lines)
    return written


@contextmanager
def _opened(dataset: Dataset) -> Iterator[Callable[[Iterable[Document]], None]]:
    """Hold the journal; yield a function that appends lines to it."""
    journal = journal_file(dataset.folder)
    try:
        with journal.opened() as descriptor:
            yield partial(journal.append, descriptor)
    except (FileNotFoundError, BusyError) as error:  # BusyError: the data set is being deleted
        raise DatasetError(
            f"The labels of {dataset.name!r} could not be stored: it was deleted, or is in use; reload the page."
        ) from error
    except OSError as error:
        raise DatasetError(
            f"The labels of {dataset.name!r} could not be stored: {error.strerror or 'a file could not be written'}; "
            "check that the disk is not full."
        ) from error


def _signed(draft: PhotoDraft) -> PhotoDraft:
    return replace(draft, revision=draft.revision + 1, author=current_visitor().name, time=_now())


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def as_imported(record: ImageRecord, classes: Sequence[str]) -> PhotoDraft:
    """Return a photo with the labels that its data set has, which a class id of ``classes`` names."""
    marks = record.annotations
    columns = (marks.class_ids.tolist(), marks.boxes_xyxy.tolist(), marks.difficult.tolist(), marks.truncated.tolist())
    boxes = (
        DraftBox(classes[class_id], (box[0], box[1], box[2], box[3]), difficult, truncated)
        for class_id, box, difficult, truncated in zip(*columns, strict=True)
    )
    return PhotoDraft(record.file, tuple(boxes), reviewed=bool(len(marks)))
