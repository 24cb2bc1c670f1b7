"""Review of a staged source: the photos and problems of an import under the user's decisions."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from autodet.datasets.checks.dataset_checks import (
    NOTHING_IMPORTED,
    check_boxes,
    check_classes,
    check_empty,
    check_marked,
    check_untaught,
    check_validation,
    respell,
)
from autodet.datasets.checks.duplicates import Shot, check_copies, keep_together
from autodet.datasets.checks.kinds import DEFAULTS, FEW_LOST, KINDS, MAX_LOST_SHARE, Decisions, examples_of
from autodet.datasets.checks.photo_checks import CUT, CheckedPhoto, check_labels
from autodet.datasets.formats.labels import PHOTO_LEFT_OUT
from autodet.datasets.imports.staging import Staged, StagedPhoto
from autodet.datasets.splits import assign_splits
from autodet.errors import DatasetError
from autodet.records import Problem, Split

Value = TypeVar("Value")

LOST_PHOTOS = ("unreadable_photo", "photo_missing", "labels_damaged")
LOST_BOXES = ("box_damaged", "class_unknown", "box_set_aside")
PUT_INTO_TRAIN = "It was put into train."


@dataclass(frozen=True)
class Review:
    """The data to import.

    Attributes:
        staged: The source.
        photos: The repaired photos.
        hashes: SHA-256 of each photo's bytes, in hexadecimal.
        splits: The split of each photo.
        problems: All problems with the action for each, sorted by file.
    """

    staged: Staged
    photos: tuple[CheckedPhoto, ...]
    hashes: tuple[str, ...]
    splits: tuple[Split, ...]
    problems: tuple[Problem, ...]

    @property
    def asks(self) -> bool:
        """Whether a user should check the problems before the import."""
        return any(KINDS[problem.kind].asks for problem in self.problems)

    @property
    def refusals(self) -> tuple[str, ...]:
        """The reasons why these decisions do not allow the import."""
        return tuple(problem.problem for problem in self.problems if problem.action == NOTHING_IMPORTED)


def review(staged: Staged, decisions: Decisions = DEFAULTS, seed: int = 0) -> Review:
    """Apply decisions to a staged source; fast and without side effects, so that users can change decisions freely.

    Args:
        staged: The source.
        decisions: The action for each kind of problem.
        seed: Seed of the split if the source defines none.

    Raises:
        DatasetError: No photos are left.
    """
    unlabelled, problems = _decide_unlabelled(staged, decisions)
    listed, unlisted = _decide_unlisted(staged, decisions)
    problems += unlisted
    source = [*listed, *unlabelled]
    checked = [check_labels(photo.labelled, photo.facts, decisions) for photo in source]
    problems += [
        *_decide_to_stop(staged.problems, decisions),
        *(problem for photo in checked for problem in photo.problems),
    ]
    problems += _large_loss(staged, checked, problems, decisions)
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
    problems += [*spelt, *twice, *untaught, *classes, *empty]
    if not photos:
        raise DatasetError(f"Nothing is left of {staged.shown!r} after these decisions; leave less out.")
    in_order = sorted(_with_photos(staged, problems), key=lambda problem: problem.file)
    return Review(staged, tuple(photos), tuple(hashes), tuple(splits), tuple(in_order))


def _without(left_out: set[int], values: Sequence[Value]) -> list[Value]:
    return [value for index, value in enumerate(values) if index not in left_out]


def _with_photos(staged: Staged, problems: Sequence[Problem]) -> Iterator[Problem]:
    """Yield the problems, each with the photo whose file or labels it names."""
    photos: dict[str, str] = {}
    for one in (*staged.photos, *staged.unlabelled):
        photo = str(one.labelled.photo)
        photos[photo] = photos[one.labelled.labels] = photo
    for problem in problems:
        known = problem.photos or problem.file not in photos
        yield problem if known else replace(problem, photos=(photos[problem.file],))


def _decide_to_stop(problems: Sequence[Problem], decisions: Decisions) -> Iterator[Problem]:
    """Yield the problems of the format's reader; mark those that block the import until the user agrees."""
    for problem in problems:
        yield replace(problem, action=NOTHING_IMPORTED) if decisions[problem.kind] == "stop" else problem


def _decide_unlabelled(staged: Staged, decisions: Decisions) -> tuple[Sequence[StagedPhoto], list[Problem]]:
    keep = decisions["photo_unlabelled"] == "keep"
    action = "It was kept as a photo without objects." if keep else PHOTO_LEFT_OUT
    problems = [
        Problem(str(photo.labelled.photo), "No labels were found for this photo.", action, "photo_unlabelled")
        for photo in staged.unlabelled
    ]
    return (staged.unlabelled if keep else ()), problems


def _decide_unlisted(staged: Staged, decisions: Decisions) -> tuple[Sequence[StagedPhoto], list[Problem]]:
    keep = decisions["photo_unlisted"] == "keep"
    action = PUT_INTO_TRAIN if keep else PHOTO_LEFT_OUT
    problems = [
        Problem(str(photo.labelled.photo), "No list of a split names this photo.", action, "photo_unlisted")
        for photo in staged.photos
        if photo.labelled.unlisted
    ]
    return [photo for photo in staged.photos if keep or not photo.labelled.unlisted], problems


def _large_loss(
    staged: Staged, checked: Sequence[CheckedPhoto], problems: Sequence[Problem], decisions: Decisions
) -> list[Problem]:
    """Report if a large part of the labelled data is unusable."""
    left_out = decisions["photo_unlisted"] == "drop" and staged.stale_lists
    unlisted = [len(one.labelled.marks) for one in staged.photos if left_out and one.labelled.unlisted]
    unusable = sum(_loses_photo(problem) for problem in staged.problems)
    unread = sum(problem.kind in LOST_BOXES for problem in staged.problems)
    photos = unusable + sum(map(bool, unlisted))
    boxes = unread + sum(unlisted) + sum(photo.lost for photo in checked)
    of_photos = unusable + len(staged.photos)
    of_boxes = unread + sum(unlisted) + sum(len(photo.source.marks) for photo in checked)
    if not _is_large(photos, of_photos) and not _is_large(boxes, of_boxes):
        return []
    lost = [one for one in problems if _is_loss(one) and one.action not in (CUT, PUT_INTO_TRAIN)]
    counts = (f"{photos} of {of_photos} labelled photos" * bool(photos), f"{boxes} of {of_boxes} boxes" * bool(boxes))
    advice = "Put those that no list names into train (--decide photo_unlisted=keep). " * bool(unlisted)
    sentence = (
        f"{staged.shown!r} would lose {' and '.join(filter(None, counts))}, more than {MAX_LOST_SHARE:.0%}. "
        f"{examples_of(lost)} {advice}Mend them, or agree to import what is left (on the command line with "
        "--decide large_loss=keep)."
    )
    action = NOTHING_IMPORTED if decisions["large_loss"] == "stop" else "The rest was imported."
    return [Problem("", sentence, action, "large_loss")]


def _loses_photo(problem: Problem) -> bool:
    """Return whether the problem loses a labelled photo; a skipped file may hold the only labels of a photo."""
    only_labels = problem.kind == "labels_foreign" and problem.action == PHOTO_LEFT_OUT
    return only_labels or problem.kind in LOST_PHOTOS


def _is_loss(problem: Problem) -> bool:
    return KINDS[problem.kind].loses or _loses_photo(problem)


def _is_large(lost: int, of: int) -> bool:
    return lost > FEW_LOST and lost > MAX_LOST_SHARE * of
