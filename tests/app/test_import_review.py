"""The gate of an import: decisions first, with pictures; all else folded."""

import json

import pytest

from autodet.datasets.imports.import_job import find_import, start_import
from autodet.datasets.manifest import list_datasets
from tests.app.conftest import checked, labelled, labels, primary_links, says, viewer_data
from tests.helpers import draw_photo, voc_xml, wait_for, write_labelled, write_voc


@pytest.fixture
def corners(tmp_path):
    """A COCO source whose boxes are two corners."""
    folder = tmp_path / "corners"
    folder.mkdir()
    boxes = [[20, 10, 60, 44], [34, 20, 62, 40]]
    images = [{"id": number, "file_name": f"{number}.png", "width": 64, "height": 48} for number in range(12)]
    for image in images:
        draw_photo(seed=image["id"]).save(folder / image["file_name"])
    marks = [
        {"id": 2 * image["id"] + number, "image_id": image["id"], "category_id": 1, "bbox": box}
        for image in images
        for number, box in enumerate(boxes)
    ]
    document = {"images": images, "annotations": marks, "categories": [{"id": 1, "name": "apple"}]}
    (folder / "labels.json").write_text(json.dumps(document))
    return folder


def reviewed(visit, workspace, folder):
    wait_for(start_import(str(folder), "set", workspace=workspace))
    return visit("datasets")


def pictures(app):
    return [image.proto.imgs[0].alt for image in app.get("image")]


def test_each_reading_has_a_picture_and_a_button_and_the_import_waits_for_one(visit, workspace, corners):
    app = reviewed(visit, workspace, corners)
    label = "Read them as two corners"
    assert pictures(app)[:2] == ["Read them as the format says", label]
    assert labelled(app.button, "Import 12 photos").disabled
    assert "Not possible before you decide: **Boxes in another notation**" in says(app)
    (enlarge,) = [
        button for button in app.button if button.key.startswith("enlarge reading") and "corners" in button.key
    ]
    shown = viewer_data(checked(enlarge.click().run()))
    assert shown["photos"][str(shown["place"])]["name"] == label
    app = checked(labelled(app.button, label).click().run())
    assert labelled(visit("datasets").button, label).icon == ":material/check:"  # kept for other sessions
    assert not labelled(app.button, "Import 12 photos").disabled and "Not possible" not in says(app)
    app = checked(labelled(app.button, label).click().run())
    assert labelled(app.button, "Import 12 photos").disabled
    app = checked(labelled(app.button, label).click().run())
    checked(labelled(app.button, "Import 12 photos").click().run())
    wait_for(find_import("set", workspace))
    [summary] = [one for one in list_datasets(workspace) if one.name == "set"]
    assert summary.boxes == 24


def test_pages_without_a_data_set_lead_to_the_import_that_waits(visit, workspace, corners):
    assert "There is no data set yet" in says(visit("label"))
    reviewed(visit, workspace, corners)
    app = visit("label")
    assert "An import waits for your decision" in says(app) and primary_links(app) == ["Review the import"]


def test_readings_that_differ_in_classes_have_a_legend(visit, workspace, tmp_path):
    folder = tmp_path / "set"
    folder.mkdir()
    for number in range(10):
        draw_photo(seed=number).save(folder / f"{number}.png")
        (folder / f"{number}.txt").write_text("1 0.3 0.3 0.2 0.2\n2 0.7 0.7 0.2 0.2\n")
    (folder / "data.yaml").write_text("names: [apple, banana]\n")
    app = reviewed(visit, workspace, folder)
    assert "1 decision that only you can make" in says(app) and "right names for the objects" in says(app)
    legends = [one.proto.body for one in app.get("html") if "■" in one.proto.body]
    assert [[name in legend for name in ("apple", "banana")] for legend in legends[:2]] == [[True, True], [False, True]]


def test_many_suggestions_are_folded(visit, workspace, tmp_path):
    folder = write_voc(tmp_path / "set")
    write_labelled(folder, "wide", [("apple", (10, 10, 68, 40))], seed=77)
    write_labelled(folder, "twice", [("apple", (10, 10, 40, 40))] * 2, seed=78)
    write_labelled(folder, "capital", [("Apple", (10, 10, 40, 40))], seed=79)
    draw_photo(seed=80).save(folder / "bare.png")
    app = reviewed(visit, workspace, folder)
    assert "**4 decisions with autodet's suggestion selected**" in labels(app.expander)
    assert not labelled(app.button, "Import 23 photos").disabled


def test_decisions_come_first_and_the_rest_is_folded_but_reachable(visit, workspace, tmp_path, offered):
    folder = write_voc(tmp_path / "set")
    write_labelled(folder, "wide", [("apple", (10, 10, 68, 40))], seed=77)
    write_labelled(folder, "tiny", [("apple", (10, 10, 11, 12))], seed=78)
    (folder / "gone.xml").write_text(voc_xml("gone.png"))
    app = reviewed(visit, workspace, folder)
    assert "1 decision" in says(app) and "**Boxes that reach beyond their photo** · 1" in says(app)
    assert "Other findings (2 kinds)" in labels(app.expander) and not app.dataframe
    enlarge = [button for button in app.button if button.key.startswith("enlarge example")]
    shown = viewer_data(checked(enlarge[1].click().run()))
    assert (shown["count"], shown["place"], shown["photos"]["1"]["name"]) == (2, 1, "wide.png (After)")
    assert [layer["key"] for layer in shown["layers"]] == ["in_question", "after"]
    app.session_state["others set"] = True
    app = checked(app.run())
    table = app.dataframe[0].value
    assert list(table["Finding"]) == ["Labels without their photo", "Very small boxes"]
    assert list(table["Count"]) == [1, 1] and list(table["Action"]) == ["Leave the labels out", "Keep the box"]
    assert "**gone\\.xml**" in says(app)
    report = offered["set-findings.csv"]().decode()
    assert all(kind in report for kind in ("box_outside", "photo_missing", "box_tiny"))


def test_long_lists_come_in_pages(visit, workspace, tmp_path):
    folder = write_voc(tmp_path / "set", 60)
    for number in range(45):
        write_labelled(folder, f"tiny_{number:02}", [("apple", (10, 10, 11, 12))], seed=200 + number)
    (folder / "gone.xml").write_text(voc_xml("gone.png"))
    app = reviewed(visit, workspace, folder)
    app.session_state["others set"] = True
    app = checked(app.run())
    app = checked(labelled(app.selectbox, "Show").set_value("box_tiny").run())
    assert sum("**tiny_".replace("_", r"\_") in one.value for one in app.markdown) == 20


def test_a_decision_about_folded_findings_stays_when_another_kind_is_shown(visit, workspace, tmp_path):
    folder = write_voc(tmp_path / "set")
    write_labelled(folder, "tiny", [("apple", (10, 10, 11, 12))], seed=78)
    (folder / "gone.xml").write_text(voc_xml("gone.png"))
    app = reviewed(visit, workspace, folder)
    app.session_state["others set"] = True
    app = checked(checked(app.run()).selectbox(key="shown set").set_value("box_tiny").run())
    app = checked(labelled(app.radio, "What to do about: Very small boxes").set_value("drop").run())
    app = checked(checked(app.selectbox(key="shown set").set_value("photo_missing").run()).run())
    assert "Leave the box out" in list(app.dataframe[0].value["Action"])
    app = checked(app.selectbox(key="shown set").set_value("box_tiny").run())
    assert labelled(app.radio, "What to do about: Very small boxes").value == "drop"
