"""What holds for every layout: several formats, archives, other scripts, other hash seeds."""

import os
import subprocess
import sys
import zipfile

import pytest

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.errors import AmbiguousFormatError
from tests.datasets.formats.layouts import LINE, Tree
from tests.helpers import draw_photo, voc_xml, workspace_in


def test_a_zip_of_a_mac_with_names_in_other_scripts(tmp_path):
    archive = tmp_path / "фото.zip"
    draw_photo().save(tmp_path / "a.jpg")
    with zipfile.ZipFile(archive, "w") as opened:
        for number in range(8):
            name = f"Ünï çödé/фото {number}"
            opened.write(tmp_path / "a.jpg", f"{name}.JPEG")
            opened.writestr(f"{name}.XML", voc_xml(f"фото {number}.JPEG", marks=[("кот", (4, 5, 34, 35))]))
            opened.writestr(f"__MACOSX/Ünï çödé/._фото {number}.JPEG", b"\0\5\x16\7")
        opened.writestr("Ünï çödé/.DS_Store", "x")
    dataset = import_dataset(archive, workspace=workspace_in(tmp_path))
    assert (dataset.id, dataset.classes, len(dataset.images)) == ("фото", ("кот",), 8)


def test_labels_in_two_formats_are_a_question(tmp_path):
    tree = Tree(tmp_path / "set")
    for number in range(8):
        tree.voc(f"a{number}.jpg", f"a{number}.xml")
        tree.text(f"a{number}.txt", LINE)
    tree.text("classes.txt", "cat\ndog\n")
    workspace = workspace_in(tmp_path)
    with pytest.raises(
        AmbiguousFormatError,
        match=r"Pascal VOC labels for 8 photos and YOLO labels for 8.*--format voc or --format yolo",
    ) as caught:
        import_dataset(tree.root, workspace=workspace)
    assert caught.value.formats == ("voc", "yolo")
    assert list(workspace.datasets.iterdir()) == []
    assert import_dataset(tree.root, format="yolo", workspace=workspace).format == "yolo"


@pytest.mark.parametrize("splits", [False, True])
def test_labels_converted_to_another_format_are_no_question(tmp_path, splits):
    tree = Tree(tmp_path / "set")
    x1, y1, x2, y2 = (3, 4, 33, 34)  # the corners less 1, as converters count from 0
    line = f"1 {(x1 + x2) / 128} {(y1 + y2) / 96} {(x2 - x1) / 64} {(y2 - y1) / 48}\n"
    for number in range(8):
        folder = ("train", "val")[number % 2] if splits else "all"
        tree.voc(f"images/a{number}.jpg", f"xml/a{number}.xml", filename=f"images/a{number}.jpg")
        tree.text(f"labels/a{number}.txt", line)
        tree.text(f"{folder}.txt", "".join(f"images/a{n}.jpg\n" for n in range(number % 2, number + 1, 2)))
    lists = "train: train.txt\nval: val.txt\n" if splits else ""
    tree.text("data.yaml", f"names: [cat, dog]\n{lists}")
    dataset = import_dataset(tree.root, workspace=workspace_in(tmp_path))
    assert (dataset.format, dataset.boxes, dataset.classes) == ("voc", 8, ("dog",))
    assert (dataset.splits == {"train": 4, "val": 4}) is splits


def test_labels_of_some_photos_that_agree_with_those_of_all_are_no_question(tmp_path):
    tree = Tree(tmp_path / "set")
    rows = ["filename,width,height,class,xmin,ymin,xmax,ymax"]
    for number in range(8):
        if number < 6:
            tree.voc(f"a{number}.jpg", f"a{number}.xml")
        else:
            tree.photo(f"a{number}.jpg")
        rows.append(f"a{number}.jpg,64,48,dog,4,5,34,35")
    tree.text("labels.csv", "\n".join(rows))
    dataset = import_dataset(tree.root, workspace=workspace_in(tmp_path))
    assert (dataset.format, dataset.boxes) == ("csv", 8)


def test_a_few_labels_of_another_format_are_clutter(tmp_path):
    tree = Tree(tmp_path / "set")
    for number in range(20):
        tree.voc(f"a{number}.jpg", f"a{number}.xml")
    tree.text("a0.txt", LINE)
    assert import_dataset(tree.root, workspace=workspace_in(tmp_path)).format == "voc"


def test_nothing_depends_on_the_hash_seed(tmp_path):
    trees = [Tree(tmp_path / format) for format in ("voc", "coco", "yolo")]
    names = ("pear", "fig", "apple", "kiwi", "plum", "lime")
    for number, name in enumerate(names * 2):
        for tree in trees:
            tree.photo(f"images/a{number}.jpg")
        trees[0].text(f"labels/a{number}.xml", voc_xml(f"a{number}.jpg", marks=[(name, (4, 5, 34, 35))]))
        trees[2].text(f"labels/a{number}.txt", LINE)
    photos = [f"a{number}.jpg" for number in range(12)]
    for split in ("train", "val"):
        trees[0].text(f"ImageSets/Main/{split}.txt", "".join(f"{photo}\n" for photo in photos))
        trees[1].coco(f"annotations/{split}.json", photos, ((1, "pear"), (2, "fig")))
    trees[2].text("data.yaml", f"names: {list(names)}\ntrain: images\nval: images\n")
    script = (
        "import sys; from pathlib import Path; from autodet import import_dataset; "
        "from autodet.workspace import Workspace; "
        "sets = [import_dataset(source, workspace=Workspace(Path(sys.argv[1]))) for source in sys.argv[2:]]; "
        "print([(one.classes, one.fingerprint, one.findings) for one in sets])"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", script, str(tmp_path / seed), *(str(tree.root) for tree in trees)],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(said) == 1 and "('apple', 'fig', 'kiwi', 'lime', 'pear', 'plum')" in said.pop()
