"""Imports that would cost too much: small files with many pixels, full disks, the quota of all data sets."""

import shutil
from collections import namedtuple

import pytest
from PIL import Image

from autodet.datasets.imports import photo_scan
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.imports.import_job import start_import
from autodet.datasets.manifest import list_datasets
from autodet.datasets.perceptual_hash import GRID, look_of
from autodet.errors import ArchiveError, DatasetError
from tests.helpers import write_voc, zip_folder

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def large_photos(tmp_path):
    """Three labelled photos of 16 megapixels in one colour, packed to a few kilobytes."""
    folder = write_voc(tmp_path / "large", 3)
    for photo in folder.rglob("*.png"):
        Image.new("RGB", (4000, 4000), "navy").save(photo, "PNG")
    for labels in folder.rglob("*.xml"):
        labels.write_text(
            labels.read_text().replace("<width>64<", "<width>4000<").replace("<height>48<", "<height>4000<")
        )
    return zip_folder(folder, tmp_path / "large.zip")


@pytest.mark.process
@pytest.mark.parametrize("many", [1, photo_scan.MANY], ids=["processes", "threads"])
def test_all_photos_of_an_import_together_have_a_limit(workspace, large_photos, monkeypatch, many):
    monkeypatch.setattr(photo_scan, "MANY", many)
    monkeypatch.setenv("AUTODET_MAX_IMPORT_MEGAPIXELS", "40")
    with pytest.raises(DatasetError, match="more than 40 megapixels together"):
        import_dataset(large_photos, workspace=workspace)
    assert list_datasets(workspace) == []
    monkeypatch.setenv("AUTODET_MAX_IMPORT_MEGAPIXELS", "48")
    assert len(import_dataset(large_photos, workspace=workspace).images) == 3


def test_a_scan_stops_soon_after_the_limit(workspace, large_photos, monkeypatch):
    checked = []
    check_photo = photo_scan.check_photo
    monkeypatch.setattr(photo_scan, "check_photo", lambda *given: checked.append(1) or check_photo(*given))
    monkeypatch.setattr(photo_scan.os, "cpu_count", lambda: 1)
    monkeypatch.setenv("AUTODET_MAX_IMPORT_MEGAPIXELS", "10")
    with pytest.raises(DatasetError):
        import_dataset(large_photos, workspace=workspace)
    assert len(checked) == 1


def test_an_archive_without_room_on_the_disk_writes_nothing(workspace, large_photos, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: Usage(10**9, 10**9 - 5000, 5000))
    with pytest.raises(ArchiveError, match="has only 5 kB left"):
        import_dataset(large_photos, workspace=workspace)
    assert not list(workspace.datasets.iterdir())


def test_data_sets_take_no_more_disk_than_the_quota(workspace, tmp_path, monkeypatch):
    monkeypatch.setenv("AUTODET_MAX_DATASETS_MB", "1")
    folder = write_voc(tmp_path / "fruit", 4)
    first = import_dataset(folder, workspace=workspace)
    for photo in folder.rglob("*.png"):
        photo.write_bytes(photo.read_bytes() + bytes(300_000))
    with pytest.raises(DatasetError, match="allows, and this import adds 1"):
        import_dataset(folder, workspace=workspace)
    (first.folder / "ballast").write_bytes(bytes(1_000_000))
    for begin in (import_dataset, start_import):
        with pytest.raises(DatasetError, match="delete data sets that are no longer needed"):
            begin(str(folder), "more", workspace=workspace)
    assert [dataset.id for dataset in list_datasets(workspace)] == [first.id]


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "LA", "P", "CMYK", "1"])
def test_the_hash_in_strips_is_that_of_the_whole_photo(monkeypatch, mode):
    """Data sets of earlier versions hold hashes, which must stay comparable."""
    photo = Image.effect_noise((301, 207), 90).convert("RGB").rotate(20).convert(mode)
    if mode in ("RGBA", "LA"):
        photo.putalpha(Image.linear_gradient("L").resize(photo.size))
        shrunk = photo.convert("RGBA").resize((GRID, GRID), Image.Resampling.BOX)
        whole = Image.alpha_composite(Image.new("RGBA", shrunk.size, "white"), shrunk).convert("L")
    else:
        whole = photo.convert("RGB").convert("L").resize((GRID, GRID), Image.Resampling.BOX)
    monkeypatch.setattr("autodet.datasets.perceptual_hash.STRIP_PIXELS", 1000)
    assert look_of(photo) == look_of(whole)
