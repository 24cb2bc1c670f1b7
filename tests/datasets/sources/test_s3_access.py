"""Who asks, and which server."""

import pytest

from autodet.cli import main
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.manifest import load_dataset
from autodet.datasets.sources.s3.access import ANONYMOUS, OWN, S3Credentials, check_visitor
from autodet.errors import DatasetError
from autodet.settings import AMAZON, load_settings
from tests.helpers import write_voc, zip_folder
from tests.s3 import Bucket

PROFILE = S3Credentials(identity="profile", profile="lab")


@pytest.fixture
def fruit(bucket, tmp_path):
    bucket.put("fruit.zip", zip_folder(write_voc(tmp_path / "fruit", 8), tmp_path / "f.zip").read_bytes(), public=True)
    return "s3://photos/fruit.zip"


@pytest.fixture
def machines_keys(s3_settings, monkeypatch, tmp_path):
    """A machine that has keys of its own, and a profile."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOFTHEMACHINE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    (tmp_path / "credentials").write_text("[lab]\naws_access_key_id = AKIAOFTHELAB\naws_secret_access_key = secret\n")


def asked_by(proxy):
    """The ids of the keys that requests were signed with."""
    signed = [line for headers in proxy.faults.headers for line in headers.splitlines() if "Credential=" in line]
    return {line.split("Credential=")[1].split("/")[0] for line in signed}


@pytest.mark.parametrize(
    ("credentials", "id"),
    [
        (None, "AKIAOFTHEMACHINE"),
        (OWN, "AKIAOFTHEMACHINE"),
        (PROFILE, "AKIAOFTHELAB"),
        (S3Credentials("AKIATYPED", "secret"), "AKIATYPED"),
    ],
)
def test_requests_are_signed_by_who_asks(proxy, fruit, machines_keys, workspace, credentials, id):
    import_dataset(fruit, workspace=workspace, credentials=credentials)
    assert asked_by(proxy) == {id}


def test_a_public_bucket_is_read_without_a_signature(proxy, fruit, machines_keys, workspace):
    import_dataset(fruit, workspace=workspace, credentials=ANONYMOUS)
    assert asked_by(proxy) == set()
    assert not any("authorization" in headers.lower() for headers in proxy.faults.headers)


def test_a_bucket_that_is_not_public_is_a_sentence(bucket, fruit, workspace):
    bucket.put("fruit.zip", b"another one")
    with pytest.raises(DatasetError, match="is not public; give keys"):
        import_dataset(fruit, workspace=workspace, credentials=ANONYMOUS)


def test_a_profile_that_is_not_there_is_a_sentence(fruit, workspace):
    with pytest.raises(DatasetError, match="no AWS profile of that name"):
        import_dataset(fruit, workspace=workspace, credentials=PROFILE)


def test_visitors_use_the_machines_keys_only_if_the_installation_allows_it():
    nothing = load_settings({})
    for credentials in (OWN, PROFILE):
        with pytest.raises(DatasetError, match="Visitors may not use this machine's own keys"):
            check_visitor(credentials, nothing)
    for credentials in (ANONYMOUS, S3Credentials("id", "secret")):
        check_visitor(credentials, nothing)
    check_visitor(OWN, load_settings({"AUTODET_S3_IDENTITIES": "machine"}))
    check_visitor(PROFILE, load_settings({"AUTODET_S3_IDENTITIES": "machine, lab"}))
    with pytest.raises(DatasetError):
        check_visitor(PROFILE, load_settings({"AUTODET_S3_IDENTITIES": "machine"}))


def test_only_the_installations_servers_are_asked(proxy, fruit, s3_server, workspace, monkeypatch):
    foreign = S3Credentials("id", "secret", endpoint="http://127.0.0.1:9")
    with pytest.raises(DatasetError, match="does not import from the server"):
        import_dataset(fruit, workspace=workspace, credentials=foreign)
    monkeypatch.setenv("AUTODET_S3_ENDPOINT", f"{AMAZON}, {s3_server}, {proxy.url}")
    import_dataset(fruit, workspace=workspace, credentials=S3Credentials("id", "secret", endpoint=proxy.url))
    assert asked_by(proxy) == {"id"}


def test_the_command_line_asks_as_it_is_told(proxy, fruit, machines_keys, workspace, capsys):
    assert main(["import", fruit, "--name", "one", "--anonymous"]) == 0
    assert asked_by(proxy) == set()
    assert main(["import", fruit, "--name", "two", "--profile", "lab", "--endpoint", proxy.url]) == 0
    assert asked_by(proxy) == {"AKIAOFTHELAB"}
    assert main(["import", fruit, "--endpoint", "http://127.0.0.1:9"]) == 2
    assert "does not import from the server" in capsys.readouterr().err


def test_the_command_line_asks_before_gigabytes(fruit, machines_keys, workspace, monkeypatch, capsys, bucket):
    monkeypatch.setenv("AUTODET_LARGE_DOWNLOAD_MB", "1")
    bucket.put("set/photo.bin", b"x" * 1_500_000)
    assert main(["import", "s3://photos/set"]) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") <= 2 and "holds 1 file, 1.5 MB" in said.err
    assert "--decide large_download=keep" in said.err
    assert list(workspace.datasets.iterdir()) == []
    assert main(["import", "s3://photos/set", "--decide", "large_download=keep"]) == 2
    assert "no photos that can be read" in capsys.readouterr().err


def test_the_public_sample_is_fetched_without_a_key(proxy, s3_server, machines_keys, workspace, tmp_path, capsys):
    public = Bucket("autogluon")
    folder = write_voc(tmp_path / "tiny_motorbike", 8, [("motorbike", (4, 6, 30, 40))])
    public.put("datasets/tiny_motorbike.zip", zip_folder(folder, tmp_path / "m.zip").read_bytes(), public=True)
    assert main(["import", "motorbikes"]) == 0
    assert load_dataset("motorbikes", workspace).classes == ("motorbike",)
    assert asked_by(proxy) == set()
    public.delete_all()
    assert main(["import", "motorbikes", "--name", "more"]) == 2
    said = capsys.readouterr().err
    assert "The public sample 'motorbikes' cannot be downloaded" in said and "use 'sample'" in said
