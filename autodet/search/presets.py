"""Presets: a word for how much effort, and what follows from it for a data set on the hardware that is there.

Epochs are thought of in steps, because a photo of forty is seen more often than one of forty thousand; trials in time.
"""

import math
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from autodet.datasets.manifest import Dataset
from autodet.datasets.statistics import SMALL_SIDE, columns_of
from autodet.errors import SearchError
from autodet.models.registry import DEFAULT_ARCHITECTURE, USUAL_ARCHITECTURES, find_architecture, weights_problem
from autodet.records import SPLITS, Hyperparameters
from autodet.search.forecasting import forecast_search
from autodet.search.space import make_space
from autodet.training.forecast import epoch_seconds, trial_seconds
from autodet.training.hardware import Hardware
from autodet.words import counted, duration

HOUR = 3600.0
MOST_EPOCHS = 100
MORE_VARIES = 8  # trials from which on more than learning rates and weight decay can be told apart
MANY_TRIALS = 20  # from here on brackets of Hyperband, and networks, have enough trials each
FEWEST_FOR_BRACKETS = 9  # epochs: two halvings by three
LONG_TRIAL = 30  # epochs from which on it pays to have patience end a trial
MANY_SLOTS = 4  # on so many, successive halving does not wait for a bracket to fill
BATCHES = (2, 4, 8, 16, 32)
MOST_BATCH_CPU = 8  # beyond, a CPU gains nothing
STEPS_AN_EPOCH = 20  # batches must leave so many
MANY_SMALL = 0.25  # of all boxes
SIZES = (1.0, 1.3, 1.6, 2.0)  # times the network's own
# What the backward pass of a photo of 320 pixels needs is 55 MB in float32, measured with both networks; the rest is
# room for what a GPU needs beside it, which was not measured.
PHOTO_BYTES, BASE_BYTES = 150e6, 2e9
UNKNOWN_GPU_BYTES = 8e9  # what too many photos do not fit into is trained in parts, so a guess does no harm
ROOMY_GPU_BYTES = 8e9


@dataclass(frozen=True)
class Preset:
    """How much effort.

    Attributes:
        title: Its name on a page.
        epochs: Epochs a trial, for some hundred photos.
        steps: The fewest and the most steps of a trial with the default batch size.
        trials: Trials on a CPU.
        trials_gpu: Trials on GPUs.
        least_trials: So many, however long they take.
        seconds: What all trials may take, if they are more.
    """

    title: str
    epochs: int
    steps: tuple[int, int]
    trials: int
    trials_gpu: int
    least_trials: int
    seconds: float


DEFAULT_PRESET = "balanced"
PRESETS = {
    "quick": Preset("Quick look", 3, (100, 2_000), trials=2, trials_gpu=2, least_trials=1, seconds=HOUR / 4),
    "balanced": Preset("Balanced", 20, (500, 30_000), trials=3, trials_gpu=12, least_trials=2, seconds=4 * HOUR),
    "best": Preset("Best", 40, (1_000, 100_000), trials=10, trials_gpu=30, least_trials=3, seconds=24 * HOUR),
}


@dataclass(frozen=True)
class Facts:
    """What a preset goes by of a data set.

    Attributes:
        train_photos: Photos to learn from.
        val_photos: Photos that epochs are judged by.
        small_share: The share of boxes to learn from, 0 to 1, that are small at the default training size.
        photo_side: The longer side of the median photo in pixels.
    """

    train_photos: int
    val_photos: int
    small_share: float = 0.0
    photo_side: int = 640


@dataclass(frozen=True)
class Plan:
    """What a search does; the defaults are those without a preset.

    Attributes:
        trials: How many trials.
        epochs: Epochs a trial.
        space: What is tried beside what always is, as ``make_space`` takes it.
        sampler: Who chooses what is tried.
        pruner: What gives up trials that fall behind.
        patience: A trial ends after so many epochs that were no better than its best; None for never.
        why: The reasons, two or three sentences; empty without a preset.
    """

    trials: int = 3
    epochs: int = 20
    space: Mapping[str, Any] = field(default_factory=dict)
    sampler: str = "tpe"
    pruner: str = "median"
    patience: int | None = None
    why: str = ""


def facts_of(dataset: Dataset) -> Facts:
    """What a preset goes by."""
    columns = columns_of(dataset)
    learnt = columns.splits == SPLITS.index("train")
    sides = columns.sides[learnt[columns.photos]]
    longer = columns.sizes_wh[learnt].max(axis=1) if learnt.any() else np.array([640])
    small = float((sides < SMALL_SIDE).mean()) if len(sides) else 0.0
    return Facts(int(learnt.sum()), len(dataset.split("val")), small, int(np.median(longer)))


def usable_networks() -> tuple[str, ...]:
    """The usual networks whose pretrained weights can be had here; asks a server where they are not on the disk."""
    return tuple(name for name in USUAL_ARCHITECTURES if not weights_problem(name))


def plan_search(
    preset: str,
    facts: Facts,
    hardware: Hardware,
    networks: Sequence[str] = (DEFAULT_ARCHITECTURE,),
    *,
    trials: int | None = None,
    epochs: int | None = None,
    decided: Container[str] = (),
) -> Plan:
    """What a preset means for a data set on the hardware that is there; pure.

    Args:
        preset: A name of ``PRESETS``.
        facts: The data set.
        hardware: What trials are trained on.
        networks: The network to train, and others that may be tried.
        trials: How many, if that has been decided already.
        epochs: Likewise.
        decided: What else has been decided: names of parameters, ``pruner``.

    Raises:
        SearchError: There is no such preset.
    """
    if preset not in PRESETS:
        raise SearchError(f"There is no preset {preset!r}; choose one of {', '.join(PRESETS)}.")
    effort = PRESETS[preset]
    asked = trials is not None or epochs is not None
    epochs = _epochs(effort, facts.train_photos) if epochs is None else epochs
    trials = _trials(effort, facts, epochs, hardware, networks[0]) if trials is None else trials
    plan = Plan(
        trials,
        epochs,
        {name: one for name, one in _space(trials, facts, hardware, networks).items() if name not in decided},
        "tpe" if trials > len(hardware.slots) else "random",  # nothing is known yet when all begin at once
        _pruner(trials, epochs, hardware),
        epochs // 3 if trials >= MORE_VARIES and epochs >= LONG_TRIAL else None,
    )
    why = [_why_effort(plan, facts, hardware, networks[0], asked=asked), _why_epochs(plan, effort, facts)]
    why.append(_why_space(plan, facts, decided) + (f"; {_why_pruner(plan)}." if "pruner" not in decided else "."))
    return replace(plan, why=" ".join(filter(None, why)))


def _epochs(effort: Preset, photos: int) -> int:
    if not photos:  # nothing will be trained
        return effort.epochs
    steps = _steps(photos)
    least, most = (-(-effort.steps[0] // steps), effort.steps[1] // steps)
    return max(1, min(max(effort.epochs, least), most, MOST_EPOCHS))


def _steps(photos: int) -> int:
    """Steps an epoch with the default batch size."""
    return max(1, math.ceil(photos / Hyperparameters().batch_size))


def _trials(effort: Preset, facts: Facts, epochs: int, hardware: Hardware, network: str) -> int:
    """As many as are usual, if there is time for them; on GPUs, none stands idle in the last round."""
    slots = len(hardware.slots)
    usual = -(-effort.trials_gpu // slots) * slots if hardware.on_gpus else effort.trials
    one = trial_seconds(facts.train_photos, facts.val_photos, epochs, _defaults(network), hardware)
    return min(usual, max(effort.least_trials, int(effort.seconds // one) * slots))


def _defaults(network: str) -> Hyperparameters:
    return Hyperparameters(architecture=network, image_size=find_architecture(network).image_size)


def _space(trials: int, facts: Facts, hardware: Hardware, networks: Sequence[str]) -> dict[str, Any]:
    """What is tried beside what always is: the more trials, the more."""
    if trials < MORE_VARIES:
        return {}
    base = find_architecture(networks[0]).image_size
    sizes = _image_sizes(base, facts, hardware)
    space: dict[str, Any] = {"batch_size": _batch_sizes(facts, hardware, sizes[-1]), "augmentation": True}
    if len(sizes) > 1:
        space["image_size"] = sizes
    roomy = hardware.on_gpus and (hardware.gpu_memory_bytes or UNKNOWN_GPU_BYTES) >= ROOMY_GPU_BYTES
    if roomy and trials >= MANY_TRIALS and len(networks) > 1:
        space["architecture"] = list(networks)
    return space


def _image_sizes(base: int, facts: Facts, hardware: Hardware) -> list[int]:
    """Larger photos where many boxes are small, or a GPU makes it cheap; never larger than the photos are."""
    most = 2 if hardware.on_gpus else 1
    if facts.small_share >= MANY_SMALL:
        most = len(SIZES) if hardware.on_gpus else 2
    sizes = [round(base * times / 32) * 32 for times in SIZES[:most]]
    fitting = [size for size in sizes[1:] if size <= facts.photo_side and _room(hardware, size) >= BATCHES[1]]
    return [base, *fitting]


def _batch_sizes(facts: Facts, hardware: Hardware, image_size: int) -> list[int]:
    room = min(_room(hardware, image_size), facts.train_photos / STEPS_AN_EPOCH)
    return [size for size in BATCHES if size <= max(room, BATCHES[1])][-3:]


def _room(hardware: Hardware, image_size: int) -> float:
    """How many photos a batch may have."""
    if not hardware.on_gpus:
        return MOST_BATCH_CPU
    memory = hardware.gpu_memory_bytes or UNKNOWN_GPU_BYTES
    return (memory - BASE_BYTES) / (PHOTO_BYTES * (image_size / 320) ** 2)


def _pruner(trials: int, epochs: int, hardware: Hardware) -> str:
    if trials <= max(2, len(hardware.slots)):  # none is over when the last begins
        return "none"
    if trials < MANY_TRIALS or epochs < FEWEST_FOR_BRACKETS:
        return "median"
    return "asha" if len(hardware.slots) >= MANY_SLOTS else "hyperband"


# The reasons, for people

USUALLY_VARIED = {"lr": "learning rates", "weight_decay": "weight decay"}
VARIED = {
    "batch_size": "batches of {} photos",
    "augmentation": "the strength of augmentation",
    "image_size": "photo sizes of {} pixels",
    "architecture": "the network",
}
SMALL = " (many boxes are small)"


def _why_effort(plan: Plan, facts: Facts, hardware: Hardware, network: str, *, asked: bool) -> str:
    photos = (facts.train_photos, facts.val_photos)
    epoch = epoch_seconds(*photos, _defaults(network), hardware)
    space = make_space({"architecture": network, **plan.space})
    whole = forecast_search(photos, plan.trials, plan.epochs, space, hardware)
    guess = " (a guess: no GPU has been measured)" if hardware.on_gpus else ""
    each = "each of " if len(hardware.slots) > 1 else ""
    return (
        f"{counted(plan.trials, 'trial')} of {counted(plan.epochs, 'epoch')}{', as asked:' if asked else ', because'} "
        f"{each}{hardware.words} needs about {duration(epoch)} an epoch for "
        f"{counted(facts.train_photos, 'training photo')}: {whole.words} in all{guess}."
    )


def _why_epochs(plan: Plan, effort: Preset, facts: Facts) -> str:
    steps = counted(_steps(facts.train_photos), "step")
    if plan.epochs == effort.epochs or plan.epochs != _epochs(effort, facts.train_photos):
        return ""
    if plan.epochs > effort.epochs:
        return f"An epoch has only {steps}, so there are more than the usual {effort.epochs}."
    return f"An epoch has {steps}, so there are fewer than the usual {effort.epochs}."


def _why_space(plan: Plan, facts: Facts, decided: Container[str]) -> str:
    if plan.trials == 1:
        return "A single trial has the defaults"
    usual = [words for name, words in USUALLY_VARIED.items() if name not in decided]
    if plan.trials < MORE_VARIES:
        only = f"only {_listed(usual, 'and')} vary" if usual else "only what was asked for varies"
        return f"Few trials tell little apart, so {only}"
    words = VARIED | ({"image_size": VARIED["image_size"] + SMALL} if facts.small_share >= MANY_SMALL else {})
    also = [words[name].format("" if values is True else _listed(values, "or")) for name, values in plan.space.items()]
    return f"Trials vary {_listed([*usual, *also], 'and') if usual or also else 'what was asked for'}"


def _why_pruner(plan: Plan) -> str:
    if plan.pruner == "none":
        return "none is given up early" if plan.trials > 1 else "there is nothing to compare it with"
    return {
        "median": "one that is worse than the median of those before ends early",
        "hyperband": "with so many, Hyperband ends most of them early",
        "asha": "with so many, successive halving ends most of them early",
    }[plan.pruner]


def _listed(values: Sequence[object], word: str) -> str:
    *first, last = map(str, values)
    return f"{', '.join(first)} {word} {last}" if first else last
