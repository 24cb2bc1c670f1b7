"""Resolution of search options: the plan, the requested space, and the device."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from autodet.datasets.manifest import Dataset
from autodet.errors import SearchError
from autodet.evaluation.objective import Objective
from autodet.search.order.options import SearchOptions
from autodet.search.order.space import architectures, make_space, most_epochs
from autodet.search.planning.dataset_profile import facts_of
from autodet.search.planning.epoch_times import measured_hardware
from autodet.search.planning.known_classes import coco_classes_reason
from autodet.search.planning.networks import usable_networks
from autodet.search.planning.plan import Plan, first_trial
from autodet.search.planning.presets import plan_photo_size, plan_search
from autodet.settings import load_settings
from autodet.text_format import listed
from autodet.training.device import device_slots, number_slots
from autodet.training.hardware import find_hardware, hardware_of_cluster


def plan_for(options: SearchOptions, dataset: Dataset, asked: Mapping[str, Any], image_size: int | None) -> Plan:
    """Choose the values that the options leave open.

    Args:
        options: The options, already checked; without a preset, only the photo size is chosen.
        dataset: The data set.
        asked: Requested values of the space.
        image_size: Photo size of the start model, if there is one.

    Raises:
        SearchError: A requested value is invalid.
    """
    facts, space = facts_of(dataset), make_space(asked)
    first = first_trial(space).architecture
    networks = (first, *(name for name in architectures(space) if name != first))
    if options.preset is None:
        plan = plan_photo_size(first, facts, image_size, asked)
        known = None if image_size else coco_classes_reason(networks, facts.classes)
        return replace(plan, why=tuple(filter(None, (*plan.why, known))))
    settings = load_settings()
    if options.executor == "ray":
        hardware = hardware_of_cluster(settings)
    else:
        hardware = measured_hardware(find_hardware(settings, options.device), dataset)
    if "architecture" not in asked:
        networks = usable_networks(options.preset, on_gpus=hardware.on_gpus)
    return plan_search(
        options.preset,
        facts,
        hardware,
        networks,
        trials=options.trials,
        epochs=most_epochs(space, options.epochs or 0) or None,
        pruner=options.pruner,
        objective=Objective.parse(options.objective),
        image_size=image_size,
        asked=asked,
    )


def asked_space(options: SearchOptions) -> dict[str, Any]:
    """Merge parameters that are options of their own into the requested space.

    Raises:
        SearchError: A parameter is given in both, or the space is not a mapping.
    """
    space = options.space or {}
    if not isinstance(space, Mapping):
        raise SearchError(f"space is {space!r}; give values by names, such as {{'lr': (0.0003, 0.0015)}}.")
    words = {"lr": options.lr_range, "architecture": options.architecture}
    given = {name: value for name, value in words.items() if value is not None}
    twice = [name for name in [*given, *(["epochs"] if options.epochs is not None else [])] if name in space]
    if twice:
        raise SearchError(f"{twice[0]} is asked for twice, in the space and beside it; give it once.")
    return {**space, **given}


def check_device(device: str | None) -> None:
    """Check that a device is available in this installation.

    Raises:
        SearchError: The device is unavailable; the message lists the available ones.
    """
    if device in (None, "cpu"):
        return
    settings = load_settings()
    (asked,) = number_slots([str(device)])
    gpus = sorted({slot.device for slot in number_slots(device_slots(settings))} - {"cpu"})
    if asked.device in gpus:
        return
    if settings.devices:
        reason = f"AUTODET_DEVICES allows {listed(sorted(set(settings.devices)))}, and not {asked.device}"
    elif gpus:
        reason = f"This machine has {listed(gpus)}, and no {asked.device}"
    else:
        reason = f"autodet finds no GPU on this machine, so there is no {asked.device}"
    raise SearchError(f"{reason}; choose {listed([*gpus, 'cpu'], 'or')}, or leave the device out.")
