from dataclasses import replace

import pytest

from autodet.datasets.manifest import load_dataset
from autodet.datasets.versions.derive import derive_dataset
from autodet.inference.unseen_photos import unseen_photos
from autodet.models.model_card import ModelCard
from autodet.records import Annotations


@pytest.fixture
def sample(sample_dataset, workspace):
    """The sample in a workspace of its own."""
    (workspace.datasets / "sample").symlink_to(sample_dataset.folder)
    return load_dataset("sample", workspace)


def card_of(dataset, classes=(), **facts):
    known = {"architecture": "", "image_size": 96, "metrics": {}}
    return ModelCard(
        "model",
        classes or dataset.classes,
        dataset=dataset.name,
        dataset_fingerprint=dataset.fingerprint,
        **known | facts,
    )


def contents(records):
    return {record.sha256 for record in records}


def test_test_photos_of_the_same_splits_are_unseen(sample):
    card = card_of(sample)
    found = unseen_photos((card, card), sample)
    assert found.dataset is sample  # so that the evaluations of other pages are used
    assert (found.split, found.count) == ("test", len(sample.split("test")))
    assert (found.unknown, found.left_out) == ((), ())


def test_photos_that_trained_or_chose_a_model_are_left_out(sample):
    version = derive_dataset(sample, "drawn again", resplit=(40, 30, 30))
    found = unseen_photos((card_of(sample), card_of(version)), version)
    seen = contents(sample.split("train")) | contents(sample.split("val"))
    expected = contents(version.split("test")) - seen
    assert 0 < len(expected) < len(version.split("test"))
    assert contents(found.dataset.split("test")) == contents(found.dataset.images) == expected
    assert found.count == len(expected)
    later = card_of(version, start_from=card_of(sample).as_origin("first"))
    assert contents(unseen_photos([later], version).dataset.images) == expected


def test_without_test_photos_validation_photos_that_trained_no_model_count(sample):
    version = derive_dataset(sample, "without test", resplit=(60, 40, 0))
    found = unseen_photos((card_of(sample), card_of(version)), version)
    assert found.split == "val"
    assert contents(found.dataset.images) == contents(version.split("val")) - contents(sample.split("train"))
    refit = card_of(version, refit=True)
    assert unseen_photos((card_of(sample), refit), version).count == 0


def test_classes_that_one_model_lacks_are_left_out(sample):
    fewer = sample.classes[:1]
    found = unseen_photos((card_of(sample, fewer), card_of(sample)), sample)
    assert found.dataset.classes == fewer
    assert found.left_out == sample.classes[1:]
    assert found.dataset.fingerprint != sample.fingerprint
    assert unseen_photos((card_of(sample, ("wheel",)), card_of(sample)), sample).count == 0


def test_photos_without_objects_alone_say_nothing(sample):
    bare = tuple(
        replace(record, annotations=Annotations.of([], [])) if record.split == "test" else record
        for record in sample.images
    )
    found = unseen_photos([card_of(sample)], replace(sample, images=bare))
    assert found.split == "val"


def test_a_data_set_that_is_gone_is_named(sample):
    gone = replace(card_of(sample), dataset="gone", dataset_fingerprint="0" * 64)
    assert unseen_photos((gone, card_of(sample)), sample).unknown == ("gone",)
