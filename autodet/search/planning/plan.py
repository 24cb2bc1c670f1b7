"""Plan of a search, and its reasons for the user who approves it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from autodet.records import Hyperparameters, Notice, NoticeKind
from autodet.search.order.space import (
    Range,
    Space,
    Tried,
    architectures,
    default_values,
    hyperparameters_of,
    make_space,
)
from autodet.search.planning.dataset_profile import Facts
from autodet.search.planning.forecast import forecast_search
from autodet.search.planning.image_size import (
    fit_photo_size,
    has_many_small_boxes,
    photo_size_reason,
    usual_sizes,
)
from autodet.search.planning.known_classes import coco_classes_reason
from autodet.search.planning.networks import networks_reason
from autodet.training.class_balance import oversampling_factor
from autodet.training.forecast import epoch_seconds
from autodet.training.hardware import Hardware

MORE_VARIES = 8  # trials needed to compare more than learning rates and weight decay
MIN_MENTIONED = 2.0  # minimum oversampling factor to mention
Few = Literal["chosen", "too_few", ""]  # trials: few parameters were chosen for them, or they are too few


@dataclass(frozen=True)
class Plan:
    """Plan of a search; the defaults apply without a preset.

    Attributes:
        trials: Number of trials.
        epochs: Epochs per trial.
        space: Parameters to try beyond the default space, as for ``make_space``.
        sampler: Sampler of parameter values.
        pruner: Pruner of trials that fall behind.
        patience: Early stopping: a trial ends after this many epochs without improvement; None disables it.
        image_size: Photo size of trial 0.
        why: Reasons, which ``autodet.messages.plans`` renders as sentences.
    """

    trials: int = 3
    epochs: int = 20
    space: Mapping[str, Any] = field(default_factory=dict)
    sampler: str = "tpe"
    pruner: str = "median"
    patience: int | None = None
    image_size: int = Hyperparameters.image_size
    why: tuple[Notice, ...] = ()


def first_trial(space: Space) -> Hyperparameters:
    """Return the hyperparameters of trial 0."""
    return hyperparameters_of(default_values(space))


def steps_an_epoch(train_photos: int) -> int:
    """Return the steps per epoch with batches of four photos, the unit of the presets' steps."""
    return max(1, math.ceil(train_photos / Hyperparameters.batch_size))


def explain_entries(plan: Plan, facts: Facts, hardware: Hardware, *, pretrained: bool = True) -> tuple[Notice, ...]:
    """Explain a plan that the user entered.

    Args:
        plan: The entered plan; its ``space`` is complete, including the network, as returned by ``make_space``.
        facts: Data set statistics.
        hardware: Hardware that trials run on.
        pretrained: Whether trials start from the network's published weights, not from a model.
    """
    plan = replace(plan, image_size=first_trial(plan.space).image_size)
    networks = architectures(plan.space)
    reasons = (
        effort_reason(plan, facts, hardware, plan.space, asked=True),
        networks_reason(networks, own_sizes="image_size" not in plan.space) if pretrained else None,
        _entered_size_reason(plan, facts),
        coco_classes_reason(networks, facts.classes) if pretrained else None,
        mosaics_reason(plan.space, facts),
        _entered_space_reason(plan, facts),
    )
    return tuple(filter(None, reasons))


def _entered_size_reason(plan: Plan, facts: Facts) -> Notice | None:
    """Explain an entered photo size; None if no preset would choose it."""
    size, sizes = plan.image_size, usual_sizes(first_trial(plan.space).architecture)
    for usual in sorted(sizes, key=lambda usual: usual != size):
        if size == fit_photo_size(usual, facts, sizes[0]):
            return photo_size_reason(size, usual, facts)
    return None


def effort_reason(plan: Plan, facts: Facts, hardware: Hardware, usual: Space, *, asked: bool) -> Notice:
    """Explain the trials and epochs by their time; ``usual`` is the space without the plan's additions."""
    photos = (facts.train_photos, facts.val_photos)
    whole = forecast_search(photos, plan.trials, plan.epochs, {**usual, **make_space(plan.space)}, hardware)
    return Notice.of(
        "effort",
        trials=plan.trials,
        epochs=plan.epochs,
        asked=asked,
        slots=list(hardware.slots),
        source="guess" if hardware.is_guess else "earlier search" if hardware.measured else "",
        photos=facts.train_photos,
        epoch_seconds=epoch_seconds(*photos, first_trial(usual), hardware),
        least_seconds=whole.least_seconds,
        most_seconds=whole.most_seconds,
    )


def epochs_reason(plan: Plan, usual: int, facts: Facts) -> Notice | None:
    """Explain a number of epochs above or below the usual one; None if it is equal."""
    if plan.epochs == usual:
        return None
    kind: NoticeKind = "epochs_raised" if plan.epochs > usual else "epochs_lowered"
    return Notice.of(kind, steps=steps_an_epoch(facts.train_photos), usual=usual)


def mosaics_reason(space: Space, facts: Facts) -> Notice | None:
    """Explain the oversampling of rare classes in mosaics; None if it is off or below ``MIN_MENTIONED``."""
    often = oversampling_factor(facts.rare_photos, facts.most_photos) if facts.rare_photos else 1.0
    if often < MIN_MENTIONED or not first_trial(space).augmentation:
        return None
    return Notice.of(
        "class_rare", name=facts.rare_class, shown=facts.rare_photos, photos=facts.train_photos, times=often
    )


def space_reason(plan: Plan, facts: Facts, asked: Mapping[str, Any], *, pruner: str | None) -> Notice:
    """Explain the varied parameters, planned and requested, why there are no more, and the pruner if it is given."""
    few: Few = "chosen" if plan.trials < MORE_VARIES else ""
    return _space_reason(plan, facts, make_space({**plan.space, **asked}), few, pruner)


def _entered_space_reason(plan: Plan, facts: Facts) -> Notice:
    """Like ``space_reason`` for an entered space, which may be too large for the trials."""
    much = plan.trials < MORE_VARIES and len(_varied(plan.space)) > len(_varied(make_space()))
    return _space_reason(plan, facts, plan.space, "too_few" if much else "", plan.pruner)


def _space_reason(plan: Plan, facts: Facts, space: Space, few: Few, pruner: str | None) -> Notice:
    small = plan.trials >= MORE_VARIES and has_many_small_boxes(plan.image_size, facts)
    return Notice.of(
        "trials_vary", trials=plan.trials, varied=_varied(space), small_boxes=small, few=few, pruner=pruner
    )


def _varied(space: Space) -> list[dict[str, Any]]:
    """Return the parameters that differ between trials, with their values."""
    tuned = {name: tried for name, tried in space.items() if tried.tuned}
    if "lr" in tuned:
        tuned.pop("backbone_lr_factor", None)  # it is one of the learning rates
    return [{"name": name, **_values(tried)} for name, tried in tuned.items()]


def _values(tried: Tried) -> dict[str, Any]:
    return {"low": tried.low, "high": tried.high} if isinstance(tried, Range) else {"values": list(tried.values)}
