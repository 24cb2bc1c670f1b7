import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

import optuna
import pytest

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.models.store import find_model
from autodet.search.launch import launch
from autodet.search.run.trial_dirs import TrialFolders
from autodet.search.start import start_search
from tests.helpers import workspace_in, write_voc
from tests.search import scripted
from tests.search.scripted_supervisor import CONSTANTS, PIDS, TRAINER
from tests.tiers import PROCESS, implies

PATIENCE_SECONDS = 90
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def labelled_folder(tmp_path_factory):
    return write_voc(tmp_path_factory.mktemp("labelled") / "fruit")


@pytest.fixture
def home(tmp_path, monkeypatch):
    workspace = workspace_in(tmp_path)
    monkeypatch.setenv("AUTODET_HOME", str(workspace.home))
    monkeypatch.delenv("AUTODET_DEVICES", raising=False)
    yield workspace
    for pids in workspace.searches.glob(f"*/{PIDS}"):
        for pid in map(int, pids.read_text().split()):
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)


@pytest.fixture
def data(home, labelled_folder):
    return import_dataset(labelled_folder, "fruit", workspace=home)


class Supervisors:
    """A launcher: starts real supervisors, whose trials a given function trains, and knows their processes."""

    def __init__(self, train):
        self.train, self.processes = train, []

    def __call__(self, folder):
        self.processes.append(launch(folder, train=self.train))

    def kill(self):
        for process in self.processes:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture
@implies(PROCESS)
def launcher(home):
    """The launcher of ``start``."""
    launcher = Supervisors(f"{scripted.__name__}:train")
    yield launcher
    launcher.kill()


@pytest.fixture
def start(data, launcher, monkeypatch):
    """Start a search whose trials do what a script says, in real processes."""

    def start(script=None, **options):
        monkeypatch.setenv(scripted.SCRIPT, json.dumps(script or {}))
        return start_search(data, **options, launcher=launcher)

    return start


@pytest.fixture
def order():
    """Start a search as ``start_search`` does, except that no process runs it."""
    return partial(start_search, launcher=lambda _folder: None)


def is_whole(home, status):
    """The study can be read and says what the status says, and the best epoch is the model."""
    study = optuna.load_study(study_name=status["search"], storage=home.optuna_url)
    told = [[trial.intermediate_values[epoch] for epoch in sorted(trial.intermediate_values)] for trial in study.trials]
    assert told == [[epoch["map50"] for epoch in trial["epochs"]] for trial in status["trials"]]
    assert find_model(status["model"], home).card.metrics["map50"] == status["best"]["map50"]
    return True


def best_of(status):
    """The best trial, its best epoch and mAP50."""
    best = status.to_json()["best"]
    return best["trial"], best["epoch"], best["map50"]


class Command:
    """A command of the command line, in a process of its own, whose searches do what a script says."""

    def __init__(self, words, environment):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.search.scripted_cli", *map(str, words)],
            cwd=ROOT,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ends(self):
        """Its exit status, its standard output as JSON if it is any, and its standard error."""
        out, err = self.process.communicate(timeout=PATIENCE_SECONDS)
        assert "Traceback" not in err
        return self.process.returncode, json.loads(out) if out.startswith("{") else out, err


@pytest.fixture
@implies(PROCESS)
def cli(data):
    def cli(*words, script=None, constants=None, trainer="tests.search.scripted:train", **environment):
        environment |= {scripted.SCRIPT: json.dumps(script or {}), CONSTANTS: json.dumps(constants or {})}
        return Command(words, environment | {TRAINER: trainer})

    return cli


@pytest.fixture
def supervisors(home, eventually):
    """The process ids of a search's supervisors, the first one first; waits for as many as asked for."""

    def supervisors(search, at_least=1):
        path = home.searches / search / PIDS
        return eventually(
            lambda: path.exists() and len(found := path.read_text().split()) >= at_least and [*map(int, found)]
        )

    return supervisors


@pytest.fixture
def workers():
    """The process ids of a supervisor's workers, from their first moment on."""

    def workers(supervisor):
        servers = [pid for pid, command in _children(supervisor) if b"forkserver" in command]
        return [pid for server in servers for pid, _ in _children(server)]

    return workers


def _children(parent):
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        with suppress(FileNotFoundError, ProcessLookupError):
            if f"PPid:\t{parent}\n" in status.read_text():
                found.append((int(status.parent.name), (status.parent / "cmdline").read_bytes()))
    return found


@pytest.fixture
def eventually():
    def eventually(condition):
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (value := condition()):
            assert time.monotonic() < deadline, "it never happened"
            time.sleep(0.02)
        return value

    return eventually


@pytest.fixture
def notes(home):
    """What the trainer noted of a trial: ``(pid, device, threads, what)`` in order."""

    def notes(search, trial):
        search_id = search if isinstance(search, str) else search.id
        trials = home.searches / search_id / "trials"
        while True:
            with suppress(FileNotFoundError):  # it may get its next name meanwhile
                if not (folder := TrialFolders(trials).folder(trial)).exists():
                    return []
                lines = (folder / "notes").read_text().splitlines() if (folder / "notes").exists() else []
                return [tuple(line.split(" ", 3)) for line in lines]

    return notes


@pytest.fixture
def epochs_made(notes):
    """The epochs that were really trained, some of them again."""
    return lambda search, trial: [what for *_, what in notes(search, trial) if what.startswith("epoch")]


@pytest.fixture
def supervisor_of(launcher):
    return lambda _search: launcher.processes[-1]
