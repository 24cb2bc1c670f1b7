import multiprocessing
import tracemalloc
from concurrent.futures import ProcessPoolExecutor
from pathlib import PurePosixPath

import pytest

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.sources.s3.access import S3Credentials
from autodet.datasets.sources.s3.inventory import Inventory, S3Object
from autodet.errors import ArchiveError, AutodetError
from autodet.settings import load_settings
from tests.helpers import workspace_in, write_voc, zip_folder

KEYS = S3Credentials("an-access-key-id", "a-secret-key", region="eu-central-1")


@pytest.fixture
def workspace(tmp_path):
    return workspace_in(tmp_path)


def refuse(url, workspace, match, credentials=KEYS):
    with pytest.raises(AutodetError, match=match) as caught:
        import_dataset(url, workspace=workspace, credentials=credentials)
    assert list(workspace.datasets.iterdir()) == []
    return str(caught.value)


def test_a_zip_in_a_bucket(bucket, workspace, tmp_path):
    bucket.put("sets/fruit.zip", zip_folder(write_voc(tmp_path / "set", 8), tmp_path / "a.zip").read_bytes())
    told = []
    dataset = import_dataset(
        "s3://photos/sets/fruit.zip", workspace=workspace, credentials=KEYS, progress=lambda s, d: told.append(s)
    )
    assert told == sorted(told)
    assert (dataset.id, len(dataset.images)) == ("fruit", 8)


def test_a_zip_at_the_top_of_a_bucket_with_the_machines_own_keys(bucket, workspace, tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    bucket.put("fruit.zip", zip_folder(write_voc(tmp_path / "set", 4), tmp_path / "a.zip").read_bytes())
    assert len(import_dataset("s3://photos/fruit.zip", workspace=workspace).images) == 4


@pytest.mark.parametrize("url", ["s3://photos/sets/fruit", "s3://photos/sets/fruit/"])
def test_a_folder_in_a_bucket(bucket, workspace, tmp_path, url):
    write_voc(tmp_path / "set" / "train", 4)
    write_voc(tmp_path / "set" / "val", 2)
    bucket.put_folder(tmp_path / "set", "sets/fruit/")
    bucket.put("sets/fruit/")
    bucket.put("sets/fruit2/other.xml", b"<annotation/>")
    told = []
    dataset = import_dataset(url, workspace=workspace, credentials=KEYS, progress=lambda s, d: told.append(s))
    assert dataset.splits == {"train": 4, "val": 2} and [p for p in dataset.findings if p.kind != "class_rare"] == []
    assert told == sorted(told)


def test_a_whole_bucket(bucket, workspace, tmp_path):
    bucket.put_folder(write_voc(tmp_path / "set", 3), "")
    assert len(import_dataset("s3://photos", workspace=workspace, credentials=KEYS).images) == 3


def test_a_listing_of_many_pages(bucket, workspace, tmp_path, monkeypatch):
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "3")
    bucket.put_folder(write_voc(tmp_path / "set", 5), "many/")
    assert len(import_dataset("s3://photos/many", workspace=workspace, credentials=KEYS).images) == 5


@pytest.mark.parametrize("key", ["set/../../evil.txt", "set/..\\..\\evil.txt"])
def test_a_key_that_leads_outside_is_refused(bucket, workspace, tmp_path, key):
    bucket.put(key, b"evil")
    refuse("s3://photos/set", workspace, "is not a file name")
    assert not list(tmp_path.rglob("*evil*"))


@pytest.mark.parametrize(
    ("keys", "match"),
    [
        (("set/a.jpg", "set/A.JPG"), "holds both 'set/A.JPG' and 'set/a.jpg', which are one file"),
        (("set/a/b.jpg", "set/A/B.jpg"), "which are one file"),
        (("set/a//b.jpg", "set/a/b.jpg"), "which are one file"),
        (("set/a", "set/a/b.jpg"), "'set/a' is both a file and a folder"),
        (("set/a-b.jpg", "set/A", "set/a/b/c.jpg"), "'set/A' is both a file and a folder"),
        (("set//abs.jpg", "set/" + "d/" * 40 + "a.jpg"), "is not a file name"),
    ],
)
def test_keys_that_cannot_all_be_files_are_refused(bucket, workspace, keys, match):
    for key in keys:
        bucket.put(key, b"x")
    refuse("s3://photos/set", workspace, match)


def test_a_key_that_is_absolute_is_refused(bucket, workspace):
    bucket.put("/etc/passwd", b"x")
    refuse("s3://photos", workspace, "is not a file name")
    refuse("s3://photos//etc", workspace, "is not a file name")


def test_files_that_are_empty_or_hidden_do_no_harm(bucket, workspace, tmp_path):
    bucket.put_folder(write_voc(tmp_path / "set", 4), "set/")
    bucket.put("set/empty.txt")
    bucket.put("set/.DS_Store", b"x")
    bucket.put("set/__MACOSX/a.jpg", b"x")
    assert len(import_dataset("s3://photos/set", workspace=workspace, credentials=KEYS).images) == 4


def list_at_length(folder, count):
    """The peak of memory, in bytes, while a long listing is kept and read again."""
    objects = (S3Object(f"{n}", PurePosixPath(f"{n // 5000}/{n:060}.jpg"), n, f"{n:032x}") for n in range(count))
    inventory = Inventory(folder / "inventory.db", "s3://photos/set", load_settings({}))
    tracemalloc.start()
    inventory.refresh(objects, folder)
    read = sum(1 for _ in inventory.objects())
    _, peak = tracemalloc.get_traced_memory()
    inventory.close()
    assert read == inventory.count == count
    return peak


def test_a_long_listing_does_not_sit_in_memory(tmp_path):
    spawn = multiprocessing.get_context("spawn")  # the servers of other tests take memory in this process
    with ProcessPoolExecutor(1, mp_context=spawn) as process:
        peak = process.submit(list_at_length, tmp_path, 50_000).result()
    assert peak < 5_000_000  # the keys alone would take more


@pytest.mark.parametrize(
    ("url", "match"),
    [
        ("s3://photos/nothing", "There is nothing below"),
        ("s3://photos/nothing.zip", "There is nothing at"),
        ("s3://no-such-bucket/x", "There is nothing at"),
        ("s3://", "not the address of a bucket"),
        ("s3://not a bucket!/x", "not the address of a bucket"),
    ],
)
def test_addresses_that_lead_nowhere(bucket, workspace, url, match):
    refuse(url, workspace, match)


def test_what_is_no_zip(bucket, workspace):
    bucket.put("a.zip", b"text")
    with pytest.raises(ArchiveError, match=r"'a\.zip' is not a zip"):
        import_dataset("s3://photos/a.zip", workspace=workspace, credentials=KEYS)


@pytest.mark.parametrize(
    ("variable", "value", "match"),
    [("AUTODET_MAX_ARCHIVE_FILES", "3", "more than 3 files"), ("AUTODET_MAX_ARCHIVE_MB", "1", "more than 1 MB")],
)
def test_caps_are_kept(bucket, workspace, tmp_path, monkeypatch, variable, value, match):
    monkeypatch.setenv(variable, value)
    bucket.put_folder(write_voc(tmp_path / "set", 2), "set/")
    bucket.put("set/large.bin", b"x" * 1_000_001)
    refuse("s3://photos/set", workspace, match)


def test_no_keys(bucket, workspace, monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    refuse("s3://photos/set", workspace, "There are no keys", credentials=None)


def test_a_server_that_is_not_there(s3_settings, workspace, monkeypatch):
    monkeypatch.setenv("AUTODET_S3_ENDPOINT", "http://127.0.0.1:9")
    refuse("s3://photos/set", workspace, "cannot be reached")


def test_an_endpoint_that_is_no_address(s3_settings, workspace, monkeypatch):
    monkeypatch.setenv("AUTODET_S3_ENDPOINT", "not an address")
    refuse("s3://photos/set", workspace, "AUTODET_S3_ENDPOINT is not an address")


def test_what_a_server_answers_is_shown_to_nobody(s3_settings, workspace, monkeypatch):
    from http.server import BaseHTTPRequestHandler, HTTPServer
    from threading import Thread

    class Hostile(BaseHTTPRequestHandler):
        def do_GET(self):
            body = b"<Error><Code>AccessDenied</Code><Message>click http://evil.example</Message></Error>"
            self.send_response(403)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Hostile) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("AUTODET_S3_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        sentence = refuse("s3://photos/set", workspace, "does not let these keys read")
        server.shutdown()
    assert "evil" not in sentence and "an-access-key-id" not in sentence


def test_keys_are_not_shown():
    assert "an-access-key-id" not in repr(KEYS) and "a-secret-key" not in repr(KEYS)
