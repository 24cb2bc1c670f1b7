from pathlib import PurePosixPath

import pytest
from pycocotools.cocoeval import Params

from autodet.datasets.checks.kinds import decide
from autodet.datasets.checks.photo_checks import check_labels, clip_box
from autodet.datasets.formats.labels import LabelledPhoto
from autodet.datasets.photos import PhotoFacts
from autodet.messages.findings import action_sentence, problem_sentence
from autodet.records import MAX_DETECTIONS, Finding, Mark


def check(marks, stated_wh=(100, 50), orientation=1, format="JPEG", stored_wh=(100, 50), name="a.jpg", **decisions):
    photo = LabelledPhoto(PurePosixPath(name), "a.xml", tuple(marks), stated_wh)
    checked = check_labels(photo, PhotoFacts(format, stored_wh, orientation), decide(decisions))
    return [mark.box_xyxy for mark in checked.marks], [
        f"{p.file}: {problem_sentence(p)} {action_sentence(p)}" for p in checked.findings
    ]


@pytest.mark.parametrize(
    ("box", "repaired", "kind", "sentence"),
    [
        ((1, 2, 3, 4), (1, 2, 3, 4), "", ""),
        ((0, 0, 100, 50), (0, 0, 100, 50), "", ""),
        ((-3, 2, 30, 40), (0, 2, 30, 40), "box_outside", "reaches 3 pixels beyond the photo, which is 100x50."),
        ((10, 20, 130, 51.5), (10, 20, 100, 50), "box_outside", "reaches 30 pixels beyond the photo, which is 100x50."),
        ((30, 40, 10, 20), (10, 20, 30, 40), "box_swapped", "has its second corner above or left of the first."),
        ((10, 20, 10, 40), None, "box_no_area", "has no area."),
        ((10, 20, 30, 20.5), None, "box_no_area", "has no area."),
        ((100, 10, 140, 40), None, "box_outside", "lies outside the photo, which is 100x50."),
        ((-40, -40, -10, -10), None, "box_outside", "lies outside the photo, which is 100x50."),
    ],
)
def test_boxes_are_cut_to_the_photo(box, repaired, kind, sentence):
    clipped = clip_box(box, (100, 50))
    assert (clipped.box_xyxy, clipped.kind) == (repaired, kind)
    if kind:
        values = {"name": "apple", "box_xyxy": box, **clipped.values}
        said = problem_sentence(Finding(kind, "a.xml", "drop", values, clipped.cause))
        assert said.startswith("The box of 'apple' at (") and said.endswith(sentence)


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
    assert problems == ["a.xml: The box of 'apple' at (1, 2, 30, 40) appears twice. The box was dropped."]


@pytest.mark.parametrize("stated", [(0, 0), (64, 48)])
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


def test_a_format_that_states_no_size_is_not_blamed_for_it():
    assert check([Mark("apple", (1, 2, 90, 40))], stated_wh=None)[1] == []


@pytest.mark.parametrize(
    ("decisions", "boxes"),
    [
        ({}, [(1, 2, 30, 40), (60, 10, 100, 40)]),
        ({"box_outside": "drop"}, [(1, 2, 30, 40)]),
        ({"box_duplicate": "keep"}, [(1, 2, 30, 40), (1, 2, 30, 40), (60, 10, 100, 40)]),
    ],
)
def test_decisions_are_followed(decisions, boxes):
    marks = [Mark("apple", (1, 2, 30, 40)), Mark("apple", (1, 2, 30, 40)), Mark("apple", (60, 10, 140, 40))]
    assert check(marks, **decisions)[0] == boxes


def test_labels_of_another_size_can_be_scaled_or_left_out():
    mark = Mark("apple", (10, 5, 20, 10))
    boxes, problems = check([mark], stated_wh=(50, 25))
    assert boxes == [(20, 10, 40, 20)]
    assert "had the size 50x25; now it is 100x50. The boxes were scaled to the photo." in problems[0]
    photo = LabelledPhoto(PurePosixPath("a.jpg"), "a.xml", (mark,), (50, 25))
    assert check_labels(photo, PhotoFacts("JPEG", (100, 50), 1), decide({"size_resized": "drop"})).dropped


def test_boxes_of_a_turned_photo_can_be_left_as_they_are():
    assert check([Mark("apple", (0, 10, 5, 20))], orientation=6, turned="keep")[0] == [(0, 10, 5, 20)]


def test_tiny_boxes_are_counted_at_the_training_size_and_can_be_dropped():
    marks = [Mark("apple", (10, 10, 30, 60)), Mark("apple", (100, 100, 400, 400))]
    boxes, problems = check(marks, stored_wh=(1600, 1200), stated_wh=(1600, 1200))
    assert len(boxes) == 2 and len(problems) == 1 and "A box is less than 8 pixels" in problems[0]
    assert check(marks, stored_wh=(1600, 1200), stated_wh=(1600, 1200), box_tiny="drop")[0] == [(100, 100, 400, 400)]


def test_a_photo_with_more_boxes_than_figures_count_is_told():
    assert Params("bbox").maxDets[-1] == MAX_DETECTIONS
    marks = [Mark("apple", (x, 0, x + 9, 9)) for x in range(0, 1010, 10)]
    assert check(marks[:-1], (1010, 50), stored_wh=(1010, 50), box_tiny="keep")[1][1:] == []
    boxes, problems = check(marks, (1010, 50), stored_wh=(1010, 50))
    assert len(boxes) == 101
    assert "101 boxes are annotated on the photo, and a detector finds at most 100. All were kept." in problems[-1]
