"""S3 imports beside the pages: killed, gone on with, asked about, cancelled; and keys that are found nowhere."""

import os
import signal
import time
from pathlib import Path

import pytest

from autodet.datasets.imports.import_job import find_import, list_imports, start_import
from autodet.datasets.manifest import list_datasets, load_dataset
from autodet.datasets.sources.s3.access import ANONYMOUS, S3Credentials
from autodet.errors import DatasetError
from tests.datasets.imports.test_import_job import process_of, wait_until
from tests.helpers import wait_for, workspace_in, write_voc, zip_folder

SECRETS = ("AKIATYPEDBYSOMEBODY", "s3cr3t-typed-by-somebody", "t0ken-typed-by-somebody")
KEYS = S3Credentials(*SECRETS, region="us-east-1")


@pytest.fixture
def workspace(tmp_path):
    return workspace_in(tmp_path)


def put_zip(bucket, tmp_path, ballast, **options):
    """A zip of a real data set that is as large as one likes, because something in it does not compress."""
    folder = write_voc(tmp_path / "fruit")
    (folder / "notes.bin").write_bytes(os.urandom(ballast))
    archive = zip_folder(folder, tmp_path / "fruit.zip").read_bytes()
    bucket.put("fruit.zip", archive, **options)
    return len(archive)


def assert_holds_no_secret(folder: Path):
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not [secret for secret in SECRETS if secret.encode() in content], path


def test_a_killed_download_goes_on_with_what_it_had(proxy, bucket, workspace, tmp_path):
    size = put_zip(bucket, tmp_path, 60_000_000)
    proxy.faults.chunk_seconds = 0.005
    one = start_import("s3://photos/fruit.zip", "fruit", workspace=workspace, credentials=KEYS)
    wait_until(lambda: proxy.faults.given.get("fruit.zip", 0) > size // 3)
    process = process_of(one, workspace)
    for seen in ("cmdline", "environ"):
        assert not [s for s in SECRETS if s.encode() in (Path("/proc") / str(process) / seen).read_bytes()]
    os.kill(process, signal.SIGKILL)
    wait_until(lambda: one.status().state == "interrupted")
    assert_holds_no_secret(workspace.home)
    again = find_import(one.id, workspace)
    assert again.lacks_keys
    with pytest.raises(DatasetError, match="S3 keys are never stored"):
        again.proceed()
    proxy.faults.chunk_seconds = 0.0
    again.proceed(credentials=KEYS)
    assert wait_for(again).state == "finished"
    assert load_dataset("fruit", workspace).boxes == 40
    # what was on its way when the process was killed is all that comes twice
    assert proxy.faults.given["fruit.zip"] - size < 16 * 1_000_000
    assert_holds_no_secret(workspace.home)


def test_a_download_that_breaks_off_is_kept_and_gone_on_with(proxy, bucket, workspace, tmp_path):
    bucket.put_folder(write_voc(tmp_path / "set", 40), "set/")
    proxy.faults.refuse = {"set/photo_39.xml": [403]}
    one = start_import("s3://photos/set", "set", workspace=workspace, credentials=KEYS)
    status = wait_for(one)
    assert status.state == "interrupted" and "does not let these keys read" in status.error
    assert one.lacks_keys and list_datasets(workspace) == []
    proxy.faults.given.clear()
    one.proceed(credentials=KEYS)
    assert wait_for(one).state == "finished"
    assert len(proxy.faults.given) < 40
    assert load_dataset("set", workspace).splits["train"] == 28


def test_what_cannot_be_read_at_all_leaves_nothing_but_a_sentence(proxy, bucket, workspace):
    proxy.faults.refuse = {"": [403, 403]}
    one = start_import("s3://photos/set", "set", workspace=workspace, credentials=KEYS)
    status = wait_for(one)
    assert status.state == "failed" and "does not let these keys read" in status.error
    assert [path.name for path in (workspace.imports / one.id).iterdir() if path.is_dir()] == []
    assert_holds_no_secret(workspace.home)


def test_gigabytes_wait_for_an_answer(bucket, workspace, tmp_path, monkeypatch):
    monkeypatch.setenv("AUTODET_LARGE_DOWNLOAD_MB", "1")
    put_zip(bucket, tmp_path, 2_000_000, public=True)
    one = start_import("s3://photos/fruit.zip", "fruit", workspace=workspace, credentials=ANONYMOUS)
    status = wait_for(one)
    assert status.state == "confirming" and status.asked["files"] == 1 and status.asked["bytes"] > 2_000_000
    one.proceed(large=True)
    assert wait_for(one).state == "finished"


def test_a_cancelled_download_ends_soon_and_leaves_nothing(proxy, bucket, workspace, tmp_path):
    size = put_zip(bucket, tmp_path, 60_000_000)
    proxy.faults.chunk_seconds = 0.02
    one = start_import("s3://photos/fruit.zip", "fruit", workspace=workspace, credentials=KEYS)
    wait_until(lambda: proxy.faults.given.get("fruit.zip", 0) > 1_000_000)
    one.discard()
    wait_until(lambda: not (workspace.imports / one.id).exists())
    time.sleep(0.5)
    assert list_imports(workspace) == []
    assert [path.name for path in workspace.imports.iterdir()] == [".places"]
    assert proxy.faults.given["fruit.zip"] < size


def test_an_address_that_is_none_does_not_become_an_import(workspace):
    with pytest.raises(DatasetError, match="not the address of a bucket") as caught:
        start_import(f"s3://{SECRETS[0]}:{SECRETS[1]}@photos/set", "set", workspace=workspace, credentials=KEYS)
    assert SECRETS[1] not in str(caught.value)
    assert list_imports(workspace) == []
    assert_holds_no_secret(workspace.home)
