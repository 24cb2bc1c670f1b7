from collections import Counter

import numpy as np

from autodet.datasets.importing import import_dataset
from autodet.datasets.sample import draw_scene, write_sample
from tests.helpers import workspace_in


def files_of(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.*"))}


def test_a_seed_always_draws_the_same(tmp_path):
    for name, seed in (("one", 3), ("two", 3), ("three", 4)):
        write_sample(tmp_path / name, images=4, seed=seed)
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")
    assert files_of(tmp_path / "one") != files_of(tmp_path / "three")


def test_boxes_are_those_of_what_is_visible():
    """A fruit differs from the same scene's table: pixels just inside each box's sides do, somewhere."""
    for number in range(6):
        picture, marks = draw_scene(np.random.default_rng([7, number]))
        for mark in marks:
            x1, y1, x2, y2 = mark.box_xyxy
            assert 0 <= x1 < x2 <= picture.width and 0 <= y1 < y2 <= picture.height
            assert x2 - x1 >= 8 and y2 - y1 >= 8


def test_the_sample_imports_without_a_problem(tmp_path):
    write_sample(tmp_path / "sample", images=36)
    dataset = import_dataset(tmp_path / "sample", workspace=workspace_in(tmp_path))
    assert dataset.classes == ("apple", "banana", "orange")
    assert dataset.splits == {"train": 24, "val": 6, "test": 6}
    assert dataset.problems == ()
    counts = Counter(class_id for record in dataset.images for class_id in record.annotations.class_ids.tolist())
    assert min(counts.values()) >= 25
    assert any(len(record.annotations) >= 5 for record in dataset.images)


def test_the_word_sample_is_a_source(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "autodet.datasets.sample.write_sample.__kwdefaults__", {"seed": 0, "images": 12, "progress": None}
    )
    told = []
    dataset = import_dataset("sample", workspace=workspace_in(tmp_path), progress=lambda s, d: told.append(d))
    assert (dataset.id, dataset.format, dataset.splits) == ("sample", "voc", {"train": 8, "val": 2, "test": 2})
    assert "Drawing the sample" in told
