"""Plan of a search, and its reasons as sentences for the user who approves it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from autodet.models.registry import find_architecture
from autodet.records import Hyperparameters
from autodet.search.order.space import PARAMETERS, Range, Space, Tried, default_values, hyperparameters_of, make_space
from autodet.search.planning.dataset_profile import Facts
from autodet.search.planning.forecast import forecast_search
from autodet.search.planning.image_size import fit_photo_size, has_many_small_boxes, photo_size_sentence
from autodet.text_format import counted, duration, listed
from autodet.training.class_balance import times_as_often
from autodet.training.forecast import epoch_seconds
from autodet.training.hardware import Hardware

MORE_VARIES = 8  # trials needed to compare more than learning rates and weight decay
VARIED = {
    "lr": "learning rates",
    "batch_size": "batches of {} photos",
    "augmentation": "the strength of augmentation",
    "image_size": "photo sizes of {} pixels",
    "architecture": "the network",
}
TOLD_OFTEN = 2.0  # minimum oversampling factor to mention
SMALL = " (many boxes are small)"


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
        why: Reasons, as sentences.
    """

    trials: int = 3
    epochs: int = 20
    space: Mapping[str, Any] = field(default_factory=dict)
    sampler: str = "tpe"
    pruner: str = "median"
    patience: int | None = None
    image_size: int = Hyperparameters.image_size
    why: str = ""


def first_trial(space: Space) -> Hyperparameters:
    """Return the hyperparameters of trial 0."""
    return hyperparameters_of(default_values(space))


def steps_an_epoch(train_photos: int) -> int:
    """Return the steps per epoch with the default batch size."""
    return max(1, math.ceil(train_photos / Hyperparameters().batch_size))


def explain_entries(plan: Plan, facts: Facts, hardware: Hardware) -> str:
    """Explain a plan that the user entered, as sentences.

    Args:
        plan: The entered plan; its ``space`` is complete, including the network, as returned by ``make_space``.
        facts: Data set statistics.
        hardware: Hardware that trials run on.
    """
    size = first_trial(plan.space).image_size
    plan = replace(plan, image_size=size)
    network = find_architecture(first_trial(plan.space).architecture)
    why = [why_effort(plan, facts, hardware, plan.space, asked=True)]
    if size == fit_photo_size(network.image_size, facts):
        why += [photo_size_sentence(size, network.image_size, facts)]
    why += [why_mosaics(plan.space, facts)]
    return " ".join(filter(None, [*why, f"{_why_entered_space(plan, facts)}; {why_pruner(plan)}."]))


def why_effort(plan: Plan, facts: Facts, hardware: Hardware, usual: Space, *, asked: bool) -> str:
    """Explain the trials and epochs by their time; ``usual`` is the space without the plan's additions."""
    photos = (facts.train_photos, facts.val_photos)
    epoch = epoch_seconds(*photos, first_trial(usual), hardware)
    whole = forecast_search(photos, plan.trials, plan.epochs, {**usual, **make_space(plan.space)}, hardware)
    source = " (a guess: no GPU has been measured)" * hardware.is_guess
    source = source or " (as in an earlier search)" * bool(hardware.measured)
    each = "each of " if len(hardware.slots) > 1 else ""
    return (
        f"{counted(plan.trials, 'trial')} of {counted(plan.epochs, 'epoch')}{', as asked:' if asked else ', because'} "
        f"{each}{hardware.words} needs about {duration(epoch)} an epoch for "
        f"{counted(facts.train_photos, 'training photo')}: {whole.words} in all{source}."
    )


def why_epochs(plan: Plan, usual: int, facts: Facts) -> str:
    """Explain a number of epochs above or below the usual one; empty if it is equal."""
    steps = counted(steps_an_epoch(facts.train_photos), "step")
    if plan.epochs > usual:
        return f"An epoch has only {steps}, so there are more than the usual {usual}."
    return f"An epoch has {steps}, so there are fewer than the usual {usual}." if plan.epochs < usual else ""


def why_mosaics(space: Space, facts: Facts) -> str:
    """Explain the oversampling of rare classes in mosaics; empty if it is off or below ``TOLD_OFTEN``."""
    often = times_as_often(facts.rare_photos, facts.most_photos) if facts.rare_photos else 1.0
    if often < TOLD_OFTEN or not first_trial(space).augmentation:
        return ""
    return (
        f"Only {facts.rare_photos} of {counted(facts.train_photos, 'training photo')} "
        f"{'shows' if facts.rare_photos == 1 else 'show'} {facts.rare_class}, so photos of rare classes are seen in "
        f"mosaics up to {often:.0f} times as often as others."
    )


def why_space(plan: Plan, facts: Facts, asked: Mapping[str, Any]) -> str:
    """Describe the varied parameters, planned and requested, and why there are no more; without a full stop."""
    if plan.trials == 1:
        return "A single trial has the defaults"
    varied = _varied(plan, facts, make_space({**plan.space, **asked}))
    if plan.trials >= MORE_VARIES:
        return f"Trials vary {listed(varied or ['nothing'])}"
    return f"Few trials tell little apart, so they vary only {listed(varied)}" if varied else "Nothing varies"


def _why_entered_space(plan: Plan, facts: Facts) -> str:
    """Like ``why_space`` for an entered space, which may be too large for the trials."""
    if plan.trials == 1:
        return "A single trial has the defaults"
    varied = _varied(plan, facts, plan.space)
    much = plan.trials < MORE_VARIES and len(varied) > len(_varied(plan, facts, make_space()))
    hint = ", which so few trials can hardly tell apart" * much
    return f"Trials vary {listed(varied or ['nothing'])}{hint}"


def _varied(plan: Plan, facts: Facts, space: Space) -> list[str]:
    """Return the parameters that differ between trials, in words."""
    small = plan.trials >= MORE_VARIES and has_many_small_boxes(plan.image_size, facts)
    words = VARIED | ({"image_size": VARIED["image_size"] + SMALL} if small else {})
    tuned = {name: tried for name, tried in space.items() if tried.tuned}
    if "lr" in tuned:
        tuned.pop("backbone_lr_factor", None)  # it is one of the learning rates
    return [words.get(name, PARAMETERS[name].title.lower()).format(_values(tried)) for name, tried in tuned.items()]


def why_pruner(plan: Plan) -> str:
    """Explain the pruning of trials that fall behind, as a clause without a capital and a full stop."""
    if plan.trials == 1:
        return "there is nothing to compare it with"
    if plan.pruner == "none":
        return "none is pruned for falling behind"
    return {
        "median": "one that is worse than the median of those before, halfway, is pruned: it ends there",
        "hyperband": "with this many, Hyperband prunes most of them: they end early",
        "asha": "with this many, successive halving prunes most of them: they end early",
    }[plan.pruner]


def _values(tried: Tried) -> str:
    return f"{tried.low:g} to {tried.high:g}" if isinstance(tried, Range) else listed(tried.values, "or")
