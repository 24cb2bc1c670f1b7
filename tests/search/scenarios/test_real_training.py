"""Searches that really train, through the command line: killed and resumed, and with what can go wrong with them."""

import os
import signal

import pytest

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.inference.detector import load_detector
from autodet.models.bundle import read_bundle
from autodet.models.store import find_model
from autodet.search.api import find_search

TRAINER = "tests.search.small:train"


@pytest.fixture
def drawn(home, sample_folder):
    return import_dataset(sample_folder, "drawn", workspace=home)


def figures(status):
    """All that training decides; not how long it took."""
    return [
        (trial["state"], trial["params"], [{**epoch, "seconds": 0} for epoch in trial["epochs"]])
        for trial in status["trials"]
    ]


def test_a_search_that_was_killed_ends_as_if_nothing_had_happened(cli, home, drawn, supervisors, workers, eventually):
    """On one CPU and with one seed: the same parameters, losses, mAPs and weights, bit for bit."""
    words = ("search", "drawn", "--trials", 2, "--epochs", 2, "--seed", 5, "--device", "cpu", "--json")
    code, whole, _ = cli(*words, "--name", "whole", trainer=TRAINER).ends()
    assert code == 0

    cli(*words, "--name", "killed", "--detach", trainer=TRAINER).ends()
    eventually(lambda: find_search("killed", home).status().best_trial)
    (supervisor,) = supervisors("killed")
    for pid in (supervisor, *workers(supervisor)):
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: find_search("killed", home).status().state == "interrupted")
    assert cli("resume", "killed", trainer=TRAINER).ends()[0] == 0
    killed = find_search("killed", home).wait().to_json()
    assert killed["state"] == "finished"
    assert len({epoch["loss"] for trial in whole["trials"] for epoch in trial["epochs"]}) == 4
    assert len(killed["trials"][0]["attempts"]) == 2
    assert figures(killed) == figures(whole)
    assert killed["best"] == whole["best"]
    (card, weights), (other_card, other_weights) = (
        read_bundle(find_model(status["model"], home).path) for status in (whole, killed)
    )
    assert weights == other_weights
    assert (card.epoch, card.metrics, card.params) == (other_card.epoch, other_card.metrics, other_card.params)
    assert card.averaged == other_card.averaged
    assert killed["message"] == whole["message"]
    assert ("is the average of" in whole["message"]) == bool(card.averaged)
    assert (card.metrics["map50"] > whole["best"]["map50"]) == bool(card.averaged)


def test_a_loss_that_is_not_finite_fails_its_trial_with_the_cause_and_the_search_goes_on(cli, drawn):
    words = ("search", "drawn", "--trials", 2, "--epochs", 1, "--json")
    code, status, _ = cli(*words, trainer=TRAINER, AUTODET_TEST_LR="1e20").ends()
    assert (code, status["state"]) == (0, "finished")
    assert [trial["state"] for trial in status["trials"]] == ["failed", "finished"]
    assert "no longer a finite number in epoch 1" in status["trials"][0]["error"]


def test_a_photo_that_disappeared_interrupts_and_the_search_goes_on_when_it_is_back(cli, home, drawn):
    record = drawn.split("train")[3]
    photo = drawn.photo(record)
    photo.rename(home.home / "away")
    words = ("search", "drawn", "--trials", 1, "--epochs", 1, "--json")
    code, status, err = cli(*words, trainer=TRAINER).ends()
    assert (code, status["state"]) == (1, "interrupted")
    assert f"The photo {record.file!r} cannot be read" in err
    (home.home / "away").rename(photo)
    cli("resume", "drawn", trainer=TRAINER).ends()
    status = find_search("drawn", home).wait()
    assert (status.state, status.trials[0].state, status.message) == ("finished", "finished", "")


def test_a_search_for_quality_and_speed_keeps_a_model_for_every_place_on_the_front(cli, home, drawn, eventually):
    sizes = ("--space", "image_size=96,192", "--space", "lr=0.001")
    words = ("search", "drawn", "--objective", "map50+latency", *sizes, "--trials", 3, "--epochs", 1, "--json")
    code, status, _ = cli(*words, trainer="autodet.training.loop:train").ends()
    assert (code, status["state"]) == (0, "finished")
    assert all(trial["epochs"][0]["latency_ms"] > 0 for trial in status["trials"])
    search, front = find_search("drawn", home), [trial["number"] for trial in status["trials"] if trial["pareto"]]
    assert status["best"]["trial"] in front
    photo = drawn.photo(drawn.split("val")[0])
    for trial in front:
        detector = search.detector(trial)
        assert detector.card.image_size == status["trials"][trial]["params"]["image_size"]
        assert detector.card.latency_ms == status["trials"][trial]["epochs"][0]["latency_ms"]
        assert len(detector.predict(photo)) == 3
        assert find_model(search.keep(trial).id, home).card.weights_sha256 == detector.card.weights_sha256
    eventually(lambda: find_model("drawn", home).card.graph_sha256)  # added after the end
    (seen,) = load_detector(find_model("drawn", home), runtime="onnx").predict_many([photo])
    assert not seen.error
