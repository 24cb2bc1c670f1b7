"""Training of one trial: a generator that yields after every epoch; closing it stops the training."""

import copy
import math
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import safetensors.torch
import torch
import torchvision
from torch import Tensor, nn
from torch.utils.data import DataLoader

from autodet.datasets.manifest import Dataset, read_dataset
from autodet.errors import TrainingError
from autodet.evaluation.coco_metrics import EpochMetrics, measure
from autodet.messages.plans import reused_text
from autodet.models.bundle import read_bundle
from autodet.models.matching_weights import transplant
from autodet.models.model_card import ModelCard, one_line
from autodet.models.registry import build_network, find_architecture
from autodet.records import EpochResult, Hyperparameters, ImageRecord, Prediction, TrainedSizes
from autodet.training.average import average
from autodet.training.checkpoint import Progress, load_checkpoint, save_checkpoint
from autodet.training.cpu_data_parallel import ahead
from autodet.training.device_profile import prepare, traits_of
from autodet.training.forecast import EVALUATION_SHARE
from autodet.training.frozen_layers import freeze
from autodet.training.image_cache import MEMORY_BYTES, SquareCache
from autodet.training.latency import PHOTOS, measure_latency
from autodet.training.letterbox_dataset import Sample, Squares, collate
from autodet.training.photo_share import repeated, training_part
from autodet.training.recent_loss import RecentLoss
from autodet.training.schedule import set_learning_rates
from autodet.training.train_job import MIN_PHOTOS_TO_CHOOSE, EpochProgress, Pulse, TrainJob, no_pulse
from autodet.training.transforms import TrainingTransform
from autodet.training.validation import Validator, replicas_of, write_validated
from autodet.version import __version__

KEEP_MARGIN = 0.05  # of the score, divided by the root of the number of validation photos
GRADIENT_NORM = 10.0  # maximum L2 norm of a step's gradient, over all weights
EXAMPLES, MAX_EXAMPLES = 12, 400  # photos of each class, and in all, that the network sees before training


def train(job: TrainJob, pulse: Pulse = no_pulse) -> Iterator[EpochResult]:
    """Train one trial.

    After every epoch, ``job.folder`` contains a checkpoint, and the bundle and the validation predictions of the last
    epoch that was kept. If a checkpoint exists, its epochs are yielded again before training continues.

    Args:
        job: The training job.
        pulse: Called after every batch, in training and in evaluation, with the progress of the epoch.

    Yields:
        One result per epoch.

    Raises:
        TrainingError: There is no ground truth to train on, or the loss is no longer finite.
        PhotoError: A photo can no longer be read.
        WeightsError: The pretrained weights are not available.
        ModelError: The model with the starting weights is damaged, or does not fit the network.
    """
    if job.threads:
        torch.set_num_threads(job.threads)
    dataset = read_dataset(job.dataset_folder)
    if job.members:
        yield from average(job, dataset, pulse)
        return
    progress = load_checkpoint(job, dataset.fingerprint)
    yield from progress.history
    if len(progress.history) >= job.epochs:
        return
    job.folder.mkdir(parents=True, exist_ok=True)
    trial = _Trial(job, dataset, progress, pulse)
    for epoch in range(len(progress.history) + 1, job.epochs + 1):
        yield trial.run_epoch(epoch)


class _Trial:
    """State of one trial between epochs."""

    def __init__(self, job: TrainJob, dataset: Dataset, progress: Progress, pulse: Pulse) -> None:
        self.job, self.dataset, self.progress, self.pulse = job, dataset, progress, pulse
        self.device = torch.device(job.device)
        self.traits = traits_of(self.device, job.threads)
        prepare(self.device)
        side = job.hyperparameters.image_size
        memory_bytes = MEMORY_BYTES // job.accumulation  # shrink the cache when memory is short
        all_photos = _marked_records(dataset, "train", "training")
        to_learn = training_part(all_photos, job.train_share, job.seed)
        to_judge = _marked_records(dataset, "val", "validation")
        if job.refit:
            to_learn = [*to_learn, *to_judge]
        cache = SquareCache((record.file for record in (*to_learn, *to_judge)), side, job.folder, memory_bytes)
        an_epoch = to_learn if job.train_share >= 1 else repeated(to_learn, len(all_photos))
        self.train_squares = Squares(dataset, an_epoch, side, _augmentation(job.hyperparameters), cache)
        self.val_squares = Squares(dataset, to_judge, side, None, cache)
        self.sizes = TrainedSizes.of(to_learn)
        _seed(job.seed, 0)
        examples = _examples(dataset, to_learn, side, cache, pulse)
        network, reused = _network(job, dataset.classes, examples, pulse, resumes=bool(progress.state))
        if not progress.state:
            progress.reused_classes = reused
            progress.similar_classes = getattr(network, "similar_classes", {})
            told = reused_text(reused, progress.similar_classes)
            print(told, file=sys.stderr, flush=True)  # into the log of the search
        freeze(network, job.hyperparameters)
        self.network = network.to(self.device).to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.network).requires_grad_(False).eval()
        # At least two photos per replica, because Python's overhead is the same for one.
        self.replicas = replicas_of(self.network, job.hyperparameters.batch_size // 2, self.traits, job.accumulation)
        self.validator = Validator(self.average, self.traits, job.accumulation)
        if self.traits.compiled:  # all squares have one size; the heads have data-dependent shapes and stay uncompiled
            self.network.get_submodule("backbone").compile()
        self.optimizer = _optimizer(self.network, job.hyperparameters)
        self.scaler = self.traits.gradient_scaler()
        if self.traits.loaders:
            for _ in self.train_squares.decode(self.traits.loaders):
                self.pulse()
        self.steps_per_epoch = math.ceil(len(self.train_squares) / job.hyperparameters.batch_size)
        for name, part in self._parts().items():
            if progress.state:
                part.load_state_dict(progress.state[name])
        self.moment = time.monotonic()

    def _parts(self) -> dict[str, nn.Module | torch.optim.Optimizer | torch.amp.GradScaler]:
        return {
            "network": self.network,
            "average": self.average,
            "optimizer": self.optimizer,
            "scaler": self.scaler,
        }

    def run_epoch(self, epoch: int) -> EpochResult:
        loss = self._train(epoch)
        if not (math.isfinite(loss) and self._is_finite()):
            raise TrainingError(
                f"The loss was no longer a finite number in epoch {epoch}; a lower learning rate than "
                f"{self.job.hyperparameters.lr:g} should help."
            )
        predictions = self._evaluate(epoch)
        classes = len(self.dataset.classes)
        metrics = measure(self.val_squares.records, predictions, classes, self.job.objective)
        result = EpochResult(epoch, loss, metrics.map50, metrics.map50_95, 0.0, metrics.value)
        result = replace(result, kept=self._is_kept(result.score))
        if result.kept and self.job.objective.latency and not self.job.refit:
            result = replace(result, latency_ms=self._measure_latency())
        # The time to write an epoch's checkpoint counts towards the next epoch, so that the sum is complete.
        before, self.moment = self.moment, time.monotonic()
        result = replace(result, seconds=self.moment - before)
        if result.kept:
            self._keep(result, predictions, metrics)
        self.progress.history.append(result)
        self.progress.state = {name: part.state_dict() for name, part in self._parts().items()}
        save_checkpoint(self.job, self.dataset.fingerprint, self.progress)
        return result

    def _train(self, epoch: int) -> float:
        _seed(self.job.seed, epoch)
        self.train_squares.begin_epoch(self.job.seed, epoch)
        self.network.train()
        total, trained = torch.zeros((), device=self.device), 0
        recent = RecentLoss()
        step = (epoch - 1) * self.steps_per_epoch
        scheduler = self.job.hyperparameters.scheduler
        if self.replicas:
            self.replicas.begin_epoch(self.job.seed, epoch)
        for images, targets in ahead(self._loader()) if self.replicas else self._loader():
            set_learning_rates(self.optimizer, step / (self.steps_per_epoch * self.job.epochs), scheduler)
            loss = self._step(self.traits.move(images), targets)
            total += loss
            step += 1
            self._average(step)
            trained += len(images)
            self._beat(epoch, trained, loss=recent.after(loss))
        return float(total) / self.steps_per_epoch

    def _loader(self) -> "DataLoader[Sample]":
        # Forked processes share the photos in this process's memory. On a CPU the network already uses every core.
        loaders = self.traits.loaders
        return DataLoader[Sample](
            self.train_squares,
            batch_size=self.job.hyperparameters.batch_size,
            shuffle=True,
            collate_fn=collate,
            num_workers=loaders,
            multiprocessing_context="fork" if loaders else None,
            pin_memory=self.traits.pinned,
        )

    def _step(self, images: Tensor, targets: list[dict[str, Tensor]]) -> Tensor:
        """Run one optimizer step."""
        targets = [{key: self.traits.move(value) for key, value in target.items()} for target in targets]
        self.optimizer.zero_grad(set_to_none=True)
        loss = self._backward(images, targets)
        self.scaler.unscale_(self.optimizer)
        nn.utils.clip_grad_norm_(self.network.parameters(), GRADIENT_NORM)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return loss

    def _backward(self, images: Tensor, targets: list[dict[str, Tensor]]) -> Tensor:
        """Compute the gradient of a batch, accumulated over its parts, and return its loss."""
        count = len(self.replicas) if self.replicas else self.job.accumulation
        size = math.ceil(len(images) / count)
        parts = [(images[at : at + size], targets[at : at + size]) for at in range(0, len(images), size)]
        learn = partial(self._learn, of=len(images))
        losses = self.replicas.learn(learn, parts) if self.replicas else [learn(self.network, *part) for part in parts]
        return torch.stack(losses).sum()

    def _learn(self, network: nn.Module, images: Tensor, targets: list[dict[str, Tensor]], of: int) -> Tensor:
        """Add the gradient of a part of a batch to a network; return the part's share of the batch loss."""
        with self.traits.autocast():
            losses = network(images, targets)
        loss: Tensor = sum(losses.values()) * (len(images) / of)
        self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        return loss.detach()

    @torch.no_grad()
    def _average(self, step: int) -> None:
        """Update the EMA weights; with a lower decay at first, so that they forget the initial weights."""
        weight = 1 - min(self.job.hyperparameters.ema_decay, (1 + step) / (10 + step))
        averaged: list[Tensor] = list(self.average.parameters())
        current: list[Tensor] = list(self.network.parameters())
        torch._foreach_lerp_(averaged, current, weight)

    def _is_finite(self) -> bool:
        """Return whether the EMA weights are finite, also after the last step, which no later loss would reveal."""
        return all(bool(weights.isfinite().all()) for weights in self.average.parameters())

    def _beat(self, epoch: int, trained: int, evaluated: int = 0, loss: float | None = None) -> None:
        """Report the progress of an epoch by the photos trained and evaluated so far, and its recent loss."""
        whole = len(self.train_squares) + EVALUATION_SHARE * len(self.val_squares)
        share = (trained + EVALUATION_SHARE * evaluated) / whole
        self.pulse(EpochProgress(epoch, share, time.monotonic() - self.moment, loss))

    def _evaluate(self, epoch: int) -> list[Prediction]:
        trained = len(self.train_squares)
        return self.validator.predict(self.val_squares, lambda done: self._beat(epoch, trained, done))

    def _measure_latency(self) -> float:
        """Return the lowest latency of this trial so far: weights hardly affect it, and noise only adds time."""
        count = len(self.val_squares)
        photos = map(self.val_squares.photo, range(0, count, -(-count // PHOTOS)))
        side = self.job.hyperparameters.image_size
        measured = measure_latency(self.average, photos, side, self.device, self.pulse)
        return min([measured, *(result.latency_ms for result in self.progress.history if result.latency_ms)])

    def _is_kept(self, score: float) -> bool:
        """Return whether the model of an epoch replaces that of an earlier one.

        A later epoch with about the highest score is the better one on other photos (docs/experiments/nanodet.md),
        because the highest of many scores is partly luck; the more photos, the less. Few photos do not tell epochs
        apart, and the last one is the best bet (docs/experiments/kept-epoch.md), unless training has collapsed.
        """
        photos, highest = len(self.val_squares), self.progress.highest_score
        if self.job.refit:
            return True
        if photos < MIN_PHOTOS_TO_CHOOSE:
            return score >= highest / 2
        return score >= highest - KEEP_MARGIN / math.sqrt(photos)

    def _keep(self, result: EpochResult, predictions: list[Prediction], metrics: EpochMetrics) -> None:
        job = self.job
        card = ModelCard(
            name=one_line(job.name),
            classes=self.dataset.classes,
            architecture=job.hyperparameters.architecture,
            image_size=job.hyperparameters.image_size,
            dataset=one_line(self.dataset.name),
            dataset_fingerprint=self.dataset.fingerprint,
            metrics={},
            params=job.hyperparameters.to_json(),
            epoch=result.epoch,
            latency_ms=result.latency_ms,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            versions={"autodet": __version__, "torch": torch.__version__, "torchvision": torchvision.__version__},
            start_from=job.start.origin if job.start else None,
            trained_sizes=self.sizes,
            reused_classes=self.progress.reused_classes,
            similar_classes=self.progress.similar_classes,
        )
        write_validated(job, self.dataset, self.average, card, predictions, metrics)


def _network(
    job: TrainJob, classes: tuple[str, ...], examples: Iterable[Sample], pulse: Pulse, *, resumes: bool
) -> tuple[nn.Module, dict[str, str]]:
    """Build the network with its starting weights, and return the classes that they know; on resume neither matters."""
    pretrained = not resumes and job.start is None
    architecture = job.hyperparameters.architecture
    network = build_network(
        architecture, len(classes), pretrained=pretrained, classes=classes, examples=examples, pulse=pulse
    )
    if job.start and not resumes:
        card, weights = read_bundle(job.start.bundle)
        if card.weights_sha256 != job.start.origin.weights_sha256:
            raise TrainingError(
                f"{job.start.bundle.name} is not the model that the search began with; start a new search."
            )
        return network, dict(transplant(safetensors.torch.load(weights), card.classes, network, classes).kept)
    return network, getattr(network, "reused_classes", {})


def _marked_records(dataset: Dataset, split: str, purpose: str) -> list[ImageRecord]:
    records = list(dataset.split(split))
    if not any(record.annotations.teaches for record in records):
        raise TrainingError(
            f"The data set {dataset.name} has no boxes among its {purpose} photos, so no trial can be trained and "
            "evaluated; import one that has."
        )
    return records


def _examples(
    dataset: Dataset, records: Sequence[ImageRecord], side: int, cache: SquareCache | None, pulse: Pulse = no_pulse
) -> Iterator[Sample]:
    """Yield unmodified training photos: up to ``EXAMPLES`` of each class, and up to ``MAX_EXAMPLES`` in all."""
    shown: Counter[int] = Counter()
    left = MAX_EXAMPLES
    for record in records:
        classes = set(record.annotations.class_ids[~record.annotations.difficult].tolist())
        if left and any(shown[class_id] < EXAMPLES for class_id in classes):
            left -= 1
            shown.update(classes)
            pulse()
            yield Squares(dataset, [record], side, cache=cache)[0]


def _seed(seed: int, epoch: int) -> None:
    """Seed torch for an epoch; its draws depend only on the trial's seed and the epoch number."""
    torch.manual_seed(seed * 100_003 + epoch)


def _augmentation(hyperparameters: Hyperparameters) -> TrainingTransform | None:
    strength = hyperparameters.augmentation
    return TrainingTransform(hyperparameters.image_size, strength) if strength else None


def _optimizer(network: nn.Module, hyperparameters: Hyperparameters) -> torch.optim.AdamW:
    """Create AdamW with fused steps; the pretrained body trains at a fraction of the learning rate."""
    body: list[nn.Parameter] = []
    new: list[nn.Parameter] = []
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            (body if name.startswith("backbone.body") else new).append(parameter)
    lr = hyperparameters.lr * find_architecture(hyperparameters.architecture).lr_factor
    factor = hyperparameters.backbone_lr_factor
    groups = [{"params": new, "lr": lr, "peak": lr}, {"params": body, "lr": lr * factor, "peak": lr * factor}]
    return torch.optim.AdamW(groups, weight_decay=hyperparameters.weight_decay, fused=True)
