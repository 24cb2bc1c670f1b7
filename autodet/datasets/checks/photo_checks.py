"""Checks and repairs of a single labelled photo."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from autodet.datasets.checks.kinds import DEFAULTS, Decisions
from autodet.datasets.checks.notations import MAX_OVERHANG, MAX_OVERHANG_SHARE
from autodet.datasets.checks.photo_sizes import find_size_kinds
from autodet.datasets.formats.labels import LabelledPhoto
from autodet.datasets.photo_formats import FORMAT_ENDINGS, PHOTO_FORMATS
from autodet.datasets.photos import PhotoFacts
from autodet.records import MAX_DETECTIONS, NO_VALUES, Action, BoxXYXY, Finding, Hyperparameters, Mark, Values

MIN_SIDE = 0.99  # pixels: minimum side of a clipped box; one pixel minus a rounding tolerance
ROUNDING = 0.5  # pixels: tolerated overhang beyond the photo, caused by rounded coordinates
TRAINING_SIZE = Hyperparameters().image_size
TINY_SIDE = 8.0  # pixels at the training size


@dataclass(frozen=True)
class CheckedPhoto:
    """A labelled photo after repair: every box has an area and lies inside the photo.

    Attributes:
        source: The photo and its original labels.
        facts: The photo's metadata, read from its file.
        marks: The remaining annotations, repaired.
        findings: Problems of the labels, with the action taken for each.
        lost: Number of annotations dropped because they are unusable.
        cut: Number of annotations that are cut by more than people draw beyond a photo by accident.
        dropped: Whether to leave the whole photo out.
    """

    source: LabelledPhoto
    facts: PhotoFacts
    marks: tuple[Mark, ...]
    findings: tuple[Finding, ...]
    lost: int = 0
    cut: int = 0
    dropped: bool = False

    @cached_property
    def classes(self) -> frozenset[str]:
        """The classes annotated on the photo."""
        return frozenset(mark.name for mark in self.marks)

    @property
    def has_labels(self) -> bool:
        """Whether a label file describes the photo, if only as one without objects."""
        return bool(self.source.marks) or self.source.labels != str(self.source.photo) or self.source.listed


def check_labels(
    photo: LabelledPhoto, facts: PhotoFacts, decisions: Decisions = DEFAULTS, size_kind: str | None = None
) -> CheckedPhoto:
    """Repair the labels of a photo, and report each repair.

    Args:
        photo: The photo and its original labels.
        facts: The photo's metadata, read from its file; it overrides the labels where the two differ.
        decisions: The action for each kind of finding.
        size_kind: The kind of finding about the stated size, from the evidence of all photos (``find_size_kinds``);
            defaults to that of this photo alone.
    """
    kind = find_size_kinds([(photo, facts)])[0] if size_kind is None else size_kind
    findings = [*_check_name(photo, facts), *_check_size(photo, facts, kind, decisions)]
    dropped = bool(kind) and decisions[kind] == "drop"
    named = (str(photo.photo),)
    marks: list[Mark] = []
    known: set[Mark] = set()
    lost = cut = 0
    for written in photo.marks:
        clipped = clip_box(_placed(written.box_xyxy, photo, facts, kind, decisions), facts.upright_wh)
        box = None if clipped.kind and decisions[clipped.kind] == "drop" else clipped.box_xyxy
        mark = (written if box is written.box_xyxy else written._replace(box_xyxy=box)) if box else None
        lost += box is None
        cut += box is not None and clipped.is_large
        if mark in known:
            action = decisions["box_duplicate"]
            findings.append(Finding("box_duplicate", photo.labels, action, _values_of(written), photos=named))
            mark = mark if action == "keep" else None
        elif clipped.kind:
            values = {**_values_of(written), **clipped.values}
            done: Action = "fix" if box else "drop"
            findings.append(Finding(clipped.kind, photo.labels, done, values, clipped.cause, named))
        if mark:
            marks.append(mark)
            known.add(mark)
    tiny = find_tiny(marks, facts.upright_wh)
    if tiny:
        findings.append(_tiny(photo, sum(mark in tiny for mark in marks), decisions["box_tiny"]))
        if decisions["box_tiny"] == "drop":
            marks = [mark for mark in marks if mark not in tiny]
    if len(marks) > MAX_DETECTIONS:
        values = {"boxes": len(marks), "most": MAX_DETECTIONS}
        findings.append(Finding("photo_crowded", photo.labels, "keep", values, photos=named))
    return CheckedPhoto(photo, facts, tuple(marks), tuple(findings), lost, cut, dropped)


def _values_of(mark: Mark) -> Values:
    return {"name": mark.name, "box_xyxy": list(mark.box_xyxy)}


class Clipped(NamedTuple):
    """A box clipped to its photo.

    Attributes:
        box_xyxy: The clipped box; None if it is unusable.
        kind: The kind of finding; empty if the box was inside the photo.
        cause: Cause of the finding, unless its kind has only one.
        values: Values of the finding.
        is_large: Whether the box is cut by more than people draw beyond a photo by accident.
    """

    box_xyxy: BoxXYXY | None
    kind: str = ""
    cause: str = ""
    values: Values = NO_VALUES
    is_large: bool = False


def clip_box(box_xyxy: BoxXYXY, size_wh: tuple[int, int]) -> Clipped:
    """Clip a box to its photo.

    Args:
        box_xyxy: Two opposite corners in pixels, in any order.
        size_wh: The photo's width and height in pixels.
    """
    width, height = size_wh
    x1, y1, x2, y2 = box_xyxy
    if 0 <= x1 <= x2 - MIN_SIDE and 0 <= y1 <= y2 - MIN_SIDE and x2 <= width and y2 <= height:
        return Clipped(box_xyxy)  # fast path: nearly all boxes are valid
    swapped = x2 < x1 or y2 < y1
    x1, x2 = sorted((x1, x2))
    y1, y2 = sorted((y1, y2))
    if x2 - x1 < MIN_SIDE or y2 - y1 < MIN_SIDE:
        return Clipped(None, "box_no_area")
    clipped = (max(x1, 0.0), max(y1, 0.0), min(x2, float(width)), min(y2, float(height)))
    if clipped[2] - clipped[0] < MIN_SIDE or clipped[3] - clipped[1] < MIN_SIDE:
        return Clipped(None, "box_outside", values={"size_wh": [width, height]})
    outside = max(-x1, -y1, x2 - width, y2 - height)
    if outside > ROUNDING:
        values = {"size_wh": [width, height], "pixels": round(outside, 4)}
        large = outside > max(MAX_OVERHANG, MAX_OVERHANG_SHARE * max(x2 - x1, y2 - y1))
        return Clipped(clipped, "box_outside", "box_overhanging", values, large)
    return Clipped(clipped, "box_swapped") if swapped else Clipped(clipped)


def turn_upright(box_xyxy: BoxXYXY, facts: PhotoFacts) -> BoxXYXY:
    """Transform a box from stored pixel coordinates to the upright photo, according to the EXIF orientation."""
    x1, y1, x2, y2 = box_xyxy
    width, height = facts.stored_wh
    if facts.orientation in (2, 3, 7, 8):
        x1, x2 = width - x2, width - x1
    if facts.orientation in (3, 4, 6, 7):
        y1, y2 = height - y2, height - y1
    return (y1, x1, y2, x2) if facts.orientation >= 5 else (x1, y1, x2, y2)


def find_tiny(marks: Sequence[Mark], size_wh: tuple[int, int]) -> set[Mark]:
    """Return the annotations whose boxes are thinner than ``TINY_SIDE`` pixels at the default training size."""
    thin = TINY_SIDE * max(size_wh) / TRAINING_SIZE
    found = set()
    for mark in marks:
        x1, y1, x2, y2 = mark.box_xyxy
        if x2 - x1 < thin or y2 - y1 < thin:
            found.add(mark)
    return found


def find_converted(photos: Iterable[CheckedPhoto]) -> Iterator[Finding]:
    """Report the photos that an import converts to another format, one finding per format."""
    of_format: dict[str, list[CheckedPhoto]] = defaultdict(list)
    for photo in photos:
        of_format[photo.facts.format].append(photo)
    for name, alike in sorted(of_format.items()):
        if to := PHOTO_FORMATS[name].stored_as:
            several = sum(photo.facts.several for photo in alike)
            counts = {"photos": len(alike), "several": several}
            values = {"format": PHOTO_FORMATS[name].title, **counts, "stored_as": to}
            named = tuple(str(photo.source.photo) for photo in alike)
            yield Finding("photo_converted", "", "fix", values, photos=named)


def _placed(
    box_xyxy: BoxXYXY, photo: LabelledPhoto, facts: PhotoFacts, size_kind: str, decisions: Decisions
) -> BoxXYXY:
    """Convert an original box to pixels of the upright photo."""
    if photo.relative and size_kind.startswith("turned") and decisions[size_kind] == "fix":
        return turn_upright(_scaled(box_xyxy, *facts.stored_wh), facts)
    if photo.relative:
        return _scaled(box_xyxy, *facts.upright_wh)
    if not size_kind or photo.stated_wh is None or decisions[size_kind] != "fix":
        return box_xyxy
    if photo.stated_wh == facts.stored_wh:
        return turn_upright(box_xyxy, facts)
    (width, height), (stated_width, stated_height) = facts.upright_wh, photo.stated_wh
    return _scaled(box_xyxy, width / stated_width, height / stated_height)


def _scaled(box_xyxy: BoxXYXY, across: float, down: float) -> BoxXYXY:
    x1, y1, x2, y2 = box_xyxy
    return x1 * across, y1 * down, x2 * across, y2 * down


def _check_name(photo: LabelledPhoto, facts: PhotoFacts) -> Iterator[Finding]:
    right, ending = FORMAT_ENDINGS[facts.format], photo.photo.suffix
    if PHOTO_FORMATS[facts.format].stored_as or ending.lower() in right:
        return  # ``find_converted`` reports photos of other formats
    values = {"ending": ending, "format": facts.format, "stored_as": right[0]}
    yield Finding("wrong_ending", str(photo.photo), "fix", values, "" if ending else "ending_missing")


def _check_size(photo: LabelledPhoto, facts: PhotoFacts, kind: str, decisions: Decisions) -> Iterator[Finding]:
    if photo.stated_wh is None or not kind:
        return
    width, height = facts.upright_wh
    values = {"stated_wh": list(photo.stated_wh), "width": width, "height": height}
    yield Finding(kind, photo.labels, decisions[kind], values, photos=(str(photo.photo),))


def _tiny(photo: LabelledPhoto, count: int, action: Action) -> Finding:
    values = {"boxes": count, "pixels": TINY_SIDE, "image_size": TRAINING_SIZE}
    cause = "box_tiny" if count == 1 else "boxes_tiny"
    return Finding("box_tiny", photo.labels, action, values, cause, (str(photo.photo),))
