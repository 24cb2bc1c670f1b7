"""Pairs of photos and label files whose names differ little."""

import pytest

from autodet.datasets.formats import yolo
from autodet.datasets.formats.source_files import Listing
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.errors import DatasetError
from tests.datasets.formats.layouts import LINE, Tree
from tests.helpers import workspace_in


@pytest.fixture
def tree(tmp_path):
    tree = Tree(tmp_path / "set")
    for number in range(6):
        tree.yolo(f"images/x{number}.png", f"labels/x{number}.txt")
    tree.text("classes.txt", "cat\ndog\n")
    return tree


def labels_of(tree):
    root = tree.root
    files = tuple(sorted(path.relative_to(root).as_posix() for path in root.rglob("*.*")))
    photos = yolo.read(Listing(root, files)).photos
    return {str(photo.photo): photo.labels for photo in photos}


@pytest.mark.parametrize("labels", ["labels", "annotations"])
@pytest.mark.parametrize("ending", [".txt", ".TXT"])
def test_the_exact_name_comes_first(tree, labels, ending):
    for name in ("IMG_1", "img_1", "Img_1"):
        tree.photo(f"images/{name}.png")
        tree.text(f"{labels}/{name}{ending}", LINE)
    found = labels_of(tree)
    assert {name: found[f"images/{name}.png"] for name in ("IMG_1", "img_1", "Img_1")} == {
        name: f"{labels}/{name}{ending}" for name in ("IMG_1", "img_1", "Img_1")
    }


def test_a_photo_does_not_get_the_labels_of_another_spelling_that_has_its_photo(tree):
    tree.photo("images/A.png")
    tree.photo("images/a.png")
    tree.text("labels/A.txt", LINE)
    found = labels_of(tree)
    assert found["images/A.png"] == "labels/A.txt" and found["images/a.png"] == "images/a.png"


def test_case_is_ignored_where_nothing_has_the_exact_name(tree):
    tree.photo("images/A.PNG")
    tree.text("labels/a.txt", LINE)
    assert labels_of(tree)["images/A.PNG"] == "labels/a.txt"


def test_one_label_file_for_different_photos_is_asked_about(tree, tmp_path):
    tree.photo("images/3.jpg")
    tree.photo("images/3.png")
    tree.text("labels/3.txt", LINE)
    told = r"images/3.jpg and images/3.png are different photos, but 'labels/3.txt' is the only label file.*=keep or"
    with pytest.raises(DatasetError, match=told):
        import_dataset(tree.root, workspace=workspace_in(tmp_path))
    for action, photos in (("keep", 8), ("drop", 6)):
        decided = import_dataset(
            tree.root, decisions={"labels_shared": action}, workspace=workspace_in(tmp_path / action)
        )
        assert len(decided.images) == decided.boxes == photos


def test_copies_and_files_that_are_no_photos_share_their_labels(tree, tmp_path):
    tree.photo("images/3.jpg")
    (tree.root / "images/3.jpeg").write_bytes((tree.root / "images/3.jpg").read_bytes())
    tree.text("labels/3.txt", LINE)
    tree.photo("images/4.jpg")
    tree.text("images/4.png", "no photo")
    tree.text("labels/4.txt", LINE)
    findings = import_dataset(tree.root, workspace=workspace_in(tmp_path)).findings
    assert "labels_shared" not in {finding.kind for finding in findings}
