import pytest

from autodet.errors import SettingsError
from autodet.settings import Settings, load_settings


def test_nothing_set_gives_the_defaults(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load_settings({}) == Settings(home=tmp_path / "workspace")


def test_everything_can_be_set(tmp_path):
    settings = load_settings(
        {
            "AUTODET_HOME": str(tmp_path),
            "AUTODET_DEVICES": " cuda:0, cuda:1,",
            "AUTODET_PASSWORD": "open sesame",
            "AUTODET_WEIGHTS": str(tmp_path / "weights"),
            "AUTODET_WEIGHTS_URL": "https://mirror.example.org/models/",
            "AUTODET_DATA_ROOTS": f"{tmp_path / 'a'}:{tmp_path / 'b'}:",
            "AUTODET_S3_ENDPOINT": "amazon, https://minio.example.org,",
            "AUTODET_S3_IDENTITIES": "machine, lab",
            "AUTODET_MAX_VISITOR_UPLOADS_MB": "1",
            "AUTODET_MAX_UPLOADS_MB": "4",
            "AUTODET_LARGE_DOWNLOAD_MB": "3",
            "AUTODET_MAX_ARCHIVE_MB": "5",
            "AUTODET_MAX_ARCHIVE_FILES": "7",
            "AUTODET_MAX_ARCHIVE_RATIO": "8",
            "AUTODET_MAX_DEPTH": "9",
            "AUTODET_MAX_PHOTO_MEGAPIXELS": "2",
            "AUTODET_MAX_IMPORT_MEGAPIXELS": "6",
            "AUTODET_MAX_DATASETS_MB": "7",
            "AUTODET_MAX_IMPORTS": "3",
        }
    )
    assert settings == Settings(
        home=tmp_path,
        devices=("cuda:0", "cuda:1"),
        password="open sesame",
        weights_folder=tmp_path / "weights",
        weights_url="https://mirror.example.org/models/",
        data_roots=(tmp_path / "a", tmp_path / "b"),
        s3_endpoints=("amazon", "https://minio.example.org"),
        s3_identities=("machine", "lab"),
        max_visitor_upload_bytes=1_000_000,
        max_upload_bytes=4_000_000,
        large_download_bytes=3_000_000,
        max_archive_bytes=5_000_000,
        max_archive_entries=7,
        max_archive_ratio=8,
        max_depth=9,
        max_photo_pixels=2_000_000,
        max_import_pixels=6_000_000,
        max_datasets_bytes=7_000_000,
        max_imports=3,
    )


def test_settings_left_empty_count_as_not_set():
    empty = dict.fromkeys(("AUTODET_HOME", "AUTODET_DEVICES", "AUTODET_PASSWORD", "AUTODET_MAX_ARCHIVE_MB"), "")
    assert load_settings(empty) == load_settings({})


def test_a_home_below_the_users_home_is_found(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load_settings({"AUTODET_HOME": "~/photos"}).home == tmp_path / "photos"


def test_the_environment_is_read_if_nothing_is_given(monkeypatch, tmp_path):
    monkeypatch.setenv("AUTODET_HOME", str(tmp_path / "elsewhere"))
    assert load_settings().home == tmp_path / "elsewhere"


@pytest.mark.parametrize(
    "name",
    [
        "AUTODET_MAX_VISITOR_UPLOADS_MB",
        "AUTODET_MAX_UPLOADS_MB",
        "AUTODET_LARGE_DOWNLOAD_MB",
        "AUTODET_MAX_ARCHIVE_MB",
        "AUTODET_MAX_ARCHIVE_FILES",
        "AUTODET_MAX_ARCHIVE_RATIO",
        "AUTODET_MAX_DEPTH",
        "AUTODET_MAX_PHOTO_MEGAPIXELS",
        "AUTODET_MAX_IMPORT_MEGAPIXELS",
        "AUTODET_MAX_DATASETS_MB",
        "AUTODET_MAX_IMPORTS",
    ],
)
@pytest.mark.parametrize("value", ["0", "-1", "1.5", "many", "²", "9" * 5000])
def test_a_number_that_is_none_is_a_sentence(name, value):
    with pytest.raises(SettingsError, match=f"{name} is .* whole number above 0"):
        load_settings({name: value})


def test_the_password_is_not_shown():
    assert "sesame" not in repr(load_settings({"AUTODET_PASSWORD": "open sesame"}))


@pytest.mark.parametrize("address", ["mirror.example.org", "file:///weights", "https://user:secret@mirror.example.org"])
def test_a_server_of_weights_is_an_address_without_secrets(address):
    with pytest.raises(SettingsError, match="AUTODET_WEIGHTS_URL") as caught:
        load_settings({"AUTODET_WEIGHTS_URL": address})
    assert "secret" not in str(caught.value)
