"""Review of a staged source: the photos and problems of an import under the user's decisions."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from autodet.datasets.checks.dataset_checks import (
    check_boxes,
    check_classes,
    check_empty,
    check_marked,
    check_untaught,
    check_validation,
    respell,
)
from autodet.datasets.checks.duplicates import Shot, check_copies, keep_together
from autodet.datasets.checks.kinds import DEFAULTS, FEW_LOST, KINDS, Decisions, examples_of
from autodet.datasets.checks.photo_checks import CheckedPhoto, check_labels
from autodet.datasets.imports.staging import Staged, StagedPhoto
from autodet.datasets.splits import assign_splits
from autodet.errors import DatasetError
from autodet.records import MAX_LOST_SHARE, Finding, Split

Value = TypeVar("Value")

LOST_PHOTOS = ("unreadable_photo", "photo_missing", "labels_damaged")
LOST_BOXES = ("box_damaged", "class_unknown", "box_set_aside")


@dataclass(frozen=True)
class Review:
    """The data to import.

    Attributes:
        staged: The source.
        photos: The repaired photos.
        hashes: SHA-256 of each photo's bytes, in hexadecimal.
        splits: The split of each photo.
        findings: All findings with the action for each, sorted by file.
    """

    staged: Staged
    photos: tuple[CheckedPhoto, ...]
    hashes: tuple[str, ...]
    splits: tuple[Split, ...]
    findings: tuple[Finding, ...]

    @property
    def asks(self) -> bool:
        """Whether a user should check the findings before the import."""
        return any(KINDS[finding.kind].asks for finding in self.findings)

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
    source = [read for photo in (*listed, *unlabelled) if (read := _as_decided(photo, decisions))]
    checked = [check_labels(photo.labelled, photo.facts, decisions) for photo in source]
    findings += [
        *_decided(staged.findings, decisions),
        *(finding for photo in checked for finding in photo.findings),
    ]
    findings += _large_loss(staged, checked, findings, decisions)
    left = [index for index, photo in enumerate(checked) if not photo.dropped]
    photos, hashes = [checked[index] for index in left], [source[index].sha256 for index in left]
    photos, spelt = respell(photos, decisions)
    written = {mark.name for photo in staged.photos for mark in photo.labelled.marks}
    spelt += check_empty({*staged.classes, *written}, photos)
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
    empty = check_boxes(photos, staged.shown, written=bool(written))
    empty += [*check_marked(photos, splits), *check_validation(splits, drawn=drawn)]
    findings += [*spelt, *twice, *untaught, *classes, *empty]
    if not photos:
        raise DatasetError(f"Nothing is left of {staged.shown!r} after these decisions; leave out less.")
    in_order = sorted(_with_photos(staged, findings), key=lambda finding: finding.file)
    return Review(staged, tuple(photos), tuple(hashes), tuple(splits), tuple(in_order))


def _without(left_out: set[int], values: Sequence[Value]) -> list[Value]:
    return [value for index, value in enumerate(values) if index not in left_out]


def _with_photos(staged: Staged, findings: Sequence[Finding]) -> Iterator[Finding]:
    """Yield the findings, each with the photo whose file or labels it names."""
    photos: dict[str, str] = {}
    for staged_photo in (*staged.photos, *staged.unlabelled):
        photo = str(staged_photo.labelled.photo)
        photos[photo] = photos[staged_photo.labelled.labels] = photo
    for finding in findings:
        known = finding.photos or finding.file not in photos
        yield finding if known else replace(finding, photos=(photos[finding.file],))


def _as_decided(photo: StagedPhoto, decisions: Decisions) -> StagedPhoto | None:
    """Return a photo with its annotations as the decisions read them; None if they leave it out."""
    for kind, action, marks, also in photo.labelled.readings:
        if all(decisions[needed] == chosen for needed, chosen in ((kind, action), *also)):
            if marks is None:
                return None
            photo = replace(photo, labelled=replace(photo.labelled, marks=marks))
    return photo


def _decided(findings: Sequence[Finding], decisions: Decisions) -> Iterator[Finding]:
    """Yield the findings of the format's reader; those that ask the user get the action that was decided."""
    for finding in findings:
        asks = "stop" in KINDS[finding.kind].actions
        yield replace(finding, action=decisions[finding.kind]) if asks else finding


def _decide_unlabelled(staged: Staged, decisions: Decisions) -> tuple[Sequence[StagedPhoto], list[Finding]]:
    action = decisions["photo_unlabelled"]
    findings = [Finding("photo_unlabelled", str(photo.labelled.photo), action) for photo in staged.unlabelled]
    return (staged.unlabelled if action == "keep" else ()), findings


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
    unread = sum(finding.kind in LOST_BOXES for finding in staged.findings)
    photos = unusable + sum(map(bool, unlisted))
    boxes = unread + sum(unlisted) + sum(photo.lost for photo in checked)
    of_photos = unusable + len(staged.photos)
    of_boxes = unread + sum(unlisted) + sum(len(photo.source.marks) for photo in checked)
    if not _is_large(photos, of_photos) and not _is_large(boxes, of_boxes):
        return []
    counts = {"photos": photos, "of_photos": of_photos, "boxes": boxes, "of_boxes": of_boxes}
    examples = examples_of([finding for finding in findings if _is_loss(finding) and finding.action == "drop"])
    values = {"source": staged.shown, **counts, "unlisted": bool(unlisted), "examples": examples}
    return [Finding("large_loss", "", decisions["large_loss"], values)]


def _loses_photo(finding: Finding) -> bool:
    """Return whether a labelled photo is lost; a skipped file may hold the only labels of a photo."""
    return finding.cause == "other_program" or finding.kind in LOST_PHOTOS


def _is_loss(finding: Finding) -> bool:
    return KINDS[finding.kind].loses or _loses_photo(finding)


def _is_large(lost: int, of: int) -> bool:
    return lost > FEW_LOST and lost > MAX_LOST_SHARE * of
