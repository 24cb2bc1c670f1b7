"""Training that begins with the weights of a model."""

import shutil
from dataclasses import replace

import pytest
import torch

from autodet.datasets.versions.derive import derive_dataset
from autodet.errors import BundleError, ModelError, TrainingError
from autodet.models.bundle import read_bundle, read_card
from autodet.records import Hyperparameters
from autodet.training.loop import train
from autodet.training.train_job import BEST_BUNDLE, CHECKPOINT, Start, TrainJob
from tests.helpers import untrained_bundle

HARDLY = Hyperparameters(image_size=160, lr=1e-9)  # an epoch tells what was there before it
TINY = replace(HARDLY, image_size=96)


@pytest.fixture
def start(trained_bundle):
    return Start(trained_bundle, read_card(trained_bundle).as_origin("sample"))


@pytest.fixture
def job(sample_dataset, tmp_path, start):
    return TrainJob(sample_dataset.folder, tmp_path / "trial", HARDLY, 1, "sample", threads=2, seed=5, start=start)


def test_what_the_model_has_learnt_is_there_from_the_first_step(job, trained_bundle, tmp_path, start):
    from_model = next(train(job))
    from_scratch = next(train(replace(job, start=None, folder=tmp_path / "scratch")))
    assert from_model.loss < from_scratch.loss
    card = read_card(job.folder / BEST_BUNDLE)
    assert from_model.map50 == pytest.approx(read_card(trained_bundle).metrics["map50"], abs=0.02)
    assert card.start_from == start.origin
    scratch = read_card(tmp_path / "scratch" / BEST_BUNDLE)
    assert scratch.start_from is None
    fruit = {name: name for name in ("apple", "banana", "orange")}
    assert card.reused_classes == scratch.reused_classes == fruit  # of the model, and of COCO


def test_renamed_merged_and_new_classes_begin_with_what_is_known_of_them(job, sample_dataset, workspace, tmp_path):
    first, *others = sample_dataset.classes
    renamed = derive_dataset(
        sample_dataset, "renamed", rename={first: f"  {first.upper()}  "}, drop=others[-1:], workspace=workspace
    )
    from_model = next(train(replace(job, dataset_folder=renamed.folder)))
    new = derive_dataset(sample_dataset, "new", rename={first: "thing"}, drop=others[-1:], workspace=workspace)
    partly = next(train(replace(job, dataset_folder=new.folder, folder=tmp_path / "partly")))
    assert from_model.map50 > partly.map50
    card = read_card(tmp_path / "partly" / BEST_BUNDLE)
    assert card.classes == new.classes
    assert list(card.reused_classes.values()) == others[:-1]
    next(train(replace(job, dataset_folder=new.folder, folder=tmp_path / "coco", start=None)))
    assert set(read_card(tmp_path / "coco" / BEST_BUNDLE).similar_classes) == {"thing"}
    assert first in read_card(job.folder / BEST_BUNDLE).reused_classes.values()  # in another case


def test_a_trial_that_was_stopped_goes_on_with_its_own_weights_though_the_model_is_gone(job, trained_bundle, tmp_path):
    copy = shutil.copy(trained_bundle, tmp_path / "start.autodet")
    job = replace(job, epochs=2, hyperparameters=replace(TINY, lr=1e-3), start=replace(job.start, bundle=copy))
    whole = replace(job, folder=tmp_path / "whole")
    results = list(train(whole))
    next(stopped := train(job))
    stopped.close()
    copy.unlink()
    assert [result.loss for result in train(job)] == [result.loss for result in results]
    average, other = (
        torch.load(one.folder / CHECKPOINT, weights_only=True)["state"]["average"] for one in (job, whole)
    )
    assert all(torch.equal(tensor, other[name]) for name, tensor in average.items())


def test_a_checkpoint_that_began_with_something_else_is_refused(job):
    job = replace(job, hyperparameters=TINY)
    next(train(job))
    for other in (None, replace(job.start, origin=replace(job.start.origin, weights_sha256="b" * 64))):
        with pytest.raises(TrainingError, match="belongs to other parameters"):
            next(train(replace(job, start=other)))


def test_another_model_a_damaged_one_and_another_network_are_refused(job, tmp_path, trained_bundle):
    other = untrained_bundle(tmp_path / "other.autodet")
    with pytest.raises(TrainingError, match="not the model that the search began with"):
        next(train(replace(job, start=replace(job.start, bundle=other))))
    mobilenet = replace(HARDLY, architecture="fasterrcnn_mobilenet_v3_large_320_fpn")
    with pytest.raises(ModelError, match="do not fit"):
        next(train(replace(job, hyperparameters=mobilenet)))
    content = bytearray(trained_bundle.read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "damaged.autodet").write_bytes(content)
    with pytest.raises(BundleError, match="changed or damaged"):
        next(train(replace(job, start=replace(job.start, bundle=tmp_path / "damaged.autodet"))))


def test_the_card_keeps_what_it_all_began_with(job, tmp_path, start):
    job = replace(job, hyperparameters=TINY)
    next(train(job))
    card, _ = read_bundle(job.folder / BEST_BUNDLE)
    later = replace(job, folder=tmp_path / "later", start=Start(job.folder / BEST_BUNDLE, card.as_origin("second")))
    next(train(later))
    found = read_card(later.folder / BEST_BUNDLE).start_from
    assert [origin.model for origin in found.ancestors] == ["second", "sample"]
    assert found.start_from == start.origin
