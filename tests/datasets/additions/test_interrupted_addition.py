"""Additions whose process is killed: nothing is half there, and they go on."""

import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from autodet.datasets.drafts.journal import read_drafts, save_draft
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.imports.import_job import find_import, start_import
from autodet.datasets.imports.import_state import ImportStatus, write_status
from autodet.datasets.manifest import list_datasets, load_dataset
from autodet.datasets.sources.s3.access import S3Credentials
from autodet.records import DraftBox, ImportStep, PhotoDraft
from tests.datasets.imports.test_import_job import wait_until
from tests.helpers import draw_photo, wait_for, workspace_in, zip_folder

KEYS = S3Credentials("AKIATYPED", "s3cr3t", region="us-east-1")
APPLE = DraftBox("apple", (1.0, 1.0, 20.0, 20.0))


@pytest.fixture
def workspace(tmp_path):
    return workspace_in(tmp_path)


def photos(folder, *seeds):
    folder.mkdir()
    for seed in seeds:
        draw_photo(seed=seed).save(folder / f"{seed}.png")
    return folder


@pytest.fixture
def pool(tmp_path, workspace):
    """Three photos, of which one is labelled in a draft."""
    pool = import_dataset(photos(tmp_path / "pool", 900, 901, 902), "pool", workspace=workspace)
    save_draft(pool, PhotoDraft(pool.images[0].file, (APPLE,), reviewed=True))
    return pool


def kill(job, workspace):
    wanted = f"autodet.datasets.additions.worker\0{workspace.imports / job.id}\0".encode()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if wanted in path.read_bytes():
                os.kill(int(path.parent.name), signal.SIGKILL)
                wait_until(lambda: job.status().state == "interrupted")
                return
    raise AssertionError("no process adds the photos")


def test_an_addition_from_s3_that_is_killed_leaves_nothing_and_goes_on(proxy, bucket, workspace, pool, tmp_path):
    folder = photos(tmp_path / "more", 902, 950, 951)
    (folder / "notes.bin").write_bytes(os.urandom(20_000_000))
    bucket.put("more.zip", zip_folder(folder, tmp_path / "more.zip").read_bytes())
    proxy.faults.chunk_seconds = 0.02
    job = start_import("s3://photos/more.zip", "more", into=pool.id, workspace=workspace, credentials=KEYS)
    wait_until(lambda: proxy.faults.given.get("more.zip", 0) > 5_000_000)
    kill(job, workspace)
    assert [path.name for path in workspace.datasets.iterdir()] == [pool.id]
    proxy.faults.chunk_seconds = 0.0
    again = find_import(job.id, workspace)
    again.proceed(credentials=KEYS)
    if wait_for(again).state == "reviewing":
        again.proceed({})
    assert wait_for(again).state == "finished"
    grown = load_dataset(again.status().dataset, workspace)
    assert len(grown.images) == 5
    assert [draft.labels for draft in read_drafts(grown).changed.values()] == [(APPLE,)]
    assert [path.name for path in workspace.datasets.iterdir() if path.name.startswith(".")] == []


def test_an_addition_that_is_killed_after_its_version_makes_no_second_one(workspace, pool, tmp_path):
    job = start_import(str(photos(tmp_path / "more", 950)), "more", into=pool.id, workspace=workspace)
    if wait_for(job).state == "reviewing":
        job.proceed({})
    made = wait_for(job).dataset
    write_status(workspace.imports / job.id, ImportStatus("working", 1.0, ImportStep("store", 1, 1)))
    wait_until(lambda: job.status().state == "interrupted")
    job.proceed()
    assert wait_for(job).dataset == made
    assert {one.id for one in list_datasets(workspace)} == {pool.id, made}
