"""What ``import autodet`` gives, and the lines that the README shows."""

import subprocess
import sys

import numpy as np
import pytest

import autodet
from autodet.errors import DatasetError
from autodet.models.store import add_model
from tests.helpers import untrained_bundle

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

    raised = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, Exception)]
    raised = [one for one in raised if not issubclass(one, Warning)]
    assert len(raised) > 5
    assert all(issubclass(one, autodet.AutodetError) for one in raised)


@pytest.mark.slow
def test_a_data_set_imported_by_name_is_loaded_by_name(sample_folder, workspace):
    imported = autodet.import_dataset(str(sample_folder), name="Fruit")
    assert autodet.load_dataset("Fruit").fingerprint == imported.fingerprint
    assert [summary.id for summary in autodet.list_datasets()] == ["fruit"]


def test_a_saved_detector_predicts_the_same_elsewhere(trained_bundle, sample_dataset, tmp_path):
    detector = autodet.load_detector(trained_bundle, runtime="torch", device="cpu")
    saved = detector.save(tmp_path / "fruit.autodet")
    again = autodet.load_detector(str(saved), runtime="torch", device="cpu")
    photo = str(sample_dataset.photo(sample_dataset.images[0]))
    for expected, seen in zip(detector.predict(photo, 0.05), again.predict(photo, 0.05), strict=True):
        np.testing.assert_array_equal(seen, expected)
    report = again.evaluate(sample_dataset, split="test")
    assert report.images == len(sample_dataset.split("test"))
    assert set(report.per_class) == set(sample_dataset.classes)


def test_data_sets_are_given_by_name_by_id_or_as_listed(trained_bundle, sample_folder, workspace, tmp_path):
    autodet.import_dataset(str(sample_folder), name="Some fruit")
    (listed,) = autodet.list_datasets()
    detector = autodet.load_detector(trained_bundle, device="cpu")
    reports = [detector.evaluate(given, split="test") for given in (listed, "Some fruit", listed.id)]
    assert reports[0] == reports[1] == reports[2]
    assert autodet.export_dataset(listed, "coco", tmp_path / "fruit.zip").exists()
    assert autodet.derive_dataset(listed, drop=["banana"]).classes


@pytest.mark.parametrize("given", [None, 7, ["fruit"]])
def test_what_is_no_data_set_is_a_sentence(given, trained_bundle, workspace, tmp_path):
    calls = (
        lambda: autodet.fit(given),
        lambda: autodet.derive_dataset(given, drop=["apple"]),
        lambda: autodet.export_dataset(given, "coco", tmp_path / "fruit.zip"),
        lambda: autodet.load_detector(trained_bundle, device="cpu").evaluate(given),
    )
    for call in calls:
        with pytest.raises(DatasetError, match="is not a data set; give a data set, its id or its name"):
            call()


@pytest.mark.trains
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


@pytest.mark.slow
def test_two_fits_of_one_data_set_make_models_that_can_be_told_apart(workspace, tmp_path):
    for day in (1, 2):
        path = untrained_bundle(tmp_path / "x.autodet", created=f"2026-01-0{day}T10:00:00+00:00")
        add_model(path, "My fruit", workspace)
    with pytest.warns(autodet.NameWarning, match=r"called 'My fruit' \(my-fruit-2, my-fruit\)") as warned:
        assert autodet.load_detector("My fruit").card.created.startswith("2026-01-02")
    assert warned[0].filename == __file__
    assert len(repr(autodet.list_models())) < 300


def test_data_sets_and_models_are_deleted_by_id_or_name(sample_folder, workspace, tmp_path):
    autodet.import_dataset(str(sample_folder), name="Fruit")
    add_model(untrained_bundle(tmp_path / "x.autodet"), "Customs camera", workspace)
    assert autodet.delete_model("Customs camera").id == "customs-camera"
    deleted = autodet.delete_dataset("Fruit")
    assert (deleted.kind, deleted.id) == ("dataset", "fruit") and deleted.freed_bytes > 100_000
    assert autodet.list_models() == autodet.list_datasets() == []
