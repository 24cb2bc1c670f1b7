"""What a search varies."""

from dataclasses import replace
from typing import TYPE_CHECKING

from autodet.models.registry import find_architecture
from autodet.records import Hyperparameters
from autodet.search.spec import SearchSpec

if TYPE_CHECKING:
    import optuna

BACKBONE_LR_FACTOR_RANGE = (0.1, 1.0)
WEIGHT_DECAY_RANGE = (1e-5, 1e-2)


def default_hyperparameters(spec: SearchSpec) -> Hyperparameters:
    """What trial 0 is trained with: the defaults, the learning rate moved into the range asked for."""
    lowest, highest = spec.lr_range
    defaults = Hyperparameters()
    return replace(
        defaults,
        architecture=spec.architecture,
        image_size=find_architecture(spec.architecture).image_size,
        lr=min(max(defaults.lr, lowest), highest),
    )


def default_params(spec: SearchSpec) -> dict[str, float]:
    """Trial 0's place in the space, as Optuna enqueues it."""
    defaults = default_hyperparameters(spec)
    return {
        "lr": defaults.lr,
        "backbone_lr_factor": defaults.backbone_lr_factor,
        "weight_decay": defaults.weight_decay,
    }


def suggest_hyperparameters(trial: "optuna.trial.Trial", spec: SearchSpec) -> Hyperparameters:
    """What a trial is trained with; the same again for a trial that has been asked before."""
    lowest, highest = spec.lr_range
    return replace(
        default_hyperparameters(spec),
        lr=trial.suggest_float("lr", lowest, highest, log=True),
        backbone_lr_factor=trial.suggest_float("backbone_lr_factor", *BACKBONE_LR_FACTOR_RANGE, log=True),
        weight_decay=trial.suggest_float("weight_decay", *WEIGHT_DECAY_RANGE, log=True),
    )
