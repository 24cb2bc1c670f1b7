"""The form for S3, and what an S3 import asks on its page."""

import pytest

from autodet.datasets.imports.import_job import start_import
from autodet.datasets.manifest import list_datasets
from autodet.datasets.sources.s3.access import ANONYMOUS, S3Credentials
from autodet.errors import DatasetError
from tests.app.conftest import checked, labelled, labels, says
from tests.app.test_datasets import imported
from tests.helpers import wait_for, write_voc, zip_folder

CHOICE = "Access to the bucket"
KEYS = S3Credentials("AKIATYPED", "secret", region="us-east-1")


@pytest.fixture
def asked(monkeypatch):
    """What imports were asked for; none is started."""
    asked = []

    def refuse(source, name, *, format, credentials=None, into=""):
        asked.append((source, credentials))
        raise DatasetError("It is not there.")

    monkeypatch.setattr("autodet.ui.datasets.import_form.start_import", refuse)
    return asked


def choices(app):
    return [option.content for option in labelled(app.get("button_group"), CHOICE).proto.options]


def ask(app, **typed):
    for label, text in typed.items():
        labelled(app.text_input, label.replace("_", " ")).input(text)
    return checked(labelled(app.button, "Import from S3").click().run())


def test_a_stranger_is_not_offered_the_machines_own_keys(visit, asked):
    app = visit("datasets")
    assert choices(app) == ["With a key", "It is public"]
    app = ask(app, Address="s3://bucket/fruit")
    assert "Enter a key, or select above that the bucket is public" in says(app)
    assert asked == []


def test_a_public_bucket_asks_for_no_key(visit, asked):
    app = visit("datasets")
    app = checked(labelled(app.get("button_group"), CHOICE).set_value("It is public").run())
    assert "Secret access key" not in labels(app.text_input)
    ask(app, Address=" s3://bucket/fruit ")
    assert asked == [("s3://bucket/fruit", ANONYMOUS)]


def test_an_installation_can_lend_visitors_its_keys(visit, asked, monkeypatch):
    monkeypatch.setenv("AUTODET_S3_IDENTITIES", "machine, lab")
    app = visit("datasets")
    assert choices(app) == ["With a key", "It is public", "With this server's own key", "As lab"]
    app = checked(labelled(app.get("button_group"), CHOICE).set_value("As lab").run())
    app = ask(app, Address="s3://bucket/fruit")
    app = checked(labelled(app.get("button_group"), CHOICE).set_value("With this server's own key").run())
    ask(app, Address="s3://bucket/fruit")
    assert [(given.identity, given.profile) for _, given in asked] == [("profile", "lab"), ("machine", None)]


def test_the_server_is_chosen_where_there_are_several(visit, asked, monkeypatch):
    assert "Server" not in labels(visit("datasets").selectbox)
    monkeypatch.setenv("AUTODET_S3_ENDPOINT", "amazon, https://minio.example.org")
    app = visit("datasets")
    server = labelled(app.selectbox, "Server")
    assert (server.options, server.value) == (["Amazon S3", "https://minio.example.org"], "amazon")
    server.select("https://minio.example.org")
    ask(app, Address="s3://bucket/fruit", Access_key_id="id", Secret_access_key="secret")
    assert [given.endpoint for _, given in asked] == ["https://minio.example.org"]


def test_gigabytes_are_fetched_after_a_yes_and_the_key_is_not_asked_for_twice(
    visit,
    workspace,
    bucket,
    tmp_path,
    monkeypatch,
):
    monkeypatch.setenv("AUTODET_LARGE_DOWNLOAD_MB", "1")
    folder = write_voc(tmp_path / "fruit")
    (folder / "notes.txt").write_text("".join(f"{number:x} {number * 7919:x}\n" for number in range(300_000)))
    bucket.put("fruit.zip", zip_folder(folder, tmp_path / "fruit.zip").read_bytes())
    app = ask(visit("datasets"), Address="s3://photos/fruit.zip", Access_key_id="id", Secret_access_key="secret")
    app = imported(app)
    assert "holds 1 file" in says(app)
    assert labels(app.text_input).count("Secret access key") == 1  # the empty form's
    app = imported(checked(labelled(app.button, "Download it").click().run()))
    assert [dataset.name for dataset in list_datasets(workspace)] == ["fruit"], says(app)


def test_an_interrupted_download_asks_for_the_key_again(visit, workspace, proxy, bucket, tmp_path):
    bucket.put_folder(write_voc(tmp_path / "set"), "set/")
    proxy.faults.refuse = {"set/photo_19.xml": [403]}
    wait_for(start_import("s3://photos/set", "set", workspace=workspace, credentials=KEYS))
    app = visit("datasets")
    assert "does not let these keys read" in says(app) and "The files fetched so far are kept" in says(app)
    app = checked(labelled(app.button, "Continue").click().run())
    assert "enter the access key" in says(app)
    for label, text in (("Access key id", "id"), ("Secret access key", "secret")):
        next(field for field in app.text_input if field.label == label).input(text)
    imported(checked(labelled(app.button, "Continue").click().run()))
    assert list_datasets(workspace)[0].boxes == 40


def test_the_public_sample_is_offered_where_amazon_may_be_asked(visit, asked, monkeypatch):
    checked(labelled(visit("datasets").button, "Import the motorbikes").click().run())
    assert asked == [("motorbikes", None)]
    monkeypatch.setenv("AUTODET_S3_ENDPOINT", "https://minio.example.org")
    assert "Import the motorbikes" not in labels(visit("datasets").button)
