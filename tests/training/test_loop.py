import math
import re
import resource
import shutil
from dataclasses import replace
from itertools import count

import pytest
import torch

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.manifest import read_dataset, write_dataset
from autodet.datasets.sources.sample import write_sample
from autodet.errors import PhotoError, TrainingError
from autodet.evaluation.coco_metrics import EpochMetrics, measure
from autodet.evaluation.matches import match_detections
from autodet.evaluation.objective import MAP50, Objective
from autodet.evaluation.prediction_file import read_predictions
from autodet.evaluation.thresholds import fit_scores
from autodet.inference.detector import load_detector
from autodet.models.bundle import read_bundle
from autodet.models.registry import DEFAULT_ARCHITECTURE
from autodet.records import Annotations, Hyperparameters, best_epoch_of
from autodet.training import letterbox_dataset, loop
from autodet.training.device import computes_bfloat16
from autodet.training.device_profile import DeviceTraits
from autodet.training.loop import train
from autodet.training.train_job import BEST_BUNDLE, CHECKPOINT, EPOCH_FILES, VAL_PREDICTIONS, TrainJob
from autodet.workspace import Workspace
from tests.helpers import draw_photo

SMALL = Hyperparameters(image_size=96, batch_size=4)
SQUARE_BYTES = 3 * 96 * 96


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawn")
    write_sample(folder / "sample", images=16)
    return import_dataset(folder / "sample", "sample", workspace=Workspace(folder / "home"))


@pytest.fixture(scope="module")
def network(request):
    """The network to train: the default one, except in tests for several."""
    return getattr(request, "param", DEFAULT_ARCHITECTURE)


for_both = pytest.mark.parametrize(
    "network", [DEFAULT_ARCHITECTURE, "fasterrcnn_efficientnet_lite0"], indirect=True, scope="module"
)


def job_in(folder, dataset, network):
    chosen = replace(SMALL, architecture=network)
    return TrainJob(dataset.folder, folder / "trial", chosen, epochs=2, name="sample", threads=1, seed=5)


@pytest.fixture
def job(dataset, network, tmp_path):
    return job_in(tmp_path, dataset, network)


@pytest.fixture(scope="module")
def finished(dataset, network, tmp_path_factory):
    """A job that ran without interruption, and its results."""
    job = job_in(tmp_path_factory.mktemp("finished"), dataset, network)
    return job, list(train(job))


def weights_of(job):
    return torch.load(job.folder / CHECKPOINT, weights_only=True)["state"]


def assert_same(one, other):
    assert type(one) is type(other)
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, other)
    elif isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            assert_same(one[key], other[key])
    elif isinstance(one, list):
        for left, right in zip(one, other, strict=True):
            assert_same(left, right)
    else:
        assert one == other


def figures(results):
    return [(result.epoch, result.loss, result.map50, result.map50_95) for result in results]


@for_both
def test_thresholds_come_from_the_evaluation_of_the_best_epoch(finished, dataset):
    job, _ = finished
    card, _ = read_bundle(job.folder / BEST_BUNDLE)
    detector = load_detector(job.folder / BEST_BUNDLE, device="cpu")
    records = dataset.split("val")
    seen = detector.predict_dataset(dataset, records)
    assert card.calibration is None  # three validation photos are too few
    _, thresholds = fit_scores(match_detections(records, seen, len(dataset.classes)), dataset.classes)
    assert card.thresholds == pytest.approx(thresholds, abs=0.01)
    assert list(card.thresholds) == list(dataset.classes)


def test_a_refit_has_no_photos_to_calibrate_on(job):
    list(train(replace(job, epochs=1, refit=True)))
    card, _ = read_bundle(job.folder / BEST_BUNDLE)
    assert (card.calibration, card.thresholds) == (None, {})
    assert not (job.folder / VAL_PREDICTIONS).exists()


def test_the_predictions_of_the_best_epoch_are_kept_with_its_bundle(finished, dataset):
    job, results = finished
    card, _ = read_bundle(job.folder / BEST_BUNDLE)
    seen = read_predictions(job.folder / VAL_PREDICTIONS, dataset.split("val"), card.weights_sha256)
    map50, map50_95, *_ = measure(dataset.split("val"), seen, len(dataset.classes), MAP50)
    best = [result for result in results if result.kept][-1]
    assert (map50, map50_95) == pytest.approx((best.map50, best.map50_95), abs=1e-6)
    with pytest.raises(ValueError, match="other weights"):
        read_predictions(job.folder / VAL_PREDICTIONS, dataset.split("val"), "f" * 64)


@for_both
def test_a_trial_yields_its_epochs_and_keeps_the_best_as_a_bundle(finished, dataset):
    job, results = finished
    assert [result.epoch for result in results] == [1, 2]
    assert all(0 <= result.map50_95 <= result.map50 <= 1 for result in results)
    assert results[-1].loss < results[0].loss
    card, weights = read_bundle(job.folder / BEST_BUNDLE)
    best = best_epoch_of(results)
    assert (card.epoch, card.metrics["map50"]) == (best.epoch, best.map50)
    assert card.classes == dataset.classes
    assert card.dataset_fingerprint == dataset.fingerprint
    assert card.params["lr"] == SMALL.lr
    assert len(weights) > 1_000_000


@for_both
def test_a_trial_that_was_stopped_goes_on_as_if_it_never_had_been(finished, job):
    uninterrupted, results = finished
    stopped = train(job)
    first = next(stopped)
    stopped.close()
    resumed = list(train(job))
    assert figures(resumed) == figures(results)
    assert resumed[0] == first
    assert_same(weights_of(job), weights_of(uninterrupted))


@for_both
def test_two_cores_learn_much_the_same_and_always_the_same(finished, job, tmp_path):
    both = replace(job, threads=2)
    results = list(train(both))
    assert [result.loss for result in results] == pytest.approx([result.loss for result in finished[1]], rel=0.25)
    stopped = train(again := replace(both, folder=tmp_path / "again"))
    next(stopped)
    stopped.close()
    assert figures(train(again)) == figures(results)
    assert_same(weights_of(again), weights_of(both))


def test_a_finished_trial_only_tells_its_epochs_again(finished):
    job, results = finished
    written = (job.folder / CHECKPOINT).stat().st_mtime_ns
    assert list(train(job)) == results
    assert (job.folder / CHECKPOINT).stat().st_mtime_ns == written


def test_another_seed_is_another_trial(finished, job):
    assert figures([next(train(replace(job, seed=6)))]) != figures(finished[1][:1])


@pytest.mark.parametrize("change", [{"seed": 6}, {"epochs": 4}, {"hyperparameters": replace(SMALL, lr=2e-3)}])
def test_a_checkpoint_of_another_job_is_refused(finished, change):
    with pytest.raises(TrainingError, match="belongs to other parameters"):
        list(train(replace(finished[0], **change)))


def test_a_damaged_checkpoint_is_refused_with_a_sentence(finished, job):
    job.folder.mkdir()
    (job.folder / CHECKPOINT).write_bytes((finished[0].folder / CHECKPOINT).read_bytes()[:1000])
    with pytest.raises(TrainingError, match="is damaged"):
        list(train(job))


@for_both
def test_a_loss_that_is_not_finite_fails_the_trial_and_says_what_may_help(job):
    exploding = replace(job, hyperparameters=replace(job.hyperparameters, lr=1e20))
    with pytest.raises(TrainingError, match="lower learning rate"):
        list(train(exploding))


@for_both
def test_a_batch_that_is_trained_in_parts_makes_the_steps_of_a_whole_one(job, finished, monkeypatch):
    build, sizes = loop.build_network, []

    def watched(*args, **kwargs):
        network = build(*args, **kwargs)
        network.register_forward_pre_hook(lambda network, inputs: sizes.append((network.training, len(inputs[0]))))
        return network

    monkeypatch.setattr(loop, "build_network", watched)
    result = next(train(replace(job, accumulation=2)))
    trained = [size for training, size in sizes if training]
    assert max(trained) == 2
    assert sum(trained) == len(read_dataset(job.dataset_folder).split("train"))
    assert max(size for training, size in sizes if not training) <= 4
    assert result.loss == pytest.approx(finished[1][0].loss, rel=0.2)


def noted(signs):
    """A pulse that notes how far an epoch is; those before the first epoch say nothing."""
    return lambda progress=None: signs.append(progress) if progress else None


def test_every_batch_gives_a_sign_of_life(job):
    dataset, signs = read_dataset(job.dataset_folder), []
    next(train(job, noted(signs)))
    assert len(signs) == math.ceil(len(dataset.split("train")) / 4) + math.ceil(len(dataset.split("val")) / 8)


def test_signs_of_life_say_how_far_the_epoch_is_evaluation_included(job):
    signs = []
    for _ in train(job, noted(signs)):
        pass
    for epoch in (1, 2):
        shares = [sign.share for sign in signs if sign.epoch == epoch]
        assert shares == sorted(shares)
        assert len(set(shares)) == len(shares) > 2
        assert shares[0] > 0 and shares[-1] == pytest.approx(1)
        seconds = [sign.seconds for sign in signs if sign.epoch == epoch]
        assert seconds[0] > 0 and seconds == sorted(seconds)


def copied(dataset, folder, records):
    changed = replace(dataset, folder=folder / "copy", images=tuple(records))
    changed.folder.mkdir()
    (changed.folder / "images").symlink_to(dataset.folder / "images")
    write_dataset(changed)
    return changed


@pytest.mark.parametrize(("split", "word"), [("train", "training"), ("val", "validation")])
def test_nothing_to_learn_from_or_to_judge_by_is_a_sentence(job, dataset, tmp_path, split, word):
    emptied = [
        replace(record, annotations=Annotations.of([], [])) if record.split == split else record
        for record in dataset.images
    ]
    changed = copied(dataset, tmp_path, emptied)
    with pytest.raises(TrainingError, match=f"no boxes among its {word} photos"):
        list(train(replace(job, dataset_folder=changed.folder)))


def test_a_photo_that_disappeared_is_named(job, dataset, tmp_path):
    records = [replace(record, file=f"gone-{record.file}") for record in dataset.images]
    changed = copied(dataset, tmp_path, records)
    with pytest.raises(PhotoError, match="gone-"):
        list(train(replace(job, dataset_folder=changed.folder)))


@pytest.mark.parametrize("split", ["train", "val"])
def test_a_photo_that_has_changed_is_named_whichever_core_comes_upon_it(job, dataset, tmp_path, split):
    changed = replace(dataset, folder=tmp_path / "changed")
    shutil.copytree(dataset.folder, changed.folder)
    record = dataset.split(split)[-1]
    draw_photo((record.width, record.height)).save(changed.photo(record))
    with pytest.raises(PhotoError, match=f"{re.escape(record.file)}.* has changed since"):
        list(train(replace(job, dataset_folder=changed.folder, threads=2)))


@pytest.mark.parametrize("failing", [0, 1, 7])
def test_a_core_that_fails_ends_the_trial_with_what_it_says(job, monkeypatch, failing):
    build, number = loop.build_network, count()

    def fail(network, _):
        if network.training and next(number) == failing:
            raise MemoryError("no more")

    def build_failing(*args, **kwargs):
        network = build(*args, **kwargs)
        network.register_forward_pre_hook(fail)
        return network

    monkeypatch.setattr(loop, "build_network", build_failing)
    with pytest.raises(MemoryError, match="no more"):
        list(train(replace(job, threads=2)))


@pytest.fixture
def like_a_gpu(monkeypatch):
    """Train on a CPU as a GPU is trained on, but for the pinned memory."""

    def like_a_gpu(dtype, loaders=2):
        monkeypatch.setattr(loop, "traits_of", lambda device, _: DeviceTraits(device, dtype, loaders=loaders))

    return like_a_gpu


@pytest.fixture
def count_reads(monkeypatch, tmp_path):
    """Tells how many photos were decoded, by this process and those forked from it."""
    reads, open_photo = tmp_path / "reads", letterbox_dataset.open_photo

    def noting(*arguments):
        with reads.open("a") as file:
            file.write("x")
        return open_photo(*arguments)

    monkeypatch.setattr("autodet.training.letterbox_dataset.open_photo", noting)
    return lambda: len(reads.read_text())


def test_bfloat16_and_loaders_learn_much_the_same_and_read_photos_once(finished, job, dataset, like_a_gpu, count_reads):
    like_a_gpu(torch.bfloat16)
    mixed = list(train(job))
    assert [result.loss for result in mixed] == pytest.approx([result.loss for result in finished[1]], rel=0.25)
    assert (figures(mixed) == figures(finished[1])) == computes_bfloat16()  # who makes batches ready changes nothing
    assert count_reads() == len(dataset.split("train")) + len(dataset.split("val"))


@pytest.fixture
def little_memory(monkeypatch):
    """For three photos."""
    monkeypatch.setattr(loop, "MEMORY_BYTES", 3 * SQUARE_BYTES)


def test_with_little_memory_photos_are_read_once_and_training_is_the_same(
    finished, job, dataset, little_memory, roomy_disk, count_reads
):
    running = train(job)
    results = [next(running)]
    assert {path.name for path in job.folder.iterdir()} == set(EPOCH_FILES)
    results += running
    assert figures(results) == figures(finished[1])
    assert_same(weights_of(job), weights_of(finished[0]))
    assert count_reads() == len(dataset.split("train")) + len(dataset.split("val"))


def test_a_compiled_backbone_learns_the_same(finished, job, monkeypatch):
    compiled, compile_module = [], torch.nn.Module.compile

    def noting(module):
        compiled.append(module)
        compile_module(module, backend="eager")  # everything but the slow part: what a compiler would make of it

    monkeypatch.setattr(torch.nn.Module, "compile", noting)
    monkeypatch.setenv("AUTODET_COMPILE", "1")
    assert figures(train(job)) == figures(finished[1])
    assert [hasattr(module, "body") for module in compiled] == [True]  # the backbone
    assert_same(weights_of(job), weights_of(finished[0]))


class OneConvolution(torch.nn.Module):
    """The smallest network with a detector's contract; it learns to answer with nothing."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Conv2d(3, 4, 3)

    def forward(self, images, targets=None):
        answer = self.layer(images / 255)
        if targets is not None:
            return {"loss": answer.float().square().mean() * 1e4}
        none = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64), "scores": torch.zeros(0)}
        return [none] * len(images)


@pytest.mark.parametrize(("loaders", "refit"), [(2, False), (0, True)])
def test_processes_and_splits_share_what_the_disk_keeps(
    job, dataset, like_a_gpu, little_memory, roomy_disk, count_reads, monkeypatch, loaders, refit
):
    monkeypatch.setattr(loop, "build_network", lambda *_, **__: OneConvolution())
    monkeypatch.setattr(
        "autodet.training.letterbox_dataset.MOSAICS", 0.0
    )  # for which two processes may want one photo at the same time
    like_a_gpu(torch.bfloat16, loaders)
    list(train(replace(job, epochs=3, refit=refit)))
    assert count_reads() == len(dataset.split("train")) + len(dataset.split("val"))


def test_a_disk_without_room_for_squares_does_not_end_training(
    job, dataset, little_memory, roomy_disk, count_reads, monkeypatch, tmp_path
):
    monkeypatch.setattr(loop, "build_network", lambda *_, **__: OneConvolution())
    expected = figures(train(replace(job, folder=tmp_path / "roomy")))
    before, limits = count_reads(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5 * SQUARE_BYTES, limits[1]))  # enough for the checkpoint
    try:
        assert figures(train(job)) == expected
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    photos = len(dataset.split("train")) + len(dataset.split("val"))
    assert count_reads() - before > photos


@for_both
def test_float16_learns_with_scaled_losses_and_goes_on_from_its_checkpoint(job, like_a_gpu, monkeypatch, tmp_path):
    monkeypatch.setattr(loop, "build_network", lambda *_, **__: OneConvolution())
    like_a_gpu(torch.float16)
    job = replace(job, epochs=6, hyperparameters=replace(job.hyperparameters, lr=1e-2))
    uninterrupted = replace(job, folder=tmp_path / "uninterrupted")
    results = list(train(uninterrupted))
    assert results[-1].loss < results[0].loss / 2
    scaler = weights_of(uninterrupted)["scaler"]
    assert 1 < scaler["scale"] < 4096  # halved, for the first steps had no finite gradients
    next(stopped := train(job))
    stopped.close()
    assert figures(train(job)) == figures(results)
    assert_same(weights_of(job), weights_of(uninterrupted))


def test_without_averaging_what_is_kept_is_what_was_trained(job):
    next(train(replace(job, hyperparameters=replace(SMALL, ema_decay=0.0))))
    state = weights_of(job)
    assert_same(dict(state["average"]), dict(state["network"]))


def test_a_checkpoint_of_a_version_that_could_tune_less_goes_on(job):
    next(train(job))
    path = job.folder / CHECKPOINT
    document = torch.load(path, weights_only=True)
    for name in ("frozen_depth", "augmentation", "scheduler"):
        del document["identity"][name]
    torch.save(document, path)
    assert [result.epoch for result in train(job)] == [1, 2]
    with pytest.raises(TrainingError, match="other parameters"):
        next(train(replace(job, hyperparameters=replace(SMALL, scheduler="linear"))))


@pytest.mark.parametrize(
    ("photos", "kept"),
    [(10, [True, True, False, True, False, False]), (9, [True, True, True, True, True, False])],
    ids=["many", "few"],
)
def test_the_latest_of_about_the_highest_epochs_is_kept_and_of_few_photos_the_last_before_a_collapse(
    job, dataset, monkeypatch, tmp_path, photos, kept
):
    scores = [0.5, 0.8, 0.78, 0.79, 0.6, 0.1]
    judged = iter(EpochMetrics(score, score / 2, None, {}) for score in scores)
    monkeypatch.setattr(loop, "build_network", lambda *_, **__: OneConvolution())
    monkeypatch.setattr(loop, "measure", lambda *_: next(judged))
    validation = (dataset.split("val") * photos)[:photos]
    data = copied(dataset, tmp_path, [*dataset.split("train"), *validation])
    job = replace(job, dataset_folder=data.folder, epochs=6)
    begun = train(job)
    results = [next(begun) for _ in range(3)]
    begun.close()
    assert [result.kept for result in train(job)] == kept  # it goes on from its checkpoint
    assert [result.kept for result in results] == kept[:3]
    card, _ = read_bundle(job.folder / BEST_BUNDLE)
    last = max(epoch for epoch, is_kept in enumerate(kept, start=1) if is_kept)
    assert (card.epoch, card.metrics["map50"]) == (last, scores[last - 1])


def test_where_speed_counts_each_best_epoch_and_its_bundle_say_what_a_prediction_takes(job):
    job = replace(job, objective=Objective.parse("map50+latency"))
    results = list(train(job))
    best = best_epoch_of(results)
    assert results[0].latency_ms > 0
    assert read_bundle(job.folder / BEST_BUNDLE)[0].latency_ms == best.latency_ms == min_latency(results)
    assert list(train(job)) == results  # from the checkpoint
    assert figures(results) == figures(train(replace(job, folder=job.folder / "plain", objective=MAP50)))


def min_latency(results):
    return min(result.latency_ms for result in results if result.latency_ms)
