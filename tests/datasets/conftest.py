"""S3 for tests: moto's server over HTTP, a bucket in its memory, and a proxy that makes trouble in between."""

import logging

import pytest
from moto.s3.models import get_canned_acl, s3_backends
from moto.server import ThreadedMotoServer

from tests.datasets.s3_proxy import Proxy

ACCOUNT = "123456789012"


@pytest.fixture(scope="session")
def s3_server():
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def s3_settings(s3_server, monkeypatch, tmp_path):
    """The settings name the server, and the machine has no keys of its own."""
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AUTODET_S3_ENDPOINT", s3_server)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))


class Bucket:
    """A bucket, filled in the server's memory rather than over HTTP, for that takes long for many objects."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._backend = s3_backends[ACCOUNT]["aws"]
        self._backend.create_bucket(name, "us-east-1")

    def put(self, key, content=b"", *, public=False, **options):
        put = self._backend.put_object(self.name, key, content, **options)
        if public:
            put.set_acl(get_canned_acl("public-read"))

    def put_folder(self, folder, prefix):
        for path in folder.rglob("*.*"):
            self.put(f"{prefix}{path.relative_to(folder).as_posix()}", path.read_bytes())

    def delete(self, key):
        self._backend.delete_object(self.name, key)

    def empty(self):
        self._backend.buckets.pop(self.name, None)
        s3_backends.bucket_accounts.pop(self.name, None)


@pytest.fixture
def bucket(s3_server, s3_settings):
    bucket = Bucket("photos")
    yield bucket
    bucket.empty()


@pytest.fixture
def proxy(s3_server, bucket, monkeypatch):
    """The way to the bucket, under faults."""
    proxy = Proxy(s3_server)
    monkeypatch.setenv("AUTODET_S3_ENDPOINT", proxy.url)
    yield proxy
    proxy.close()
