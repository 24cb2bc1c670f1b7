"""The final refit, in real processes with a scripted trainer, and once for real."""

from dataclasses import replace

import pytest

from autodet.inference.leakage import evaluation_leakage
from autodet.messages.cautions import caution_text
from autodet.models.bundle import read_bundle
from autodet.models.store import find_model
from autodet.search.delete_assets import plan_dataset_deletion
from autodet.search.start import start_search
from autodet.workspace import Workspace

BEST_IS_EPOCH_2 = {"0": [0.3, 0.8, 0.6, 0.5], "1": [0.2, 0.4, 0.5, 0.6]}


def test_the_best_parameters_are_trained_again_for_as_many_epochs_as_were_best(start, home):
    search = start({"map50": BEST_IS_EPOCH_2}, trials=2, epochs=4, refit=True)
    status = search.wait()
    assert status.state == "finished"
    assert "training and validation photos" in status.message
    card, weights = read_bundle(find_model(status.model, home).path)
    assert (card.refit, card.epoch, weights) == (True, 2, b"refit 0")
    assert card.metrics["map50"] == status.to_json()["best"]["map50"] == 0.8  # not its own, of photos it has learnt
    assert card.params["lr"] == status.trials[0].params["lr"]
    before, weights = read_bundle(find_model(f"{search.id}-before-refit", home).path)
    assert (before.refit, before.metrics["map50"], weights) == (False, 0.8, b"trial 0")
    assert before.name == "fruit before refit"
    assert card.thresholds == before.thresholds == {"apple": 0.3, "banana": 0.4}
    assert card.calibration is not None
    assert card.calibration == before.calibration
    assert len(status.trials) == 2


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ({"map50": {"refit": [0.7] * 9}}, "scored lower on the validation photos"),
        ({"fail": {"refit": 1}}, "too beautiful"),
        ({"killed": {"refit": 1}}, "lost 3 times"),
    ],
)
def test_a_refit_that_fails_or_is_worse_leaves_the_best_model(start, home, script, reason):
    script.setdefault("map50", {}).update(BEST_IS_EPOCH_2)
    status = start(script, trials=1, epochs=4, refit=True).wait()
    assert status.state == "finished"
    assert reason in status.message
    card, weights = read_bundle(find_model(status.model, home).path)
    assert (card.refit, card.metrics["map50"], weights) == (False, 0.8, b"trial 0")


def test_a_refit_goes_on_after_a_kill_and_after_a_stop(start, home, supervisor_of, eventually, notes):
    search = start({"seconds_of_epoch": {"1": 0.5, "2": 2}}, trials=1, epochs=4, refit=True)
    eventually(lambda: "done 1 of 4" in search.status().message)
    supervisor_of(search).kill()
    supervisor_of(search).wait()
    assert search.status().state == "interrupted"
    search.resume()
    eventually(lambda: "final retraining has done" in search.status().message)
    search.stop()
    status = search.wait(best_so_far=True)
    assert status.state == "stopped"
    assert status.unfinished
    assert plan_dataset_deletion("fruit", home).unfinished == (search.id,)
    assert not find_model(status.model, home).card.refit
    search.resume()
    status = search.wait()
    assert (status.state, status.unfinished) == ("finished", False)
    assert find_model(status.model, home).card.refit
    made = [line for path in (home.searches / search.id / "refit").glob("*/notes") for line in path.open()]
    assert sum("epoch 1" in line for line in made) == 1


def test_the_time_limit_covers_the_refit_and_a_search_without_time_goes_without(start, home):
    status = start({"seconds": 0.4}, trials=9, epochs=6, time_limit=14, refit=True).wait()
    assert status.state == "finished"
    assert status.seconds < 14 + 1
    assert find_model(status.model, home).card.refit


@pytest.mark.trains
def test_a_real_refit_learns_from_validation_photos_and_keeps_its_last_epoch(home, sample_dataset):
    workspace = Workspace(sample_dataset.folder.parent.parent)
    status = start_search(sample_dataset, trials=1, epochs=1, refit=True).wait()
    assert status.state == "finished", status
    model = find_model(status.model, workspace)
    if "scored lower" not in status.message:
        assert model.card.refit
    card = replace(model.card, refit=True)
    assert "was trained on" in caution_text(evaluation_leakage(card, sample_dataset, "val", workspace))
    assert not evaluation_leakage(card, sample_dataset, "test", workspace)
