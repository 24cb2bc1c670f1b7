"""Comparisons, reports and suspect labels on photos that are not imported equal those on the imported photos."""

import json
import warnings

import pytest

import autodet
from autodet import cli
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.manifest import list_datasets
from autodet.datasets.versions.derive import derive_dataset
from autodet.errors import AutodetWarning, ModelError
from autodet.inference.detector import Detector
from autodet.models.store import add_model
from autodet.records import Prediction
from tests.helpers import untrained_bundle, write_voc, zip_folder

PEAR = ("pear", (2, 2, 20, 20))


@pytest.fixture
def models(trained_bundle, sample_dataset, workspace, tmp_path, monkeypatch):
    monkeypatch.setenv("AUTODET_HOME", str(workspace.home))
    add_model(trained_bundle, "trained", workspace)
    add_model(
        untrained_bundle(tmp_path / "blind.autodet", classes=(*sample_dataset.classes, "pear")), "blind", workspace
    )
    return "trained", "blind"


@pytest.fixture
def photos(tmp_path):
    """A folder of photos; nobody knows the kiwi, and only the second model knows the pear."""
    kiwi = ("kiwi", (30, 30, 60, 46))
    return write_voc(tmp_path / "new", 5, [("apple", (4, 6, 24, 40)), ("orange", (34, 10, 60, 44)), PEAR, kiwi])


@pytest.fixture
def nothing_stays(workspace):
    before = [summary.id for summary in list_datasets(workspace)]
    yield
    assert [summary.id for summary in list_datasets(workspace)] == before
    assert list(workspace.dropped.iterdir()) == []


@pytest.fixture
def seen_apple(monkeypatch):
    """Every model finds all apples and oranges, and on the first photo an apple that is not labelled."""
    boxes = [(4, 6, 24, 40), (34, 10, 60, 44)]
    right = Prediction.of(boxes, [0, 2], [0.95, 0.95])
    more = Prediction.of([*boxes, (26, 2, 33, 20)], [0, 2, 0], [0.95, 0.95, 0.95])
    monkeypatch.setattr(
        Detector, "predict_dataset", lambda _, __, records, *___, **____: [more, *[right] * (len(records) - 1)]
    )


def test_two_models_are_compared_on_the_classes_that_both_know(models, photos, workspace, nothing_stays):
    with pytest.warns(AutodetWarning) as told:
        compared = autodet.compare(*models, photos)
    assert {str(one.message) for one in told} == {
        "trained: The model does not know kiwi (5 boxes) and pear (5 boxes), so these labels are left out.",
        "blind: The model does not know kiwi (5 boxes), so these labels are left out.",
    }
    assert set(compared.per_class) == {"apple", "orange"}
    assert {photo.file for photo in compared.images} == {f"photo_{number:02}.png" for number in range(5)}
    assert compared.dataset == "new"


def test_the_figures_are_those_of_the_imported_photos(models, photos, workspace, tmp_path):
    known = derive_dataset(import_dataset(photos, "stored", workspace=workspace), drop=["pear", "kiwi"])
    clean = write_voc(tmp_path / "same" / "new", 5, [("apple", (4, 6, 24, 40)), ("orange", (34, 10, 60, 44))])
    archive = zip_folder(clean, tmp_path / "same.zip")
    on_path, on_data = autodet.compare(*models, str(archive)), autodet.compare(*models, known, "all")
    assert (on_path.map50, on_path.map50_95, on_path.per_class) == (on_data.map50, on_data.map50_95, on_data.per_class)
    report = autodet.report("trained", archive, out=tmp_path / "report.html")
    assert report.evaluation.map50 == on_data.map50.a
    assert "same.zip, not imported" in (tmp_path / "report.html").read_text()
    assert "data:image" in (tmp_path / "report.html").read_text()
    assert list(workspace.dropped.iterdir()) == []


def test_the_commands_name_the_photos(models, photos, seen_apple, capsys, nothing_stays):
    for words in (["compare", *models], ["report", "trained"], ["label-issues", "trained"]):
        assert cli.main([*words, str(photos), "--json"]) == 0
        document = json.loads(capsys.readouterr().out)
        assert (document["dataset"], document["path"], document["format"]) == (None, str(photos), "voc")
        assert document["classes_unknown"] == {"kiwi": 5, "pear": 5}
    assert [(issue["file"], issue["kind"]) for issue in document["label_issues"]] == [("photo_00.png", "missing")]
    assert cli.main(["label-issues", "trained", str(photos)]) == 0
    assert "LABEL THAT LOOKS WRONG" in capsys.readouterr().out


def test_models_without_a_common_class_there_are_a_sentence(models, tmp_path, nothing_stays):
    pears = write_voc(tmp_path / "pears", 3, [PEAR])
    with warnings.catch_warnings(), pytest.raises(ModelError, match="none of these is a class of both models"):
        warnings.simplefilter("ignore", AutodetWarning)
        autodet.compare(*models, pears)
