"""Networks that a search trains unless the user chooses one, and why.

The first trial always trains the default network. The preset *Best* compares it with itself at two scales, whose boxes
are more precise, and with a network that starts from ImageNet, because the network that learns quickest does not end
highest on all data sets (docs/models.md).
"""

from collections.abc import Sequence

from autodet.models.registry import DEFAULT_ARCHITECTURE, USUAL_ARCHITECTURES, find_architecture, weights_problem
from autodet.models.weights import skipped_file
from autodet.records import Notice
from autodet.training.hardware import Hardware

COMPARING_PRESETS = ("best",)
# On any hardware; on large GPUs, all usual networks.
COMPARED = (DEFAULT_ARCHITECTURE, "nanodet_g_two_scales", "fasterrcnn_efficientnet_lite0")
MIN_TRIALS = 3  # of a search that compares: each network once
MANY_TRIALS = 20  # on a large GPU, enough trials per network to compare all of them
ROOMY_GPU_BYTES = 8e9


def usable_networks(preset: str, *, on_gpus: bool) -> tuple[str, ...]:
    """Return the networks that a preset may try and whose pretrained weights are available, the default first.

    A server is asked only about networks that come into question.
    """
    names = USUAL_ARCHITECTURES if on_gpus else COMPARED if preset in COMPARING_PRESETS else ()
    others = (name for name in names if name != DEFAULT_ARCHITECTURE)
    return (DEFAULT_ARCHITECTURE, *(name for name in others if not weights_problem(name)))


def weights_caution(network: str) -> Notice | None:
    """Say that a file in the settings' folder of weights is skipped; None if none is."""
    architecture = find_architecture(network)
    file = skipped_file(architecture.weights)
    return Notice.of("weights_skipped", file=str(file), network=architecture.title) if file else None


def networks_to_try(preset: str, trials: int, hardware: Hardware, networks: Sequence[str]) -> tuple[str, ...]:
    """Choose the networks of a search; a pure function.

    Args:
        preset: Name of the preset.
        trials: Number of trials.
        hardware: Hardware that trials run on.
        networks: The network of the first trial, followed by others that are usable.
    """
    roomy = hardware.on_gpus and hardware.likely_gpu_bytes >= ROOMY_GPU_BYTES
    if roomy and trials >= MANY_TRIALS:
        return tuple(networks)
    first, *others = networks
    compares = preset in COMPARING_PRESETS and trials >= MIN_TRIALS
    return (first, *(name for name in others if compares and name in COMPARED))


def networks_reason(networks: Sequence[str], *, own_sizes: bool) -> Notice | None:
    """Explain the networks of a plan; None for a single network that the user chose instead of the default.

    Args:
        networks: Names of the networks.
        own_sizes: Whether each network has its own photo size, because the plan sets none.
    """
    found = [find_architecture(name) for name in networks]
    if len(networks) > 1:
        sizes = [network.image_size for network in found] if own_sizes else []
        return Notice.of("networks_compared", networks=[network.title for network in found], sizes=sizes)
    if networks[0] == DEFAULT_ARCHITECTURE:
        return Notice.of("network_usual", network=found[0].title)
    return None
