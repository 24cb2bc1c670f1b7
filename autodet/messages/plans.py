"""Sentences about plans: why a search has its trials, epochs, photo size and search space."""

from collections.abc import Mapping, Sequence
from typing import Any

from autodet.messages.templates import Templates, render_all
from autodet.records import Notice
from autodet.text_format import counted, duration, listed, shortened

MAX_NAMES = 5  # of classes
MAX_NAME, MAX_SIMILAR_NAME = 40, 90  # letters
WIDE = 1.4  # ratio of the bounds from which a single number is too precise
SOURCES = {
    "": "",
    "guess": " (a guess: no GPU has been measured yet)",
    "earlier search": " (as in an earlier search)",
}
VARIED = {
    "architecture": "the network",
    "lr": "learning rates",
    "backbone_lr_factor": "backbone rate factor",
    "weight_decay": "weight decay",
    "batch_size": "batches of {} photos",
    "image_size": "photo sizes of {} pixels",
    "frozen_depth": "frozen layers",
    "augmentation": "the strength of augmentation",
    "ema_decay": "weight averaging",
    "scheduler": "schedule",
    "epochs": "epochs",
}
SIZE_KINDS = ("photo_size_usual", "photo_size_limited", "photo_size_raised", "photo_size_lowered")
SMALL_BOXES = " (many boxes are small)"
PRUNERS = {
    "median": "a trial that is worse than the median of earlier trials halfway is pruned (ended early)",
    "hyperband": "Hyperband prunes most of them (ends them early)",
    "asha": "successive halving prunes most of them (ends them early)",
    "none": "no trial is pruned",
}


def plan_text(reasons: Sequence[Notice]) -> str:
    """Return the reasons for a plan as sentences; empty if there are none."""
    others = {
        title: size for reason in reasons if reason.kind == "networks_compared" for title, size in _other_sizes(reason)
    }
    return render_all([_with_other_sizes(reason, others) for reason in reasons], SENTENCES)


def _other_sizes(reason: Notice) -> list[tuple[str, int]]:
    """Return the networks with another photo size than the first, and their sizes."""
    networks, sizes = reason.values["networks"], reason.values.get("sizes", [])
    return [(title, size) for title, size in zip(networks, sizes, strict=False) if size != sizes[0]]


def _with_other_sizes(reason: Notice, others: Mapping[str, int]) -> Notice:
    """Return a notice about the photo size that also states the sizes of networks with their own."""
    if reason.kind not in SIZE_KINDS:
        return reason
    stated = [f"{size} px for {title}" for title, size in others.items()]
    return Notice(reason.kind, {**reason.values, "others": f" ({listed(stated)})" if stated else ""})


def reused_text(reused: Mapping[str, str], similar: Mapping[str, Sequence[str]]) -> str:
    """Say which classes started with rows of the starting weights.

    Args:
        reused: Classes that the starting weights know, mapped to their names there.
        similar: Other classes, mapped to similar ones of the starting weights.
    """
    known = (
        f"Classes known to the starting weights: {matches_text(reused)}."
        if reused
        else "The starting weights know none of the classes."
    )
    return f"{known} Starting from similar classes: {similar_text(similar)}." if similar else known


def similar_text(similar: Mapping[str, Sequence[str]]) -> str:
    """List classes with the similar ones of the starting weights; the first of many."""
    return _names([f"{name} (from {listed(others)})" for name, others in similar.items()], MAX_SIMILAR_NAME)


def matches_text(known: Mapping[str, str]) -> str:
    """List classes, mapped to their names in the starting weights; the first of many."""
    return _names([name if name == other else f"{name} (as {other})" for name, other in known.items()])


def forecast_text(least_seconds: float, most_seconds: float) -> str:
    """Return ``about 28 min``, or ``12 min to 40 min`` if the bounds are far apart."""
    if most_seconds < WIDE * least_seconds:
        return f"about {duration((least_seconds + most_seconds) / 2)}"
    return f"{duration(least_seconds)} to {duration(most_seconds)}"


def hardware_text(slots: Sequence[str]) -> str:
    """Return a name for device slots: ``the CPU``, ``2 GPUs``, ``1 GPU and the CPU``."""
    gpus = len([slot for slot in slots if slot != "cpu"])
    cpus = len(slots) - gpus
    named = [counted(gpus, "GPU")] if gpus else []
    named += ["the CPU" if cpus == 1 else f"{cpus} slots of the CPU"] if cpus else []
    return " and ".join(named)


def _effort(reason: Notice) -> str:
    values, slots = reason.values, reason.values["slots"]
    return (
        f"{counted(values['trials'], 'trial')} of {counted(values['epochs'], 'epoch')}"
        f"{', as requested:' if values['asked'] else ', because'} {'each of ' * (len(slots) > 1)}"
        f"{hardware_text(slots)} needs about {duration(values['epoch_seconds'])} per epoch for "
        f"{counted(values['photos'], 'training photo')}: "
        f"{forecast_text(values['least_seconds'], values['most_seconds'])} in all{SOURCES[values['source']]}."
    )


def _epochs_raised(reason: Notice) -> str:
    steps = counted(reason.values["steps"], "step")
    return f"An epoch has only {steps}, so each trial has more epochs than the usual {reason.values['usual']}."


def _epochs_lowered(reason: Notice) -> str:
    steps = counted(reason.values["steps"], "step")
    return f"An epoch has {steps}, so each trial has fewer epochs than the usual {reason.values['usual']}."


def _photo_size_raised(reason: Notice) -> str:
    size, usual, least, others = (reason.values[name] for name in ("size", "usual", "least", "others"))
    return (
        f"Photos are scaled to {size} px{others}, because a quarter of the boxes (each class counts the same) would be "
        f"smaller than {least} px at the usual {usual}; an epoch takes about {(size / usual) ** 2:.1f} times as long."
    )


def _class_rare(reason: Notice) -> str:
    shown, photos = reason.values["shown"], counted(reason.values["photos"], "training photo")
    return (
        f"Only {shown} of {photos} {'shows' if shown == 1 else 'show'} {reason.values['name']}, so photos of rare "
        f"classes appear in mosaics up to {reason.values['times']:.0f} times as often as others (oversampling)."
    )


def _networks_compared(reason: Notice) -> str:
    networks = listed(reason.values["networks"])
    return f"Trials compare {networks}, because the network that learns quickest does not always end highest."


def _classes_known(reason: Notice) -> str:
    values = reason.values
    sentences = []
    if values["known"]:
        fresh = f"; {_names(values['fresh'])} {_are(values['fresh'])} new to it" if values["fresh"] else ""
        known, source = matches_text(values["known"]), values["source"]
        if values.get("tested"):
            sentences.append(f"{source} knows {known} by name, which trials reuse if the objects look alike{fresh}.")
        else:
            sentences.append(f"{source} already knows {known}{fresh}.")
    if values["plurals"]:
        hints = [f"{name} is probably its {other}" for name, other in values["plurals"][:MAX_NAMES]]
        known = "" if values["known"] else f"{values['source']} knows no class by its name, but "
        sentences.append(f"{known}{listed(hints)}: rename a class in a new version of the data set to reuse that.")
    return " ".join(sentences)


def _names(names: Sequence[str], letters: int = MAX_NAME) -> str:
    """List names, each of at most this many letters, the first of many."""
    shown = [shortened(name, letters) for name in names[:MAX_NAMES]]
    return listed([*shown, *([f"{len(names) - MAX_NAMES} more"] if len(names) > MAX_NAMES else [])])


def _are(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _trials_vary(reason: Notice) -> str:
    space, pruner = _space(reason.values), reason.values["pruner"]
    if pruner is None:
        return f"{space}."
    alone = reason.values["trials"] == 1
    return f"{space}; {'there is nothing to compare it with' if alone else PRUNERS[pruner]}."


def _space(values: Mapping[str, Any]) -> str:
    """Describe the varied parameters, without a full stop."""
    if values["trials"] == 1:
        return "A single trial uses the defaults"
    varied = [_varied(parameter, values["small_boxes"]) for parameter in values["varied"]]
    if values["few"] == "chosen":  # few trials, so the plan varies few parameters
        return f"Few trials can compare little, so they vary only {listed(varied)}" if varied else "Nothing varies"
    hint = ", more than so few trials can compare" * (values["few"] == "too_few")
    return f"Trials vary {listed(varied or ['nothing'])}{hint}"


def _varied(parameter: Mapping[str, Any], small_boxes: bool) -> str:
    """Describe a varied parameter, given by its name, its title and its ``low`` and ``high``, or ``values``."""
    name: str = parameter["name"]
    if "values" in parameter:
        tried = listed(parameter["values"], "or")
    else:
        tried = f"{parameter['low']:g} to {parameter['high']:g}"
    hint = SMALL_BOXES if name == "image_size" and small_boxes else ""
    return VARIED.get(name, name).format(tried) + hint


SENTENCES: Templates = {
    "effort": _effort,
    "epochs_raised": _epochs_raised,
    "epochs_lowered": _epochs_lowered,
    "photo_size_usual": "Photos are scaled to {size} px{others}, because the median box is {median_box:.0%} of its "
    "photo's longer side; larger ones would help if objects were small.",
    "photo_size_limited": "Photos are scaled to {size} px{others}; a quarter of the boxes are small then, but the "
    "photos are no larger.",
    "photo_size_raised": _photo_size_raised,
    "photo_size_lowered": "Photos are scaled to {size} px{others} instead of the usual {usual}, because they are "
    "smaller.",
    "class_rare": _class_rare,
    "network_usual": "Trials train {network}: it learns quickest, because its weights have seen COCO's boxes.",
    "networks_compared": _networks_compared,
    "classes_known": _classes_known,
    "trials_vary": _trials_vary,
}
