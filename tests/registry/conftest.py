"""Registries of both kinds: a folder, and a bucket on a real S3 server."""

from pathlib import Path

import pytest

from autodet.models.bundle import write_bundle
from autodet.models.model_card import ModelCard
from tests.s3 import atomic_conditions
from tests.tiers import PROCESS, implies


class FolderPlace:
    """A registry in a folder, and its files."""

    passes = 1  # how often a file is read to be stored

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keys(self) -> list[str]:
        return sorted(path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if path.is_file())

    def put(self, key: str, content: bytes) -> None:
        path = self.folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def content(self, key: str) -> bytes:
        return (self.folder / key).read_bytes()

    def delete(self, key: str) -> None:
        (self.folder / key).unlink()


class BucketPlace:
    """The same in a bucket, below a prefix."""

    passes = 2  # the client signs the content before it sends it

    def __init__(self, bucket) -> None:
        self.bucket = bucket

    def keys(self) -> list[str]:
        return [key.removeprefix("team/models/") for key in self.bucket.list()]

    def put(self, key: str, content: bytes) -> None:
        self.bucket.put(f"team/models/{key}", content)

    def content(self, key: str) -> bytes:
        return self.bucket.content(f"team/models/{key}")

    def delete(self, key: str) -> None:
        self.bucket.delete(f"team/models/{key}")


@pytest.fixture
def folder_place(tmp_path, monkeypatch, workspace):
    """A registry in a folder, which the settings name."""
    folder = tmp_path / "shared"
    folder.mkdir()
    monkeypatch.setenv("AUTODET_REGISTRY", str(folder))
    return FolderPlace(folder)


@pytest.fixture
@implies(PROCESS)
def bucket_place(bucket, monkeypatch, workspace):
    """A registry in a bucket, which the settings name, and the keys for it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOFTHEMACHINE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-the-machine")
    monkeypatch.setenv("AUTODET_REGISTRY", "s3://photos/team/models/")
    with atomic_conditions():
        yield BucketPlace(bucket)


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.process)])
def place(request):
    """Either of them."""
    return request.getfixturevalue({"folder": "folder_place", "s3": "bucket_place"}[request.param])


def small_bundle(path: Path, weights: bytes = b"weights", **facts) -> Path:
    """A bundle that can be pushed and fetched, but not used; other weights, another model."""
    card = {
        "name": "Fruit Salad",
        "classes": ("apple", "banana"),
        "architecture": "nanodet_g",
        "image_size": 320,
        "dataset": "fruit",
        "dataset_fingerprint": "f" * 64,
        "metrics": {"map50": 0.5, "map50_95": 0.25},
        "versions": {"autodet": "0.1.0"},
    } | facts
    write_bundle(path, ModelCard(**card), weights)
    return path


@pytest.fixture
def bundle(tmp_path) -> Path:
    return small_bundle(tmp_path / "fruit.autodet")
