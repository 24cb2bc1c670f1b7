"""Notations of boxes: detect that many boxes do not fit their photos because their four numbers mean something else.

Common mistakes are corners in place of a corner and a size (COCO), in place of a centre and a size (YOLO), a size in
place of the second corner (VOC), and fractions in place of pixels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from autodet.datasets.formats.labels import LabelledPhoto, Notation, corners_of
from autodet.datasets.photos import PhotoFacts
from autodet.records import BoxXYXY, Finding, Mark, Values

Unit = Literal["pixels", "fractions", "percent", "per_mille"]
Boxes = NDArray[np.float64]

NOTATIONS: tuple[Notation, ...] = ("corners", "top_left", "center")
UNITS: tuple[Unit, ...] = get_args(Unit)
PARTS: Mapping[Unit, int] = {"fractions": 1, "percent": 100, "per_mille": 1000}  # of a whole side
MAX_OVERHANG = 2.0  # pixels, or
MAX_OVERHANG_SHARE = 0.05  # of the box's side: the larger one is common by accident
MIN_PIXELS = 1.5  # sides of a box; thinner ones show that the unit is wrong
MIN_MISFITS, MIN_MISFIT_SHARE = 2, 0.02  # fewer boxes that do not fit are single mistakes
MIN_UNIT_SHARE = 0.2  # of the boxes that do not fit, for another unit
MIN_FIT_SHARE = 0.995  # of the boxes that must fit in a proposed notation
MAX_EXAMPLES = 3
SAMPLE = 20_000  # boxes that are tested, at least
MIN_SPREAD = 0.5  # of a side, that boxes must reach together in a unit that is proposed
MIN_CROWDED = 12  # boxes that lie in one corner of photos of MIN_LARGER times that size: the unit is no pixel
MIN_LARGER, MIN_REACH = 1.5, 0.8


@dataclass(frozen=True)
class Proposal:
    """Other notations that fit where the notation of the format does not.

    Attributes:
        written: The notation of the format.
        boxes: Number of tested boxes.
        misfits: Number of boxes that do not fit their photos in that notation.
        fitting: Notations in which all boxes fit, each with its unit; best first, possibly none.
        photos: Some photos with boxes that do not fit.
    """

    written: Notation
    boxes: int
    misfits: int
    fitting: Mapping[Notation, Unit]
    photos: tuple[str, ...]

    def finding(self) -> Finding:
        """Return the finding that asks for the notation."""
        values: Values = {
            **{"boxes": self.boxes, "misfits": self.misfits, "written": self.written},
            "fitting": dict(self.fitting),
        }
        return Finding("box_notation", "", "stop", values, photos=self.photos)


def propose_notation(photos: Sequence[tuple[LabelledPhoto, PhotoFacts]]) -> Proposal | None:
    """Return other notations that fit, if many boxes do not fit their photos as written; else None.

    Args:
        photos: The photos with their labels as written; only those whose boxes have a notation count.
    """
    written = [(labelled, facts) for labelled, facts in photos if labelled.notation and labelled.marks]
    notations = {(labelled.notation, labelled.relative) for labelled, _ in written}
    if len(notations) != 1:
        return None
    [(notation, relative)] = notations
    numbers, sizes, owners = _arrays(written)
    flat = (_ends(numbers, notation)[0] == _ends(numbers, notation)[1]).any(axis=1)  # clicks without a drag
    numbers, sizes, owners = numbers[~flat], sizes[~flat], owners[~flat]
    if not len(numbers):
        return None
    native: Unit = "fractions" if relative else "pixels"
    misfits = ~_fit(numbers, sizes, notation, native)
    crowded = _crowded_unit(numbers, sizes)
    if crowded and native == "pixels":
        misfits[:] = True
    count = int(misfits.sum())
    if count < MIN_MISFITS or count < MIN_MISFIT_SHARE * len(numbers):
        return None
    fitting: dict[Notation, Unit] = {}
    tried: Sequence[Unit] = [unit for unit in UNITS if unit != "pixels"] if crowded else UNITS
    if count < MIN_UNIT_SHARE * len(numbers):
        tried = [native]  # a wrong unit moves most boxes
    units = sorted(tried, key=lambda unit: (unit != native, unit != crowded))
    for unit, other in product(units, NOTATIONS):
        is_other = (other, unit) != (notation, native) and _spreads(numbers, sizes, other, unit)
        if is_other and _fit(numbers, sizes, other, unit).mean() >= MIN_FIT_SHARE:
            fitting.setdefault(other, unit)
    if not fitting:
        return None
    places = dict.fromkeys(owners[misfits].tolist())
    examples = tuple(str(written[place][0].photo) for place in list(places)[:MAX_EXAMPLES])
    return Proposal(notation, len(numbers), count, fitting, examples)


def reread(labelled: LabelledPhoto, notation: Notation, unit: Unit | None = None) -> LabelledPhoto:
    """Return a photo with its boxes read in another notation.

    Args:
        labelled: The photo with its labels as written.
        notation: The notation to read.
        unit: The unit of the numbers; defaults to that of the format.
    """
    if not labelled.notation or not labelled.marks:
        return labelled
    relative = labelled.relative if unit is None else unit != "pixels"
    scale = 1 / PARTS.get(unit, 1) if unit else 1.0
    marks = []
    for mark in labelled.marks:
        first, second, third, fourth = (scale * value for value in _numbers(mark.box_xyxy, labelled.notation))
        marks.append(mark._replace(box_xyxy=corners_of((first, second, third, fourth), notation)))
    return replace(labelled, marks=tuple(marks), relative=relative, notation=notation)


def marks_in(
    labelled: LabelledPhoto, facts: PhotoFacts, notation: Notation, unit: Unit | None = None
) -> tuple[Mark, ...]:
    """Return the annotations of a photo read in a notation, with boxes in pixels of the upright photo, not clipped."""
    read = reread(labelled, notation, unit)
    width, height = facts.upright_wh if read.relative else (1, 1)
    return tuple(
        mark._replace(box_xyxy=(x1 * width, y1 * height, x2 * width, y2 * height))
        for mark in read.marks
        for x1, y1, x2, y2 in [mark.box_xyxy]
    )


def _numbers(box_xyxy: BoxXYXY, notation: Notation) -> BoxXYXY:
    """Return the four numbers as the label file has them."""
    x1, y1, x2, y2 = box_xyxy
    if notation == "top_left":
        return x1, y1, x2 - x1, y2 - y1
    if notation == "center":
        return (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1
    return box_xyxy


def _arrays(photos: Sequence[tuple[LabelledPhoto, PhotoFacts]]) -> tuple[Boxes, Boxes, NDArray[np.int64]]:
    """Return the numbers of a sample of boxes (N, 4), the width and height of their photos (N, 2), and the photos."""
    step = max(1, sum(len(labelled.marks) for labelled, _ in photos) // SAMPLE)
    rows = [
        (*_numbers(mark.box_xyxy, labelled.notation), *facts.upright_wh, place)
        for place, (labelled, facts) in list(enumerate(photos))[::step]
        for mark in labelled.marks
    ]
    table = np.array(rows, float)
    return table[:, :4], table[:, 4:6], table[:, 6].astype(np.int64)


def _crowded_unit(numbers: Boxes, sizes: Boxes) -> Unit | None:
    """Return the unit of numbers that reach up to 100 or 1000 on much larger photos, where pixels would go further."""
    if len(numbers) < MIN_CROWDED:
        return None
    reaches = [_ends(numbers, notation)[1].max(axis=0) for notation in NOTATIONS]
    for unit in ("percent", "per_mille"):
        whole = PARTS[unit]
        fitting = ((reach <= whole + 1).all() and (reach >= MIN_REACH * whole).all() for reach in reaches)
        if (sizes >= MIN_LARGER * whole).all() and any(fitting):
            return unit
    return None


def _spreads(numbers: Boxes, sizes: Boxes, notation: Notation, unit: Unit) -> bool:
    """Return whether boxes reach far enough across their photos for a unit; in a wrong one all crowd near a corner."""
    reach = (_ends(numbers, notation)[1] / PARTS.get(unit, sizes)).max(axis=0)
    return bool((reach >= MIN_SPREAD).all())


def _ends(numbers: Boxes, notation: Notation) -> tuple[Boxes, Boxes]:
    """Return the two corners of boxes in a notation, (N, 2) each."""
    first, second = numbers[:, :2], numbers[:, 2:]
    if notation == "top_left":
        return first, first + second
    if notation == "center":
        return first - second / 2, first + second / 2
    return first, second


def _fit(numbers: Boxes, sizes: Boxes, notation: Notation, unit: Unit) -> NDArray[np.bool_]:
    """Return which boxes lie on their photos in a notation, up to a small overhang."""
    scale = sizes / PARTS[unit] if unit in PARTS else np.ones_like(sizes)
    first, second = (end * scale for end in _ends(numbers, notation))
    sides = second - first
    overhang = np.maximum(-first, second - sizes)
    allowed = np.maximum(MAX_OVERHANG, MAX_OVERHANG_SHARE * sides)
    return np.asarray(((sides >= MIN_PIXELS) & (overhang <= allowed)).all(axis=1))
