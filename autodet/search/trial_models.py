"""Models of individual trials: every trial folder holds a bundle of the trial's best epoch."""

from pathlib import Path

from autodet.errors import SearchError
from autodet.models.bundle import read_bundle
from autodet.models.store import StoredModel, list_models, new_model
from autodet.names import is_numbered
from autodet.search.run.trial_dirs import TRIALS, TrialFolders
from autodet.training.train_job import BEST_BUNDLE
from autodet.workspace import Workspace


def trial_bundle(folder: Path, trial: int) -> Path:
    """Return the bundle of a trial's best epoch so far.

    Args:
        folder: The search folder.
        trial: Number of the trial.

    Raises:
        SearchError: The trial does not exist, or has finished no epoch.
    """
    path = TrialFolders(folder / TRIALS).folder(trial) / BEST_BUNDLE
    if not path.is_file():
        raise SearchError(
            f"The search {folder.name} has no model of a trial {trial}; choose a trial that has finished an epoch."
        )
    return path


def keep_trial(folder: Path, trial: int, name: str, workspace: Workspace) -> StoredModel:
    """Add a trial's best epoch to the workspace's models, or return the model already kept under this name.

    Raises:
        SearchError: The trial does not exist, or has finished no epoch.
        BundleError: The trial's bundle is damaged.
    """
    card, weights = read_bundle(trial_bundle(folder, trial))
    for model in list_models(workspace):
        if is_numbered(model.name, name) and model.card.weights_sha256 == card.weights_sha256:
            return model
    return new_model(name, workspace, card, weights)
