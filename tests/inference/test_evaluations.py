import pytest

from autodet.datasets.versions.deriving import derive_dataset
from autodet.errors import ModelError
from autodet.inference.detector import load_detector


def test_a_model_of_the_parent_does_not_take_a_version_with_other_names(trained_bundle, sample_dataset, workspace):
    old = sample_dataset.classes[0]
    version = derive_dataset(sample_dataset, "renamed", rename={old: "thing"}, workspace=workspace)
    detector = load_detector(trained_bundle, device="cpu")
    with pytest.raises(ModelError, match=r"marks thing, which the model sample does not know \(it knows .*choose"):
        detector.evaluate(version, "val")
    fewer = derive_dataset(sample_dataset, "fewer", drop=[old], workspace=workspace)
    assert detector.evaluate(fewer, "val").per_class[old].boxes == 0
