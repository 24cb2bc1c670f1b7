"""Out again: what is exported in any format and imported again is the same data set."""

import errno
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from autodet import export_dataset
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.manifest import Dataset, load_dataset
from autodet.errors import DatasetError, NotFoundError
from tests.helpers import draw_photo, voc_xml, workspace_in, write_voc

FORMATS = ("coco", "yolo", "voc", "cvat", "label_studio")
FLAGS = {
    "coco": True,
    "voc": True,
    "yolo": False,
    "cvat": True,
    "label_studio": False,
}  # whether difficult and truncated boxes can be told


def write(folder: Path, name: str, marks=(), size_wh=(64, 48), seed=0, flags="", orientation=1) -> None:
    """A photo with a VOC file beside it; its boxes are in pixels of the photo as a person sees it."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    exif[0x0112] = orientation
    draw_photo(size_wh, seed).save(path, exif=exif)
    seen_wh = size_wh[::-1] if orientation >= 5 else size_wh
    xml = voc_xml(path.name, seen_wh, marks).replace("<bndbox>", f"{flags}<bndbox>")
    path.with_name(f"{path.name}.xml").write_text(xml, encoding="utf-8")


def imported(source: Path, home: Path) -> Dataset:
    """Import, whatever a person would be asked about."""
    decisions = {"photo_copies": "keep", "class_spelling": "keep", "box_duplicate": "keep"}
    return import_dataset(source, "it", decisions=decisions, workspace=workspace_in(home))


def content_of(dataset: Dataset, flags: bool):
    """Everything that must come back, whatever photos are called."""
    content = []
    for record in dataset.images:
        marks = record.annotations
        names = [dataset.classes[number] for number in marks.class_ids.tolist()]
        rows = zip(names, marks.boxes_xyxy.tolist(), marks.difficult.tolist(), marks.truncated.tolist(), strict=True)
        said = tuple((name, difficult and flags, truncated and flags) for name, _, difficult, truncated in rows)
        content.append((record.split, record.sha256, (record.width, record.height), said, marks.boxes_xyxy))
    return sorted(content, key=lambda one: one[:4])


def assert_comes_back(dataset: Dataset, format: str, folder: Path) -> Dataset:
    archive = export_dataset(dataset, format, folder / f"{format}.zip")
    again = imported(archive, folder / format)
    assert (again.format, again.classes, again.splits) == (format, dataset.classes, dataset.splits)
    before, after = content_of(dataset, FLAGS[format]), content_of(again, FLAGS[format])
    assert [one[:4] for one in after] == [one[:4] for one in before]
    for one, other in zip(before, after, strict=True):
        np.testing.assert_allclose(other[4], one[4], rtol=0, atol=1e-3)
    kinds = {problem.kind for problem in again.findings}
    small = {"class_rare", "class_missing", "split_unmarked", "box_tiny"}
    assert kinds <= small | {"photo_copies", "photo_alike", "box_duplicate"}
    return again


def plain_set(folder):
    write_voc(folder / "train", 6)
    for number in range(3):
        write(
            folder,
            f"val/{number}.png",
            [("apple", (0, 0, 64, 48)), ("banana", (1.37, 2.21, 3.55, 47.99))],
            seed=50 + number,
        )
    write(folder, "test/a.png", [("apple", (10, 10, 20, 20))], seed=90)


def set_of_train_and_val_with_photos_without_objects(folder):
    for number in range(6):
        write(folder, f"train/{number}.jpg", [("apple", (4, 5, 30, 31))] * (number % 2), seed=number)
    write(folder, "val/a.jpg", [], seed=7)
    write(folder, "val/b.jpg", [("apple", (4, 5, 30, 31))], seed=8)


def set_whose_val_has_no_objects(folder):
    write(folder, "train/a.jpg", [("apple", (4, 5, 30, 31))], seed=1)
    write(folder, "val/a.jpg", [], seed=2)


def set_of_photos_that_lie_on_their_side(folder):
    for orientation in range(1, 9):
        split = "val" if orientation % 2 else "train"
        write(
            folder, f"{split}/{orientation}.jpg", [("apple", (3, 7, 20, 40))], seed=orientation, orientation=orientation
        )
    write(folder, "train/square.jpg", [("apple", (3, 7, 20, 40))], (50, 50), seed=9, orientation=6)


def set_of_flags(folder):
    for number in range(6):
        flags = f"<difficult>{number % 2}</difficult><truncated>{int(number > 2)}</truncated>"
        write(folder, f"train/{number}.png", [("apple", (4, 5, 30, 31))], seed=number, flags=flags)
    write(folder, "val/0.png", [("apple", (4, 5, 30, 31))], seed=9)


def set_of_names_that_collide(folder):
    names = ("a.jpg", "a.png", "A.bmp", "a-2.png", "photo.jpg.png", "фото 1.png", "Ünï.png", "e\u0301.png", "test.png")
    for number, name in enumerate((*names, "classes.png", "a 1.png", "50% #1 & 'co'.png", "-.png")):
        for split in ("train", "val"):
            write(folder, f"{split}/{name}", [("apple", (number, 5, 30, 31))], seed=number * 2 + (split == "val"))


def set_of_odd_classes(folder):
    names = (
        "no",
        "1",
        "red  apple",
        "<b>&\"'",
        "кот: 猫 🐱",
        "- x",
        "{a: b}",
        "#",
        "null",
        "a\\b",
        "it's",
        "class_0",
        "\u00e9",
    )
    for number, name in enumerate(names):
        for split in ("train", "val"):
            write(folder, f"{split}/{number}.png", [(name, (4, 5, 30, 31))], seed=number * 2 + (split == "val"))


SETS = [one for name, one in list(globals().items()) if name.startswith(("set_", "plain_set"))]


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("make", SETS, ids=lambda make: make.__name__)
@pytest.mark.slow
def test_what_is_exported_comes_back(tmp_path, make, format):
    make(tmp_path / "set")
    dataset = imported(tmp_path / "set", tmp_path)
    assert_comes_back(dataset, format, tmp_path)


BOX = st.tuples(*[st.floats(0, 1, width=32)] * 4).map(
    lambda p: (min(p[0], p[2]), min(p[1], p[3]), max(p[0], p[2]), max(p[1], p[3]))
)
MARKS = st.lists(st.tuples(st.sampled_from(["a", "b c", "д"]), BOX), max_size=4)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(MARKS, st.sampled_from([(64, 48), (31, 1001), (333, 7)])), min_size=1, max_size=4))
def test_any_boxes_come_back(tmp_path_factory, photos):
    folder = tmp_path_factory.mktemp("any")
    for split in ("train", "val"):
        write(folder / "set", f"{split}/all.png", [(name, (1, 1, 30, 30)) for name in ("a", "b c", "д")], seed=99)
    for number, (marks, (width, height)) in enumerate(photos):
        boxes = [(n, (b[0] * width, b[1] * height, b[2] * width, b[3] * height)) for n, b in marks]
        write(folder / "set", f"train/{number}.png", boxes, (width, height), seed=number)
    try:
        dataset = imported(folder / "set", folder)
    except DatasetError as error:
        assert "would lose" in str(error)
        return
    for format in FORMATS:
        assert_comes_back(dataset, format, folder)


def test_other_programs_find_what_they_expect(tmp_path):
    set_of_flags(tmp_path / "set")
    dataset = imported(tmp_path / "set", tmp_path)
    names = {}
    for format in FORMATS:
        with zipfile.ZipFile(export_dataset(dataset, format, tmp_path / f"{format}.zip")) as archive:
            names[format] = archive.namelist()
            if format == "coco":
                document = json.loads(archive.read("annotations/instances_train.json"))
    assert {"annotations/instances_val.json", "train/0.png", "val/0-2.png"} <= set(names["coco"])
    assert {"data.yaml", "images/train/0.png", "labels/train/0.txt", "labels/val/0-2.txt"} <= set(names["yolo"])
    assert {"JPEGImages/0.png", "Annotations/0-2.xml", "ImageSets/Main/train.txt"} <= set(names["voc"])
    assert document["categories"] == [{"id": 1, "name": "apple"}]
    assert document["images"][1] == {"id": 2, "file_name": "1.png", "width": 64, "height": 48}
    mark = {"id": 2, "image_id": 2, "category_id": 1, "bbox": [4.0, 5.0, 26.0, 26.0], "area": 676.0, "segmentation": []}
    assert document["annotations"][1] == mark | {"iscrowd": 1}


def test_the_same_data_set_gives_the_same_bytes(tmp_path):
    plain_set(tmp_path / "set")
    dataset = imported(tmp_path / "set", tmp_path)
    one, other = (export_dataset(dataset, "coco", tmp_path / name).read_bytes() for name in ("1.zip", "2.zip"))
    assert one == other


def test_it_is_found_by_name_and_what_cannot_be_written_is_a_sentence(tmp_path, workspace):
    plain_set(tmp_path / "set")
    dataset = import_dataset(tmp_path / "set", "fruit", workspace=workspace)
    assert export_dataset("fruit", "voc", str(tmp_path / "a.zip")) == tmp_path / "a.zip"
    with pytest.raises(NotFoundError, match="no data set called 'pears'"):
        export_dataset("pears", "voc", tmp_path / "b.zip")
    with pytest.raises(DatasetError, match="'pdf' is not a format that can be exported; choose coco, yolo, voc"):
        export_dataset(dataset, "pdf", tmp_path / "b.zip")
    with pytest.raises(DatasetError, match="there is no folder"):
        export_dataset(dataset, "voc", tmp_path / "nowhere" / "b.zip")
    with pytest.raises(DatasetError, match="Is a directory"):
        export_dataset(dataset, "voc", tmp_path / "set")
    dataset.photo(dataset.images[-1]).unlink()
    with pytest.raises(DatasetError, match="'fruit' is damaged: a photo of it is missing"):
        export_dataset(dataset, "voc", tmp_path / "b.zip")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip", "home", "set"]


def test_a_full_disk_leaves_no_half_zip_and_keeps_the_old_one(tmp_path, monkeypatch):
    plain_set(tmp_path / "set")
    dataset = imported(tmp_path / "set", tmp_path)
    path = export_dataset(dataset, "yolo", tmp_path / "a.zip")
    before = path.read_bytes()

    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("autodet.datasets.label_layouts.shutil.copyfileobj", fail)
    with pytest.raises(DatasetError, match=r"a\.zip cannot be written: No space left on device"):
        export_dataset(dataset, "voc", path)
    assert path.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip", "home", "set"]


def test_a_data_set_that_was_loaded_again_exports_too(tmp_path, workspace):
    plain_set(tmp_path / "set")
    import_dataset(tmp_path / "set", "fruit", workspace=workspace)
    assert_comes_back(load_dataset("fruit", workspace), "coco", tmp_path)
