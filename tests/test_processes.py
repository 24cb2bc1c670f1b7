"""Background processes leave no zombies behind."""

import sys
import time
from pathlib import Path

import pytest

from autodet.datasets.imports.import_job import start_import
from autodet.processes import start_process
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
