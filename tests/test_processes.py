"""Background processes leave no zombies behind, and get no keys that they do not need."""

import json
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from autodet.datasets.imports.import_job import start_import
from autodet.processes import DATABASE, NO_SECRETS, OWN_S3_KEYS, start_process
from tests.helpers import write_voc


def children(state: str) -> list[str]:
    """The command lines of this process's children in a state of proc(5)."""
    import os

    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = stat.read_text().rpartition(")")
        except OSError:
            continue
        if rest.split()[:2] == [state, str(os.getpid())]:
            found.append(name)
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux's /proc")
def test_processes_that_ended_are_collected_without_another_start(workspace, tmp_path):
    before = children("Z")
    with (tmp_path / "log").open("wb") as log:
        for _ in range(3):
            start_process([sys.executable, "-c", "pass"], log, workspace.home)
    one = start_import(str(write_voc(tmp_path / "fruit")), "fruit", workspace=workspace)
    while one.status().state == "working":
        time.sleep(0.1)
    deadline = time.monotonic() + 60
    while children("Z") != before and time.monotonic() < deadline:
        time.sleep(0.1)
    assert children("Z") == before


KEYS = {
    "AUTODET_PASSWORD": "open sesame",
    "AUTODET_STORAGE_URL": "postgresql://me:secret@127.0.0.1/studies",
    "AWS_SECRET_ACCESS_KEY": "of the machine",
    "PGPASSWORD": "of the database",
    "GITHUB_TOKEN": "of a robot",
}
NEEDED = {
    "AUTODET_WEIGHTS": "/weights",
    "CUDA_VISIBLE_DEVICES": "1",
    "OMP_NUM_THREADS": "2",
    "LC_ALL": "C.UTF-8",
    "https_proxy": "http://proxy",
}
PRINT = "import json, os, sys; json.dump(dict(os.environ), sys.stdout)"


@pytest.fixture
def environment_of(monkeypatch, workspace, tmp_path):
    """The environment of a process with the given secrets, started by one that has every key."""
    for name, value in (KEYS | NEEDED).items():
        monkeypatch.setenv(name, value)

    def environment_of(*secrets):
        with (tmp_path / "log").open("w+b") as log:
            start_process([sys.executable, "-c", PRINT], log, workspace.home, secrets=secrets).wait()
            log.seek(0)
            return json.load(log)

    return environment_of


@pytest.mark.parametrize(
    ("secrets", "keys"),
    [
        (NO_SECRETS, set()),
        (OWN_S3_KEYS, {"AWS_SECRET_ACCESS_KEY"}),
        (DATABASE, {"AUTODET_STORAGE_URL", "PGPASSWORD"}),
    ],
)
def test_a_process_gets_what_it_needs_and_no_other_keys(environment_of, workspace, secrets, keys):
    found = environment_of(*secrets)
    assert {name for name in KEYS if name in found} == keys
    assert {name: found[name] for name in NEEDED} == NEEDED
    assert found["AUTODET_HOME"] == str(workspace.home)


def test_an_import_knows_neither_the_password_nor_foreign_keys(environment_of, workspace, tmp_path):
    """What Linux shows of the process of an import that has just begun."""
    one = start_import("sample", "fruit", workspace=workspace)
    while not (found := process_environments(str(workspace.imports / one.id))):
        time.sleep(0.01)
    assert not any(f"{name}=" in found[0] for name in KEYS)
    while one.status().state == "working":
        time.sleep(0.1)


def process_environments(word: str) -> list[str]:
    """The environments of all processes with a word in their command lines."""
    found = []
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if word in line.read_text():
                found.append(line.with_name("environ").read_text())
    return found
