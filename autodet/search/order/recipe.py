"""Configuration of a trial, complete enough to train it again."""

from pathlib import Path
from typing import Any

from autodet.records import TrialStatus
from autodet.search.order.initial_weights import COPY
from autodet.search.order.space import hyperparameters_of
from autodet.search.order.spec import SearchSpec


def recipe_of(trial: TrialStatus, spec: SearchSpec, folder: Path) -> dict[str, Any]:
    """Return the configuration of a trial as JSON values; ``options`` are the arguments of ``fit`` that repeat it.

    The options name the parameters with their values as the whole search space, so that a search with them has one
    trial. It repeats the training exactly on a CPU with the same number of cores.

    Args:
        trial: The trial.
        spec: The specification of its search.
        folder: The search folder.
    """
    options: dict[str, Any] = {
        "trials": 1,
        "epochs": trial.planned_epochs or spec.epochs,
        "seed": trial.effective.get("seed", spec.seed),
        "objective": str(spec.goal.quality),  # prediction time ranks trials, and does not change them
        "space": hyperparameters_of(trial.params).to_json(),
    }
    options |= {"patience": spec.patience} if spec.patience else {}
    share = trial.effective.get("train_share", spec.train_share)
    options |= {"train_share": share} if share < 1 else {}
    options |= {"device": spec.device} if spec.device else {}
    options |= {"start_from": str(folder / COPY)} if spec.start_from else {}
    dataset = {"dataset": spec.dataset, "dataset_fingerprint": spec.fingerprint}
    return {"search": folder.name, "trial": trial.number, **dataset, "options": options}


def python_of(recipe: dict[str, Any]) -> str:
    """Return three lines of Python that train the trial of a recipe again."""
    return (
        f"import autodet\noptions = {recipe['options']!r}\ndetector = autodet.fit({recipe['dataset']!r}, **options)\n"
    )
