import hashlib
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from autodet.datasets.manifest import Dataset
from autodet.errors import PhotoError
from autodet.records import Annotations, ImageRecord
from autodet.training import letterbox_dataset
from autodet.training.image_cache import SquareCache
from autodet.training.letterbox_dataset import Squares, collate
from autodet.training.transforms import TrainingTransform


@pytest.fixture
def dataset(tmp_path):
    (tmp_path / "images").mkdir()
    records = []
    for number, size_wh in enumerate([(200, 100), (100, 200), (64, 64)]):
        Image.new("RGB", size_wh, (10 * number, 0, 0)).save(tmp_path / "images" / f"{number}.png")
        marked = Annotations.of([[10, 20, 50, 60], [0, 0, 5, 5]], [1, 0], [False, True])
        records.append(ImageRecord(f"{number}.png", *size_wh, "train", marked))
    return Dataset(tmp_path, "d", "d", "voc", ("a", "b"), tuple(records), (), "", "")


def test_squares_come_with_their_boxes_and_without_the_difficult_ones(dataset):
    served = Squares(dataset, dataset.images, side=100)
    square, target = served[0]
    assert square.shape == (3, 100, 100)
    assert square.dtype == torch.uint8
    np.testing.assert_allclose(target["boxes"], [[5, 35, 25, 55]])
    assert target["labels"].tolist() == [1]
    batch, targets = collate([served[0], served[1], served[2]])
    assert batch.shape == (3, 3, 100, 100)
    assert len(targets) == 3


@pytest.fixture
def opened(monkeypatch):
    """Names of the photos that were decoded."""
    names, open_photo = [], letterbox_dataset.open_photo
    monkeypatch.setattr(
        "autodet.training.letterbox_dataset.open_photo",
        lambda content, name: (names.append(name), open_photo(content, name))[1],
    )
    return names


def cache_of(dataset, folder=None):
    """Memory for two squares, and the disk where a folder is given."""
    return SquareCache([record.file for record in dataset.images], 100, folder, memory_bytes=2 * 3 * 100 * 100)


def test_a_photo_is_decoded_once_as_long_as_memory_is_allowed(dataset, opened):
    served = Squares(dataset, dataset.images, 100, cache=cache_of(dataset))
    for _ in range(3):
        for index in range(3):
            served.square(index)
    assert opened.count("0.png") == opened.count("1.png") == 1
    assert opened.count("2.png") == 3


def test_with_the_disk_every_photo_is_decoded_once_and_served_as_from_memory(dataset, opened, roomy_disk, tmp_path):
    served = Squares(dataset, dataset.images, 100, cache=cache_of(dataset, tmp_path))
    epochs = [[served[index] for index in (2, 0, 1)] for _ in range(3)]
    assert sorted(opened) == ["0.png", "1.png", "2.png"]
    in_memory = Squares(dataset, dataset.images, 100)
    for epoch in epochs:
        for index, (square, target) in zip((2, 0, 1), epoch, strict=True):
            expected, boxes = in_memory[index]
            assert torch.equal(square, expected)
            assert square.stride() == expected.stride()
            assert torch.equal(target["boxes"], boxes["boxes"])


def test_before_processes_are_forked_photos_are_read_that_memory_keeps_and_no_others(
    dataset, opened, roomy_disk, tmp_path
):
    served = Squares(dataset, dataset.images, 100, cache=cache_of(dataset, tmp_path))
    assert list(served.decode(threads=2)) == [1, 2]
    assert sorted(opened) == ["0.png", "1.png"]


def test_a_photo_without_boxes_is_served_too(dataset):
    bare = replace(dataset.images[0], annotations=Annotations.of([], []))
    _, target = Squares(dataset, [bare], side=100)[0]
    assert target["boxes"].shape == (0, 4)


def test_a_photo_that_is_another_one_by_now_is_refused(dataset):
    records = [
        replace(record, sha256=hashlib.sha256(dataset.photo(record).read_bytes()).hexdigest())
        for record in dataset.images
    ]
    served = Squares(dataset, records, side=100)
    Image.new("RGB", (100, 200), (255, 0, 0)).save(dataset.photo(records[1]))
    assert served[0][0].shape == (3, 100, 100)
    with pytest.raises(PhotoError, match=r"'1.png' .* has changed since it was imported"):
        served[1]


def test_photos_of_a_rare_class_are_in_more_mosaics(dataset, monkeypatch):
    monkeypatch.setattr("autodet.training.letterbox_dataset.MOSAICS", 1.0)
    common, rare = (Annotations.of([[0, 0, 64, 64]], [class_id]) for class_id in (0, 1))
    photos = [replace(dataset.images[2], annotations=common)] * 9 + [replace(dataset.images[2], annotations=rare)]
    served = Squares(dataset, photos, 100, TrainingTransform(100))
    seen = []
    for epoch in range(10):
        served.begin_epoch(0, epoch)
        seen += [label for index in range(9) for label in served[index][1]["labels"].tolist()]
    # Each class has half of the three companions: 2.5 objects are common and 1.5 rare, and not 3.7 and 0.3.
    assert seen.count(1) > 0.4 * seen.count(0)
