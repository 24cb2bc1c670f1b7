"""What networks and servers do to a download, over HTTP: nothing is lost, and nothing is fetched twice."""

import hashlib
import os
import threading

import pytest

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.sources.s3.access import S3Credentials
from autodet.datasets.sources.s3.partial import PART_BYTES
from autodet.datasets.sources.s3.source import download_from_s3
from autodet.errors import DatasetError, DownloadInterruptedError, LargeDownloadError
from autodet.settings import load_settings
from tests.helpers import workspace_in, write_voc

KEYS = S3Credentials("an-access-key-id", "a-secret-key", region="us-east-1")
LARGE = 3 * PART_BYTES + 12_345


@pytest.fixture
def large(bucket):
    """A zip of four parts, in name at least."""
    content = os.urandom(LARGE)
    bucket.put("large.zip", content)
    return content


@pytest.fixture
def download(tmp_path):
    """Download from the bucket into one folder, as often as it is called."""

    def download(key, progress=lambda share, doing: None, **options):
        return download_from_s3(f"s3://photos/{key}", tmp_path / "s3", load_settings(), KEYS, progress, **options)

    return download


def put_photos(bucket, count=12):
    contents = {f"set/{number:02}.jpg": os.urandom(20_000) for number in range(count)}
    for key, content in contents.items():
        bucket.put(key, content)
    return contents


def read(folder):
    return {f"set/{path.name}": path.read_bytes() for path in folder.iterdir()}


def test_a_large_object_comes_in_parts(proxy, large, download):
    told = []
    path = download("large.zip", lambda share, doing: told.append((share, doing)))
    assert path.read_bytes() == large
    assert proxy.faults.asked.count("large.zip") == 1 + 4  # one asks how large it is
    share, step = told[-1]
    assert (share, step.kind, step.done, step.total) == (1.0, "download", len(large), len(large))
    assert [share for share, _ in told] == sorted(share for share, _ in told)


def test_a_connection_that_breaks_goes_on_where_it_broke(proxy, bucket, large, download):
    proxy.faults.cut = {"large.zip": [3_000_001, 100], "set/03.jpg": [9_999]}
    assert download("large.zip").read_bytes() == large
    assert proxy.faults.given["large.zip"] == LARGE, "some of it was fetched twice"


def test_photos_whose_connection_breaks_are_whole(proxy, bucket, download):
    contents = put_photos(bucket)
    proxy.faults.cut = {"set/03.jpg": [9_999], "set/05.jpg": [0, 1]}
    assert read(download("set")) == contents
    assert sum(proxy.faults.given.values()) == 12 * 20_000


def test_a_server_that_asks_to_slow_down_is_asked_again(proxy, bucket, download):
    contents = put_photos(bucket)
    proxy.faults.refuse = {"": [503], "set/02.jpg": [503, 503], "set/07.jpg": [500]}
    assert read(download("set")) == contents


def test_a_connection_that_stays_broken_is_gone_on_with_later(proxy, bucket, large, download, monkeypatch):
    monkeypatch.setattr("autodet.datasets.sources.s3.transfer.FAILURES", 2)
    proxy.faults.cut = {"large.zip": [1_000_000] * 4 + [0] * 8}
    with pytest.raises(DownloadInterruptedError, match=r"The connection broke while 'large\.zip' was downloaded"):
        download("large.zip")
    came = sum(proxy.faults.given.values())
    assert came > 1_000_000
    proxy.faults.cut.clear()
    assert download("large.zip").read_bytes() == large
    assert proxy.faults.given["large.zip"] < LARGE + came / 2, "what had come was fetched again"


@pytest.mark.parametrize(
    ("status", "words"), [(403, "does not let these keys read"), (404, "There is nothing at"), (418, "refused to give")]
)
def test_a_photo_that_is_refused_is_a_sentence_and_the_others_stay(proxy, bucket, download, tmp_path, status, words):
    contents = put_photos(bucket, 40)
    proxy.faults.refuse = {"set/39.jpg": [status]}
    with pytest.raises(DownloadInterruptedError, match=words) as caught:
        download("set")
    assert "evil" not in str(caught.value)
    kept = len(list((tmp_path / "s3" / "files").iterdir()))
    assert kept >= 24
    proxy.faults.given.clear()
    assert read(download("set")) == contents
    assert sum(proxy.faults.given.values()) == (40 - kept) * 20_000, "some were fetched twice"


def test_a_refusal_of_the_whole_is_final(proxy, bucket, download, tmp_path):
    put_photos(bucket)
    proxy.faults.refuse = {"": [403]}
    with pytest.raises(DatasetError, match="does not let these keys read") as caught:
        download("set")
    assert not isinstance(caught.value, DownloadInterruptedError)


def test_an_object_that_changes_between_listing_and_download_is_noticed(proxy, bucket, download):
    contents = put_photos(bucket)

    def change(key):
        if key == "set/04.jpg" and contents[key] != b"x" * 20_000:
            contents[key] = b"x" * 20_000
            bucket.put(key, contents[key])

    proxy.faults.before = change
    with pytest.raises(DownloadInterruptedError, match="changed during the download"):
        download("set")
    assert read(download("set")) == contents


def test_what_changed_on_the_server_meanwhile_is_fetched_again_and_nothing_else(proxy, bucket, download):
    contents = put_photos(bucket)
    download("set")
    contents["set/04.jpg"] = os.urandom(20_000)
    bucket.put("set/04.jpg", contents["set/04.jpg"])
    bucket.delete("set/05.jpg")
    del contents["set/05.jpg"]
    proxy.faults.given.clear()
    assert read(download("set")) == contents
    assert proxy.faults.given == {"set/04.jpg": 20_000}


def test_a_large_object_that_has_changed_is_not_mixed_with_what_it_was(proxy, bucket, large, download, monkeypatch):
    monkeypatch.setattr("autodet.datasets.sources.s3.transfer.FAILURES", 1)
    proxy.faults.cut = {"large.zip": [1_000_000] * 4}
    with pytest.raises(DownloadInterruptedError):
        download("large.zip")
    proxy.faults.cut.clear()
    other = os.urandom(LARGE)
    bucket.put("large.zip", other)
    assert download("large.zip").read_bytes() == other


@pytest.mark.parametrize("size", [20_000, LARGE])
def test_bytes_that_are_not_what_the_etag_says_are_noticed(bucket, download, size):
    content = os.urandom(size)
    bucket.put("photos/a.bmp", content, etag=hashlib.md5(b"other").hexdigest())
    with pytest.raises(DownloadInterruptedError, match=r"'photos/a\.bmp' came damaged"):
        download("photos")
    bucket.put("photos/a.bmp", content)
    assert (download("photos") / "a.bmp").read_bytes() == content


@pytest.mark.parametrize(
    "options", [{"etag": f"{'0' * 32}-3"}, {"etag": "0" * 32, "encryption": "aws:kms", "kms_key_id": "k"}]
)
@pytest.mark.parametrize("size", [20_000, LARGE])
def test_an_etag_that_is_no_md5_is_not_taken_for_one(bucket, download, size, options):
    content = os.urandom(size)
    bucket.put("photos/a.bmp", content, **options)
    assert (download("photos") / "a.bmp").read_bytes() == content


def test_a_download_ends_at_once_in_the_middle_of_a_large_object(proxy, large, download, tmp_path):
    class EnoughError(Exception):
        pass

    def end(share, doing):
        if share > 0.1:
            raise EnoughError

    proxy.faults.chunk_seconds = 0.02
    with pytest.raises(EnoughError):
        download("large.zip", end)
    assert proxy.faults.given["large.zip"] < LARGE
    assert not [thread for thread in threading.enumerate() if "guarded" in thread.name]


def test_gigabytes_are_asked_about_before_they_are_fetched(proxy, bucket, download, monkeypatch):
    contents = put_photos(bucket, 60)
    monkeypatch.setenv("AUTODET_LARGE_DOWNLOAD_MB", "1")
    with pytest.raises(LargeDownloadError, match=r"holds 60 files, 1\.2 MB; agree .*--decide large_download=keep"):
        download("set")
    assert set(proxy.faults.asked) == set()
    assert read(download("set", large=True)) == contents


def test_a_listing_of_many_pages_is_read_to_its_end(proxy, bucket, download, monkeypatch):
    monkeypatch.setenv("AUTODET_LARGE_DOWNLOAD_MB", "1")
    for number in range(12_000):
        bucket.put(f"many/{number:05}.txt", b"x" * 100)
    with pytest.raises(LargeDownloadError, match=r"12,000 files, 1\.2 MB"):
        download("many")
    assert len(proxy.faults.headers) == 12


def test_more_than_was_listed_is_not_taken(bucket, workspace_folder, monkeypatch):
    """A server that lists little and sends much does not fill the disk."""
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    listing = b"<ListBucketResult><Contents><Key>set/a.jpg</Key><Size>10</Size></Contents></ListBucketResult>"

    class Hostile(BaseHTTPRequestHandler):
        def do_GET(self):
            body = listing if "list-type" in self.path else b"x" * 10_000_000
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Hostile) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("AUTODET_S3_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        with pytest.raises(DatasetError, match=r"sends more of 'set/a\.jpg' than it listed"):
            download_from_s3("s3://photos/set", workspace_folder, load_settings(), KEYS, lambda share, doing: None)
        server.shutdown()
    assert sum(path.stat().st_size for path in workspace_folder.rglob("*.jpg")) == 0


@pytest.fixture
def workspace_folder(tmp_path):
    return tmp_path / "s3"


def test_an_import_that_breaks_off_leaves_nothing_where_nobody_can_go_on(proxy, bucket, tmp_path, monkeypatch):
    monkeypatch.setattr("autodet.datasets.sources.s3.transfer.FAILURES", 1)
    bucket.put_folder(write_voc(tmp_path / "set", 8), "set/")
    proxy.faults.cut = {"set/photo_03.png": [10]}
    workspace = workspace_in(tmp_path)
    with pytest.raises(DownloadInterruptedError):
        import_dataset("s3://photos/set", workspace=workspace, credentials=KEYS)
    assert list(workspace.datasets.iterdir()) == []
