from pathlib import PurePosixPath

from autodet.datasets.checks.kinds import KINDS, decide
from autodet.datasets.checks.photo_checks import check_labels
from autodet.datasets.formats.labels import LabelledPhoto
from autodet.datasets.imports.photo_changes import OF_BOXES, change_of
from autodet.datasets.imports.staging import StagedPhoto
from autodet.datasets.photos import PhotoFacts
from autodet.records import Mark

INSIDE, OUTSIDE = Mark("apple", (10, 10, 60, 60)), Mark("apple", (50, 50, 150, 90))
TINY, TWIN = Mark("apple", (0, 0, 2, 2)), Mark("pear", (20, 70, 40, 95))


def staged(*marks, **said):
    labelled = LabelledPhoto(PurePosixPath("a.jpg"), "a.xml", marks, **said)
    return StagedPhoto(labelled, PhotoFacts("JPEG", (100, 100), 1), "")


def changed(photo):
    return change_of(photo, check_labels(photo.labelled, photo.facts))


def test_a_box_that_is_cut_is_lost_and_made():
    change = changed(staged(INSIDE, OUTSIDE))
    assert change.before == (INSIDE, OUTSIDE)
    assert change.lost == (OUTSIDE,)
    assert change.made == (Mark("apple", (50, 50, 100, 90)),)


def test_of_a_box_that_is_marked_twice_one_is_lost():
    change = changed(staged(INSIDE, INSIDE))
    assert (change.lost, change.made) == ((INSIDE,), ())


def test_nothing_changes_on_a_clean_photo_also_if_its_boxes_are_shares():
    assert changed(staged(INSIDE)).lost == changed(staged(INSIDE)).made == ()
    change = changed(staged(Mark("apple", (0.1, 0.2, 0.3, 0.7)), relative=True))
    assert (change.lost, change.made) == ((), ())
    assert change.before == (Mark("apple", (10, 20, 30, 70)),)


def test_very_small_boxes_are_named():
    assert changed(staged(INSIDE, TINY)).tiny == (TINY,)


def test_of_a_photo_that_is_left_out_everything_is_lost():
    change = change_of(staged(INSIDE), None)
    assert change.after is None
    assert (change.lost, change.made) == ((INSIDE,), ())


def test_a_finding_shows_the_boxes_that_it_speaks_of_and_no_others():
    change = changed(staged(INSIDE, OUTSIDE, TINY, aside=(TWIN,)))
    assert change.shows("box_outside") and change.named_by("box_outside") == (OUTSIDE,)
    assert not change.shows("box_tiny") and change.named_by("box_tiny") == (TINY,)
    assert not change.shows("box_set_aside") and change.named_by("box_set_aside") == (TWIN,)
    for kind in ("wrong_ending", "size_missing", "photo_crowded"):
        assert not change.shows(kind) and change.named_by(kind) == ()


def test_very_small_boxes_that_go_are_a_change():
    photo = staged(INSIDE, TINY)
    change = change_of(photo, check_labels(photo.labelled, photo.facts, decide({"box_tiny": "drop"})))
    assert change.shows("box_tiny") and change.lost == (TINY,)


def test_every_kind_that_changes_boxes_is_one():
    assert set(KINDS) > OF_BOXES
