from dataclasses import replace

import numpy as np
import pytest

from autodet.datasets.statistics import (
    CELLS,
    MAX_SIZES,
    RATIO_EDGES,
    SIDE_EDGES,
    columns_of,
    count_classes,
    count_photo_sizes,
    count_ratios,
    count_sides,
    find_photos,
    map_places,
)
from autodet.records import Annotations, Finding, ImageRecord

CLASSES = ("apple", "banana")
# On photos of 640 pixels, sides at the training size of 320 are half of those on the photo.
IMAGES = (
    ImageRecord("train/a.jpg", 640, 480, "train", Annotations.of([[0, 0, 20, 20], [100, 100, 300, 200]], [0, 1])),
    ImageRecord("train/B.jpg", 480, 640, "train", Annotations.of([[0, 0, 480, 640]], [1])),
    ImageRecord("val/empty.jpg", 640, 480, "val", Annotations.of([], [])),
    ImageRecord("test/c.jpg", 640, 640, "test", Annotations.of([[320, 320, 384, 384]], [0])),
)
FINDINGS = (
    Finding("box_outside", "a.xml", "fix", photos=("train/a.jpg",)),
    Finding("photo_alike", "c.jpg", "keep", photos=("test/c.jpg", "train/B.jpg")),
    Finding("photo_missing", "gone.jpg", "drop"),
)


@pytest.fixture
def columns(sample_dataset):
    return columns_of(replace(sample_dataset, classes=CLASSES, images=IMAGES, findings=FINDINGS))


def found(columns, **wanted):
    return [IMAGES[index].file for index in find_photos(columns, **wanted)]


@pytest.mark.parametrize(
    ("wanted", "files"),
    [
        ({}, [record.file for record in IMAGES]),
        ({"split": "train"}, ["train/a.jpg", "train/B.jpg"]),
        ({"class_id": 0}, ["train/a.jpg", "test/c.jpg"]),
        ({"size": "small"}, ["train/a.jpg"]),
        ({"size": "medium"}, ["test/c.jpg"]),
        ({"size": "large"}, ["train/a.jpg", "train/B.jpg"]),
        ({"size": "none"}, ["val/empty.jpg"]),
        ({"size": "none", "class_id": 0}, []),
        ({"kind": "photo_alike"}, ["train/B.jpg", "test/c.jpg"]),
        ({"kind": "photo_missing"}, []),
        ({"name": "b.JPG"}, ["train/B.jpg"]),
        ({"split": "train", "class_id": 1, "kind": "box_outside", "name": "a"}, ["train/a.jpg"]),
    ],
)
def test_photos_are_found_by_every_condition_and_by_all_together(columns, wanted, files):
    assert found(columns, **wanted) == files


def test_class_and_size_are_of_one_box(columns):
    assert found(columns, class_id=0, size="large") == []
    assert found(columns, class_id=1, size="large") == ["train/a.jpg", "train/B.jpg"]


def test_boxes_are_counted_per_split_and_class(columns):
    assert count_classes(columns, 2).tolist() == [[1, 2], [0, 0], [1, 0]]


def test_sides_are_at_the_training_size_whichever_side_is_longer(columns):
    assert columns.sides.tolist() == pytest.approx([10, 70.71, 277.13, 32], abs=0.01)


def test_histograms_hold_every_box_however_odd_it_is(sample_dataset):
    odd = Annotations.of([[0, 0, 640, 0.01], [0, 0, 0.001, 480], [5, 5, 5, 5]], [0, 0, 0])
    columns = columns_of(replace(sample_dataset, images=(ImageRecord("a.jpg", 640, 480, "train", odd),)))
    assert count_sides(columns).sum() == count_ratios(columns).sum() == 3
    assert len(count_sides(columns)) == len(SIDE_EDGES) - 1
    assert len(count_ratios(columns)) == len(RATIO_EDGES) - 1


def test_a_square_box_is_in_the_middle_of_the_shapes(columns):
    assert count_ratios(columns)[len(RATIO_EDGES) // 2 - 1] == 2


def test_the_map_says_what_share_of_boxes_covers_a_place(sample_dataset):
    marked = Annotations.of([[0, 0, 100, 50], [50, 0, 100, 100]], [0, 0])
    columns = columns_of(replace(sample_dataset, images=(ImageRecord("a.jpg", 100, 100, "train", marked),)))
    half = CELLS // 2
    expected = np.zeros((CELLS, CELLS))
    expected[:half, :] += 0.5
    expected[:, half:] += 0.5
    assert np.allclose(map_places(columns), expected)


def test_a_box_on_the_edge_stays_on_the_map(sample_dataset):
    marked = Annotations.of([[100, 100, 100, 100], [-5, -5, 105, 105]], [0, 0])
    columns = columns_of(replace(sample_dataset, images=(ImageRecord("a.jpg", 100, 100, "train", marked),)))
    covered = map_places(columns)
    assert covered.min() >= 0.5
    assert covered.max() <= 1


def test_photo_sizes_are_exact_until_there_are_too_many(sample_dataset, columns):
    sizes_wh, photos, step = count_photo_sizes(columns)
    assert (sizes_wh.tolist(), photos.tolist(), step) == ([[480, 640], [640, 480], [640, 640]], [1, 2, 1], 1)
    nothing = Annotations.of([], [])
    many = tuple(ImageRecord(f"{side}.jpg", side, 2 * side, "train", nothing) for side in range(1, 3000))
    sizes_wh, photos, step = count_photo_sizes(columns_of(replace(sample_dataset, images=many)))
    assert len(photos) <= MAX_SIZES
    assert photos.sum() == len(many)
    assert step > 1
    assert sizes_wh.min() > 0


def test_a_data_set_without_boxes_has_columns(sample_dataset):
    columns = columns_of(replace(sample_dataset, classes=(), images=IMAGES[2:3]))
    assert found_none(columns)
    assert count_classes(columns, 0).shape == (3, 0)
    assert not map_places(columns).any()


def found_none(columns):
    return find_photos(columns, size="small").tolist() == [] and find_photos(columns, size="none").tolist() == [0]


def test_columns_are_made_once(sample_dataset):
    assert columns_of(sample_dataset) is columns_of(sample_dataset)
