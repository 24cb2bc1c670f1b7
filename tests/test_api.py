"""What ``import autodet`` gives, and the lines that the README shows."""

import subprocess
import sys

import numpy as np
import pytest

import autodet

DESIGNED = {"import_dataset", "load_dataset", "start_search", "fit", "load_detector"}
TYPES = {"AutodetError", "Dataset", "Detector", "Search"}


def test_every_public_name_is_there():
    assert set(autodet.__all__) >= DESIGNED | TYPES | {"__version__"}
    assert autodet.__all__ == sorted(autodet.__all__)
    for name in autodet.__all__:
        assert getattr(autodet, name) is not None
    assert set(dir(autodet)) >= set(autodet.__all__)


def test_public_names_come_from_where_they_are_declared():
    for name, home in autodet._HOMES.items():
        assert getattr(autodet, name).__module__ == home


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="load_datset"):
        _ = autodet.load_datset


def test_importing_autodet_loads_nothing_heavy():
    code = "import sys, autodet; print([m for m in ('torch', 'streamlit', 'optuna', 'numpy') if m in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert ran.stdout.strip() == "[]"


def test_every_error_is_an_autodet_error():
    from autodet import errors

    there = [one for one in vars(errors).values() if isinstance(one, type)]
    raised = [one for one in there if issubclass(one, Exception) and not issubclass(one, Warning)]
    assert len(raised) > 5
    assert all(issubclass(one, autodet.AutodetError) for one in raised)


def test_a_data_set_imported_by_name_is_loaded_by_name(sample_folder, workspace):
    imported = autodet.import_dataset(str(sample_folder), name="Fruit")
    assert autodet.load_dataset("Fruit").fingerprint == imported.fingerprint
    assert [summary.id for summary in autodet.list_datasets()] == ["fruit"]


def test_a_saved_detector_predicts_the_same_elsewhere(trained_bundle, sample_dataset, tmp_path):
    detector = autodet.load_detector(trained_bundle, device="cpu")
    saved = detector.save(tmp_path / "fruit.autodet")
    again = autodet.load_detector(str(saved), device="cpu")
    photo = str(sample_dataset.photo(sample_dataset.images[0]))
    for expected, seen in zip(detector.predict(photo, 0.05), again.predict(photo, 0.05), strict=True):
        np.testing.assert_array_equal(seen, expected)
    report = again.evaluate(sample_dataset, split="test")
    assert report.images == len(sample_dataset.split("test"))
    assert set(report.per_class) == set(sample_dataset.classes)


@pytest.mark.slow
def test_the_three_lines(sample_folder, sample_dataset, workspace, monkeypatch):
    monkeypatch.setenv("AUTODET_DEVICES", "cpu")
    data = autodet.import_dataset(str(sample_folder), name="fruit")
    detector = autodet.fit(data, trials=1, epochs=1)
    class_ids, scores, boxes = detector.predict(str(data.photo(data.images[0])), threshold=0.0)
    assert (class_ids.dtype, scores.dtype, boxes.dtype) == (np.int64, np.float32, np.float32)
    assert len(class_ids) == len(scores) == len(boxes)
    search = autodet.find_search("fruit")
    assert search.status().state == "finished"
    assert search.best_detector().card == detector.card
    assert autodet.load_detector("fruit").card == detector.card
    assert [model.id for model in autodet.list_models()] == ["fruit"]
