import pytest

from autodet.datasets.manifest import load_dataset
from autodet.datasets.versions.deriving import derive_dataset
from autodet.errors import ModelError
from autodet.inference.detector import load_detector
from autodet.inference.evaluations import learnt_photos_sentence


@pytest.fixture
def home_of_sample(sample_dataset, workspace):
    """A workspace of its own in which the sample is."""
    (workspace.datasets / "sample").symlink_to(sample_dataset.folder)
    return workspace


def test_a_model_of_the_parent_does_not_take_a_version_with_other_names(trained_bundle, sample_dataset, workspace):
    old = sample_dataset.classes[0]
    version = derive_dataset(sample_dataset, "renamed", rename={old: "thing"}, workspace=workspace)
    detector = load_detector(trained_bundle, device="cpu")
    with pytest.raises(ModelError, match=r"marks thing, which the model sample does not know \(it knows .*choose"):
        detector.evaluate(version, "val")
    fewer = derive_dataset(sample_dataset, "fewer", drop=[old], workspace=workspace)
    assert detector.evaluate(fewer, "val").per_class[old].boxes == 0


def test_a_model_measured_on_photos_that_it_has_learnt_from_is_told(trained_bundle, home_of_sample):
    sample = load_dataset("sample", home_of_sample)
    card = load_detector(trained_bundle, device="cpu").card
    version = derive_dataset(sample, "drawn anew", resplit=(40, 30, 30), workspace=home_of_sample)
    learnt = {record.sha256 for record in sample.split("train")}
    shared = sum(record.sha256 in learnt for record in version.split("test"))
    assert shared > 0
    sentence = learnt_photos_sentence(card, version, "test", home_of_sample)
    assert sentence.startswith(f"The model has learnt from {shared} of these {len(version.split('test'))} photos")
    renamed = derive_dataset(sample, "fewer", drop=[sample.classes[0]], workspace=home_of_sample)
    assert [learnt_photos_sentence(card, one, "test", home_of_sample) for one in (sample, renamed)] == ["", ""]
    assert learnt_photos_sentence(card, sample, "train", home_of_sample) == ""
    assert "learnt from" in learnt_photos_sentence(card, renamed, "train", home_of_sample)


def test_where_the_training_photos_are_gone_nothing_is_claimed(trained_bundle, sample_dataset, workspace):
    card = load_detector(trained_bundle, device="cpu").card
    version = derive_dataset(sample_dataset, "drawn anew", resplit=(40, 30, 30), workspace=workspace)
    assert learnt_photos_sentence(card, version, "test", workspace) == ""
