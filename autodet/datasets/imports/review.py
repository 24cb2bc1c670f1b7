"""Review of a staged source: the photos and problems of an import under the user's decisions."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

from autodet.datasets.checks.dataset_checks import (
    check_boxes,
    check_classes,
    check_empty,
    check_marked,
    check_untaught,
    check_validation,
    respell,
)
from autodet.datasets.checks.duplicates import Shot, Twins, check_copies, check_twins, keep_together
from autodet.datasets.checks.kinds import DEFAULTS, FEW_LOST, KINDS, Decisions, examples_of
from autodet.datasets.checks.notations import NOTATIONS, propose_notation, reread
from autodet.datasets.checks.photo_checks import CheckedPhoto, check_labels, find_converted
from autodet.datasets.checks.photo_sizes import find_size_kinds
from autodet.datasets.formats.format_detection import UNLABELLED
from autodet.datasets.imports.staging import Staged, StagedPhoto
from autodet.datasets.splits import assign_splits, count_splits
from autodet.errors import DatasetError
from autodet.messages.findings import finding_to_json
from autodet.messages.imports import SPLIT_ORIGINS
from autodet.records import MAX_LOST_SHARE, Finding, Split, SplitOrigin

Value = TypeVar("Value")
ReviewState = Literal["clean", "findings", "unusable"]

LOST_PHOTOS = ("unreadable_photo", "photo_missing", "labels_damaged")
LOST_BOXES = ("box_damaged", "class_unknown", "box_set_aside")


@dataclass(frozen=True)
class Review:
    """The data to import.

    Attributes:
        staged: The source.
        photos: The repaired photos.
        hashes: SHA-256 of each photo's bytes in the source, in hexadecimal.
        splits: The split of each photo.
        findings: All findings with the action for each, sorted by file.
        splits_from: Where the splits come from.
    """

    staged: Staged
    photos: tuple[CheckedPhoto, ...]
    hashes: tuple[str, ...]
    splits: tuple[Split, ...]
    findings: tuple[Finding, ...]
    splits_from: SplitOrigin = ""

    @property
    def asks(self) -> bool:
        """Whether a user should check the findings before the import."""
        return any(KINDS[finding.kind].asks for finding in self.findings)

    @property
    def state(self) -> ReviewState:
        """Whether the source is clean, has findings that a user should check, or cannot be imported at all."""
        if any(KINDS[finding.kind].actions == ("stop",) for finding in self.refusals):
            return "unusable"
        return "findings" if self.asks else "clean"

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes to import, sorted."""
        return tuple(sorted(frozenset[str]().union(*(photo.classes for photo in self.photos))))

    @property
    def boxes(self) -> int:
        """Number of boxes to import."""
        return sum(len(photo.marks) for photo in self.photos)

    def to_json(self) -> dict[str, Any]:
        """Return the keys ``format, classes, splits, splits_from, boxes, problems, undecided, state``.

        ``undecided`` lists the kinds of findings that block the import until the user decides.
        """
        return {
            "format": self.staged.detection.format,
            "classes": list(self.classes),
            "splits": count_splits(self.splits),
            "splits_from": SPLIT_ORIGINS[self.splits_from],
            "boxes": self.boxes,
            "problems": [finding_to_json(finding, planned=True) for finding in self.findings],
            "undecided": sorted({finding.kind for finding in self.refusals}),
            "state": self.state,
        }

    @property
    def refusals(self) -> tuple[Finding, ...]:
        """The findings that block the import under these decisions."""
        return tuple(finding for finding in self.findings if finding.action == "stop")


def review(staged: Staged, decisions: Decisions = DEFAULTS, seed: int = 0) -> Review:
    """Apply decisions to a staged source; fast and without side effects, so that users can change decisions freely.

    Args:
        staged: The source.
        decisions: The action for each kind of finding.
        seed: Seed of the split if the source defines none.

    Raises:
        DatasetError: No photos are left.
    """
    unlabelled, findings = _decide_unlabelled(staged, decisions)
    listed, unlisted = _decide_unlisted(staged, decisions)
    findings += unlisted
    read = (as_decided(photo, decisions) for photo in (*listed, *unlabelled))
    source, misread = _decide_notation([photo for photo in read if photo], decisions)
    sizes = find_size_kinds([(photo.labelled, photo.facts) for photo in source])
    checked = [
        check_labels(photo.labelled, photo.facts, decisions, kind) for photo, kind in zip(source, sizes, strict=True)
    ]
    findings += [
        *_decided(staged.findings, decisions),
        *misread,
        *(finding for photo in checked for finding in photo.findings),
    ]
    findings += (
        []
        if any(finding.action == "stop" for finding in misread)
        else _large_loss(staged, checked, findings, decisions)
    )
    left = [index for index, photo in enumerate(checked) if not photo.dropped]
    photos, hashes = [checked[index] for index in left], [source[index].sha256 for index in left]
    twins = check_twins(photos, hashes, decisions)
    findings = [*_without_copies(findings, twins), *twins.findings]
    photos = [replace(photo, marks=twins.joined.get(index, photo.marks)) for index, photo in enumerate(photos)]
    photos, hashes = _without(twins.left_out, photos), _without(twins.left_out, hashes)
    photos, spelt = respell(photos, decisions)
    written = {mark.name for photo in staged.photos for mark in photo.labelled.marks}
    only_photos = staged.detection.format == UNLABELLED
    spelt += [] if only_photos else check_empty({*staged.classes, *written}, photos)
    shots = [
        Shot(str(photo.source.photo), sha256, photo.facts.look, frozenset(photo.marks))
        for photo, sha256 in zip(photos, hashes, strict=True)
    ]
    given, shown = [photo.source.split for photo in photos], [photo.classes for photo in photos]
    splits, drawn = assign_splits(given, shown, seed, lambda: keep_together(shots))
    copies, twice = check_copies(shots, splits, decisions)
    photos, hashes, splits = _without(copies, photos), _without(copies, hashes), _without(copies, splits)
    photos, untaught = check_untaught(photos, splits, decisions)
    photos, classes = check_classes(photos, splits, decisions)
    empty = [] if only_photos else check_boxes(photos, staged.shown, written=bool(written))
    if only_photos:
        empty.append(Finding("unlabelled", "", "keep", {"photos": len(photos), "classes": list(staged.classes)}))
    empty += [*check_marked(photos, splits), *check_validation(splits, drawn=bool(drawn))]
    findings += [*spelt, *twice, *untaught, *classes, *empty, *find_converted(photos)]
    if not photos:
        raise DatasetError(f"Nothing is left of {staged.shown!r} after these decisions; leave out less.")
    in_order = sorted(_with_photos(staged, findings), key=lambda finding: finding.file)
    origin = drawn or staged.splits_from
    return Review(staged, tuple(photos), tuple(hashes), tuple(splits), tuple(in_order), origin)


def _without(left_out: Collection[int], values: Sequence[Value]) -> list[Value]:
    return [value for index, value in enumerate(values) if index not in left_out]


def _with_photos(staged: Staged, findings: Sequence[Finding]) -> Iterator[Finding]:
    """Yield the findings, each with the photo whose file it names, or whose labels if they are of no other photo."""
    photos: dict[str, str | None] = {}
    for staged_photo in (*staged.photos, *staged.unlabelled):
        photo, labels = str(staged_photo.labelled.photo), staged_photo.labelled.labels
        photos[labels] = photo if labels not in photos else None
        photos[photo] = photo
    for finding in findings:
        photo_of_file = photos.get(finding.file)
        yield finding if finding.photos or not photo_of_file else replace(finding, photos=(photo_of_file,))


def as_decided(photo: StagedPhoto, decisions: Decisions) -> StagedPhoto | None:
    """Return a photo with its annotations as the decisions read them; None if they leave it out."""
    for reading in photo.labelled.readings:
        needed = ((reading.kind, reading.action), *reading.also)
        if all(decisions[kind] == action for kind, action in needed):
            if reading.left_out:
                return None
            photo = replace(photo, labelled=replace(photo.labelled, marks=reading.marks))
    return photo


def _decide_notation(photos: Sequence[StagedPhoto], decisions: Decisions) -> tuple[list[StagedPhoto], list[Finding]]:
    """Read all boxes in the notation that was decided; report it if many boxes fit their photos in another one only."""
    action = decisions["box_notation"]
    sized = [photo.labelled.stated_wh in (None, (0, 0), photo.facts.upright_wh) for photo in photos]
    proposal = propose_notation(
        [(photo.labelled, photo.facts) for photo, is_sized in zip(photos, sized, strict=True) if is_sized]
    )
    findings = [replace(proposal.finding(), action=action)] if proposal else []
    if action not in NOTATIONS:
        return list(photos), findings
    unit = proposal.fitting.get(action) if proposal else None
    return [replace(photo, labelled=reread(photo.labelled, action, unit)) for photo in photos], findings


def _without_copies(findings: Sequence[Finding], twins: Twins) -> Iterator[Finding]:
    """Yield the findings; those about photos without labels do not count the unlabelled copies that are left out."""
    copies = {finding.file for finding in twins.findings if finding.kind == "copy_unlabelled"}
    for finding in findings:
        photos = tuple(photo for photo in finding.photos if photo not in copies)
        if finding.kind != "label_file_missing" or len(photos) == len(finding.photos):
            yield finding
        elif photos:
            yield replace(finding, photos=photos, values={"photos": len(photos)})


def _decided(findings: Sequence[Finding], decisions: Decisions) -> Iterator[Finding]:
    """Yield the findings of the format's reader; those with a choice get the action that was decided."""
    for finding in findings:
        asks = len(KINDS[finding.kind].actions) > 1
        yield replace(finding, action=decisions[finding.kind]) if asks else finding


def _decide_unlabelled(staged: Staged, decisions: Decisions) -> tuple[Sequence[StagedPhoto], list[Finding]]:
    action = decisions["photo_unlabelled"]
    labelled = {photo.sha256: str(photo.labelled.photo) for photo in reversed(staged.photos) if photo.labelled.marks}
    copies = [photo for photo in staged.unlabelled if photo.sha256 in labelled]
    others = [photo for photo in staged.unlabelled if photo.sha256 not in labelled]
    findings = [Finding("photo_unlabelled", str(photo.labelled.photo), action) for photo in others]
    if action == "keep":
        return staged.unlabelled, findings  # ``check_twins`` finds the copies
    for photo in copies:
        file = str(photo.labelled.photo)
        values = {"file": labelled[photo.sha256]}
        findings.append(Finding("copy_unlabelled", file, "drop", values, photos=(file, values["file"])))
    return (), findings


def _decide_unlisted(staged: Staged, decisions: Decisions) -> tuple[Sequence[StagedPhoto], list[Finding]]:
    action = decisions["photo_unlisted"]
    unlisted = [photo.labelled for photo in staged.photos if photo.labelled.unlisted]
    findings = [Finding("photo_unlisted", str(labelled.photo), action) for labelled in unlisted]
    return [photo for photo in staged.photos if action == "keep" or not photo.labelled.unlisted], findings


def _large_loss(
    staged: Staged, checked: Sequence[CheckedPhoto], findings: Sequence[Finding], decisions: Decisions
) -> list[Finding]:
    """Report if a large part of the labelled data is unusable."""
    left_out = decisions["photo_unlisted"] == "drop" and staged.stale_lists
    unlisted = [len(photo.labelled.marks) for photo in staged.photos if left_out and photo.labelled.unlisted]
    unusable = sum(_loses_photo(finding) for finding in staged.findings)
    if any(finding.kind == "labels_damaged" and not finding.photos for finding in staged.findings):
        unusable += len(staged.unlabelled)  # a file about many photos is damaged, and these are likely some of them
    unread = sum(finding.kind in LOST_BOXES for finding in staged.findings)
    unread += sum(finding.values.get("boxes", 0) for finding in staged.findings if finding.kind == "labels_twice")
    photos = unusable + sum(map(bool, unlisted))
    boxes = unread + sum(unlisted) + sum(photo.lost for photo in checked)
    of_photos = unusable + len(staged.photos)
    of_boxes = unread + sum(unlisted) + sum(len(photo.source.marks) for photo in checked)
    cut = sum(photo.cut for photo in checked)
    if not _is_large(photos, of_photos) and not _is_large(boxes + cut, of_boxes):
        return []
    counts = {"photos": photos, "of_photos": of_photos, "boxes": boxes, "of_boxes": of_boxes, "cut": cut}
    examples = examples_of([finding for finding in findings if _is_loss(finding)])
    values = {"source": staged.shown, **counts, "unlisted": bool(unlisted), "examples": examples}
    return [Finding("large_loss", "", decisions["large_loss"], values)]


def _loses_photo(finding: Finding) -> bool:
    """Return whether a labelled photo is lost; a skipped file may hold the only labels of a photo."""
    return finding.cause == "other_program" or finding.kind in LOST_PHOTOS


def _is_loss(finding: Finding) -> bool:
    """Return whether a finding explains a loss: something is left out, or a box is cut."""
    loses = KINDS[finding.kind].loses or _loses_photo(finding)
    loses = loses or (finding.kind == "labels_twice" and finding.values.get("boxes", 0) > 0)
    return loses and (finding.action == "drop" or finding.kind == "box_outside")


def _is_large(lost: int, of: int) -> bool:
    return lost > FEW_LOST and lost > MAX_LOST_SHARE * of
