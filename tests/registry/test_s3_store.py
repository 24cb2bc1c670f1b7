"""Faults of a registry in a bucket."""

import pytest

import autodet
from autodet.cli import main
from autodet.datasets.sources.s3 import access, partial
from autodet.errors import AutodetError, DownloadInterruptedError, RegistryError
from autodet.registry.bundles import find_any_model
from tests.registry.conftest import small_bundle
from tests.s3 import Proxy, ignored_conditions


@pytest.fixture
def way(bucket_place, s3_server, monkeypatch):
    """The way to the bucket, under faults."""
    proxy = Proxy(s3_server)
    monkeypatch.setenv("AUTODET_S3_ENDPOINT", proxy.url)
    yield proxy
    proxy.close()


def test_a_server_without_conditional_writes_is_refused(bucket_place, bundle):
    with ignored_conditions(), pytest.raises(RegistryError, match="ignores conditional writes"):
        autodet.push_model(bundle)
    assert autodet.list_registry() == []


def test_a_bucket_that_is_not_there_is_a_sentence(bucket_place, bundle, monkeypatch):
    monkeypatch.setenv("AUTODET_REGISTRY", "s3://nowhere/models")
    for use in (autodet.list_registry, lambda: autodet.push_model(bundle)):
        with pytest.raises(RegistryError, match="There is no bucket for the registry s3://nowhere/models; create it"):
            use()


def test_keys_that_may_not_are_a_sentence_without_them(way, bundle, capsys):
    way.faults.refuse["*"] = [403] * 9
    assert main(["registry", "push", str(bundle)]) == 2
    said = capsys.readouterr().err
    assert "does not let these keys use the registry s3://photos/team/models" in said
    assert "AKIA" not in said and "secret-of" not in said and "evil" not in said


def test_a_machine_without_keys_is_a_sentence(bucket_place, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(RegistryError, match="There are no keys for"):
        autodet.list_registry()


def test_a_server_that_cannot_be_reached_is_a_sentence(bucket_place, monkeypatch):
    monkeypatch.setattr(access, "ATTEMPTS", 1)
    monkeypatch.setenv("AUTODET_S3_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(RegistryError, match="cannot be reached; check the network"):
        autodet.list_registry()


def test_a_push_whose_answer_is_lost_is_one_version(way, bundle):
    way.faults.lose["team/models/fruit/versions/1.json"] = 1
    assert autodet.push_model(bundle, "fruit").version == 1
    assert way.faults.lose == {"team/models/fruit/versions/1.json": 0}
    assert [version.version for version in autodet.list_registry("fruit")[0].versions] == [1]


def test_an_interrupted_pull_continues(way, tmp_path, monkeypatch):
    monkeypatch.setattr("autodet.datasets.sources.s3.transfer.FAILURES", 1)
    bundle = small_bundle(tmp_path / "fruit.autodet", bytes(2 * partial.PART_BYTES))
    version = autodet.push_model(bundle, "fruit")
    key = f"team/models/{version.file}"
    way.faults.cut[key] = [1_000_000] * 3
    with pytest.raises(DownloadInterruptedError, match="The connection broke"):
        find_any_model("registry:fruit")
    received = way.faults.given[key]
    assert find_any_model("registry:fruit").path.read_bytes() == bundle.read_bytes()
    assert way.faults.given[key] - received < bundle.stat().st_size


def test_the_address_of_a_registry_holds_no_keys(monkeypatch):
    monkeypatch.setenv("AUTODET_REGISTRY", "s3://AKIAKEY:secret@bucket/models")
    with pytest.raises(AutodetError, match="AUTODET_REGISTRY is not a place") as error:
        autodet.list_registry()
    assert "secret" not in str(error.value)
