"""Errors that were planted in the labels: the page names them with the right counts, and shows their boxes."""

import json
from dataclasses import replace

import pytest

from autodet.datasets.drafts.journal import read_drafts, save_draft
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.manifest import load_dataset
from autodet.evaluation.report import evaluate_predictions
from autodet.inference.detector import Detector
from autodet.inference.evaluations import evaluate_model, keep_evaluation
from autodet.records import Prediction
from tests.app.conftest import address, checked, labelled, labels, says
from tests.app.test_evaluate import errors, opened, threshold
from tests.helpers import write_labelled, write_voc
from tests.planted_errors import PHOTOS, PLANTED, SIZE, TRUE, import_planted, predict_planted

IMAGES = PHOTOS + sum(count for _, count in PLANTED.values())
LABELS = 3 * IMAGES - 2 + 1


@pytest.fixture
def planted(workspace, tmp_path, model_there):
    data = import_planted(tmp_path / "fruit", workspace)
    predict_planted(data, model_there())
    return data


@pytest.fixture
def page(visit, planted):
    def page(tab=None):
        app = visit("evaluate", split="val")
        return opened(app, tab) if tab else app

    return page


def boxes(app):
    return labelled(app.selectbox, "Boxes")


def crops(app):
    return [button for button in app.button if "enlarge" in (button.key or "")]


def choose(app, title):
    return checked(boxes(app).select(title).run())


def test_the_summary_counts_what_is_found_missed_and_wrong(page, offered):
    app = page()
    assert "No test photos" in app.expander[0].label
    assert "draw new splits" in says(app)
    found = LABELS - 2 - 3 - 1
    assert f"Finds **{100 * found / LABELS:.0f} %** of the objects" in app.subheader[0].value
    assert "of what it reports is wrong" in app.subheader[0].value
    errors = "4 missed, 6 false alarms, 2 of the wrong class"
    assert f"On {IMAGES} validation photos with {LABELS} labelled objects: {found:,} found, {errors}." in says(app)
    assert f": **{errors}**." in says(opened(app, "Photos"))  # the same count
    app = checked(threshold(app).set_value(0.95).run())
    assert "5 false alarms" in says(app)  # the duplicate scores 0.9
    assert callable(offered["fruit-fruit-val.html"])  # the report, made on request


def test_all_figures_are_about_the_classes_of_the_data_set(visit, workspace, tmp_path, model_there, monkeypatch):
    """The data set has no cups; it has kiwis, but on none of these photos."""
    apple, banana, kiwi = (box for _, box in TRUE)
    classes = ("apple", "banana", "cup", "kiwi")
    for number in range(4):
        marks = [("apple", apple), ("banana", banana)]
        write_labelled(tmp_path / "set" / "train", f"a{number}", [*marks, ("kiwi", kiwi)], SIZE, number)
        write_labelled(tmp_path / "set" / "val", f"b{number}", marks, SIZE, 10 + number)
    data = import_dataset(tmp_path / "set", "set", workspace=workspace, decisions={"splits_disagree": "keep"})
    found = [apple, (150, 90, 190, 140), banana, kiwi]  # a cup beside the fruit, one on the banana, and a kiwi
    seen = [Prediction.of(found, [0, 2, 2, 3], [0.9] * 4)] * 4
    monkeypatch.setattr(Detector, "predict_dataset", lambda *_, **__: seen)
    report, _ = evaluate_model(model_there(classes=classes, dataset="set"), data, "val")
    assert {name: one.precision for name, one in report.per_class.items()} == {
        "apple": 1.0,
        "banana": None,
        "cup": None,
        "kiwi": 0.0,
    }
    app = visit("evaluate", split="val")
    assert "Finds **50 %** of the objects" in app.subheader[0].value
    assert "**50 %** of what it reports is wrong" in app.subheader[0].value
    assert "4 found, 4 missed, 4 false alarms." in says(app)
    lines = next(part.value for part in app.markdown if part.value.startswith("- **apple**"))
    assert "**kiwi**: no labelled objects; **all** of its 4 detections are wrong" in lines
    assert "cup" not in lines
    assert "cup and kiwi are not evaluated" in says(app)
    assert errors(opened(app, "Photos")) == ["1 missed, 1 false alarm"] * 4
    assert set(boxes(opened(app, "Errors")).options) == {
        "4 errors: Missed",
        "4 errors: Nothing labelled there",
        "4 labelled banana, missed",
        "4 reported as kiwi where nothing is labelled",
        "4 apple, found",
    }
    assert {issue.suggested_class for issue in report.label_issues} == {"kiwi"}
    assert "The 2 classes of 4 with errors." in says(app)
    app = opened(app, "Classes")
    assert app.dataframe[0].value["class"].tolist() == ["apple", "banana", "kiwi"]
    assert "Left out: 1 class without labels or detections here." in says(app)
    app = checked(threshold(app).set_value(0.95).run())
    assert app.dataframe[0].value["class"].tolist() == ["apple", "banana"]
    assert "Left out: 2 classes without labels or detections here." in says(app)


def test_the_matrix_has_the_classes_with_errors_only(visit, workspace, tmp_path, model_there, monkeypatch):
    data = import_dataset(write_voc(tmp_path / "fruit"), "fruit", workspace=workspace)
    model = model_there()
    records = data.split("val")
    found = [Prediction.of(one.annotations.boxes_xyxy, one.annotations.class_ids, [0.9] * 2) for one in records]
    report = evaluate_predictions(records, found, model.card.classes, model.card.all_thresholds)
    keep_evaluation(model, data, "val", (report, found))
    app = opened(visit("evaluate", split="val"), "Errors")
    assert "No class has an error at these thresholds." in says(app)
    assert len(app.get("plotly_chart")) == 1  # the kinds of errors


def test_every_error_is_named_with_its_count_and_shows_exactly_its_boxes(page):
    app = page("Errors")
    assert set(boxes(app).options) == {
        "2 errors: Wrong class",
        "3 errors: Badly placed box",
        "2 errors: Nothing labelled there",
        "1 error: Reported twice",
        "1 error: Missed",
        "2 labelled banana, detected as apple",
        "3 labelled apple, missed",
        "1 labelled banana, missed",
        "6 reported as apple where nothing is labelled",
        f"{2 * IMAGES - 2 - 3 - 2} apple, found",
        f"{IMAGES} banana, found",
    }
    assert not crops(app)
    app = choose(app, "3 errors: Badly placed box")
    assert "Shown below: **3 errors: Badly placed box**" in says(app).replace("\\", "")
    assert "3 boxes on 3 photos" in says(app)
    assert [button.label for button in crops(app)] == [":small[apple 0\\.95]"] * 3
    app = choose(app, "2 labelled banana, detected as apple")
    assert "2 boxes on 2 photos" in says(app) and len(crops(app)) == 2
    checked(labelled(app.button, "Clear").click().run())
    assert boxes(app).value is None and not crops(app)
    app = choose(app, f"{IMAGES} banana, found")
    assert len(crops(app)) == 12
    checked(app.pagination[0].set_value(2).run())
    assert len(crops(app)) == IMAGES - 12
    app = choose(app, "1 error: Reported twice")
    assert len(crops(app)) == 1
    checked(threshold(app).set_value(0.95).run())
    assert boxes(app).value is None and not crops(app)  # nothing is left of the mark
    checked(labelled(app.button, "Back to the model's own").click().run())
    app = choose(app, "6 reported as apple where nothing is labelled")
    checked(threshold(app).set_value(0.95).run())
    assert "Shown below: **5 reported as apple" in says(app) and len(crops(app)) == 5


def test_next_steps_and_weak_spots_are_named_with_counts(page):
    app = page("Next steps")
    steps = app.markdown[-1].value.replace("\\", "").splitlines()
    assert steps[0].startswith("1. 8 labels beside 65 objects may be wrong.")
    assert any("3 errors: Badly placed box. Mending this kind at all scores would add" in step for step in steps)
    assert any("is below average: AP" in step and "training boxes" in step for step in steps)
    app = opened(app, "Weak spots")
    options = boxes(app).options
    assert "6 missed: Medium objects, 32 to 96 px" in options
    assert f"{LABELS - 6} found: Medium objects, 32 to 96 px" in options
    assert "Photos with 2 to 5 objects" in " ".join(options)
    assert {"light", "sharpness"}.isdisjoint(label.split(":")[0] for label in options)
    app = checked(next(button for button in app.button if "Measure" in button.label).click().run())
    assert any("Photos in usual light" in option for option in boxes(app).options)
    assert any("Blurred" in option for option in boxes(app).options)


def test_thresholds_can_be_typed_and_points_of_curves_show_their_errors(page):
    app = page("Classes")
    app.session_state["threshold fields"] = True
    checked(app.run())
    checked(labelled(app.number_input, "banana").set_value(0.96).run())
    table = app.dataframe[0].value.set_index("class")
    assert table["threshold"].to_dict() == {"apple": 0.5, "banana": 0.96}
    assert table["recall"]["banana"] == 0 and table["recall"]["apple"] > 0.8
    checked(labelled(app.button, "Back to the model's own").click().run())
    assert app.dataframe[0].value.set_index("class")["threshold"].to_dict() == {"apple": 0.5, "banana": 0.5}
    app = choose(opened(app, "Curves"), "11 errors of apple at a threshold of 0.50")
    assert len(crops(app)) == 11  # 2 + 3 + 2 + 1 false alarms, 3 missed
    app = opened(app, "Scores")
    (title,) = [option for option in boxes(app).options if "0.9 to 1.0" in option]
    app = choose(app, title)
    assert f"{3 * IMAGES + 1} boxes on {IMAGES} photos" in says(app)


def test_labels_that_look_wrong_become_a_version_with_the_right_ones(page, planted, workspace, offered):
    app = opened(page(), "Labels (8)")
    kinds = labelled(app.segmented_control, "Kind").options
    assert set(kinds) == {
        "All (8)",
        "Missing label (2)",
        "Wrong class (2)",
        "Badly placed box (3)",
        "Label without an object (1)",
    }
    assert "0 accepted, 0 kept" in says(app)
    assert "Create the version" not in labels(app.button)
    decision = next(control for control in app.segmented_control if control.label == "Decision")
    checked(decision.set_value(False).run())
    assert "0 accepted, 1 kept" in says(app)
    assert offered["fruit-label-issues.csv"].decode().splitlines()[1].endswith("kept")
    checked(labelled(app.button, "Accept these 6").click().run())
    checked(app.pagination[0].set_value(2).run())
    checked(labelled(app.button, "Accept these 2").click().run())
    assert "8 accepted, 0 kept" in says(app)
    assert "Correct 8 labels on 8 photos: 2 added, 1 removed, 2 given another class and 3 moved." in says(app).replace(
        "\\", ""
    )
    assert json.loads(offered["fruit-corrected.json"]())["annotations"]
    assert offered["fruit-label-issues.csv"].decode().count("accepted") == 8
    checked(labelled(app.button, "Create the version").click().run())
    assert "Create the version" not in labels(checked(app.run()).button)  # it exists
    made = load_dataset("fruit 2", workspace)
    assert "fruit 2 was created" in says(app)
    marked = [record.annotations for record in made.split("val")]
    rows = [zip(one.class_ids.tolist(), map(tuple, one.boxes_xyxy.tolist()), strict=True) for one in marked]
    right = [(made.classes.index(name), tuple(map(float, box))) for name, box in TRUE]
    assert all(sorted(row) == sorted(right) for row in rows)
    assert planted.fingerprint != made.fingerprint


def test_labels_that_look_wrong_open_in_the_label_editor(page, planted):
    app = opened(page(), "Labels (8)")
    one = next(button for button in app.button if button.label == "Open in the editor")
    app = checked(one.click().run())
    (flagged,) = read_drafts(planted).changed.values()
    assert len(flagged.issues) == 1 and app.title[0].value == "Label"
    app = opened(page(), "Labels (8)")
    app = checked(labelled(app.button, "Open all in the editor (8 photos)").click().run())
    drafts = [draft for draft in read_drafts(planted).changed.values() if draft.needs_look]
    assert len(drafts) == 8 and app.title[0].value == "Label"
    assert address(app)["photo"] in {draft.file for draft in drafts}
    for draft in drafts:
        save_draft(planted, replace(draft, reviewed=True))
    app = opened(page(), "Labels (8)")
    app = checked(labelled(app.button, "Open all in the editor (8 photos)").click().run())
    assert "People have reviewed these labels already" in says(app)


def test_every_tab_opens_when_the_model_finds_nothing(visit, workspace, tmp_path, model_there):
    name = "*apple* <b>"
    marks = [(name, (10, 10, 50, 40))]
    for split in ("train", "val"):
        write_voc(tmp_path / "odd" / split, 2, marks)
    data = import_dataset(tmp_path / "odd", "odd", workspace=workspace)
    model = model_there("odd", classes=(name, "banana"), dataset="odd")
    records = data.split("val")
    nothing = [Prediction.of([], [], []) for _ in records]
    report = evaluate_predictions(records, nothing, model.card.classes, model.card.all_thresholds)
    keep_evaluation(model, data, "val", (report, nothing))
    app = visit("evaluate", split="val")
    assert app.subheader[0].value == "Finds **none** of 2 objects; reports nothing"
    assert r"**\*apple\* \<b\>**: finds **none** of 2 objects" in says(app)
    for tab in [tab.label for tab in app.tabs]:
        opened(app, tab)
        assert not app.error
    app = opened(app, "Errors")
    app = choose(app, f"2 labelled {name}, missed")
    assert "2 boxes on 2 photos" in says(app)
    assert len(crops(app)) == 2
