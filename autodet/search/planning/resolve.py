"""Resolution of a search request: the plan, the requested space, and the device."""

from collections.abc import Mapping
from typing import Any

from autodet.datasets.manifest import Dataset
from autodet.errors import SearchError
from autodet.evaluation.objective import Objective
from autodet.models.registry import find_architecture
from autodet.search.order.space import architectures, make_space, most_epochs
from autodet.search.order.spec import SearchSpec
from autodet.search.planning.dataset_profile import facts_of
from autodet.search.planning.epoch_times import measured_hardware
from autodet.search.planning.plan import Plan
from autodet.search.planning.presets import plan_photo_size, plan_search, usable_networks
from autodet.settings import load_settings
from autodet.text_format import listed
from autodet.training.device import device_slots, number_slots
from autodet.training.hardware import find_hardware, hardware_of_cluster


def plan_for(
    preset: str | None,
    dataset: Dataset,
    asked: Mapping[str, Any],
    fixed: Mapping[str, Any],
    objective: Objective,
    image_size: int | None,
) -> Plan:
    """Choose the values that the request leaves open.

    Args:
        preset: Level of effort; without one, only the photo size is chosen.
        dataset: The data set.
        asked: Requested values of the space.
        fixed: Fields of the specification; None for those not requested.
        objective: Objective of the search.
        image_size: Photo size of the start model, if there is one.

    Raises:
        SearchError: A requested value is invalid.
    """
    if preset is None:
        network = architectures(make_space(asked))[0]
        return plan_photo_size(network, facts_of(dataset), image_size, asked)
    fixed = {name: value for name, value in fixed.items() if value is not None}
    SearchSpec(dataset.name, dataset.id, **fixed).check()
    settings, space = load_settings(), make_space(asked)
    on_cluster = fixed["executor"] == "ray"
    if on_cluster:
        hardware = hardware_of_cluster(settings)
    else:
        hardware = measured_hardware(find_hardware(settings, fixed.get("device")), dataset)
    networks = architectures(space)
    if hardware.on_gpus and "architecture" not in asked:
        networks = (*networks, *(name for name in usable_networks() if name not in networks))
    return plan_search(
        preset,
        facts_of(dataset),
        hardware,
        networks,
        trials=fixed.get("trials"),
        epochs=most_epochs(space, fixed.get("epochs", 0)) or None,
        pruner=fixed.get("pruner"),
        objective=objective,
        image_size=image_size,
        asked=asked,
    )


def asked_space(words: Mapping[str, Any], space: Mapping[str, Any], epochs: int | None) -> dict[str, Any]:
    """Merge parameters with their own argument into the requested space.

    Raises:
        SearchError: A parameter is given in both, or the space is not a mapping.
        ModelError: The architecture does not exist.
    """
    if not isinstance(space, Mapping):
        raise SearchError(f"space is {space!r}; give values by names, such as {{'lr': (0.0003, 0.0015)}}.")
    given = {name: value for name, value in words.items() if value is not None}
    twice = [name for name in [*given, *(["epochs"] if epochs is not None else [])] if name in space]
    if twice:
        raise SearchError(f"{twice[0]} is asked for twice, in the space and beside it; give it once.")
    if "architecture" in given:
        find_architecture(given["architecture"])
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
