"""Reports of models, with the search that made them."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from math import isclose
from pathlib import Path

from autodet.errors import BundleError, SearchError
from autodet.inference.detector import Detector
from autodet.inference.measured_photos import AnyPhotos, measured_photos
from autodet.models.bundle import read_card
from autodet.models.model_card import ModelCard
from autodet.models.store import StoredModel, find_model
from autodet.records import SearchStatus, TrialStatus
from autodet.reports.file import check_place, write_report
from autodet.reports.model_report import ModelReport, Training, build_report
from autodet.search.api import search_folders
from autodet.search.follow_ups.results import known_curve
from autodet.search.run.best_model import model_ids
from autodet.search.status.status_file import read_status
from autodet.search.trial_models import trial_bundle
from autodet.workspace import Workspace, open_workspace


def report(
    model: str | Path | StoredModel | Detector,
    dataset: AnyPhotos,
    split: str = "test",
    out: str | Path | None = None,
    *,
    workspace: Workspace | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> ModelReport:
    """Make a report to hand out: figures, sample photos, limits, origin and use of a model.

    The model is evaluated unless its evaluation is stored. Warns (``AutodetWarning``) about photos that are not
    imported like ``Detector.evaluate``.

    Args:
        model: A detector, a model, its id or name, or an ``.autodet`` file.
        dataset: The data set to measure on, its id or its name; its classes must be a subset of the model's. Or a path,
            as in ``Detector.evaluate``.
        split: ``train``, ``val``, ``test`` or ``all``.
        out: HTML file to write, which needs nothing else; an existing one is replaced.
        workspace: Workspace that resolves ids and names; that of the settings if not given.
        progress: Callback that receives the number of photos done and the total.

    Returns:
        The report; ``to_json`` gives its content.

    Raises:
        NotFoundError: The model or the data set does not exist.
        ModelError: The split is empty, the data set has a class that the model lacks, or ``out`` cannot be written.
        DatasetError: No split has that name, the data set is damaged, or the photos of a path have no labels, or cannot
            be read without a decision.
        BundleError: The model's file is damaged.
        PhotoError: A photo cannot be read.
    """
    workspace = workspace or open_workspace()
    given = model.stored if isinstance(model, Detector) else model
    stored = given if isinstance(given, StoredModel) else find_model(given, workspace)
    if out is not None:
        check_place(Path(out))
    with measured_photos(dataset, [stored.card], workspace) as photos:
        made = build_report(stored, photos, split, training_of(stored, workspace), progress)
    if out is not None:
        write_report(made, Path(out))
    return made


def training_of(model: StoredModel, workspace: Workspace) -> Training | None:
    """Return the search and the trial that a model comes from; None if the search is not in the workspace."""
    training = training_in(model, read_searches(workspace), workspace)
    return replace(training, curve=known_curve(training.search, workspace)) if training else None


def read_searches(workspace: Workspace) -> list[SearchStatus]:
    """Return the status of every search without its sentences; damaged searches are left out."""
    searches = []
    for folder in search_folders(workspace):
        with suppress(SearchError):
            searches.append(read_status(folder))
    return searches


def training_in(model: StoredModel, searches: Iterable[SearchStatus], workspace: Workspace) -> Training | None:
    """Return the search and the trial that a model comes from; None if it is none of these searches."""
    for status in searches:
        trial = _trial_of(model.card, status, workspace.searches / status.search)
        own = model.is_in_workspace and model.id in model_ids(status.search)
        if trial or own:
            return Training(status, trial or status.best_trial)
    return None


def _trial_of(card: ModelCard, status: SearchStatus, folder: Path) -> TrialStatus | None:
    """Return the trial whose best epoch has a model's weights."""
    for trial in status.trials:
        best = trial.best_epoch
        alike = best and best.epoch == card.epoch and isclose(best.map50, card.metrics.get("map50", -1.0))
        if alike and _has_weights(folder, trial.number, card.weights_sha256):  # a search may have thousands of trials
            return trial
    return None


def _has_weights(folder: Path, trial: int, weights_sha256: str) -> bool:
    with suppress(SearchError, BundleError):
        return read_card(trial_bundle(folder, trial)).weights_sha256 == weights_sha256
    return False
