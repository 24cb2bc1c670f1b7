from collections import Counter
from functools import partial

import numpy as np
import pytest
from PIL import Image

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.sources.sample import draw_scene, write_sample
from autodet.datasets.sources.sample_fruit import FRUIT, Brush
from tests.helpers import workspace_in

pytestmark = pytest.mark.slow


def files_of(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.*"))}


def test_a_seed_always_draws_the_same(tmp_path):
    for name, seed in (("one", 3), ("two", 3), ("three", 0)):
        write_sample(tmp_path / name, images=4, seed=seed)
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")
    assert files_of(tmp_path / "one") != files_of(tmp_path / "three")


def test_the_shipped_photos_are_those_that_are_drawn(tmp_path):
    write_sample(tmp_path, images=6)
    drawn, marks = draw_scene(np.random.default_rng([0, 5]))
    with Image.open(tmp_path / "test" / "table_006.webp") as shipped:
        difference = np.abs(np.asarray(shipped.convert("RGB"), dtype=float) - np.asarray(drawn, dtype=float))
    assert difference.mean() < 6, "renew the archive, as the module says"
    assert (tmp_path / "test" / "table_006.xml").read_text().count("<object>") == len(marks)


def test_every_box_lies_in_its_picture_and_shows_enough():
    for number in range(6):
        picture, marks = draw_scene(np.random.default_rng([7, number]))
        for mark in marks:
            x1, y1, x2, y2 = mark.box_xyxy
            assert 0 <= x1 < x2 <= picture.width and 0 <= y1 < y2 <= picture.height
            assert x2 - x1 >= 8 and y2 - y1 >= 8


@pytest.mark.parametrize("name", sorted(FRUIT))
def test_a_drawn_fruit_fills_what_it_was_asked_to(name):
    """Boxes are taken from the drawn shape, so a shape must be one piece of the size that was asked for."""
    for seed in range(8):
        alpha = FRUIT[name](Brush(np.random.default_rng(seed), 40, seed, (1.0, 0.0))).alpha
        rows, columns = np.flatnonzero((alpha > 0.5).any(axis=1)), np.flatnonzero((alpha > 0.5).any(axis=0))
        sides = rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1
        assert 60 <= max(sides) <= 100
        assert rows[0] > 0 and rows[-1] < len(alpha) - 1, "cut off by its own sprite"
        assert len(rows) == sides[0] and len(columns) == sides[1], "in several pieces"


def test_the_sample_imports_without_a_problem(tmp_path):
    write_sample(tmp_path / "sample", images=36)
    dataset = import_dataset(tmp_path / "sample", workspace=workspace_in(tmp_path))
    assert dataset.classes == ("apple", "banana", "orange")
    assert dataset.splits == {"train": 24, "val": 6, "test": 6}
    assert dataset.findings == ()
    counts = Counter(class_id for record in dataset.images for class_id in record.annotations.class_ids.tolist())
    assert min(counts.values()) >= 25
    assert any(len(record.annotations) >= 5 for record in dataset.images)


def test_the_word_sample_is_a_source(tmp_path, monkeypatch):
    monkeypatch.setattr("autodet.datasets.imports.staging.write_sample", partial(write_sample, images=12))
    told = []
    dataset = import_dataset("sample", seed=1, workspace=workspace_in(tmp_path), progress=lambda s, d: told.append(d))
    assert (dataset.id, dataset.format, dataset.splits) == ("sample", "voc", {"train": 8, "val": 2, "test": 2})
    assert "Drawing the sample" in told
