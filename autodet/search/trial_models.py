"""The models of single trials: each trial's folder has its best epoch as a bundle, whoever turns out to be the best."""

from pathlib import Path

from autodet.errors import SearchError
from autodet.models.bundle import read_bundle
from autodet.models.store import StoredModel, list_models, new_model
from autodet.names import is_numbered
from autodet.search.run.trial_dirs import TRIALS, TrialFolders
from autodet.training.job import BEST_BUNDLE
from autodet.workspace import Workspace


def trial_bundle(folder: Path, trial: int) -> Path:
    """The bundle of a trial's best epoch so far.

    Args:
        folder: The search's.
        trial: The trial's number.

    Raises:
        SearchError: There is no such trial, or it has finished no epoch.
    """
    path = TrialFolders(folder / TRIALS).folder(trial) / BEST_BUNDLE
    if not path.is_file():
        raise SearchError(
            f"The search {folder.name} has no model of a trial {trial}; choose a trial that has finished an epoch."
        )
    return path


def keep_trial(folder: Path, trial: int, name: str, workspace: Workspace) -> StoredModel:
    """Make a trial's best epoch a model of the workspace; the one that is there, if it was kept under this name before.

    Raises:
        SearchError: There is no such trial, or it has finished no epoch.
        BundleError: Its bundle is damaged.
    """
    card, weights = read_bundle(trial_bundle(folder, trial))
    for model in list_models(workspace):
        if is_numbered(model.name, name) and model.card.weights_sha256 == card.weights_sha256:
            return model
    return new_model(name, workspace, card, weights)
