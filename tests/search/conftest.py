import json
import os
import signal
import time
from contextlib import suppress

import pytest

from autodet.datasets.importing import import_dataset
from autodet.search import control
from tests.helpers import workspace_in, write_voc
from tests.search import scripted

PATIENCE_SECONDS = 90


@pytest.fixture(scope="session")
def labelled_folder(tmp_path_factory):
    return write_voc(tmp_path_factory.mktemp("labelled") / "fruit")


@pytest.fixture
def home(tmp_path, monkeypatch):
    workspace = workspace_in(tmp_path)
    monkeypatch.setenv("AUTODET_HOME", str(workspace.home))
    monkeypatch.delenv("AUTODET_DEVICES", raising=False)
    yield workspace
    for process in control._launched:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    control._launched.clear()


@pytest.fixture
def data(home, labelled_folder):
    return import_dataset(labelled_folder, "fruit", workspace=home)


@pytest.fixture
def start(data, monkeypatch):
    """Start a search whose trials do what a script says, in real processes."""
    command = control._command
    monkeypatch.setattr(control, "_command", lambda folder: [*command(folder), f"{scripted.__name__}:train"])

    def start(script=None, **options):
        monkeypatch.setenv(scripted.SCRIPT, json.dumps(script or {}))
        return control.start_search(data, **options)

    return start


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
        path = home.searches / search.id / "trials" / str(trial) / "notes"
        return [tuple(line.split(" ", 3)) for line in path.read_text().splitlines()] if path.exists() else []

    return notes


@pytest.fixture
def supervisor_of():
    return lambda _search: control._launched[-1]
