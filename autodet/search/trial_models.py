"""Models of individual trials: every trial folder holds a bundle of the trial's best epoch, and its predictions."""

from collections.abc import Callable
from pathlib import Path

from autodet.datasets.manifest import Dataset
from autodet.errors import SearchError
from autodet.evaluation.outcomes import ShownOutcomes
from autodet.evaluation.prediction_file import read_predictions, write_predictions
from autodet.inference.comparison import ComparedModels, compare_shown, shown_outcomes
from autodet.models.bundle import read_bundle, read_card
from autodet.models.store import StoredModel, find_model, list_models, new_model
from autodet.names import is_numbered
from autodet.search.run.trial_dirs import TRIALS, TrialFolders
from autodet.training.train_job import BEST_BUNDLE, VAL_PREDICTIONS
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


def has_model(folder: Path, trial: int) -> bool:
    """Return whether a trial has a model.

    Args:
        folder: The search folder.
        trial: Number of the trial.
    """
    return (TrialFolders(folder / TRIALS).folder(trial) / BEST_BUNDLE).is_file()


def trial_outcomes(folder: Path, trial: int, dataset: Dataset) -> ShownOutcomes | None:
    """Return the outcomes of a trial's model on the validation photos; None if its predictions are not stored.

    Earlier versions did not store them; ``predict_trial`` does.

    Args:
        folder: The search folder.
        trial: Number of the trial.
        dataset: The data set of the search.

    Raises:
        SearchError: The trial does not exist, has finished no epoch, or was trained on another data set.
        BundleError: The trial's bundle is damaged.
    """
    bundle = trial_bundle(folder, trial)
    card = read_card(bundle)
    if card.dataset_fingerprint != dataset.fingerprint:
        raise SearchError(
            f"The trials of {folder.name} were trained on another data set than {dataset.name} is now; evaluate their "
            "models with 'compare' on a data set with the same classes."
        )
    try:
        predictions = read_predictions(bundle.with_name(VAL_PREDICTIONS), dataset.split("val"), card.weights_sha256)
    except (OSError, ValueError):
        return None
    return shown_outcomes(card, dataset, "val", predictions)


def predict_trial(
    folder: Path,
    trial: int,
    dataset: Dataset,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Predict on the validation photos with the model of a trial, and store the predictions beside it.

    Args:
        folder: The search folder.
        trial: Number of the trial.
        dataset: The data set of the search.
        progress: Callback that receives the number of photos done and the total.

    Raises:
        SearchError: The trial does not exist, or has finished no epoch.
        BundleError: The trial's bundle is damaged.
        PhotoError: A photo cannot be read.
    """
    from autodet.inference.detector import load_detector

    bundle = trial_bundle(folder, trial)
    detector = load_detector(find_model(bundle))
    photos = dataset.split("val")
    predictions = detector.predict_dataset(dataset, photos, progress)
    file = bundle.with_name(VAL_PREDICTIONS)
    write_predictions(file, photos, predictions, detector.card.weights_sha256, compressed=True)


def compare_trials(
    trials: tuple[int, int], dataset: Dataset, outcomes: tuple[ShownOutcomes, ShownOutcomes]
) -> ComparedModels:
    """Compare two trials on the validation photos.

    Args:
        trials: Their numbers.
        dataset: The data set of the search.
        outcomes: Their ``trial_outcomes``.
    """
    a, b = (f"trial {trial}" for trial in trials)
    return compare_shown((a, b), dataset, "val", outcomes)


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
