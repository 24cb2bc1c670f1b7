"""Checks of messages from browsers: a draft is stored only if each of its values can be right."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeGuard

from autodet.datasets.drafts.journal import Drafts
from autodet.datasets.versions.box_edits import box_within
from autodet.errors import DatasetError, DraftConflictError
from autodet.records import BoxXYXY, DraftBox, PhotoDraft

MAX_BOXES = 5_000  # of a photo with fewer labels: more than a person draws, and few enough to draw fluently
MAX_PIXELS = 1e9  # of a coordinate


def draft_from_browser(
    drafts: Drafts, document: object, earlier: Callable[[], Iterable[DraftBox]] = tuple
) -> PhotoDraft:
    """Return the draft that a browser sends, for ``save_draft``.

    Boxes are cut at the edges of the photo. A box without a score is a label; one with a score must be a proposal that
    the photo has. Everything else that a draft holds (author, time, model, issues) stays as it is.

    Args:
        drafts: The labels as they stand now.
        document: ``{"dataset": id, "file": str, "revision": int, "reviewed": bool, "flagged": bool, "boxes":
            [{"class": name, "box": [x1, y1, x2, y2], "difficult": bool, "truncated": bool, "score": float or null}]}``.
        earlier: Returns proposals that the photo had before, which undo brings back; called only if it matters.

    Returns:
        The draft; it names the model if one of its proposals is now a label with the same place and class.

    Raises:
        DraftConflictError: The photo was changed since that revision.
        DatasetError: The document does not describe labels of a photo of this data set.
    """
    fields = _fields(document)
    if fields.get("dataset") != drafts.dataset.id:
        raise DatasetError(f"The change is not one of the labels of {drafts.dataset.name!r}; reload the page.")
    file, boxes = fields.get("file"), fields.get("boxes")
    current = drafts.of(file if isinstance(file, str) else "")
    revision = fields.get("revision")
    if type(revision) is not int or not isinstance(boxes, list):
        raise _unreadable()
    if revision != current.revision:
        raise DraftConflictError(current)
    if len(boxes) > max(MAX_BOXES, len(current.boxes)):
        raise DatasetError(
            f"{current.file!r} would have {len(boxes):,} boxes, and the editor stores up to {MAX_BOXES:,} on a photo; "
            "remove some."
        )
    drawn = tuple(_box(drafts, current, box) for box in boxes)
    proposals = Counter(box for box in drawn if box.is_proposal)
    known = Counter(current.proposals)
    if not (proposals <= known or proposals <= known | Counter(earlier())):
        raise DatasetError(f"A proposal is none that a model made for {current.file!r}; reload the page.")
    return PhotoDraft(
        current.file,
        drawn,
        reviewed=_flag(fields, "reviewed"),
        flagged=_flag(fields, "flagged"),
        issues=current.issues,
        revision=revision,
        model=current.model,
        accepted_from=_accepted_from(current, drawn, earlier),
    )


def _accepted_from(
    current: PhotoDraft, drawn: Iterable[DraftBox], earlier: Callable[[], Iterable[DraftBox]]
) -> tuple[str, ...]:
    """Return the models whose proposals are labels now; none once every label of before is gone or was moved."""
    labels, before = {_thing(box) for box in drawn if not box.is_proposal}, set(map(_thing, current.labels))
    models, fresh = current.accepted_from if labels & before else (), labels - before
    if not current.model or not fresh:
        return models
    if fresh & set(map(_thing, current.proposals)) or fresh & set(map(_thing, earlier())):
        return tuple(dict.fromkeys((*models, current.model)))
    return models


def _thing(box: DraftBox) -> tuple[str, BoxXYXY]:
    return box.class_name, box.box_xyxy


def _box(drafts: Drafts, current: PhotoDraft, document: object) -> DraftBox:
    fields = _fields(document)
    name, score = fields.get("class"), fields.get("score")
    if not isinstance(name, str) or name not in drafts.classes:
        known = f"there is {', '.join(drafts.classes[:10])}" if drafts.classes else "there is none yet: add one"
        raise DatasetError(f"There is no class {str(name)[:200]!r} to label with; {known}.")
    if score is not None and not _is_number(score):
        raise _unreadable()
    place = _place(fields.get("box"))
    box = DraftBox(name, place, _flag(fields, "difficult"), _flag(fields, "truncated"), score)
    if box in current.boxes:  # also one that an import took over though it is smaller than a pixel
        return box
    return DraftBox(name, box_within(drafts.records[current.file], place), box.difficult, box.truncated, box.score)


def _place(numbers: object) -> BoxXYXY:
    if not isinstance(numbers, list) or len(numbers) != 4 or not all(map(_is_number, numbers)):
        raise DatasetError("A box has no place on the photo: four numbers of pixels are needed; reload the page.")
    x1, y1, x2, y2 = map(float, numbers)
    return x1, y1, x2, y2


def _fields(document: object) -> Mapping[str, Any]:
    if not isinstance(document, Mapping):
        raise _unreadable()
    return document


def _flag(fields: Mapping[str, Any], name: str) -> bool:
    value = fields.get(name, False)
    if not isinstance(value, bool):
        raise _unreadable()
    return value


def _is_number(value: object) -> TypeGuard[float]:
    """Return whether a value is a finite number that a place or a score can have; NaN compares as false."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < MAX_PIXELS


def _unreadable() -> DatasetError:
    return DatasetError("The browser sent labels that cannot be read, so they were not stored; reload the page.")
