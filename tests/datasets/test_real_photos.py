import os
from collections import Counter
from pathlib import Path

import pytest

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.photos import open_photo
from autodet.messages.findings import action_sentence
from tests.helpers import workspace_in, zip_folder

DATA = os.environ.get("AUTODET_REAL_DATA")
pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not DATA, reason="AUTODET_REAL_DATA does not name a folder of real photos"),
]


@pytest.fixture(scope="module")
def fruit(tmp_path_factory):
    return import_dataset(Path(DATA or "") / "fruit", workspace=workspace_in(tmp_path_factory.mktemp("real")))


def test_all_fruit_photos_import(fruit):
    assert fruit.classes == ("apple", "banana", "orange")
    assert fruit.splits == {"train": 240, "val": 30}
    assert fruit.boxes == 525


def test_what_was_repaired_is_listed(fruit):
    actions = Counter(action_sentence(problem).partition(",")[0] for problem in fruit.findings)
    assert actions == {"It was stored as .png.": 35, "The photo's own size": 35}


def test_every_box_lies_in_its_photo(fruit):
    for record in fruit.images:
        boxes = record.annotations.boxes_xyxy
        assert (boxes[:, :2] >= 0).all()
        assert (boxes[:, 2] <= record.width).all() and (boxes[:, 3] <= record.height).all()
        assert (boxes[:, 2:] > boxes[:, :2]).all()


def test_every_photo_opens_at_its_size(fruit):
    for record in fruit.split("val"):
        photo = open_photo(fruit.photo(record), record.file)
        assert (photo.mode, photo.size) == ("RGB", (record.width, record.height))


def test_a_zip_of_train_alone_is_split(tmp_path):
    archive = zip_folder(Path(DATA or "") / "fruit" / "train", tmp_path / "train.zip")
    dataset = import_dataset(archive, workspace=workspace_in(tmp_path))
    assert dataset.splits == {"train": 168, "val": 36, "test": 36} and dataset.boxes == 465


def test_raccoons_import_and_four_are_found_twice(tmp_path):
    dataset = import_dataset(Path(DATA or "") / "raccoon", workspace=workspace_in(tmp_path))
    assert (dataset.classes, len(dataset.images)) == (("raccoon",), 160)
    pairs = {frozenset(int(photo[-7:-4].lstrip("n-")) for photo in problem.photos) for problem in dataset.findings}
    assert {problem.kind for problem in dataset.findings} == {"photo_copies"}
    assert pairs == {frozenset(pair) for pair in [(11, 116), (52, 74), (83, 120), (65, 98)]}
    split_of = {record.file.rpartition("/")[2]: record.split for record in dataset.images}
    assert split_of["raccoon-50.jpg"] == split_of["raccoon-52.jpg"] == split_of["raccoon-74.jpg"]  # one scene
