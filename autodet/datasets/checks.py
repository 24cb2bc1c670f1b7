"""What can be wrong with a labelled photo, and what is done about it."""

from collections.abc import Sequence
from dataclasses import dataclass

from autodet.datasets.labels import BoxXYXY, LabelledPhoto, Mark
from autodet.datasets.photos import FORMAT_ENDINGS, PhotoFacts
from autodet.records import Problem, Split

SMALLEST_SIDE = 1.0  # pixels: what is thinner after clipping is no object


@dataclass(frozen=True)
class CheckedPhoto:
    """A labelled photo after repair: every box has an area and lies inside the photo."""

    source: LabelledPhoto
    facts: PhotoFacts
    marks: tuple[Mark, ...]
    problems: tuple[Problem, ...]

    @property
    def classes(self) -> frozenset[str]:
        """The classes that are marked on the photo."""
        return frozenset(mark.name for mark in self.marks)


def check_labels(photo: LabelledPhoto, facts: PhotoFacts) -> CheckedPhoto:
    """Repair what the labels say about a photo, and list what was repaired.

    Args:
        photo: The photo and its labels as written.
        facts: What the photo's file says about itself; where the labels differ, the file is right.
    """
    problems = [*_check_name(photo, facts), *_check_size(photo, facts)]
    turn = photo.stated_wh == facts.stored_wh != facts.upright_wh
    marks: list[Mark] = []
    for mark in photo.marks:
        box = turn_upright(mark.box_xyxy, facts) if turn else mark.box_xyxy
        repaired, sentence = clip_box(box, facts.upright_wh)
        new = Mark(mark.name, repaired, mark.difficult) if repaired else None
        if new in marks:
            new, sentence = None, "is marked twice with the same box."
        if sentence:
            where = ", ".join(f"{value:g}" for value in mark.box_xyxy)
            action = "The box was cut to the photo." if new else "The box was dropped."
            problems.append(Problem(str(photo.labels), f"The box of {mark.name!r} at ({where}) {sentence}", action))
        if new:
            marks.append(new)
    return CheckedPhoto(photo, facts, tuple(marks), tuple(problems))


def check_together(photos: Sequence[CheckedPhoto], splits: Sequence[Split], *, drawn: bool) -> list[Problem]:
    """List what is wrong with no single photo but with all of them together; nothing is changed.

    Args:
        photos: The photos of the data set.
        splits: Their splits.
        drawn: Whether autodet drew the splits, rather than the source giving them.
    """
    problems = []
    spellings: dict[str, str] = {}
    for photo in photos:
        for name in sorted(photo.classes):
            other = spellings.setdefault(name.casefold(), name)
            if other != name:
                spellings[name.casefold()] = name
                problem = f"The classes {other!r} and {name!r} differ only in capital letters."
                problems.append(Problem(str(photo.source.labels), problem, "They were kept as two classes."))
    if "val" not in splits:
        why = "There are too few photos to set some aside" if drawn else "The source has no photos"
        problems.append(
            Problem("", f"{why} for validation.", "A search needs a photo in val: add photos, then import again.")
        )
    return problems


def clip_box(box_xyxy: BoxXYXY, size_wh: tuple[int, int]) -> tuple[BoxXYXY | None, str]:
    """Cut a box to its photo.

    Args:
        box_xyxy: Corners in pixels, in whichever order.
        size_wh: The photo's width and height in pixels.

    Returns:
        The box, or None if nothing of it is left; and what was wrong, as the end of a sentence, empty if nothing.
    """
    width, height = size_wh
    x1, x2 = sorted(box_xyxy[0::2])
    y1, y2 = sorted(box_xyxy[1::2])
    if x2 - x1 < SMALLEST_SIDE or y2 - y1 < SMALLEST_SIDE:
        return None, "has no area."
    clipped = (max(x1, 0.0), max(y1, 0.0), min(x2, float(width)), min(y2, float(height)))
    if clipped[2] - clipped[0] < SMALLEST_SIDE or clipped[3] - clipped[1] < SMALLEST_SIDE:
        return None, f"lies outside the photo, which is {width}x{height}."
    outside = max(-x1, -y1, x2 - width, y2 - height)
    if outside > 0:
        return clipped, f"reaches {outside:g} pixels beyond the photo, which is {width}x{height}."
    return clipped, ""


def turn_upright(box_xyxy: BoxXYXY, facts: PhotoFacts) -> BoxXYXY:
    """Move a box from the photo as stored to the photo as a person sees it, by its EXIF orientation."""
    x1, y1, x2, y2 = box_xyxy
    width, height = facts.stored_wh
    if facts.orientation in (2, 3, 7, 8):
        x1, x2 = width - x2, width - x1
    if facts.orientation in (3, 4, 6, 7):
        y1, y2 = height - y2, height - y1
    return (y1, x1, y2, x2) if facts.orientation >= 5 else (x1, y1, x2, y2)


def _check_name(photo: LabelledPhoto, facts: PhotoFacts) -> list[Problem]:
    right = FORMAT_ENDINGS[facts.format]
    if photo.photo.suffix.lower() in right:
        return []
    return [
        Problem(
            str(photo.photo),
            f"The file is called {photo.photo.suffix} but is a {facts.format} photo.",
            f"It was stored as {right[0]}.",
        )
    ]


def _check_size(photo: LabelledPhoto, facts: PhotoFacts) -> list[Problem]:
    width, height = facts.upright_wh
    action = f"The photo's own size, {width}x{height}, was used."
    if photo.stated_wh is None:
        return [Problem(str(photo.labels), "The labels give no size for the photo, or 0x0.", action)]
    if photo.stated_wh == (width, height):
        return []
    stated = "{}x{}".format(*photo.stated_wh)
    if photo.stated_wh == facts.stored_wh:
        problem = f"The labels are for the photo lying on its side ({stated}), as the camera stored it."
        return [Problem(str(photo.labels), problem, "The boxes were turned with the photo.")]
    return [Problem(str(photo.labels), f"The labels say the photo is {stated}.", action)]
