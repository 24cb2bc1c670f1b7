import json
import sqlite3
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.manifest import write_dataset
from autodet.errors import SearchError
from autodet.evaluation.prediction_file import write_predictions
from autodet.inference import background_jobs
from autodet.inference.detector import Detector
from autodet.lock import hold_lock
from autodet.models.bundle import read_card, write_bundle
from autodet.models.model_card import ModelCard
from autodet.models.store import find_model
from autodet.records import Attempt, Notice, Prediction
from autodet.search.api import find_search
from autodet.search.status.status_file import STOP, write_snapshot
from autodet.training.train_job import BEST_BUNDLE, VAL_PREDICTIONS
from autodet.ui.common.markdown import escape
from autodet.workspace import delete_folder, open_workspace
from tests.app.conftest import address, checked, follow, labelled, labels, primary_links, says, trial, viewer_data
from tests.helpers import UNTRAINED, write_labelled, write_voc
from tests.reports.conftest import APPLE, BANANA, import_marks


def metric(app, label):
    return labelled(app.metric, label).value


def test_without_a_search_it_says_what_to_do(visit):
    app = visit("results")
    assert "Nothing has been trained" in says(app)
    assert not app.metric


def test_a_locked_database_keeps_no_page_waiting(visit, search_there, workspace):
    search_there(state="running", trials=[trial(0, "running")])
    other = sqlite3.connect(workspace.home / "optuna.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    pages = {name: visit(name) for name in ("home", "search", "results", "models")}  # the first time, modules are read
    for app in pages.values():
        asked = time.monotonic()
        checked(app.run())
        assert time.monotonic() - asked < 2
    other.close()


def test_a_finished_search_shows_its_best_and_its_trials(visit, search_there):
    search_there(trials=[trial(0), trial(1, "pruned", (0.1,)), trial(2, scores=(0.3, 0.9))], model="fruit")
    app = visit("results")
    assert metric(app, "Best mAP@0.5") == "0.900"
    assert metric(app, "Trials done") == "3 of 3"
    assert metric(app, "Took") == "10 min"
    table = app.dataframe[0].value
    assert list(table["state"]) == ["finished", "pruned", "finished"]
    assert list(table["mAP@0.5"]) == [0.6, 0.1, 0.9]
    assert list(table["trial"].str.contains("★")) == [False, False, True]
    assert list(table["learning rate"]) == [1e-3] * 3
    assert list(table["curve"][2]) == [0.3, 0.9]
    assert len(app.get("plotly_chart")) == 1  # only the selected figure
    assert not {"Stop, keep the best", "Resume"} & set(labels(app.button))


def test_the_figure_of_a_search_is_that_of_its_model_which_may_be_an_average(visit, search_there):
    notice = Notice.of("average_published", trials=[2, 0], metric="mAP@0.5", score=0.934, map50=0.934, best=0.9)
    search_there("mean", trials=[trial(0), trial(1), trial(2, scores=(0.3, 0.9))], model="mean", notices=(notice,))
    app = visit("results")
    figure = labelled(app.metric, "Best mAP@0.5")
    assert (figure.value, figure.delta) == ("0.934", "average of the trials 2 and 0")
    assert "mean · finished · 0.934 · " in labelled(app.selectbox, "Search").options[0]
    assert list(app.dataframe[0].value["mAP@0.5"]) == [0.6, 0.6, 0.9]  # trials keep their own
    assert labelled(app.selectbox, "Trial").value == 2  # the best trial's own model is not published


def test_searches_are_told_apart_by_data_set_score_and_size(visit, fruit, search_there):
    write_dataset(replace(fruit, name="Ripe fruit"))
    search_there("orchard", trials=[trial(0)], dataset="fruit", planned_epochs=3)
    search_there("other", state="stopped", dataset="gone")
    choice = labelled(visit("results").selectbox, "Search")
    ours, other = sorted(choice.options, key=lambda words: "other" in words)
    assert ours.startswith("Ripe fruit (orchard) · finished · 0.600 · ") and ours.endswith("ago · 3 trials of 3 epochs")
    assert other.startswith("other · stopped · ") and other.endswith("ago · 3 trials of 20 epochs")


def test_a_search_says_what_it_was_about(visit, fruit, search_there):
    one = trial(0)
    params = {**one.params, "architecture": "fasterrcnn_efficientnet_lite0", "image_size": 320}
    search_there("plain", trials=[replace(one, params=params)], dataset="fruit")
    about = "Data set fruit · Faster R\\-CNN on EfficientNet\\-Lite0 · photos at 320 px"
    assert about in says(visit("results"))


@pytest.mark.parametrize(
    ("owner", "shown"), [("root", "by root (command line)"), ("anna@example.org", "by anna@example.org"), ("", "ago")]
)
def test_a_search_names_its_owner_and_tells_a_user_of_the_machine_from_a_visitor(visit, search_there, owner, shown):
    search_there("mine", owner=owner)
    (said,) = [caption.value for caption in visit("results").caption if "started" in caption.value]
    assert said.endswith(escape(shown))


def test_the_time_of_an_interrupted_search_is_no_more_than_what_is_known(visit, search_there):
    search_there(state="interrupted", trials=[trial(0, "running")])
    assert metric(visit("results"), "Took at least") == "10 min"


def test_what_trials_needed_is_shown_as_far_as_it_is_known(visit, search_there):
    facts = [{"memory_bytes": 10_000_000, "gpu_utilisation": 0.5}, {"memory_bytes": 30_000_000}, {}]
    attempts = tuple(Attempt("cpu", "2026-01-02T10:00:00+00:00", "2026-01-02T10:01:00+00:00", **one) for one in facts)
    search_there("measured", trials=[trial(0, attempts=attempts), trial(1)])
    search_there("of an earlier version", trials=[trial(0)])
    table = visit("results", search="measured").dataframe[0].value
    assert round(table["peak memory"][0], 2) == 30  # megabytes
    assert table["GPU busy"][0] == 0.5
    assert not {"peak GPU memory"} & set(table)
    assert not {"peak memory", "GPU busy"} & set(visit("results", search="of an earlier version").dataframe[0].value)


def test_a_search_that_waits_for_a_device_says_for_whose(visit, search_there, workspace):
    waits = Notice.of("waits_for_device", searches=["other"], devices=["cpu"])
    search_there("patient", "queued", notices=(waits,))
    with hold_lock(workspace.searches / "patient"):
        text = says(app := visit("results", search="patient"))
        assert "the search other is using cpu" in text
        assert "Stop, keep the best" in labels(app.button)


def test_a_running_search_is_offered_first_and_can_be_stopped(visit, search_there, workspace):
    search_there("older", "running", [trial(0, "running")], seconds_left=120.0)
    search_there("newer", "finished", created="2026-02-02T10:00:00+00:00")
    app = visit("results")
    assert app.selectbox[0].value == "older"
    assert metric(app, "Trials done") == "0 of 3"
    checked(labelled(app.button, "Stop, keep the best").click().run())
    assert (workspace.searches / "older" / STOP).exists()


def test_the_newest_comes_first_among_those_that_are_over(visit, search_there):
    search_there("older")
    search_there("newer", created="2026-02-02T10:00:00+00:00")
    app = visit("results")
    assert app.selectbox[0].value == "newer"
    app.selectbox[0].select("older").run()
    assert app.session_state["search"] == "older"


def test_the_words_of_the_chosen_search_follow_its_state(visit, search_there, workspace):
    search_there("other", created="2026-02-02T10:00:00+00:00")
    status = search_there("one", "running", [trial(0, "running")])
    app = checked(visit("results", search="one").run())
    write_snapshot(workspace.searches / "one", replace(status, state="stopped"))
    shown = checked(app.run()).selectbox[0].proto
    assert shown.set_value
    assert shown.raw_value.startswith("one · stopped")


def test_a_search_chosen_elsewhere_is_shown(visit, search_there):
    search_there("one")
    search_there("two", created="2026-02-02T10:00:00+00:00")
    assert visit("results", search="one").selectbox[0].value == "one"


def test_an_interrupted_search_is_resumed(visit, search_there, workspace, tmp_path, monkeypatch):

    import_dataset(write_voc(tmp_path / "sample", 10), "sample", workspace=workspace)
    launched = []
    monkeypatch.setattr("autodet.search.api.launch", lambda folder: launched.append(folder.name))
    status = search_there(state="running", trials=[trial(0, "running")])
    # Nobody holds the lock of this one.
    search_there("dead", "queued", [trial(0, "running")], created="2026-02-02T10:00:00+00:00")
    app = visit("results", search="dead")
    assert "Resume continues" in says(app)
    checked(labelled(app.button, "Resume").click().run())
    assert launched == ["dead"]
    assert status.search not in launched


def test_a_stopped_search_is_resumed_only_if_it_has_trials_left(visit, search_there, fruit):
    search_there("short", "stopped", [trial(0)], dataset=fruit.id)
    search_there("done", "stopped", [trial(0), trial(1), trial(2)], dataset=fruit.id)
    assert "Resume" in labels(visit("results", search="short").button)
    assert "Resume" not in labels(visit("results", search="done").button)


def test_a_search_whose_data_set_is_gone_says_that_it_cannot_be_resumed(visit, search_there):
    search_there("short", "stopped", [trial(0)])
    app = visit("results", search="short")
    assert "cannot be resumed" in says(app) and "no longer exists" in says(app)
    assert "Resume" not in labels(app.button)


def test_trials_that_find_nothing_are_explained(visit, search_there, workspace, tmp_path):
    for split, name in (("train", "apple"), ("val", "![x](http://y)")):
        write_labelled(tmp_path / "source" / split, split, [(name, (4, 6, 30, 40))], seed=len(split))
    agreed = {"splits_disagree": "keep"}
    import_dataset(tmp_path / "source", "sample", workspace=workspace, decisions=agreed)
    search_there("stuck", trials=[trial(scores=(0.0, 0.0))])
    search_there("fine", trials=[trial()])
    text = says(visit("results", search="stuck"))
    assert "Trial 0 has found nothing in 2 epochs" in text
    assert "100% of the validation boxes" in text
    assert "![x]" not in text
    assert "found nothing" not in says(visit("results", search="fine"))


def test_a_failed_search_says_why_and_so_does_a_failed_trial(visit, search_there):
    reason = Notice.of("error", detail="The loss is not a number [in *epoch* 1]; lower the learning rate.")
    search_there(state="failed", trials=[trial(0, "failed", (), reason=reason)], notices=(Notice("no_trial_started"),))
    app = visit("results")
    assert "No trial could be started" in app.error[0].value.replace("\\", "")
    assert "lower the learning rate" in says(app)
    assert r"\*epoch\*" in says(app)


@pytest.mark.slow
def test_it_leads_on_with_its_model_chosen(visit, search_there, model_there):
    model_there("other", 0.99)
    model = model_there("fruit", 0.6)
    search_there(trials=[trial(0)], model=model.id)
    app = visit("results")
    assert primary_links(app) == ["Try a photo"]
    app = follow(app, "Try a photo")
    assert (app.title[0].value, app.selectbox[0].value) == ("Predict", model.id)
    app = follow(visit("results"), "Evaluate")
    assert (app.title[0].value, address(app)["model"]) == ("Evaluate", model.id)


@pytest.mark.slow
def test_the_model_of_any_trial_can_be_kept_and_tried(visit, search_there, model_there, workspace):
    search_there(trials=[trial(0), trial(1, scores=(0.3, 0.9)), trial(2, "failed", ())], model="fruit")
    app = visit("results")
    which = labelled(app.selectbox, "Trial")
    assert which.options == ["1 ★ · mAP@0.5 0.900", "0 · mAP@0.5 0.600"]
    app = checked(which.select(0).run())
    labelled(app.text_input, "Name").set_value("*Second*")
    app = checked(labelled(app.button, "Keep this model").click().run())
    assert "no model of a trial 0" in says(app).replace("\\", "")  # its folder is not there
    put_trial = model_there("bundle")
    folder = workspace.searches / "fruit" / "trials" / "0"
    folder.mkdir(parents=True)
    put_trial.path.rename(folder / "best.autodet")
    app = checked(labelled(app.button, "Keep this model").click().run())
    assert "It is kept as **second**" in says(app)
    assert find_model("second", workspace).card.name == "*Second*"
    app = follow(app, "Try it")
    assert (app.title[0].value, app.selectbox[0].value) == ("Predict", "second")


def test_a_search_for_quality_and_speed_shows_its_front(visit, search_there):
    trials = [
        trial(0, latency_ms=60),
        trial(1, scores=(0.3, 0.9), latency_ms=90),
        trial(2, scores=(0.4,), latency_ms=70),
    ]
    search_there("pair", trials=trials, objective="map50+latency", model="pair")
    search_there("single", trials=[trial(0)])
    app = visit("results", search="pair")
    assert metric(app, "Best mAP@0.5") == "0.900"
    assert "Trials on the line are the Pareto front" in says(app)
    table = app.dataframe[0].value
    assert list(table["trial"]) == ["0 ◆", "1 ★ ◆", "2"]
    assert list(table["one prediction"]) == [60, 90, 70]
    options = ["1 ★ ◆ · mAP@0.5 0.900 · 90 ms", "0 ◆ · mAP@0.5 0.600 · 60 ms", "2 · mAP@0.5 0.400 · 70 ms"]
    assert labelled(app.selectbox, "Trial").options == options
    app = visit("results", search="single")
    assert "Pareto front" not in says(app)
    assert "one prediction" not in app.dataframe[0].value


def test_the_trial_to_keep_that_is_offered_first_is_not_the_searchs_own(visit, search_there):
    search_there("two", trials=[trial(0), trial(1, scores=(0.9,))], model="two")
    search_there("one", trials=[trial(0)], model="one")
    assert labelled(visit("results", search="two").selectbox, "Trial").value == 0
    assert labelled(visit("results", search="one").selectbox, "Trial").value == 0


@pytest.mark.slow
def test_a_search_says_what_it_takes_on_the_disk_and_can_be_deleted_once_it_is_over(
    visit, search_there, model_there, workspace
):
    model = model_there("fruit")
    search_there("fruit", trials=[trial(0)], model=model.id)
    bundle = workspace.searches / "fruit" / "trials" / "0" / "best.autodet"
    bundle.parent.mkdir(parents=True)
    bundle.write_bytes(bytes(19_000_000))
    search_there("other", "running", [trial(0, "running")])
    app = visit("results", search="other")
    assert "Delete" not in labels(app.button)
    assert "Disk space" not in labels(app.metric)
    app = visit("results", search="fruit")
    assert metric(app, "Disk space") == "19 MB"
    app = checked(labelled(app.button, "Delete").click().run())
    assert "the models that you have kept stay under Models" in says(app)
    assert bundle.exists()
    search_there("vain", "failed", [trial(0, "failed")])
    failed = checked(labelled(visit("results", search="vain").button, "Delete").click().run())
    assert "will be deleted." in says(failed) and "stay under Models" not in says(failed)
    assert labelled(app.button, "Delete it")  # what it does is tested in a browser: dialogs need one


@pytest.mark.slow
def test_hostile_texts_are_shown_as_they_are(visit, search_there):
    hostile = Notice.of("error", detail="<script>alert(1)</script> ![x](http://evil)")
    search_there("![x](http-evil)", "failed", notices=(hostile,))
    text = says(visit("results"))
    assert "![x](http://evil)" not in text
    assert "<script>" not in text


def test_a_search_with_a_damaged_record_does_not_hide_the_others(visit, search_there, workspace):
    search_there("whole", trials=[trial(0)])
    search_there("damaged")
    (workspace.searches / "damaged" / "status.json").write_text("{")
    assert visit("results").selectbox[0].options[0].startswith("whole")


@pytest.mark.process
def test_it_does_not_load_torch():
    import subprocess
    import sys

    from tests.app.conftest import ROOT

    code = """
import sys
from streamlit.testing.v1 import AppTest
app = AppTest.from_file("app.py", default_timeout=60).run()
for name in ("results", "models"):
    assert not app.switch_page(f"pages/{name}.py").run().error
print("torch" in sys.modules, "optuna" in sys.modules)
"""
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["False", "False"]


def test_a_search_of_many_trials_is_shown_page_by_page(visit, search_there):
    search_there(trials=[trial(number, scores=(number / 600,)) for number in range(510)])
    app = visit("results")
    assert len(app.dataframe[0].value) == 500
    assert metric(app, "Trials done").startswith("510")
    assert "60 of 510 trials" in says(app)
    app = checked(labelled(app.toggle, "Best first").set_value(True).run())
    assert app.dataframe[0].value["trial"].tolist()[:2] == ["509 ★", "508"]


def varied(number, state="finished", score=0.5):
    one = trial(number, state, scores=(score / 2, score))
    return replace(one, params={**one.params, "lr": 4e-4 + number * 1e-4}, planned_epochs=2)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("history", "Each point is a finished trial"),
        ("importance", "needs at least 20; 4 trials have finished so far (1 pruned"),
        ("slice", "Click a point to open its trial"),
        ("contour", "Only one setting differs between trials"),
        ("parallel", "the best are amber"),
        ("edf", "share of trials"),
        ("timeline", "Each bar is a training run"),
        ("loss", "should fall"),
    ],
)
def test_every_figure_is_drawn_or_says_why_it_cannot_be(visit, search_there, workspace, kind, expected):
    trials = [varied(number, score=0.5 + number / 10) for number in range(4)]
    search_there(trials=[*trials, varied(4, "pruned", 0.1)])
    app = visit("results", **{"figure fruit": kind})
    assert expected in says(app).replace("\\", "")
    assert len(app.get("plotly_chart")) == (kind not in ("importance", "contour"))
    assert not (workspace.home / "optuna.db").exists()  # the study is rebuilt from the status


def test_a_search_whose_trials_were_all_pruned_has_no_history(visit, search_there):
    search_there(trials=[varied(0, "pruned"), varied(1, "failed")])
    text = says(visit("results", **{"figure fruit": "history"})).replace("\\", "")
    assert "none has finished so far (1 pruned" in text


def test_an_opened_trial_shows_its_settings_beside_the_defaults_and_how_to_train_it_again(visit, search_there):
    search_there(trials=[varied(0), varied(1), varied(2, "failed")])
    app = visit("results", **{"opened fruit": (1,)})
    assert "Trial 1" in app.subheader[0].value
    assert "Differs from the defaults in learning rate." in says(app)
    settings = app.dataframe[1].value
    assert settings.iloc[0].tolist() == ["Learning rate", "0.0005", "0.0004"]
    python, document = (code.value for code in app.code)
    assert python.splitlines()[0] == "import autodet"
    assert "'lr': 0.0005" in python and "autodet.fit('sample', **options)" in python
    assert json.loads(document)["options"]["epochs"] == 2
    assert app.session_state["rows fruit "]["selection"]["rows"] == [1]  # ticked in the table too
    app = checked(labelled(app.button, "Close").click().run())
    assert not app.subheader


def test_two_opened_trials_show_what_differs(visit, search_there):
    search_there(trials=[varied(0), varied(1, score=0.6), varied(2)])
    app = visit("results", **{"opened fruit": (0, 1)})
    assert "Trials 0 and 1" in app.subheader[0].value
    assert app.dataframe[1].value.values.tolist() == [
        ["mAP@0.5", "0.500", "0.600"],
        ["mAP@0.5–0.95", "0.250", "0.300"],
        ["Learning rate", "0.0004", "0.0005"],
    ]


@pytest.fixture
def predicted(workspace, tmp_path, search_there):
    """Trials with a model each; trial 0 finds everything, trial 1 misses a banana, trial 2 is of an earlier version."""
    data = import_marks(tmp_path / "photos", workspace)
    search_there(trials=[varied(0), varied(1, score=0.6), varied(2)], dataset=data.id)
    records = data.split("val")
    found = [Prediction.of([APPLE[1], BANANA[1]], [0, 1], [0.9, 0.8]) for _ in records]
    missed = [Prediction.of([APPLE[1]], [0], [0.9]), *found[1:]]
    for number, seen in enumerate((found, missed, None)):
        folder = workspace.searches / "fruit" / "trials" / str(number)
        folder.mkdir(parents=True)
        checksum = write_bundle(folder / BEST_BUNDLE, card_of(data), bytes([number]))
        if seen:
            write_predictions(folder / VAL_PREDICTIONS, records, seen, checksum, compressed=True)
    return data


def card_of(data):
    facts = {"dataset": data.name, "dataset_fingerprint": data.fingerprint, "metrics": {"map50": 0.5}}
    return ModelCard("trial", data.classes, UNTRAINED, 96, **facts)


def test_an_opened_trial_shows_its_classes_and_its_worst_photos_without_predicting(visit, predicted, monkeypatch):
    monkeypatch.setattr(Detector, "predict_dataset", lambda *_, **__: pytest.fail("predicted"))
    app = visit("results", **{"opened fruit": (1,)})
    table = app.dataframe[2].value
    assert list(table["class"]) == ["apple", "banana"]
    assert list(table["AP@0.5"]) == pytest.approx([1.0, 51 / 101])
    assert list(table["recall"]) == [1.0, 0.5]
    assert "**1 photo with errors**, worst first: 1 missed" in says(app)
    (tile,) = [button for button in app.button if "enlarge trial" in (button.key or "")]
    app = checked(tile.click().run())
    assert {key: len(rows["rows"]) for key, rows in viewer_data(app)["photos"]["0"]["boxes"].items()} == {
        "ground_truth": 2,
        "true_positives": 1,
        "false_positives": 0,
        "missed": 1,
    }


def test_two_opened_trials_are_compared_on_the_photos_that_chose_them(visit, predicted):
    app = visit("results", **{"opened fruit": (0, 1)})
    comparison = find_search("fruit").compare(0, 1)
    assert comparison.map50.b == pytest.approx((1 + 51 / 101) / 2)
    figures = app.dataframe[2].value
    assert list(figures["Trial 1"]) == [
        comparison.map50.b,
        comparison.map50_95.b,
        1.0,
        comparison.per_class["banana"].b,
    ]
    assert "which also choose the model" in says(app)
    assert len([button for button in app.button if "enlarge differing" in (button.key or "")]) == 1


def test_trials_are_not_compared_on_another_data_set(predicted, workspace):
    write_dataset(replace(predicted, images=predicted.images[1:], fingerprint="0" * 64))
    with pytest.raises(SearchError, match="trained on another data set"):
        find_search("fruit").compare(0, 1)


def test_a_trial_of_an_earlier_version_offers_to_evaluate_its_model(visit, predicted, monkeypatch):
    found = [Prediction.of([APPLE[1], BANANA[1]], [0, 1], [0.9, 0.8])] * 2
    app = visit("results", **{"opened fruit": (0, 2)})
    assert "The predictions of trial 2 were not stored." in says(app)
    background_jobs._jobs.clear()  # failures of other tests
    detector = SimpleNamespace(predict_dataset=lambda *_: found, card=read_card(trial_folder(2) / BEST_BUNDLE))
    monkeypatch.setattr("autodet.inference.detector.load_detector", lambda _: detector)
    app = checked(labelled(app.button, "Evaluate trial 2 on 2 validation photos").click().run())
    deadline = time.monotonic() + 60
    while background_jobs._jobs:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    app = checked(app.run())
    assert "Both models have the same mAP@0.5" in says(app)


def trial_folder(number):
    return open_workspace().searches / "fruit" / "trials" / str(number)


def test_a_trial_whose_model_is_gone_is_a_sentence(visit, predicted):
    (trial_folder(1) / BEST_BUNDLE).unlink()
    app = visit("results", **{"opened fruit": (0, 1)})
    assert "The model of trial 1 is not there" in says(app)
    assert not any("Evaluate trial" in label for label in labels(app.button))


def test_a_deleted_data_set_leaves_no_photos_to_look_at(visit, predicted):
    delete_folder(predicted.folder)
    assert "Its data set was deleted" in says(visit("results", **{"opened fruit": (1,)}))


def test_opened_trials_are_in_the_address_and_a_link_opens_them(visit, search_there):
    search_there(trials=[varied(0), varied(1), varied(2)])
    app = visit("home")
    app.query_params["search"], app.query_params["trials"] = "fruit", "2,0,77"
    app = checked(app.switch_page("pages/results.py").run())
    assert "Trials 0 ★ and 2" in app.subheader[0].value
    assert "This search has no trial 77" in says(app)
    assert address(app) == {"search": "fruit", "trials": "2,0"}
    app.query_params["trials"] = "2,0"  # the browser has it from the page
    app = checked(labelled(app.button, "Close").click().run())
    assert address(app) == {"search": "fruit"}


def test_the_table_names_networks_and_parameters_as_the_other_pages(visit, search_there):
    networks = ("nanodet_g", "fasterrcnn_mobilenet_v3_large_320_fpn")
    trials = [
        replace(trial(number), params={**trial().params, "architecture": name}) for number, name in enumerate(networks)
    ]
    search_there(trials=trials)
    table = visit("results").dataframe[0].value
    assert list(table["network"]) == ["NanoDet-g", "Faster R-CNN on MobileNetV3"]
    assert list(table["backbone rate factor"]) == [0.3, 0.3]


def test_the_address_names_the_search(visit, search_there):
    search_there("older")
    search_there("newer", created="2026-02-02T10:00:00+00:00")
    app = visit("results")
    assert address(app) == {"search": "newer"}
    app.query_params["search"] = "newer"  # the browser has it from the page
    app = checked(app.selectbox[0].select("older").run())
    assert address(app) == {"search": "older"}
    app = checked(app.run())  # the browser still sends the address from before
    assert app.selectbox[0].value == "older"
    app.query_params["search"] = "older"
    app = checked(app.run())
    app.query_params["search"] = "newer"  # the browser's Back
    app = checked(app.run())
    assert app.selectbox[0].value == app.session_state["search"] == "newer"
    app.query_params["search"] = "![gone](x)"
    app = checked(app.run())
    assert "There is no search" in app.warning[0].value
    assert "![gone](" not in app.warning[0].value
    assert app.selectbox[0].value == "newer"


def test_a_trial_of_a_killed_search_is_interrupted_too(visit, search_there):
    search_there("dead", "queued", [trial(0), trial(1, "running")])
    app = visit("results", search="dead")
    assert list(app.dataframe[0].value["state"]) == ["finished", "interrupted"]
    assert metric(app, "Trials done") == "1 of 3"


def test_the_trial_to_keep_is_described_as_it_is_now(visit, search_there, workspace):
    status = search_there("live", "running", [trial(0, "running", (0.1,))])
    app = checked(visit("results").run())
    write_snapshot(workspace.searches / "live", replace(status, trials=(trial(0), trial(1, "running", (0.9,)))))
    shown = labelled(checked(app.run()).selectbox, "Trial").proto
    assert shown.set_value
    assert shown.raw_value == "0 · mAP@0.5 0.600"


def test_every_trial_has_its_own_number_of_epochs_and_repeats_their_seed(visit, search_there):
    search_there(
        trials=[
            trial(0, scores=(0.2, 0.6), planned_epochs=2),
            trial(1, scores=(0.2, 0.6, 0.7), planned_epochs=4, effective={"seed": 1}),
        ]
    )
    table = visit("results").dataframe[0].value
    assert list(table["epochs"]) == ["2/2", "3/4"]
    assert table["seed"].tolist()[1] == 1
