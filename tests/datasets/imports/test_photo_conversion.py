"""Imports of photos in formats that are converted, and of photos whose names say little."""

import hashlib
import json
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from autodet.datasets.checks.kinds import decide
from autodet.datasets.export import export_dataset
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.imports.review import review
from autodet.datasets.imports.staged_json import read_staged, write_staged
from autodet.datasets.imports.staging import stage
from autodet.datasets.manifest import load_dataset
from autodet.datasets.photos import open_photo
from autodet.datasets.versions.derive import derive_dataset
from autodet.errors import DatasetError
from autodet.training.letterbox_dataset import Squares
from tests.datasets.photo_files import HEIC, drawn, tiff_of
from tests.datasets.sources.hostile_files import encoded
from tests.helpers import draw_photo, voc_xml, workspace_in

SIZE = (96, 64)


def write_labelled(folder, name, content, filename=None):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    stem = name.rpartition(".")[0] or name
    (folder / f"{stem}.xml").write_text(voc_xml(filename or name, SIZE))


def photo(seed, format, **options):
    return encoded(draw_photo(SIZE, seed), format, **options)


def found(dataset, kind):
    return [finding for finding in dataset.findings if finding.kind == kind]


CONVERTED = {
    "a.avif": (photo(1, "AVIF"), "AVIF", ".jpg"),
    "b.AVIF": (photo(2, "AVIF"), "AVIF", ".jpg"),
    "c.tif": (photo(3, "TIFF"), "TIFF", ".png"),
    "d.TIFF": (photo(4, "TIFF", save_all=True, append_images=[draw_photo(SIZE, 9)]), "TIFF", ".png"),
    "e.gif": (photo(5, "GIF"), "GIF", ".png"),
    "f.heic": ((HEIC / "turned.heic").read_bytes(), "HEIC", ".jpg"),
    "g.HIF": ((HEIC / "two.heic").read_bytes(), "HEIC", ".jpg"),
    "avif_called.jpg": (photo(6, "AVIF"), "AVIF", ".jpg"),
    "avif_named.JPEG": (photo(7, "AVIF"), "AVIF", ".JPEG"),
    "tiff_called.jpeg": (photo(8, "TIFF"), "TIFF", ".png"),
    "gif_called.png": (photo(9, "GIF"), "GIF", ".png"),
    "heic_called.png": ((HEIC / "drawn.heic").read_bytes(), "HEIC", ".jpg"),
    "grey.tif": (tiff_of(np.random.default_rng(1).integers(0, 4096, (64, 96)).astype("u2")), "TIFF", ".png"),
}


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    root = tmp_path_factory.mktemp("converted")
    for name, (content, *_) in CONVERTED.items():
        write_labelled(root / "set", name, content, name)
    workspace = workspace_in(root)
    dataset = import_dataset(root / "set", workspace=workspace)
    return root / "set", load_dataset(dataset.id, workspace), workspace


def test_photos_are_converted_and_keep_their_stem_and_pixels(imported):
    source, dataset, _ = imported
    by_origin = {record.origin: record for record in dataset.images}
    assert set(by_origin) == set(CONVERTED)
    for name, (content, _, ending) in CONVERTED.items():
        record = by_origin[name]
        assert record.file == f"{record.split}/{name.rpartition('.')[0]}{ending}"
        stored = dataset.photo(record).read_bytes()
        with Image.open(dataset.photo(record)) as image:
            assert image.format == ("PNG" if ending == ".png" else "JPEG")
            assert image.mode == ("L" if name == "grey.tif" else "RGB")
        assert record.sha256 == hashlib.sha256(stored).hexdigest()
        assert record.origin_sha256 == record.source_sha256 == hashlib.sha256(content).hexdigest()
        before, after = (np.asarray(open_photo(photo)).astype(int) for photo in (content, stored))
        assert (record.width, record.height) == SIZE == after.shape[1::-1]
        if ending == ".png":
            np.testing.assert_array_equal(after, before)
        else:
            assert abs(after - before).mean() < 4
        assert (source / name).read_bytes() == content  # a source is never changed


def test_one_finding_for_each_format_tells_it(imported):
    _, dataset, _ = imported
    findings = {finding.values["format"]: finding for finding in found(dataset, "photo_converted")}
    counts = Counter(format for _, format, _ in CONVERTED.values())
    assert {format: finding.values["photos"] for format, finding in findings.items()} == counts
    assert {format: finding.values["several"] for format, finding in findings.items()} == {
        "AVIF": 0,
        "TIFF": 1,
        "GIF": 0,
        "HEIC": 1,
    }
    assert {len(finding.photos) for finding in findings.values()} == set(counts.values())
    assert not found(dataset, "wrong_ending")


def test_a_converted_data_set_is_trained_on_versioned_and_exported(imported, tmp_path):
    _, dataset, workspace = imported
    photos = Squares(dataset, dataset.images, 64)
    assert all(photos.photo(index).size == SIZE for index in range(len(dataset.images)))
    version = derive_dataset(dataset, "drawn again", resplit=(0.5, 0.5, 0), workspace=workspace)
    assert {record.origin_sha256 for record in version.images} == {record.origin_sha256 for record in dataset.images}
    again = import_dataset(export_dataset(dataset, "coco", tmp_path / "set.zip"), workspace=workspace)
    assert {record.sha256 for record in again.images} == {record.sha256 for record in dataset.images}
    assert not any(record.origin_sha256 for record in again.images)


def test_copies_are_found_by_the_original_bytes(tmp_path):
    for number in range(8):
        write_labelled(tmp_path / "set", f"p{number}.tif", photo(number, "TIFF"))
    write_labelled(tmp_path / "set", "copy.tif", photo(3, "TIFF"))
    dataset = import_dataset(tmp_path / "set", decisions={"photo_copies": "drop"}, workspace=workspace_in(tmp_path))
    assert len(dataset.images) == 8
    assert len(found(dataset, "photo_copies")) == 1


def test_names_stay_unique_when_formats_share_a_stem(tmp_path):
    for number, (ending, format) in enumerate([("avif", "AVIF"), ("tif", "TIFF"), ("png", "PNG"), ("jpg", "JPEG")]):
        (tmp_path / "set").mkdir(exist_ok=True)
        (tmp_path / "set" / f"a.{ending}").write_bytes(photo(number, format))
        (tmp_path / "set" / f"{number}.xml").write_text(voc_xml(f"a.{ending}", SIZE))
    dataset = import_dataset(tmp_path / "set", workspace=workspace_in(tmp_path))
    assert {record.origin for record in dataset.images} == {"a.avif", "a.tif", "a.png", "a.jpg"}
    for record in dataset.images:
        assert hashlib.sha256(dataset.photo(record).read_bytes()).hexdigest() == record.sha256


def test_a_staged_source_keeps_what_is_known_of_its_photos(tmp_path):
    write_labelled(tmp_path / "set", "a.tif", CONVERTED["d.TIFF"][0])
    staged = stage(tmp_path / "set", copies=tmp_path / "copies", shown="set")
    write_staged(tmp_path, staged)
    assert read_staged(tmp_path) == staged
    assert staged.photos[0].facts.several
    (finding,) = [one for one in review(staged, decide({})).findings if one.kind == "photo_converted"]
    assert finding.values == {"format": "TIFF", "photos": 1, "several": 1, "stored_as": "PNG"}


# Names


@pytest.mark.parametrize("ending", ["jpe", "JPE", "jif", "jfif", "pjpeg", "JPG", "jpeg"])
def test_every_extension_of_jpeg_is_a_photo(tmp_path, ending):
    write_labelled(tmp_path / "set", f"a.{ending}", photo(1, "JPEG"))
    (record,) = import_dataset(tmp_path / "set", workspace=workspace_in(tmp_path)).images
    assert record.file == f"train/a.{ending}"


@pytest.mark.parametrize(
    ("name", "content", "stored"),
    [
        ("000001", photo(1, "JPEG"), "000001.jpg"),
        ("000001", photo(1, "PNG"), "000001.png"),
        ("000001", photo(1, "AVIF"), "000001.jpg"),
        ("photo.1", photo(1, "JPEG"), "photo.1.jpg"),
        ("photo.jpg?size=large", photo(1, "WEBP"), "photo.jpg?size=large.webp"),
    ],
)
def test_a_photo_without_an_extension_gets_one(tmp_path, name, content, stored):
    folder = tmp_path / "set"
    for path, text in (("README", b"BMW and others"), ("LICENSE", b"free"), ("notes.1", b"text"), ("empty", b"")):
        folder.mkdir(exist_ok=True)
        (folder / path).write_bytes(text)
    (folder / name).write_bytes(content)
    (folder / "labels.xml").write_text(voc_xml(name, SIZE))
    dataset = import_dataset(folder, workspace=workspace_in(tmp_path))
    assert [record.file for record in dataset.images] == [f"train/{stored}"]
    assert not found(dataset, "unreadable_photo")


def test_photos_without_extension_are_labelled_in_every_format(tmp_path):
    for format in ("voc", "coco", "yolo"):
        folder = tmp_path / format
        (folder / "images").mkdir(parents=True)
        for number in range(4):
            (folder / "images" / f"{number:06}").write_bytes(photo(number, "JPEG"))
            if format == "yolo":
                (folder / "labels").mkdir(exist_ok=True)
                (folder / "labels" / f"{number:06}.txt").write_text("0 0.5 0.5 0.25 0.5\n")
                (folder / "data.yaml").write_text("names: [cat]\n")
            if format == "voc":
                (folder / f"{number:06}.xml").write_text(voc_xml(f"{number:06}", SIZE))
        if format == "coco":
            images = [{"id": n, "file_name": f"{n:06}", "width": 96, "height": 64} for n in range(4)]
            marks = [{"id": n, "image_id": n, "category_id": 1, "bbox": [4, 5, 30, 30]} for n in range(4)]
            document = {"images": images, "annotations": marks, "categories": [{"id": 1, "name": "cat"}]}
            (folder / "labels.json").write_text(json.dumps(document))
        dataset = import_dataset(folder, workspace=workspace_in(tmp_path))
        assert (dataset.format, len(dataset.images), dataset.boxes) == (format, 4, 4)
        assert {finding.cause for finding in found(dataset, "wrong_ending")} == {"ending_missing"}


def test_other_files_never_refuse_a_data_set_and_are_listed_only_if_labels_name_them(tmp_path):
    write_labelled(tmp_path / "set", "a.jpg", photo(1, "JPEG"))
    for name in ("drawing.svg", "layers.psd", "raw.dng", "paper.pdf", "film.mp4", "film.mov", "scan.jp2"):
        (tmp_path / "set" / name).write_bytes(b"whatever")
    dataset = import_dataset(tmp_path / "set", workspace=workspace_in(tmp_path))
    assert not {"unreadable_photo", "photo_missing", "photo_unlabelled"} & {one.kind for one in dataset.findings}
    for name in ("drawing.svg", "raw.dng", "film.mp4"):
        (tmp_path / "set" / f"{name[:-4]}.xml").write_text(voc_xml(name, SIZE))
    dataset = import_dataset(tmp_path / "set", decisions={"large_loss": "keep"}, workspace=workspace_in(tmp_path))
    missing = found(dataset, "photo_missing")
    assert {finding.cause for finding in missing} == {"photo_unsupported"}
    assert {finding.values["name"] for finding in missing} == {"drawing.svg", "raw.dng", "film.mp4"}


def test_videos_without_photos_are_told_what_to_extract(tmp_path):
    (tmp_path / "set").mkdir()
    for name in ("a.mp4", "b.AVI", "a.json"):
        (tmp_path / "set" / name).write_bytes(b"whatever")
    with pytest.raises(DatasetError, match="holds 2 videos and no photos; extract the frames"):
        import_dataset(tmp_path / "set", workspace=workspace_in(tmp_path))


def test_unreadable_tiffs_and_halved_jpegs_are_listed_with_what_to_do(tmp_path):
    for number in range(8):
        write_labelled(tmp_path / "set", f"p{number}.jpg", photo(number, "JPEG"))
    write_labelled(tmp_path / "set", "end.jpg", photo(10, "JPEG")[:-2])
    write_labelled(tmp_path / "set", "half.jpg", photo(11, "JPEG")[:2000])
    write_labelled(tmp_path / "set", "map.tif", tiff_of(np.zeros((64, 96, 5), "u2"), 1))
    dataset = import_dataset(tmp_path / "set", decisions={"large_loss": "keep"}, workspace=workspace_in(tmp_path))
    unread = {finding.file: finding.cause for finding in found(dataset, "unreadable_photo")}
    assert unread == {"half.jpg": "photo_damaged", "map.tif": "tiff_layout"}
    assert any(record.origin == "end.jpg" for record in dataset.images)


@pytest.mark.process
def test_many_photos_are_read_by_processes(tmp_path, monkeypatch):
    monkeypatch.setattr("autodet.datasets.imports.photo_scan.MANY", 5)
    for number in range(6):
        write_labelled(tmp_path / "set", f"{number}.tif", photo(number, "TIFF"))
    write_labelled(tmp_path / "set", "a.heic", encoded_heic := (HEIC / "drawn.heic").read_bytes())
    write_labelled(tmp_path / "set", "b.jpg", photo(10, "JPEG")[:-2])
    dataset = import_dataset(tmp_path / "set", workspace=workspace_in(tmp_path))
    assert len(dataset.images) == 8
    assert hashlib.sha256(encoded_heic).hexdigest() in {record.origin_sha256 for record in dataset.images}
    assert abs(np.asarray(drawn()).mean() - 128) < 40
