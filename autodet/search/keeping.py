"""The models of single trials: each trial's folder has its best epoch as a bundle, whoever turns out to be the best."""

from dataclasses import replace
from pathlib import Path

from autodet.errors import SearchError
from autodet.models.bundle import read_bundle, write_bundle
from autodet.models.store import BUNDLE, StoredModel, find_model, list_models
from autodet.search.folders import TRIALS, TrialFolders
from autodet.training.job import BEST_BUNDLE
from autodet.workspace import Workspace, hidden_folder, publish_folder


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
        if (model.card.name, model.card.weights_sha256) == (name, card.weights_sha256):
            return model
    with hidden_folder(workspace.models) as hidden:
        write_bundle(hidden / BUNDLE, replace(card, name=name), weights)
        folder = publish_folder(hidden, workspace.models, name)
    return find_model(folder.name, workspace)
