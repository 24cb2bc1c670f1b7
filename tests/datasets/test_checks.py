from pathlib import PurePosixPath

import pytest

from autodet.datasets.checks import check_labels, clip_box
from autodet.datasets.labels import LabelledPhoto, Mark
from autodet.datasets.photos import PhotoFacts


def check(marks, stated_wh=(100, 50), orientation=1, format="JPEG", stored_wh=(100, 50), name="a.jpg"):
    photo = LabelledPhoto(PurePosixPath(name), PurePosixPath("a.xml"), tuple(marks), stated_wh)
    checked = check_labels(photo, PhotoFacts(format, stored_wh, orientation))
    return [mark.box_xyxy for mark in checked.marks], [f"{p.file}: {p.problem} {p.action}" for p in checked.problems]


@pytest.mark.parametrize(
    ("box", "repaired", "sentence"),
    [
        ((1, 2, 3, 4), (1, 2, 3, 4), ""),
        ((0, 0, 100, 50), (0, 0, 100, 50), ""),
        ((-3, 2, 30, 40), (0, 2, 30, 40), "reaches 3 pixels beyond the photo, which is 100x50."),
        ((10, 20, 130, 51.5), (10, 20, 100, 50), "reaches 30 pixels beyond the photo, which is 100x50."),
        ((30, 40, 10, 20), (10, 20, 30, 40), ""),
        ((10, 20, 10, 40), None, "has no area."),
        ((10, 20, 30, 20.5), None, "has no area."),
        ((100, 10, 140, 40), None, "lies outside the photo, which is 100x50."),
        ((-40, -40, -10, -10), None, "lies outside the photo, which is 100x50."),
    ],
)
def test_boxes_are_cut_to_the_photo(box, repaired, sentence):
    assert clip_box(box, (100, 50)) == (repaired, sentence)


def test_a_good_photo_has_no_problems():
    assert check([Mark("apple", (1, 2, 30, 40))]) == ([(1, 2, 30, 40)], [])


def test_a_box_that_was_cut_says_so_and_where():
    assert check([Mark("apple", (-3, 2, 30, 40))])[1] == [
        "a.xml: The box of 'apple' at (-3, 2, 30, 40) reaches 3 pixels beyond the photo, which is 100x50. "
        "The box was cut to the photo."
    ]


def test_the_same_box_twice_is_kept_once():
    boxes, problems = check(
        [Mark("apple", (1, 2, 30, 40)), Mark("pear", (1, 2, 30, 40)), Mark("apple", (1, 2, 30, 40))]
    )
    assert len(boxes) == 2
    assert problems == [
        "a.xml: The box of 'apple' at (1, 2, 30, 40) is marked twice with the same box. The box was dropped."
    ]


@pytest.mark.parametrize("stated", [None, (64, 48)])
def test_the_photo_knows_its_size_better_than_the_labels(stated):
    boxes, problems = check([Mark("apple", (1, 2, 90, 40))], stated_wh=stated)
    assert boxes == [(1, 2, 90, 40)]
    assert len(problems) == 1 and "The photo's own size, 100x50, was used." in problems[0]


def test_a_wrong_ending_is_put_right():
    assert check([], format="PNG")[1] == ["a.jpg: The file is called .jpg but is a PNG photo. It was stored as .png."]


@pytest.mark.parametrize(
    ("orientation", "upright"),
    [
        (5, (10, 0, 20, 5)),  # mirrored at the main diagonal
        (6, (30, 0, 40, 5)),  # stored top left appears top right
        (7, (30, 95, 40, 100)),  # mirrored at the other diagonal
        (8, (10, 95, 20, 100)),  # stored top left appears bottom left
    ],
)
def test_boxes_of_a_photo_lying_on_its_side_turn_with_it(orientation, upright):
    boxes, problems = check([Mark("apple", (0, 10, 5, 20))], orientation=orientation)
    assert boxes == [upright]
    assert "The boxes were turned with the photo." in problems[0]


def test_boxes_drawn_on_the_upright_photo_stay():
    assert check([Mark("apple", (0, 10, 5, 90))], stated_wh=(50, 100), orientation=6) == ([(0, 10, 5, 90)], [])
