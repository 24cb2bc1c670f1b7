"""Presets: levels of effort, and the plan that each yields for a data set and hardware.

The epochs follow from a number of steps, because a small data set needs more epochs; the trials follow from the time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

from autodet.errors import SearchError
from autodet.evaluation.objective import MAP50, Objective
from autodet.models.registry import DEFAULT_ARCHITECTURE, find_architecture
from autodet.search.order.space import (
    Range,
    Space,
    changes_latency,
    make_space,
)
from autodet.search.planning.dataset_profile import Facts
from autodet.search.planning.image_size import (
    FACTORS,
    fit_photo_size,
    has_many_small_boxes,
    multiples,
    photo_size_reason,
    usual_size,
    usual_sizes,
)
from autodet.search.planning.known_classes import coco_classes_reason
from autodet.search.planning.networks import (
    networks_reason,
    networks_to_try,
)
from autodet.search.planning.plan import (
    MORE_VARIES,
    Plan,
    effort_reason,
    epochs_reason,
    first_trial,
    mosaics_reason,
    space_reason,
    steps_an_epoch,
)
from autodet.training.forecast import trial_seconds
from autodet.training.hardware import Hardware

HOUR = 3600.0
MAX_EPOCHS = 100
MIN_BRACKET_TRIALS = 20  # enough trials per Hyperband bracket
MIN_BRACKET_EPOCHS = 9  # two halvings with a reduction factor of 3
LONG_TRIAL = 30  # epochs from which early stopping pays off
MANY_SLOTS = 4  # use ASHA, which does not wait for a bracket to fill
BATCHES = (2, 4, 8, 16, 32)
MAX_BATCH_CPU = 8  # larger batches bring no gain on a CPU
STEPS_AN_EPOCH = 20  # minimum; limits the batch size
# The backward pass of a 320-pixel photo takes 55 MB in float32, measured with two networks; the rest is headroom for
# GPU overhead, which was not measured.
PHOTO_BYTES, BASE_BYTES = 150e6, 2e9
SIZES_FOR_SPEED = (0.8, 1.0, 1.3)  # multiples of the default size


@dataclass(frozen=True)
class Preset:
    """A level of effort; ``autodet.search.order.options`` has its title.

    Attributes:
        epochs: Epochs per trial for a few hundred photos.
        steps: Minimum and maximum steps of a trial with the default batch size.
        trials: Trials on a CPU.
        trials_gpu: Trials on GPUs.
        least_trials: Minimum number of trials, regardless of time.
        seconds: Time budget of all trials beyond that minimum.
    """

    epochs: int
    steps: tuple[int, int]
    trials: int
    trials_gpu: int
    least_trials: int
    seconds: float


DEFAULT_PRESET = "balanced"
PRESETS = {
    "quick": Preset(3, (100, 2_000), trials=2, trials_gpu=2, least_trials=1, seconds=HOUR / 4),
    "balanced": Preset(20, (500, 30_000), trials=3, trials_gpu=12, least_trials=2, seconds=4 * HOUR),
    "best": Preset(40, (1_000, 100_000), trials=10, trials_gpu=30, least_trials=3, seconds=24 * HOUR),
}


def plan_search(  # noqa: PLR0913 - what has been decided already are keywords
    preset: str,
    facts: Facts,
    hardware: Hardware,
    networks: Sequence[str] = (DEFAULT_ARCHITECTURE,),
    *,
    trials: int | None = None,
    epochs: int | None = None,
    pruner: str | None = None,
    objective: Objective = MAP50,
    image_size: int | None = None,
    asked: Mapping[str, Any] | None = None,
) -> Plan:
    """Plan a search from a preset, a data set and the hardware; a pure function.

    Args:
        preset: A name in ``PRESETS``.
        facts: Data set statistics.
        hardware: Hardware that trials run on.
        networks: The network of the first trial, followed by others that are usable; all of them are tried if they
            are requested, else ``networks_to_try`` chooses.
        trials: Number of trials, if already decided.
        epochs: Epochs per trial, if already decided.
        pruner: Pruner, if already decided.
        objective: Objective of the search. With latency, no trial is pruned, and photo sizes are tried unless ``asked``
            sets them or tunes the network.
        image_size: Photo size of the start model; without one, a size that fits the boxes.
        asked: Values already requested for the space, as for ``make_space``.

    Raises:
        SearchError: The preset does not exist.
    """
    if preset not in PRESETS:
        raise SearchError(f"There is no preset {preset!r}; choose one of {', '.join(PRESETS)}.")
    effort = PRESETS[preset]
    counted_before = trials is not None or epochs is not None
    asked = asked or {}
    first = plan_photo_size(networks[0], facts, image_size, asked, preset)
    size, sized = first.image_size, {"image_size": image_size} if image_size else first.space
    usual = make_space({"architecture": networks[0], **sized, **asked})  # each network has a usual size of its own
    fitting = _epochs(effort, facts.train_photos)
    epochs = fitting if epochs is None else epochs
    likely = networks
    if "architecture" not in asked:
        likely = networks_to_try(preset, trials or _usual_trials(effort, hardware), hardware, networks)
    if trials is None:
        spaces = [make_space({**sized, **asked, "architecture": name}) for name in likely]
        trials = _trials(effort, facts, epochs, hardware, spaces)
    if "architecture" not in asked:
        networks = networks_to_try(preset, trials, hardware, networks)
    sizes = _asked_sizes(asked) or _image_sizes(size, facts, hardware)
    tried = {name: one for name, one in _space(trials, facts, hardware, networks, sizes).items() if name not in asked}
    if objective.latency and "image_size" not in {**tried, **asked} and not changes_latency(make_space(asked)):
        tried["image_size"] = [one for one in multiples(size, SIZES_FOR_SPEED) if one <= max(size, facts.photo_side)]
    fitted = plan_photo_size(networks[0], facts, image_size, {**asked, **tried}, preset)
    pretrained = image_size is None  # a start model has its own photo size
    plan = Plan(
        trials,
        epochs,
        {**tried, **fitted.space},
        "tpe" if trials > len(hardware.slots) else "random",  # TPE has no results yet if all trials start at once
        "none" if objective.latency else pruner or _pruner(trials, epochs, hardware),
        epochs // 3 if trials >= MORE_VARIES and epochs >= LONG_TRIAL else None,
        fitted.image_size,
    )
    why = (
        effort_reason(plan, facts, hardware, usual, asked=counted_before),
        epochs_reason(plan, effort.epochs, facts) if epochs == fitting else None,
        networks_reason(networks, own_sizes="image_size" not in {**plan.space, **asked})
        if pretrained and "architecture" not in asked
        else None,
        *fitted.why,
        coco_classes_reason(networks, facts.classes) if pretrained else None,
        mosaics_reason(make_space({**plan.space, **asked}), facts),
        space_reason(plan, facts, asked, pruner=plan.pruner if pruner is None else None),
    )
    return replace(plan, why=tuple(filter(None, why)))


def plan_photo_size(
    network: str, facts: Facts, image_size: int | None, tried: Mapping[str, Any], preset: str = DEFAULT_PRESET
) -> Plan:
    """Choose the photo size unless it is already given or in the space; the rest of the plan keeps its defaults.

    Args:
        network: The network to train.
        facts: Data set statistics.
        image_size: Photo size of the start model, if there is one.
        tried: Values already decided for the space, as for ``make_space``.
        preset: Name of the preset.
    """
    usual = usual_size(network, preset)
    size = image_size or fit_photo_size(usual, facts, usual_sizes(network)[0])
    if image_size or "image_size" in tried:
        return Plan(image_size=size)
    own = find_architecture(network).image_size
    return Plan(
        space={} if size == own else {"image_size": [size]},
        image_size=size,
        why=(photo_size_reason(size, usual, facts),),
    )


def _epochs(effort: Preset, photos: int) -> int:
    if not photos:  # nothing to train on
        return effort.epochs
    steps = steps_an_epoch(photos)
    least, most = (-(-effort.steps[0] // steps), effort.steps[1] // steps)
    return max(1, min(max(effort.epochs, least), most, MAX_EPOCHS))


def _usual_trials(effort: Preset, hardware: Hardware) -> int:
    """Return the preset's number of trials; on GPUs, rounded up to fill all slots."""
    slots = len(hardware.slots)
    return -(-effort.trials_gpu // slots) * slots if hardware.on_gpus else effort.trials


def _trials(effort: Preset, facts: Facts, epochs: int, hardware: Hardware, spaces: Sequence[Space]) -> int:
    """Return the preset's number of trials, reduced to its time; ``spaces`` are those of the networks."""
    photos = facts.train_photos, facts.val_photos
    one = fmean(trial_seconds(*photos, epochs, first_trial(space), hardware) for space in spaces)
    fitting = int(effort.seconds // one) * len(hardware.slots)
    return min(_usual_trials(effort, hardware), max(effort.least_trials, fitting))


def _space(
    trials: int, facts: Facts, hardware: Hardware, networks: Sequence[str], sizes: Sequence[int]
) -> dict[str, Any]:
    """Return additional parameters to tune; more trials allow more parameters."""
    space: dict[str, Any] = {"architecture": list(networks)} if len(networks) > 1 else {}
    if trials < MORE_VARIES:
        return space
    space |= {"batch_size": _batch_sizes(facts, hardware, networks[0], sizes[-1]), "augmentation": True}
    if len(sizes) > 1:
        space["image_size"] = list(sizes)
    return space


def _asked_sizes(asked: Mapping[str, Any]) -> list[int]:
    """Return the requested photo sizes in ascending order; empty if none are requested."""
    tried = make_space(asked).get("image_size")
    if tried is None:
        return []
    ends = (tried.low, tried.high) if isinstance(tried, Range) else tried.values
    return sorted(int(size) for size in ends)


def _image_sizes(base: int, facts: Facts, hardware: Hardware) -> list[int]:
    """Return photo sizes to try: larger for small boxes or on GPUs, but not above the photos' size."""
    most = 2 if hardware.on_gpus else 1
    if has_many_small_boxes(base, facts):
        most = len(FACTORS) if hardware.on_gpus else 2
    sizes = multiples(base, FACTORS[:most])
    fitting = [size for size in sizes[1:] if size <= facts.photo_side and _room(hardware, size) >= BATCHES[1]]
    return [base, *fitting]


def _batch_sizes(facts: Facts, hardware: Hardware, network: str, image_size: int) -> list[int]:
    """Return batch sizes to try: up to the network's usual one, and larger ones if they leave enough steps an epoch."""
    usual = first_trial(make_space({"architecture": network})).batch_size
    room = min(_room(hardware, image_size), max(usual, facts.train_photos / STEPS_AN_EPOCH))
    return [size for size in BATCHES if size <= max(room, BATCHES[1])][-3:]


def _room(hardware: Hardware, image_size: int) -> float:
    """Return the maximum batch size for a photo size."""
    if not hardware.on_gpus:
        return MAX_BATCH_CPU
    return (hardware.likely_gpu_bytes - BASE_BYTES) / (PHOTO_BYTES * (image_size / 320) ** 2)


def _pruner(trials: int, epochs: int, hardware: Hardware) -> str:
    if trials <= max(2, len(hardware.slots)):  # no trial has finished when the last one starts
        return "none"
    if trials < MIN_BRACKET_TRIALS or epochs < MIN_BRACKET_EPOCHS:
        return "median"
    return "asha" if len(hardware.slots) >= MANY_SLOTS else "hyperband"
