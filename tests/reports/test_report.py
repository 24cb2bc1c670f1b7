"""Reports: they agree with the evaluation, and are one file that anyone can open."""

import json
import shlex

import pytest

import autodet
from autodet import cli
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.versions.derive import derive_dataset
from autodet.errors import ModelError
from autodet.models.store import add_model, find_model
from autodet.records import EpochResult, SearchStatus, TrialStatus
from autodet.reports.page import report_html
from autodet.search.order.spec import SearchSpec
from autodet.search.report import report
from autodet.search.status.status_file import write_snapshot
from tests.documents import blocks
from tests.helpers import untrained_bundle, write_labelled
from tests.reports.conftest import APPLE, BANANA, evaluated, import_marks, unloadable_model
from tests.reports.pages import Page

ERRORS = {
    0: [("apple", APPLE[1], 0.9)],  # a banana is missed
    1: [("apple", APPLE[1], 0.9), ("banana", BANANA[1], 0.9), ("banana", (0, 0, 3, 3), 0.8)],  # a false alarm
    2: [("banana", APPLE[1], 0.7), ("banana", BANANA[1], 0.9)],  # an apple taken for a banana
}
HOSTILE = "<script>alert('\u202e1')</script> \"><img src=x onerror=alert(1)> {0} {{x}} %s &amp; `a`"


def texts(limits) -> str:
    return "\n".join(limit["text"] for limit in limits)


def test_the_figures_are_those_of_evaluate(fruit, workspace, tmp_path, capsys):
    model = add_model(untrained_bundle(tmp_path / "model.autodet"), "finder", workspace)
    evaluated(model, fruit, detections=ERRORS)
    assert cli.main(["evaluate", "finder", "fruit", "--json"]) == 0
    measured = json.loads(capsys.readouterr().out)
    assert cli.main(["report", "finder", "fruit", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["evaluation"] == measured
    assert [group["name"] for group in measured["conditions"]["light"]] == ["dark", "usual light", "bright"]
    for kind, groups in measured["conditions"].items():
        subsets = document["subsets"][kind]
        assert [{name: subset[name] for name in groups[0]} for subset in subsets] == groups
    page = Page(report_html(report("finder", "fruit")))
    tiles = [tile.text for tile in page.all("div", **{"class": "tiles"})[0].all("div")]
    low, high = measured["interval"]["map50"]
    assert f"{measured['map50']:.3f}mAP@0.5{low:.3f} to {high:.3f}" in tiles
    apple, row = measured["per_class"]["apple"], page.rows("Classes")["apple"]
    assert row[0].startswith(f"{apple['recall']:.0%}".replace("%", "\u202f%"))
    assert row[2].startswith(f"{apple['ap50']:.3f}")
    assert row[2].endswith("{:.3f} to {:.3f}".format(*apple["interval"]["ap50"]))
    assert row[-1] == f"{apple['boxes']}on {apple['images']} photos"
    assert (document["totals"]["boxes"], document["totals"]["found"], document["totals"]["shown"]) == (12, 10, 12)


def test_errors_are_counted_and_shown(model, fruit):
    evaluated(model, fruit, detections=ERRORS)
    made = report("finder", "fruit")
    page = Page(report_html(made))
    errors = page.rows("Errors")
    assert (errors["Missed"][0], errors["Nothing labelled there"][0], errors["Wrong class"][0]) == ("1", "1", "1")
    assert errors["apple"] == ["5", "1", "0"]  # the confusion matrix: found, taken for a banana, missed
    assert errors["banana"] == ["0", "5", "1"]
    captions = [caption.text for caption in page.section("Examples").all("figcaption")]
    assert "test/test_0.png: 1 right, 1 missed." in captions
    assert "test/test_1.png: 2 right, 1 false alarm." in captions
    assert "test/test_2.png: 1 right, 1 of the wrong class." in captions
    assert set(made.photos.errors) == {"missed", "background", "classification"}
    (crop,) = made.photos.errors["background"]
    assert [box.box for box in crop.boxes] == [(0, 0, 3, 3)]
    assert crop.boxes[0].kind == "false_alarm"
    assert all(not {box.kind for box in photo.boxes} - {"right"} for photo in made.photos.best)


def test_suspect_labels_and_weak_folders_are_named(workspace, tmp_path):
    for number in range(12):
        folder = tmp_path / "photos" / ("night" if number < 4 else "day")
        write_labelled(folder, f"{number:02}", [APPLE, BANANA], seed=number)
    dataset = import_dataset(tmp_path / "photos", "shifts", workspace=workspace)
    model = unloadable_model(workspace, dataset)
    nights = [number for number, record in enumerate(dataset.images) if record.origin.startswith("night/")]
    swapped = next(number for number in range(12) if number not in nights)
    bananas_missed = {key: [("apple", APPLE[1], 0.9)] for key in nights}
    evaluated(model, dataset, "all", bananas_missed | {swapped: [("apple", APPLE[1], 0.9), ("apple", BANANA[1], 0.95)]})
    made = report(model, dataset, "all")
    (night,) = [subset for subset in made.to_json()["subsets"]["folder"] if subset["name"] == "night"]
    assert (night["boxes"], night["missed"]) == (8, 4)
    page = Page(report_html(made))
    assert page.rows("Weak spots")["Folder night"][:2] == ["8", "4"]
    errors = page.rows("Errors")
    assert errors["Wrong class"] == ["1"]
    assert errors[dataset.images[swapped].file][0] == "Wrong class: banana, looks like apple"


def test_a_report_refers_to_nothing_outside_and_runs_nothing(model, fruit):
    evaluated(model, fruit, detections=ERRORS)
    html = report_html(report("finder", "fruit"))
    page = Page(html)
    assert {"script", "link", "iframe", "object", "img", "form"}.isdisjoint(each.name for each in page.all())
    links = [value for each in page.all() for key, value in each.attributes.items() if key in ("href", "src")]
    assert any(link.startswith("data:image/jpeg;base64,") for link in links)
    assert all(link.startswith(("#s", "data:image/jpeg;base64,")) for link in links)
    (policy,) = page.all("meta", **{"http-equiv": "Content-Security-Policy"})
    assert policy.attributes["content"].startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:;")
    (style,) = page.all("style")
    assert not {"url(", "@import", "http"} & {part for part in ("url(", "@import", "http") if part in style.text}
    assert len(html) < 3_000_000


def test_hostile_names_are_text(workspace, tmp_path):
    dataset = import_marks(tmp_path / "photos", workspace, [(HOSTILE, APPLE[1]), BANANA], name=HOSTILE)
    model = unloadable_model(workspace, dataset, HOSTILE, params={"lr": "<b>1</b>"})
    evaluated(model, dataset, detections={0: []})
    page = Page(report_html(report(model, dataset, workspace=workspace)))
    assert {"script", "img", "b"} - {each.name for each in page.all()} == {"script", "img"}, "tiles have b"
    assert not any(key.startswith("on") for each in page.all() for key in each.attributes)
    assert "\u202e" not in page.text
    assert "<script>alert('\\u202e1')</script>" in page.text
    assert "<b>1</b>" in page.text


def test_limits_say_what_was_not_measured(model, fruit, workspace):
    for split in ("train", "val", "test", "all"):
        evaluated(model, fruit, split)
    of = {split: texts(report(model, fruit, split).to_json()["limits"]) for split in ("train", "val", "test", "all")}
    assert "trained on all 4 of these photos (data leakage)" in of["train"]
    assert "trained on 4 of these 12 photos (data leakage)" in of["all"]
    assert "validation photos chose the model" in of["val"]
    assert "validation photos chose" not in of["test"]
    assert "trained on none of these 6 photos" in of["test"]
    assert "Only 6 photos were measured" in of["test"]
    assert "Every photo shows an object" in of["test"]
    assert "medium objects" in of["test"]
    assert "Few labelled objects: apple (6) and banana (6)" in of["test"]
    assert "come from the same data set" in of["test"]
    page = Page(report_html(report(model, fruit, "train")))
    assert "data leakage" in page.all("p", **{"class": "warning"})[0].text


def test_classes_without_photos_and_unknown_training_data_are_named(workspace, fruit):
    facts = {"classes": (*fruit.classes, "cherry"), "dataset": "earlier", "dataset_fingerprint": "e" * 64}
    model = unloadable_model(workspace, fruit, **facts)
    evaluated(model, fruit)
    limits = texts(report(model, fruit).to_json()["limits"])
    assert "cherry is not evaluated: no test photo shows it." in limits
    assert "its training data (earlier) is not in this workspace" in limits
    page = Page(report_html(report(model, fruit)))
    assert page.rows("Classes")["cherry"][0] == "–"
    assert "search that made this model is not in this workspace" in page.section("Search").text


def test_the_search_shows_its_best_parameters_beside_the_defaults(model, fruit, workspace, tmp_path):
    evaluated(model, fruit)
    folder = workspace.searches / "tuning"
    folder.mkdir()
    SearchSpec(name="tuning", dataset=fruit.id).write(folder)
    trials = [
        TrialStatus(number, "finished", {"lr": lr}, (EpochResult(0, 1.0, score, score / 2, 2.0),))
        for number, (lr, score) in enumerate([(1e-3, 0.4), (2e-3, 0.5)])
    ]
    write_snapshot(folder, SearchStatus("tuning", fruit.id, "finished", tuple(trials), 2, 1, model="tuning"))
    own = folder / "trials" / "1"
    own.mkdir(parents=True)
    (own / "best.autodet").write_bytes(model.path.read_bytes())
    made = report(model, fruit)
    search = made.to_json()["search"]
    assert (search["search"], search["trial"], [trial["value"] for trial in search["trials"]]) == (
        "tuning",
        1,
        [0.4, 0.5],
    )
    page = Page(report_html(made))
    assert page.rows("Search")["lr"] == ["0.002", "0.001"]
    assert "trial 1, epoch 0: mAP@0.5 0.500" in page.section("Search").text
    assert "The defaults (trial 0) have 0.400" in page.section("Search").text


def test_the_report_of_an_average_gives_its_own_figure_and_that_of_the_best_trial(fruit, workspace):
    mean = unloadable_model(workspace, fruit, "tuning", metrics={"map50": 0.55}, averaged=(1, 0), epoch=1)
    evaluated(mean, fruit)
    folder = workspace.searches / "tuning"
    folder.mkdir()
    SearchSpec(name="tuning", dataset=fruit.id).write(folder)
    trials = [TrialStatus(n, "finished", {}, (EpochResult(1, 1.0, 0.4 + n / 10, 0.2, 2.0),)) for n in range(2)]
    write_snapshot(folder, SearchStatus("tuning", fruit.id, "finished", tuple(trials), 2, 1, model="tuning"))
    text = Page(report_html(report(mean, fruit))).section("Search").text
    assert "the average of the trials 1 and 0: mAP@0.5 0.550" in text
    assert "The best trial alone is trial 1: 0.500." in text


def test_how_to_use_it_names_the_model_and_is_what_the_documentation_runs(model, fruit, tmp_path):
    evaluated(model, fruit)
    usage = report(model, fruit).to_json()["usage"]
    documented = next(
        block.text for block in blocks() if block.document == "docs/onnx.md" and "onnxruntime" in block.text
    )
    assert usage["onnx"].replace("'finder.onnx'", '"fruit.onnx"').strip() == documented.strip()
    assert "load_detector('finder')" in usage["python"]
    for line in usage["command_line"].splitlines():
        python, flag, program, *words = shlex.split(line)
        assert (python, flag, program) == ("python", "-m", "autodet")
        cli._parser().parse_args(words)
    page = Page(report_html(report(model, fruit)))
    assert [block.text for block in page.section("How to use it").all("code")] == list(usage.values())


def test_the_file_is_replaced_and_nothing_else_is_left(model, fruit, tmp_path, capsys):
    evaluated(model, fruit)
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "report.html").write_text("old")
    (folder / "link.html").symlink_to("report.html")
    assert cli.main(["report", "finder", "fruit", "--out", str(folder / "link.html")]) == 0
    assert capsys.readouterr().out == f"Wrote {folder / 'link.html'}.\n"
    assert (folder / "link.html").is_symlink()
    assert (folder / "report.html").read_text().startswith("<!DOCTYPE html>")
    assert sorted(path.name for path in folder.iterdir()) == ["link.html", "report.html"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["finder", "fruit"], "add --out report.html"),
        (["other", "fruit", "--json"], "There is no model 'other'"),
        (["finder", "other", "--json"], "There is no data set called 'other'"),
        (["finder", "tiny", "--json"], "has no photos in the split 'test'"),
        (["finder", "renamed", "--json"], "has boxes of cherry, which the model finder does not know"),
        (["finder", "fruit", "--out", "missing/report.html"], "for the report does not exist"),
        (["finder", "fruit", "--out", "."], "is a folder"),
        (["finder", "fruit", "--out", "/dev/null"], "is not a regular file"),
    ],
)
def test_a_mistake_is_a_sentence(words, sentence, model, fruit, workspace, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    derive_dataset(fruit, "renamed", rename={"apple": "cherry"}, workspace=workspace)
    derive_dataset(fruit, "tiny", resplit=(50, 50, 0), workspace=workspace)
    assert cli.main(["report", *words]) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1


def test_a_place_that_cannot_be_written_is_noticed_before_the_evaluation(model, fruit, tmp_path):
    with pytest.raises(ModelError, match="does not exist"):
        report(model, fruit, out=tmp_path / "missing" / "report.html", progress=lambda *_: pytest.fail("it predicts"))


def test_a_photo_that_is_gone_is_left_out_and_named(model, fruit):
    evaluated(model, fruit, detections={0: []})
    fruit.photo(fruit.split("test")[0]).unlink()
    made = report(model, fruit)
    assert made.photos.unread[0] == "test/test_0.png"
    assert "could not be opened: test/test_0.png" in Page(report_html(made)).section("Examples").text


@pytest.mark.parametrize("found", [{}, dict.fromkeys(range(6), ())], ids=["everything", "nothing"])
def test_a_perfect_and_a_blind_model_have_a_report(model, fruit, found):
    evaluated(model, fruit, detections=found)
    page = Page(report_html(report(model, fruit)))
    expected = "finds 0\u202f% of the labelled objects, and it reports nothing" if found else "finds 100\u202f%"
    assert expected in page.section("In short").text
    assert "NaN" not in page.text
    assert "nan" not in {value for each in page.all() for value in each.attributes.values()}


def test_many_classes_keep_the_file_small(workspace, tmp_path):
    marks = [
        (f"class {number:03}", (number % 8 * 8, number // 8 * 6, number % 8 * 8 + 7, number // 8 * 6 + 5))
        for number in range(60)
    ]
    dataset = import_marks(tmp_path / "photos", workspace, marks)
    model = unloadable_model(workspace, dataset)
    evaluated(model, dataset, detections=dict.fromkeys(range(6), ()) | {0: [("class 001", marks[0][1], 0.9)]})
    html = report_html(report(model, dataset))
    page = Page(html)
    assert "The 40 weakest of 60 classes" in page.section("Classes").text
    assert page.rows("Errors")["class 000"] == ["class 001", "1"]
    assert len(html) < 1_000_000


def test_a_model_in_a_file_has_a_report_too(trained_bundle, sample_dataset, workspace, tmp_path):
    detector = autodet.load_detector(trained_bundle, device="cpu")
    made = autodet.report(detector, sample_dataset, "val", out=tmp_path / "report.html")
    usage = made.to_json()["usage"]
    assert f"load_detector('{trained_bundle.name}')" in usage["python"]
    assert made.evaluation.map50 == find_model(trained_bundle).card.metrics["map50"]
    assert (tmp_path / "report.html").read_text().startswith("<!DOCTYPE html>")
