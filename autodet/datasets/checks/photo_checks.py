"""Checks and repairs of a single labelled photo."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from autodet.datasets.checks.kinds import DEFAULTS, Decisions
from autodet.datasets.formats.labels import BOX_DROPPED, PHOTO_LEFT_OUT, LabelledPhoto
from autodet.datasets.photos import FORMAT_ENDINGS, PhotoFacts
from autodet.records import MAX_DETECTIONS, BoxXYXY, Hyperparameters, Mark, Problem

MIN_SIDE = 0.99  # pixels: minimum side of a clipped box; one pixel minus a rounding tolerance
ROUNDING = 0.5  # pixels: tolerated overhang beyond the photo, caused by rounded coordinates
TRAINING_SIZE = Hyperparameters().image_size
TINY_SIDE = 8.0  # pixels at the training size
CUT, BOTH_KEPT = "The box was cut to the photo.", "Both were kept."


@dataclass(frozen=True)
class CheckedPhoto:
    """A labelled photo after repair: every box has an area and lies inside the photo.

    Attributes:
        source: The photo and its original labels.
        facts: The photo's metadata, read from its file.
        marks: The remaining annotations, repaired.
        problems: The problems found, and the action taken for each.
        lost: Number of annotations dropped because they are unusable.
        dropped: Whether to leave the whole photo out.
    """

    source: LabelledPhoto
    facts: PhotoFacts
    marks: tuple[Mark, ...]
    problems: tuple[Problem, ...]
    lost: int = 0
    dropped: bool = False

    @cached_property
    def classes(self) -> frozenset[str]:
        """The classes annotated on the photo."""
        return frozenset(mark.name for mark in self.marks)


def check_labels(photo: LabelledPhoto, facts: PhotoFacts, decisions: Decisions = DEFAULTS) -> CheckedPhoto:
    """Repair the labels of a photo, and report each repair.

    Args:
        photo: The photo and its original labels.
        facts: The photo's metadata, read from its file; it overrides the labels where the two differ.
        decisions: The action for each kind of problem.
    """
    problems = [*_check_name(photo, facts), *_check_size(photo, facts, decisions)]
    dropped = decisions["size_mismatch"] == "drop" and any(problem.kind == "size_mismatch" for problem in problems)
    marks: list[Mark] = []
    known: set[Mark] = set()
    lost = 0
    size_wh = facts.upright_wh
    for written in photo.marks:
        box, kind, sentence = _repaired(_placed(written.box_xyxy, photo, facts, decisions), size_wh, decisions)
        mark = (written if box is written.box_xyxy else written._replace(box_xyxy=box)) if box else None
        lost += box is None
        action = CUT if box else BOX_DROPPED
        if mark in known:
            kind, sentence = "box_duplicate", "is marked twice with the same box."
            keep = decisions[kind] == "keep"
            mark, action = (mark, BOTH_KEPT) if keep else (None, BOX_DROPPED)
        if kind:
            where = ", ".join(f"{value:g}" for value in written.box_xyxy)
            problem = f"The box of {written.name!r} at ({where}) {sentence}"
            problems.append(Problem(photo.labels, problem, action, kind))
        if mark:
            marks.append(mark)
            known.add(mark)
    tiny = find_tiny(marks, facts.upright_wh)
    if tiny:
        problems.append(_tiny(photo, sum(mark in tiny for mark in marks), decisions))
        if decisions["box_tiny"] == "drop":
            marks = [mark for mark in marks if mark not in tiny]
    if len(marks) > MAX_DETECTIONS:
        problem = f"{len(marks)} boxes are marked on the photo, and a detector finds {MAX_DETECTIONS} at most."
        problems.append(Problem(photo.labels, problem, "All were kept.", "photo_crowded"))
    return CheckedPhoto(photo, facts, tuple(marks), tuple(problems), lost, dropped)


def clip_box(box_xyxy: BoxXYXY, size_wh: tuple[int, int]) -> tuple[BoxXYXY | None, str, str]:
    """Clip a box to its photo.

    Args:
        box_xyxy: Two opposite corners in pixels, in any order.
        size_wh: The photo's width and height in pixels.

    Returns:
        The clipped box, or None if it is unusable; the kind of problem; and the problem as the end of a sentence. The
        last two are empty if there is no problem.
    """
    width, height = size_wh
    x1, y1, x2, y2 = box_xyxy
    if 0 <= x1 <= x2 - MIN_SIDE and 0 <= y1 <= y2 - MIN_SIDE and x2 <= width and y2 <= height:
        return box_xyxy, "", ""  # fast path: nearly all boxes are valid
    x1, x2 = sorted((x1, x2))
    y1, y2 = sorted((y1, y2))
    if x2 - x1 < MIN_SIDE or y2 - y1 < MIN_SIDE:
        return None, "box_no_area", "has no area."
    clipped = (max(x1, 0.0), max(y1, 0.0), min(x2, float(width)), min(y2, float(height)))
    if clipped[2] - clipped[0] < MIN_SIDE or clipped[3] - clipped[1] < MIN_SIDE:
        return None, "box_outside", f"lies outside the photo, which is {width}x{height}."
    outside = max(-x1, -y1, x2 - width, y2 - height)
    if outside > ROUNDING:
        return clipped, "box_outside", f"reaches {outside:g} pixels beyond the photo, which is {width}x{height}."
    return clipped, "", ""


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


def _repaired(box_xyxy: BoxXYXY, size_wh: tuple[int, int], decisions: Decisions) -> tuple[BoxXYXY | None, str, str]:
    box, kind, sentence = clip_box(box_xyxy, size_wh)
    return (None if kind and decisions[kind] == "drop" else box), kind, sentence


def _placed(box_xyxy: BoxXYXY, photo: LabelledPhoto, facts: PhotoFacts, decisions: Decisions) -> BoxXYXY:
    """Convert an original box to pixels of the upright photo."""
    if photo.relative:
        return _scaled(box_xyxy, *facts.upright_wh)
    if photo.stated_wh is None or photo.stated_wh == facts.upright_wh:
        return box_xyxy
    if photo.stated_wh == facts.stored_wh:
        return turn_upright(box_xyxy, facts) if decisions["turned"] == "fix" else box_xyxy
    if decisions["size_mismatch"] != "fix" or 0 in photo.stated_wh:
        return box_xyxy
    (width, height), (stated_width, stated_height) = facts.upright_wh, photo.stated_wh
    return _scaled(box_xyxy, width / stated_width, height / stated_height)


def _scaled(box_xyxy: BoxXYXY, across: float, down: float) -> BoxXYXY:
    x1, y1, x2, y2 = box_xyxy
    return x1 * across, y1 * down, x2 * across, y2 * down


def _check_name(photo: LabelledPhoto, facts: PhotoFacts) -> Iterator[Problem]:
    right = FORMAT_ENDINGS[facts.format]
    if photo.photo.suffix.lower() not in right:
        problem = f"The file is called {photo.photo.suffix} but is a {facts.format} photo."
        yield Problem(str(photo.photo), problem, f"It was stored as {right[0]}.", "wrong_ending")


def _check_size(photo: LabelledPhoto, facts: PhotoFacts, decisions: Decisions) -> Iterator[Problem]:
    width, height = facts.upright_wh
    if photo.stated_wh is None or photo.stated_wh == (width, height):
        return
    used = f"The photo's own size, {width}x{height}, was used."
    stated = "{}x{}".format(*photo.stated_wh)
    if 0 in photo.stated_wh:
        yield Problem(photo.labels, "The labels give no size for the photo, or 0x0.", used, "size_missing")
    elif photo.stated_wh == facts.stored_wh:
        problem = f"The labels are for the photo lying on its side ({stated}), as the camera stored it."
        turned = decisions["turned"] == "fix"
        action = "The boxes were turned with the photo." if turned else "The boxes were left as they are."
        yield Problem(photo.labels, problem, action, "turned")
    else:
        actions = {"keep": used, "fix": "The boxes were scaled to the photo.", "drop": PHOTO_LEFT_OUT}
        problem = f"The labels say the photo is {stated}, but it is {width}x{height}."
        yield Problem(photo.labels, problem, actions[decisions["size_mismatch"]], "size_mismatch")


def _tiny(photo: LabelledPhoto, count: int, decisions: Decisions) -> Problem:
    what = "A box is" if count == 1 else f"{count} boxes are"
    problem = (
        f"{what} less than {TINY_SIDE:g} pixels wide or high once the photo has the training size of {TRAINING_SIZE}."
    )
    they = "It was" if count == 1 else "They were"
    action = f"{they} {'kept' if decisions['box_tiny'] == 'keep' else 'dropped'}."
    return Problem(photo.labels, problem, action, "box_tiny")
