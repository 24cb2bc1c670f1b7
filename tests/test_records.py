import json

import numpy as np
import pytest

from autodet.records import (
    Annotations,
    ClassReport,
    EpochResult,
    EvaluationReport,
    Hyperparameters,
    Notice,
    Prediction,
    SearchStatus,
    TrialStatus,
    notices_from_json,
    notices_to_json,
)


def trial(number, *map50s, state="finished"):
    epochs = tuple(EpochResult(i, 1 / i, value, value / 2, 2.0) for i, value in enumerate(map50s, start=1))
    return TrialStatus(number, state, Hyperparameters().to_json(), epochs)


def search(*trials, **facts):
    return SearchStatus("fruit", "fruit", facts.pop("state", "running"), trials, **facts)


def test_annotations_come_from_any_sequence():
    marked = Annotations.of([[0, 0, 1, 2]], [1])
    assert (marked.boxes_xyxy.dtype, marked.class_ids.dtype, marked.difficult.dtype) == (np.float32, np.int64, bool)
    assert (len(marked), marked.difficult.tolist()) == (1, [False])


def test_nothing_marked_keeps_its_shapes():
    empty = Annotations.of([], [])
    assert (empty.boxes_xyxy.shape, empty.class_ids.shape, len(empty)) == ((0, 4), (0,), 0)
    assert Prediction.of([], [], []).boxes_xyxy.shape == (0, 4)


def test_predictions_are_sorted_best_first_and_equals_keep_their_order():
    prediction = Prediction.of([[i, i, i + 1, i + 1] for i in range(4)], [0, 1, 2, 3], [0.2, 0.9, 0.2, 0.5])
    assert prediction.class_ids.tolist() == [1, 3, 0, 2]
    assert prediction.boxes_xyxy[:, 0].tolist() == [1, 3, 0, 2]


def test_above_a_threshold_includes_the_threshold():
    prediction = Prediction.of(np.zeros((3, 4)), [0, 1, 2], [0.25, 0.5, 0.75])
    assert prediction.above(0.5).class_ids.tolist() == [2, 1]
    assert len(prediction.above(1.0)) == 0


def test_the_first_of_equally_good_epochs_is_the_best():
    assert trial(0, 0.1, 0.7, 0.7).best_epoch.epoch == 2
    assert trial(0).best_epoch is None


def test_the_earliest_of_equally_good_trials_is_the_best():
    status = search(trial(0, 0.2), trial(1), trial(2, 0.6, 0.8), trial(3, 0.8))
    assert status.best_trial.number == 2
    assert search(trial(0)).best_trial is None


def test_a_search_is_told_with_exactly_these_keys():
    document = search(trial(0, 0.25, 0.5), model="fruit", seconds=12.345).to_json()
    assert list(document) == [
        "search",
        "dataset",
        "state",
        "trials",
        "best",
        "model",
        "seconds",
        "start_from",
        "caution",
        "diagnosis",
        "name",
        "message",
        "objective",
        "planned_trials",
        "planned_epochs",
        "time_limit",
        "progress",
        "seconds_left",
        "created",
    ]
    assert document["best"] == {"trial": 0, "epoch": 2, "map50": 0.5, "objective": "map50", "value": 0.5}
    assert document["seconds"] == 12.3
    (told,) = document["trials"]
    keys = ["number", "state", "params", "epochs", "error", "attempts", "effective"]
    assert list(told) == [*keys, "planned_epochs", "epoch_share", "epoch_seconds"]
    assert list(told["epochs"][0]) == ["epoch", "loss", "map50", "map50_95", "seconds"]
    assert json.loads(json.dumps(document)) == document


def test_a_search_tells_what_it_is_for_how_far_it_is_and_why_it_ended():
    best = EpochResult(1, 1.0, 0.5, 0.3, 2.0, value=0.75)
    one = TrialStatus(0, "stopped", {}, (best,), planned_epochs=4)
    plan = {"planned_trials": 2, "planned_epochs": 4, "time_limit": 60.0, "created": "2026-11-01T00:00:00+00:00"}
    status = search(one, state="stopped", objective="recall@0.9", message="It was stopped.", name="My fruit", **plan)
    document = status.to_json()
    assert document.items() >= {**plan, "message": "It was stopped.", "name": "My fruit", "progress": 0.5}.items()
    assert document["best"] == {"trial": 0, "epoch": 1, "map50": 0.5, "objective": "recall@0.9", "value": 0.75}
    assert search(one).to_json()["name"] == "fruit"  # of an earlier version, which did not write it down


@pytest.mark.parametrize(
    ("trials", "facts", "progress"),
    [
        ([], {}, 0.0),
        ([("running", 1, 4, 0.5)], {}, 0.375 / 3),
        ([("running", 1, 2, 0.5)], {}, 0.75 / 3),  # by its own number of epochs
        ([("pruned", 1, 4, 0.0), ("running", 0, 4, 0.0)], {}, 1 / 3),
        ([("finished", 4, 4, 0.0)] * 3, {"refit_share": 0.5}, 3.5 / 4),
        ([("finished", 4, 4, 0.0)], {"state": "finished"}, 1.0),  # its time was up
        ([("running", 4, 4, 0.9)], {}, 1 / 3),
        ([("finished", 1, 1, 0.0)] * 5, {}, 1.0),
    ],
)
def test_progress_is_that_of_the_trials_by_their_own_epochs_and_of_the_refit(trials, facts, progress):
    results = [EpochResult(number, 1.0, 0.5, 0.3, 2.0) for number in range(1, 5)]
    there = [
        TrialStatus(number, state, {}, tuple(results[:done]), planned_epochs=planned, epoch_share=share)
        for number, (state, done, planned, share) in enumerate(trials)
    ]
    assert search(*there, planned_trials=3, **facts).progress == pytest.approx(progress)


def test_statuses_are_short_in_a_notebook():
    many = search(*(trial(number, *[0.5] * 20) for number in range(50)), planned_trials=50)
    assert repr(many) == "SearchStatus('fruit', running, 50 of 50 trials done, best map50 0.500 (trial 0))"
    assert len(repr(many.trials[0])) < 80


def test_a_search_without_an_epoch_has_no_best():
    assert search(trial(0)).to_json()["best"] is None


@pytest.mark.parametrize(
    ("state", "active"),
    [("queued", True), ("running", True), ("stopping", True), ("finished", False), ("interrupted", False)],
)
def test_only_what_is_at_work_is_active(state, active):
    assert search(state=state).active is active


def test_trials_and_reports_survive_json():
    one = trial(3, 0.5, 0.25, state="pruned")
    assert TrialStatus.from_json(json.loads(json.dumps(one.to_json()))) == one
    per_class = {"apple": ClassReport(0.5, 0.25, 2, 3), "none": ClassReport(None, None, 0, 0)}
    report = EvaluationReport(0.5, 0.25, 0.5, per_class, 4)
    assert EvaluationReport.from_json(json.loads(json.dumps(report.to_json()))) == report


def test_a_report_is_told_with_exactly_these_keys():
    document = EvaluationReport(0.5, 0.25, 0.5, {"apple": ClassReport(0.5, 0.25, 2, 3)}, 4).to_json()
    assert list(document) == ["map50", "map50_95", "map50_voc07", "per_class", "images", "crowded_images", "caution"]
    assert document["per_class"] == {"apple": {"ap50": 0.5, "ap50_95": 0.25, "images": 2, "boxes": 3}}


def test_notices_survive_json():
    cause = Notice.of("process_killed", signal="SIGKILL")
    notices = (Notice.of("refit_failed", Notice.of("refit_lost", cause, times=3)), Notice("stopped"))
    assert notices_from_json(json.loads(json.dumps(notices_to_json(notices)))) == notices
    assert notices_from_json("It was stopped.") == (Notice.of("sentence", text="It was stopped."),)
    assert notices_from_json("") == ()
    failed = TrialStatus(0, "failed", {}, reason=notices[0])
    assert TrialStatus.from_json(json.loads(json.dumps(failed.to_json()))) == failed
