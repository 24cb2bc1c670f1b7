"""Searches on a real Ray cluster of several nodes on this machine, which asks for a token."""

import json
import os
import signal
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from autodet.errors import SearchError
from autodet.models.bundle import read_bundle
from autodet.models.store import find_model
from autodet.records import Hyperparameters
from autodet.search.api import find_search
from autodet.search.executors.ray_check import check_cluster
from autodet.search.start import start_search
from autodet.search.status.status_file import LOG
from autodet.training.train_job import EPOCH_FILES, TrainJob, no_pulse
from tests.helpers import untrained_bundle
from tests.ray_cluster import RayCluster
from tests.search import scripted, scripted_on_ray
from tests.tiers import PROCESS, implies

TOKEN = "0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="module")
@implies(PROCESS)
def cluster():
    """A cluster that the settings name and whose token is known."""
    if find_spec("ray") is None:
        pytest.skip("no Ray: requirements-dev.txt brings it")
    with tempfile.TemporaryDirectory(prefix="ray-") as name, pytest.MonkeyPatch.context() as patch:
        folder = Path(name)
        (folder / "token").write_text(TOKEN)
        patch.setenv("RAY_AUTH_TOKEN_PATH", str(folder / "token"))
        patch.setenv("AUTODET_RAY_CACHE", str(folder / "cache"))
        cluster = RayCluster(folder, RAY_AUTH_MODE="token", **{scripted_on_ray.FOLDER: name})
        patch.setenv("AUTODET_RAY_ADDRESS", cluster.address)
        yield cluster
        cluster.close()


@pytest.fixture
def start(cluster, data, launcher, monkeypatch):
    """Start a search on the cluster whose trials do what a script says."""
    cluster.fill_up()
    for path in cluster.folder.glob("notes-*"):
        path.unlink()
    launcher.train = f"{scripted_on_ray.__name__}:train"
    for module in ("start", "api"):  # the check takes seconds, and has a test of its own
        monkeypatch.setattr(f"autodet.search.{module}.check_cluster", lambda: None)

    def start(script=None, **options):
        (cluster.folder / "script.json").write_text(json.dumps(script or {}))
        return start_search(data, executor="ray", **options, launcher=launcher)

    return start


@pytest.fixture
def notes(cluster):
    """What nodes noted of a trial: ``(node, pid, data set's folder, what)`` in order."""

    def notes(trial):
        path = cluster.folder / f"notes-{trial}"
        return [tuple(line.split(" ", 3)) for line in path.read_text().splitlines()] if path.exists() else []

    return notes


def epochs(notes, trial):
    return [what for *_, what in notes(trial) if what.startswith("epoch")]


def test_trials_run_side_by_side_the_best_comes_back_and_the_hopeless_are_cancelled(start, cluster, home, notes):
    search = start({"seconds": 0.3, "map50": {"1": [0.2, 0.93, *[0.4] * 4], "2": [0.1] * 6}}, trials=3, epochs=6)
    status = search.wait()
    assert status.state == "finished", (home.searches / search.id / LOG).read_text()
    assert [trial.state for trial in status.trials] == ["finished", "finished", "pruned"]
    assert [[result.epoch for result in trial.epochs] for trial in status.trials[:2]] == [[1, 2, 3, 4, 5, 6]] * 2
    assert find_model(status.model, home).card.metrics["map50"] == 0.93
    assert len({node for trial in (0, 1) for node, *_ in notes(trial)}) == 2
    (dataset,) = {folder for trial in range(3) for _, _, folder, _ in notes(trial)}
    assert Path(dataset).is_relative_to(cluster.folder / "cache" / "datasets")
    written = "".join(path.read_text(errors="replace") for path in (home.searches / search.id).glob("*.*"))
    assert TOKEN not in written
    told = len(epochs(notes, 2))
    time.sleep(1.0)
    assert len(epochs(notes, 2)) == told < 6


def test_a_trial_whose_node_is_lost_goes_on_elsewhere_and_loses_an_epoch_at_most(start, cluster, notes, eventually):
    search = start({"seconds": 0.6}, trials=2, epochs=6)
    eventually(lambda: len(epochs(notes, 0)) >= 2)
    node = notes(0)[0][0]
    cluster.remove(node)
    status = search.wait()
    assert [trial.state for trial in status.trials] == ["finished", "finished"]
    assert [[result.epoch for result in trial.epochs] for trial in status.trials] == [[1, 2, 3, 4, 5, 6]] * 2
    assert len({node for node, *_ in notes(0)}) == 2
    assert len(epochs(notes, 0)) <= 7


def test_a_killed_worker_and_a_failing_trial_cost_nothing_else(start, notes, eventually):
    search = start({"seconds": 0.4, "fail": {"1": 2}}, trials=2, epochs=5)
    eventually(lambda: len(epochs(notes, 0)) >= 2)
    os.kill(int(notes(0)[0][1]), signal.SIGKILL)
    status = search.wait()
    assert [trial.state for trial in status.trials] == ["finished", "failed"]
    assert "too beautiful" in status.trials[1].error
    assert len(epochs(notes, 0)) <= 6


def test_a_killed_supervisor_is_resumed_and_stopping_ends_every_task(start, home, notes, eventually, supervisor_of):
    search = start({"seconds": 0.4}, trials=2, epochs=40)
    eventually(lambda: search.status().best_trial)
    supervisor_of(search).kill()
    supervisor_of(search).wait()
    assert search.status().state == "interrupted"
    computed = {trial: len(epochs(notes, trial)) for trial in range(2)}
    search.resume()
    eventually(lambda: all(len(trial.epochs) > computed[trial.number] + 1 for trial in search.status().trials))
    search.stop()
    status = find_search(search.id, home).wait(best_so_far=True)
    assert (status.state, bool(status.model)) == ("stopped", True)
    for trial in status.trials:
        assert [result.epoch for result in trial.epochs] == list(range(1, len(trial.epochs) + 1))
        assert len(epochs(notes, trial.number)) - len(set(epochs(notes, trial.number))) <= 1  # made twice
    told = len(epochs(notes, 0))
    time.sleep(1.0)
    assert len(epochs(notes, 0)) == told


def test_a_supervisor_killed_while_it_writes_an_epoch_has_no_checkpoint_without_its_bundle(data, tmp_path, monkeypatch):
    from autodet.search.executors import ray

    monkeypatch.setenv(scripted.SCRIPT, "{}")
    job = TrainJob(data.folder, tmp_path / "0", Hyperparameters(), 2, "fruit")
    told = list(ray._trained(0, job, f"{scripted.__name__}:train", no_pulse))
    assert [list(one.files) for one in told] == [list(EPOCH_FILES)] * 2 + [[]]  # written in this order


def test_the_cluster_tells_how_far_an_epoch_is(start, eventually):
    search = start({"seconds": 0.2, "batches": 40}, trials=2, epochs=1)
    eventually(lambda: all(0 < trial.epoch_share < 1 for trial in search.status().trials) and search.status().trials)
    status = search.status()
    assert not status.best_trial
    assert status.seconds_left
    assert 0 < status.progress < 1
    done = search.wait()
    assert [(trial.state, trial.epoch_share) for trial in done.trials] == [("finished", 0.0)] * 2


def test_nodes_get_the_model_to_begin_with(start, home, notes, tmp_path):
    bundle = untrained_bundle(tmp_path / "old.autodet")
    search = start(trials=1, epochs=1, start_from=bundle)
    bundle.unlink()
    status = search.wait()
    assert status.state == "finished", (home.searches / search.id / LOG).read_text()
    assert f"from {status.start_from.weights_sha256}" in [what for *_, what in notes(0)]
    assert find_model(status.model, home).card.start_from == status.start_from


def test_nodes_get_the_models_to_average(start, home):
    status = start({"average": 0.9}, trials=2, epochs=1).wait()
    assert [notice.kind for notice in status.notices] == ["average_published"]
    card, weights = read_bundle(find_model(status.model, home).path)
    assert (card.averaged, card.metrics["map50"]) == ((1, 0), 0.9)
    assert weights.startswith(b"trial 1-") and b" + trial 0-" in weights


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"AUTODET_RAY_ADDRESS": ""}, "set AUTODET_RAY_ADDRESS"),
        ({"AUTODET_RAY_ADDRESS": "127.0.0.1:9"}, "cannot be reached|did not answer"),
        ({"AUTODET_RAY_ADDRESS": "ray://127.0.0.1:10001"}, "cannot stream"),
        ({"RAY_AUTH_TOKEN_PATH": "WRONG"}, "token"),
    ],
)
def test_a_cluster_that_cannot_be_used_is_told_before_anything_starts(
    cluster, data, home, monkeypatch, tmp_path, variables, words
):
    (tmp_path / "wrong").write_text("f" * 32)
    for name, value in variables.items():
        monkeypatch.setenv(name, value.replace("WRONG", str(tmp_path / "wrong")))
    with pytest.raises(SearchError, match=words) as told:
        start_search(data, executor="ray")
    assert "f" * 32 not in str(told.value)
    assert list(home.searches.iterdir()) == []


def test_a_cluster_that_can_be_used_is_found(cluster):
    check_cluster()
