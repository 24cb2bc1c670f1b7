"""Boxes whose four numbers mean something else than the format says."""

import random
from pathlib import PurePosixPath

import pytest

from autodet.datasets.checks.notations import NOTATIONS, marks_in, propose_notation, reread
from autodet.datasets.formats.labels import LabelledPhoto
from autodet.datasets.photos import PhotoFacts
from autodet.records import Mark

WIDTH, HEIGHT = 640, 480
FACTS = PhotoFacts("JPEG", (WIDTH, HEIGHT), 1)


def true_boxes(count=60, seed=0):
    """Boxes all over the photo: two corners in pixels."""
    draw = random.Random(seed)
    boxes = []
    for _ in range(count):
        width, height = draw.uniform(20, 200), draw.uniform(20, 160)
        x, y = draw.uniform(0, WIDTH - width), draw.uniform(0, HEIGHT - height)
        boxes.append((x, y, x + width, y + height))
    return boxes


def numbers_of(box, notation, unit):
    """The four numbers that a file in a notation and unit has for a box."""
    x1, y1, x2, y2 = box
    numbers = {
        "corners": (x1, y1, x2, y2),
        "top_left": (x1, y1, x2 - x1, y2 - y1),
        "center": ((x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1),
    }[notation]
    scale = {"pixels": (1, 1), "fractions": (WIDTH, HEIGHT), "percent": (WIDTH / 100, HEIGHT / 100)}[unit]
    return tuple(number / scale[place % 2] for place, number in enumerate(numbers))


def read_as(numbers, notation):
    """The corners that a reader of a notation makes of four numbers."""
    a, b, c, d = numbers
    return {
        "corners": (a, b, c, d),
        "top_left": (a, b, a + c, b + d),
        "center": (a - c / 2, b - d / 2, a + c / 2, b + d / 2),
    }[notation]


def photos_of(boxes, written, unit, read, relative):
    """One photo for every two boxes, read in one notation although they are written in another."""
    marks = [Mark("cat", read_as(numbers_of(box, written, unit), read)) for box in boxes]
    pairs = [tuple(marks[start : start + 2]) for start in range(0, len(marks), 2)]
    facts = {"relative": relative, "notation": read}
    return [
        (LabelledPhoto(PurePosixPath(f"{number}.jpg"), "labels", pair, **facts), FACTS)
        for number, pair in enumerate(pairs)
    ]


FORMATS = {"coco": ("top_left", False), "voc": ("corners", False), "yolo": ("center", True)}


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("unit", ["pixels", "fractions", "percent"])
@pytest.mark.parametrize("written", NOTATIONS)
def test_the_notation_that_fits_is_proposed(format, written, unit):
    read, relative = FORMATS[format]
    boxes = true_boxes()
    proposal = propose_notation(photos_of(boxes, written, unit, read, relative))
    if written == read and (unit == "fractions") == relative and unit != "percent":
        assert proposal is None
        return
    assert proposal.fitting[written] == unit and proposal.boxes == 60 and proposal.misfits >= 5
    for (labelled, facts), start in zip(photos_of(boxes, written, unit, read, relative), range(0, 60, 2), strict=True):
        marks = marks_in(labelled, facts, written, unit)
        for mark, box in zip(marks, boxes[start : start + 2], strict=True):
            assert mark.box_xyxy == pytest.approx(box)


@pytest.mark.parametrize("format", FORMATS)
def test_few_boxes_that_do_not_fit_are_single_mistakes(format):
    read, relative = FORMATS[format]
    boxes = [*true_boxes(200), (600, 400, 700, 500)]
    assert propose_notation(photos_of(boxes, read, "fractions" if relative else "pixels", read, relative)) is None


def test_boxes_that_fit_in_no_notation_propose_nothing():
    boxes = [(x * 3, y * 3, right * 3, bottom * 3) for x, y, right, bottom in true_boxes()]
    assert propose_notation(photos_of(boxes, "corners", "pixels", "corners", False)) is None


def test_outlines_have_only_one_reading():
    photo = LabelledPhoto(PurePosixPath("a.jpg"), "a", (Mark("cat", (0, 0, 9000, 9000)),) * 9)
    assert propose_notation([(photo, FACTS)]) is None
    assert reread(photo, "center") is photo
