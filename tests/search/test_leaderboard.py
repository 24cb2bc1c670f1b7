import json

import pytest

import autodet
from autodet.cli import main
from autodet.errors import ModelError, NotFoundError
from autodet.inference.detector import Detector
from autodet.inference.evaluations import kept_evaluation
from autodet.models.store import add_model, put_model
from autodet.records import EpochResult, SearchStatus, TrialStatus
from autodet.search.order.spec import SearchSpec
from autodet.search.status.status_file import write_snapshot
from tests.helpers import untrained_bundle
from tests.reports.conftest import APPLE, evaluated, import_marks, unloadable_model

MISSED = {0: [("apple", APPLE[1], 0.9)]}  # the banana of the first photo


@pytest.fixture
def fruit(workspace, tmp_path):
    return import_marks(tmp_path / "photos", workspace)


@pytest.fixture
def models(workspace, fruit):
    """One that misses an object, one that finds all, and one that is not evaluated."""
    good, poor, new = (unloadable_model(workspace, fruit, name) for name in ("good", "poor", "new"))
    evaluated(good, fruit)
    evaluated(poor, fruit, detections=MISSED)
    return good, poor, new


def test_models_are_ranked_with_intervals_and_those_without_figures_come_last(models, fruit):
    board = autodet.leaderboard(fruit)
    assert [standing.model for standing in board.standings] == ["good", "poor", "new"]
    first, second, last = board.standings
    assert (first.map50, first.is_evaluated, last.map50, last.is_evaluated) == (1.0, True, None, False)
    report, _ = kept_evaluation(models[1], fruit, "test")
    assert (second.map50, second.map50_95, second.interval) == (report.map50, report.map50_95, report.interval)
    assert second.interval["map50"][0] < second.map50
    assert repr(board) == "Leaderboard('fruit', test: 2 of 3 models evaluated, best 'good' 1.000)"


def test_only_models_that_know_the_classes_are_listed(models, fruit, workspace):
    unloadable_model(workspace, fruit, "other", classes=("kiwi",))
    assert {standing.model for standing in autodet.leaderboard("fruit", "val").standings} == {"good", "poor", "new"}


def test_a_model_of_a_search_names_it_and_its_trial(fruit, workspace, tmp_path):
    folder = workspace.searches / "mine"
    (folder / "trials" / "0").mkdir(parents=True)
    SearchSpec(name="mine", dataset=fruit.id).write(folder)
    epoch = EpochResult(2, 1.0, 0.5, 0.2, 1.0)
    write_snapshot(folder, SearchStatus("mine", fruit.id, "finished", (TrialStatus(0, "finished", {}, (epoch,)),)))
    bundle = untrained_bundle(folder / "trials" / "0" / "best.autodet", epoch=2, metrics={"map50": 0.5})
    put_model(bundle, "mine", workspace)
    add_model(bundle, "a copy", workspace)
    add_model(untrained_bundle(tmp_path / "other.autodet", seed=1), "other", workspace)
    standings = {standing.model: standing for standing in autodet.leaderboard(fruit).standings}
    origins = {name: (standing.search, standing.trial) for name, standing in standings.items()}
    assert origins == {"mine": ("mine", 0), "a-copy": ("mine", 0), "other": (None, None)}


def test_missing_evaluations_are_made_on_request_with_the_latency(fruit, workspace, tmp_path):
    add_model(untrained_bundle(tmp_path / "blind.autodet"), "blind", workspace)
    asked = []
    board = autodet.leaderboard(fruit, evaluate=True, progress=lambda *done: asked.append(done))
    assert board.standings[0].is_evaluated
    assert board.standings[0].latency_ms > 0
    assert asked[-1] == (6, 6)
    assert autodet.leaderboard(fruit) == board


def test_it_predicts_nothing_unless_asked(models, fruit, monkeypatch):
    monkeypatch.setattr(Detector, "predict_dataset", lambda *_, **__: pytest.fail("predicted"))
    assert autodet.leaderboard(fruit, "val").standings[0].map50 is None


def test_mistakes_are_sentences(models, fruit, workspace):
    with pytest.raises(NotFoundError, match="no data set"):
        autodet.leaderboard("gone")
    unsplit = autodet.derive_dataset(fruit, resplit=(80, 20, 0), name="unsplit")
    with pytest.raises(ModelError, match="no photos in the split 'test'"):
        autodet.leaderboard(unsplit)


def test_the_command_line_prints_the_same(models, fruit, capsys):
    def answer(*words):
        assert main(["leaderboard", "fruit", *words]) == 0
        return capsys.readouterr().out

    assert json.loads(answer("--json")) == json.loads(json.dumps(autodet.leaderboard(fruit).to_json()))
    text = answer()
    assert text.splitlines()[1].startswith("good   1.000  1.000 to 1.000")
    assert "Add --evaluate to evaluate new on these photos." in text
    assert "a little too good" in answer("--split", "val")
