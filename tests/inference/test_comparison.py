import json
import shutil

import numpy as np
import pytest

import autodet
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.errors import AutodetWarning
from autodet.evaluation import report as report_module
from autodet.evaluation_text import comparison_text
from autodet.inference import evaluations
from autodet.inference.evaluations import evaluate_model, kept_evaluation
from autodet.models.store import add_model, find_model
from tests.helpers import APPLE, BANANA, untrained_bundle, write_labelled


@pytest.fixture
def models(trained_bundle, sample_dataset, workspace, tmp_path, monkeypatch):
    monkeypatch.setenv("AUTODET_HOME", str(workspace.home))
    add_model(trained_bundle, "trained", workspace)
    blind = untrained_bundle(tmp_path / "blind.autodet", classes=sample_dataset.classes)
    add_model(blind, "blind", workspace)
    return "trained", "blind"


def test_a_trained_model_is_significantly_better_than_an_untrained_one(models, sample_dataset):
    comparison = autodet.compare(*models, sample_dataset, split="val")
    assert comparison.models == {"a": "trained", "b": "blind"}
    assert comparison.map50.a == pytest.approx(autodet.load_detector("trained").evaluate(sample_dataset, "val").map50)
    assert comparison.map50.significant
    assert comparison.map50.interval[0] <= comparison.map50.difference <= comparison.map50.interval[1] < 0
    assert set(comparison.per_class) <= set(sample_dataset.classes)
    assert {photo.file for photo in comparison.images} == {record.file for record in sample_dataset.split("val")}
    text = comparison_text(comparison)
    assert "trained is better than blind" in text
    assert "A is better" in text
    document = json.loads(json.dumps(comparison.to_json()))
    assert set(document["map50"]) == {"a", "b", "difference", "interval", "significant"}
    assert set(document["images"][0]) == {"file", "a", "b"}
    assert "within noise" not in repr(comparison)


def test_a_model_and_itself_differ_by_nothing(models, sample_dataset):
    comparison = autodet.compare("trained", autodet.load_detector("trained"), sample_dataset, split="val")
    assert (comparison.map50.difference, comparison.map50.significant) == (0, False)
    assert all(photo.a == photo.b for photo in comparison.images)
    assert "Both models have the same mAP50 on these 4 photos" in comparison_text(comparison)


def test_photos_that_a_model_was_trained_on_are_cautioned_by_its_name(models, sample_dataset):
    with pytest.warns(AutodetWarning, match=r"trained: The model was trained on .*\(data leakage\)"):
        comparison = autodet.compare("trained", "trained", sample_dataset, split="train")
    assert set(comparison.cautions) == {"a", "b"}


def test_labels_that_look_wrong_are_those_of_the_report(models, sample_dataset):
    issues = autodet.label_issues("trained", sample_dataset, split="val")
    assert issues == autodet.load_detector("trained").evaluate(sample_dataset, "val").label_issues


def test_a_report_of_other_metrics_is_computed_again_without_predicting(models, sample_dataset, workspace, monkeypatch):
    model = find_model("trained", workspace)
    report, predictions = evaluate_model(model, sample_dataset, "val")
    monkeypatch.setattr(evaluations, "METRICS_VERSION", report_module.METRICS_VERSION + 1)
    computed = []
    monkeypatch.setattr(
        evaluations,
        "evaluate_predictions",
        lambda *given: computed.append(given) or report_module.evaluate_predictions(*given),
    )
    again, kept = evaluate_model(model, sample_dataset, "val", lambda *_: pytest.fail("predicted again"))
    assert (again, len(computed)) == (report, 1)
    for one, other in zip(kept, predictions, strict=True):
        assert np.array_equal(one.boxes_xyxy, other.boxes_xyxy)
        assert np.array_equal(one.scores, other.scores)
    assert kept_evaluation(model, sample_dataset, "val")[0] == report
    assert len(computed) == 1  # the new report was kept


def test_an_import_of_the_same_photos_under_swapped_names_is_evaluated_anew(models, workspace, tmp_path):
    """The fingerprint of a data set ignores names and order, but a row of predictions belongs to a photo."""
    model = find_model("trained", workspace)
    first, second = tmp_path / "first" / "val", tmp_path / "second" / "val"
    write_labelled(first, "a", [APPLE], seed=1)
    write_labelled(first, "b", [APPLE, BANANA], seed=2)
    shutil.copytree(first, second)
    for ending in (".png", ".xml"):
        (second / f"a{ending}").rename(second / "kept")
        (second / f"b{ending}").rename(second / f"a{ending}")
        (second / "kept").rename(second / f"b{ending}")
    imports = [import_dataset(folder.parent, folder.parent.name, workspace=workspace) for folder in (first, second)]
    assert imports[0].fingerprint == imports[1].fingerprint
    (_, one), (_, other) = (evaluate_model(model, dataset, "all") for dataset in imports)
    assert not np.array_equal(one[0].boxes_xyxy, one[1].boxes_xyxy)
    for photo in range(2):
        assert np.array_equal(one[photo].boxes_xyxy, other[1 - photo].boxes_xyxy)
    assert len(list((model.path.parent / "evaluations").glob("*.json"))) == 2


def test_predictions_of_an_earlier_version_are_stale(models, sample_dataset, workspace):
    """Earlier versions did not say which photo a row belongs to."""
    model = find_model("trained", workspace)
    report, _ = evaluate_model(model, sample_dataset, "val")
    (path,) = (model.path.parent / "evaluations").glob("*.npz")
    with np.load(path) as columns:
        np.savez(path, **{name: columns[name] for name in columns.files if name != "photos_sha256"})
    assert kept_evaluation(model, sample_dataset, "val") is None
    assert evaluate_model(model, sample_dataset, "val")[0] == report
    assert kept_evaluation(model, sample_dataset, "val")[0] == report
