"""The scripted trainer on a node of a Ray cluster, which began before the test did: its script is in a file."""

import os
from pathlib import Path

import ray

from tests.search import scripted

FOLDER = "AUTODET_TEST_RAY_FOLDER"


def train(job, pulse):
    folder = Path(os.environ[FOLDER])
    os.environ[scripted.SCRIPT] = (folder / "script.json").read_text()
    trial = job.folder.name.partition("-")[0]
    seen = scripted.train(job, pulse)
    noted = 0
    for result in seen:
        lines = (job.folder / "notes").read_text().splitlines()
        with (folder / f"notes-{trial}").open("a") as notes:
            for line in lines[noted:]:
                pid, _, _, what = line.split(" ", 3)
                notes.write(f"{ray.get_runtime_context().get_node_id()} {pid} {job.dataset_folder} {what}\n")
        noted = len(lines)
        yield result
