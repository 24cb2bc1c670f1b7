from dataclasses import replace

import pytest

from autodet.datasets.manifest import load_dataset
from autodet.datasets.versions.derive import derive_dataset
from autodet.inference.detector import load_detector
from autodet.inference.leakage import evaluation_leakage, start_leakage
from autodet.messages.cautions import caution_text
from autodet.models.model_card import ModelCard
from autodet.records import Origin
from autodet.workspace import Workspace


@pytest.fixture
def home_of_sample(sample_dataset, workspace):
    """A workspace of its own in which the sample is."""
    (workspace.datasets / "sample").symlink_to(sample_dataset.folder)
    return workspace


def test_a_model_measured_on_photos_that_it_has_learnt_from_is_told(trained_bundle, home_of_sample, tmp_path):
    sample = load_dataset("sample", home_of_sample)
    card = load_detector(trained_bundle, device="cpu").card
    version = derive_dataset(sample, "drawn anew", resplit=(40, 30, 30), workspace=home_of_sample)
    learnt = {record.sha256 for record in sample.split("train")}
    shared = sum(record.sha256 in learnt for record in version.split("test"))
    assert shared > 0
    sentence = caution_text(evaluation_leakage(card, version, "test", home_of_sample))
    assert sentence.startswith(f"The model was trained on {shared} of these {len(version.split('test'))} photos")
    renamed = derive_dataset(sample, "fewer", drop=[sample.classes[0]], workspace=home_of_sample)
    assert [evaluation_leakage(card, one, "test", home_of_sample) for one in (sample, renamed)] == [None, None]
    assert evaluation_leakage(card, sample, "val", home_of_sample) is None  # its best epoch was chosen by them
    for one in (sample, renamed):
        words = f"was trained on all {len(sample.split('train'))} of these photos"
        assert words in caution_text(evaluation_leakage(card, one, "train", home_of_sample))
    words = f"was trained on {len(sample.split('train'))} of these {len(sample.images)} photos"
    assert words in caution_text(evaluation_leakage(card, sample, "all", home_of_sample))
    assert words in caution_text(evaluation_leakage(card, sample, "all", Workspace(tmp_path / "elsewhere")))
    refit = replace(card, refit=True)
    assert "was trained on all" in caution_text(evaluation_leakage(refit, sample, "val", home_of_sample))


def test_where_the_training_photos_are_gone_nothing_is_claimed(trained_bundle, sample_dataset, workspace):
    card = load_detector(trained_bundle, device="cpu").card
    version = derive_dataset(sample_dataset, "drawn anew", resplit=(40, 30, 30), workspace=workspace)
    assert evaluation_leakage(card, version, "test", workspace) is None


@pytest.fixture
def origin(home_of_sample):
    """What is known of a model that was trained on the sample."""
    sample = load_dataset("sample", home_of_sample)
    return Origin("fruit", "a" * 64, "sample", sample.fingerprint)


def test_a_start_from_a_model_that_knows_the_judging_photos_is_told(origin, home_of_sample):
    sample = load_dataset("sample", home_of_sample)
    version = derive_dataset(sample, "drawn anew", resplit=(40, 30, 30), workspace=home_of_sample)
    learnt = {record.sha256 for record in sample.split("train")}
    counts = [sum(record.sha256 in learnt for record in version.split(split)) for split in ("val", "test")]
    assert all(counts)
    sentence = caution_text(start_leakage(origin, version, home_of_sample))
    assert f"{counts[0]} of {len(version.split('val'))} validation photos and {counts[1]} of" in sentence
    assert start_leakage(origin, sample, home_of_sample) is None  # it knows the photos to learn from, as it should


def test_a_refit_model_knows_the_validation_photos_of_its_own_data_set(origin, home_of_sample):
    sample = load_dataset("sample", home_of_sample)
    refit = Origin(**{**vars(origin), "refit": True})
    photos = len(sample.split("val"))
    assert f"{photos} of {photos} validation photos of this" in caution_text(
        start_leakage(refit, sample, home_of_sample)
    )


def test_what_a_model_began_with_counts_too(origin, home_of_sample):
    sample = load_dataset("sample", home_of_sample)
    version = derive_dataset(sample, "drawn anew", resplit=(40, 30, 30), workspace=home_of_sample)
    later = Origin("later", "b" * 64, version.name, version.fingerprint, start_from=origin)
    assert "The model later was trained on" in caution_text(start_leakage(later, version, home_of_sample))
    facts = {"architecture": "", "image_size": 96, "metrics": {}, "start_from": origin}
    card = ModelCard("later", version.classes, dataset=version.name, dataset_fingerprint=version.fingerprint, **facts)
    assert "was trained on" in caution_text(evaluation_leakage(card, version, "test", home_of_sample))
