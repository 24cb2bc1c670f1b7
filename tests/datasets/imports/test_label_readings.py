from dataclasses import replace

from autodet.datasets.formats.labels import OtherReading
from autodet.datasets.imports.label_readings import readings_of
from autodet.datasets.imports.review import review
from autodet.datasets.imports.staging import stage
from autodet.records import Finding, Mark
from tests.helpers import voc_xml, write_labelled, write_voc


def only_photo(folder):
    [photo] = stage(folder, copies=None, shown="set").photos
    return photo


def boxes(readings):
    return {action: [mark.box_xyxy for mark in marks] for action, marks in readings.items()}


def test_each_action_for_a_resized_photo_places_its_boxes(tmp_path):
    write_labelled(tmp_path, "one", size_wh=(64, 48)).write_text(
        voc_xml("one.png", (128, 96), [("apple", (8, 8, 60, 80))])
    )
    photo = only_photo(tmp_path)
    [finding] = [one for one in review(stage(tmp_path, copies=None, shown="set")).findings if "size" in one.kind]
    assert boxes(readings_of(photo, finding, {})) == {"fix": [(4, 4, 30, 40)], "keep": [(8, 8, 60, 48)]}


def test_stored_readings_are_those_of_their_actions(tmp_path):
    write_labelled(tmp_path, "one", [("apple", (4, 6, 30, 40))])
    photo = only_photo(tmp_path)
    other = Mark("apple", (1, 2, 20, 20))
    stored = (OtherReading("labels_disagree", "fix", (*photo.labelled.marks, other)),)
    photo = replace(photo, labelled=replace(photo.labelled, readings=stored))
    readings = readings_of(photo, Finding("labels_disagree", "one.xml", "stop"), {})
    assert boxes(readings) == {"fix": [(4, 6, 30, 40), (1, 2, 20, 20)], "keep": [(4, 6, 30, 40)]}


def test_a_notation_is_read_in_its_unit_and_not_told_twice(tmp_path):
    write_labelled(tmp_path, "one", [("apple", (4, 6, 30, 40))])
    photo = only_photo(tmp_path)
    photo = replace(photo, labelled=replace(photo.labelled, notation="corners"))
    finding = Finding("box_notation", "", "stop", {"fitting": {"top_left": "pixels"}})
    readings = readings_of(photo, finding, {})
    assert boxes(readings) == {
        "keep": [(4, 6, 30, 40)],
        "top_left": [(4, 6, 34, 46)],
        "center": [(-11, -14, 19, 26)],
    }


def test_a_decision_that_moves_no_box_has_no_readings(tmp_path):
    photo = stage(write_voc(tmp_path, 3), copies=None, shown="set").photos[0]
    for kind in ("box_outside", "box_duplicate", "class_spelling", "photo_copies", "unreadable_photo", "no_boxes"):
        assert readings_of(photo, Finding(kind, "photo_00.xml", "keep"), {}) == {}
