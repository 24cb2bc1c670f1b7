"""What a search does, and why: the reasons in words, for whoever has to agree to it."""

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

MORE_VARIES = 8  # trials from which on more than learning rates and weight decay can be told apart
VARIED = {
    "lr": "learning rates",
    "batch_size": "batches of {} photos",
    "augmentation": "the strength of augmentation",
    "image_size": "photo sizes of {} pixels",
    "architecture": "the network",
}
TOLD_OFTEN = 2.0  # times as often
SMALL = " (many boxes are small)"


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
        image_size: The photo size of trial 0.
        why: The reasons, as sentences.
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
    """What trial 0 of a search trains with."""
    return hyperparameters_of(default_values(space))


def steps_an_epoch(train_photos: int) -> int:
    """Steps that an epoch has with the default batch size."""
    return max(1, math.ceil(train_photos / Hyperparameters().batch_size))


def explain_entries(plan: Plan, facts: Facts, hardware: Hardware) -> str:
    """What comes of a plan that somebody has entered, as sentences.

    Args:
        plan: What was entered; its ``space`` has everything that is tried, the network too, as ``make_space`` gives it.
        facts: The data set.
        hardware: What trials are trained on.
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
    """Why so many trials and epochs: what they take. ``usual`` is the space but for what the plan tries."""
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
    """Why there are more epochs than usual, or fewer; nothing where there are as many."""
    steps = counted(steps_an_epoch(facts.train_photos), "step")
    if plan.epochs > usual:
        return f"An epoch has only {steps}, so there are more than the usual {usual}."
    return f"An epoch has {steps}, so there are fewer than the usual {usual}." if plan.epochs < usual else ""


def why_mosaics(space: Space, facts: Facts) -> str:
    """What becomes of classes that few photos show; nothing where there is none, or nothing is done for it."""
    often = times_as_often(facts.rare_photos, facts.most_photos) if facts.rare_photos else 1.0
    if often < TOLD_OFTEN or not first_trial(space).augmentation:
        return ""
    return (
        f"Only {facts.rare_photos} of {counted(facts.train_photos, 'training photo')} "
        f"{'shows' if facts.rare_photos == 1 else 'show'} {facts.rare_class}, so photos of rare classes are seen in "
        f"mosaics up to {often:.0f} times as often as others."
    )


def why_space(plan: Plan, facts: Facts, asked: Mapping[str, Any]) -> str:
    """What trials vary, of what the plan tries and what was asked for, and why no more; without a full stop."""
    if plan.trials == 1:
        return "A single trial has the defaults"
    varied = _varied(plan, facts, make_space({**plan.space, **asked}))
    if plan.trials >= MORE_VARIES:
        return f"Trials vary {listed(varied or ['nothing'])}"
    return f"Few trials tell little apart, so they vary only {listed(varied)}" if varied else "Nothing varies"


def _why_entered_space(plan: Plan, facts: Facts) -> str:
    """Likewise, of a space that nobody chose for the number of trials."""
    if plan.trials == 1:
        return "A single trial has the defaults"
    varied = _varied(plan, facts, plan.space)
    much = plan.trials < MORE_VARIES and len(varied) > len(_varied(plan, facts, make_space()))
    hint = ", which so few trials can hardly tell apart" * much
    return f"Trials vary {listed(varied or ['nothing'])}{hint}"


def _varied(plan: Plan, facts: Facts, space: Space) -> list[str]:
    """What is not the same for all trials, in words."""
    small = plan.trials >= MORE_VARIES and has_many_small_boxes(plan.image_size, facts)
    words = VARIED | ({"image_size": VARIED["image_size"] + SMALL} if small else {})
    tuned = {name: tried for name, tried in space.items() if tried.tuned}
    if "lr" in tuned:
        tuned.pop("backbone_lr_factor", None)  # it is one of the learning rates
    return [words.get(name, PARAMETERS[name].title.lower()).format(_values(tried)) for name, tried in tuned.items()]


def why_pruner(plan: Plan) -> str:
    """What becomes of trials that fall behind, and why; without a capital and a full stop."""
    if plan.trials == 1:
        return "there is nothing to compare it with"
    if plan.pruner == "none":
        return "none is pruned for falling behind"
    return {
        "median": "one that is worse than the median of those before, halfway, is pruned: it ends there",
        "hyperband": "with so many, Hyperband prunes most of them: they end early",
        "asha": "with so many, successive halving prunes most of them: they end early",
    }[plan.pruner]


def _values(tried: Tried) -> str:
    return f"{tried.low:g} to {tried.high:g}" if isinstance(tried, Range) else listed(tried.values, "or")
