"""Outcomes of opened trials on the validation photos: figures and worst photos of one, or the difference of two."""

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import pandas as pd
import streamlit as st

from autodet.access.change import may_change
from autodet.datasets.manifest import Dataset, as_dataset
from autodet.errors import AutodetError, SearchError
from autodet.evaluation.coco_numbers import class_precisions
from autodet.evaluation.outcomes import ShownOutcomes
from autodet.evaluation.photo_errors import photo_errors
from autodet.evaluation.report import figures_at_threshold
from autodet.inference.background_jobs import Job
from autodet.inference.comparison import ComparedModels
from autodet.messages.evaluation import errors_text
from autodet.models.bundle import read_card
from autodet.records import SearchStatus, TrialStatus
from autodet.search.trial_jobs import find_trial_prediction, start_trial_prediction
from autodet.search.trial_models import compare_trials, has_model, trial_bundle, trial_outcomes
from autodet.text_format import counted, listed
from autodet.ui.common.comparison_view import show_comparison
from autodet.ui.common.editors import explain_refusal
from autodet.ui.common.frame import sentences_for_errors
from autodet.ui.common.job_progress import watch_job
from autodet.ui.common.markdown import escape
from autodet.ui.common.outcome_drawings import error_layers, photo_identity, show_legend
from autodet.ui.common.outcome_tiles import show_tiles
from autodet.ui.common.photo_viewer import ERROR_LAYERS, ViewedPhoto, opening, photo_viewer, view_photo
from autodet.workspace import open_workspace

MAX_KEPT = 8  # trials in memory
MAX_COMPARED = 3  # pairs in memory
VALIDATION = "On the validation photos, which also choose the model, so figures are a little too good."
FIGURES = {"AP@0.5": "%.3f", "AP@0.5–0.95": "%.3f", "precision": "%.2f", "recall": "%.2f"}


def show_trial_outcomes(status: SearchStatus, trials: Sequence[TrialStatus]) -> None:
    """Show the outcomes of one trial, or the difference of two; offer to evaluate trials without stored predictions."""
    trials = [trial for trial in trials if trial.epochs]
    if len(trials) > 2:
        st.caption("With two trials open, their validation photos are compared too.")
    if not 1 <= len(trials) <= 2:
        return
    folder = open_workspace().searches / status.search
    if lost := [trial.number for trial in trials if not has_model(folder, trial.number)]:
        st.caption(f"The model of trial {lost[0]} is not there, so it cannot be evaluated.")
        return
    dataset = _dataset_of(status, read_card(trial_bundle(folder, trials[0].number)).dataset_fingerprint)
    if dataset is None:
        st.caption("Its data set was deleted, so there are no photos to look at.")
        return
    outcomes = {trial.number: _outcomes(folder, trial.number, dataset) for trial in trials}
    if lacking := [number for number, found in outcomes.items() if found is None]:
        _offer_evaluation(folder, lacking, dataset)
        return
    found = {number: shown for number, shown in outcomes.items() if shown}
    st.markdown("**Validation photos**", help=VALIDATION)
    if len(found) == 1:
        _show_one(status, dataset, *found.popitem())
        return
    one, other = found
    names = (f"Trial {one}", f"Trial {other}")
    st.caption(VALIDATION)
    show_comparison("Results", _compared(folder, (one, other), dataset), dataset, names, f"{folder.name} {one} {other}")


def _dataset_of(status: SearchStatus, fingerprint: str) -> Dataset | None:
    """Return the data set that the trials were trained on; None if it was deleted, even if another has its id now."""
    with suppress(AutodetError):
        dataset = as_dataset(status.dataset)
        return dataset if dataset.fingerprint == fingerprint else None
    return None


def _outcomes(folder: Path, trial: int, dataset: Dataset) -> ShownOutcomes | None:
    """Return the outcomes of a trial; None if its predictions are not stored."""
    key = f"{folder} {trial} {dataset.identity} {read_card(trial_bundle(folder, trial)).weights_sha256}"
    found = _kept_outcomes(key, folder, trial, dataset)
    if found is None:
        _kept_outcomes.clear(key, folder, trial, dataset)
    return found


@st.cache_resource(max_entries=MAX_KEPT, show_spinner=False)
def _kept_outcomes(key: str, _folder: Path, _trial: int, _dataset: Dataset) -> ShownOutcomes | None:
    del key
    return trial_outcomes(_folder, _trial, _dataset)


def _compared(folder: Path, trials: tuple[int, int], dataset: Dataset) -> ComparedModels:
    a, b = (_outcomes(folder, trial, dataset) for trial in trials)
    if a is None or b is None:
        raise SearchError("The predictions of these trials changed in the meantime; open them again.")
    cards = [read_card(trial_bundle(folder, trial)).weights_sha256 for trial in trials]
    return _kept_comparison(f"{folder} {trials} {dataset.identity} {cards}", trials, dataset, a, b)


@st.cache_resource(max_entries=MAX_COMPARED, show_spinner="Comparing the trials")
def _kept_comparison(
    key: str, trials: tuple[int, int], _dataset: Dataset, _a: ShownOutcomes, _b: ShownOutcomes
) -> ComparedModels:
    del key
    return compare_trials(trials, _dataset, (_a, _b))


def _offer_evaluation(folder: Path, trials: Sequence[int], dataset: Dataset) -> None:
    """Offer to predict with the models of ended trials, which an earlier version of autodet trained."""
    jobs = {trial: find_trial_prediction(folder, trial) for trial in trials}
    for trial, job in jobs.items():
        if job and not job.error:
            watch_job("Results", partial(find_trial_prediction, folder, trial), partial(_progress_text, trial))
            return
        if job:
            st.error(f"Trial {trial}: {escape(job.error)}", icon=":material/error:")
    if not may_change():
        explain_refusal("evaluate")
        return
    what = f"trial {trials[0]}" if len(trials) == 1 else f"trials {listed(trials)}"
    st.caption(f"The predictions of {what} were not stored. Evaluate on the validation photos to see its errors.")
    photos = counted(dataset.splits["val"], "validation photo")
    if st.button(f"Evaluate {what} on {photos}", icon=":material/fact_check:"):
        for trial in trials:
            start_trial_prediction(folder, trial, dataset)
        st.rerun()


def _progress_text(trial: int, job: Job) -> str:
    return f"Trial {trial}: photo {job.done:,} of {job.total:,}" if job.total else f"Trial {trial}: loading the model"


def _show_one(status: SearchStatus, dataset: Dataset, trial: int, shown: ShownOutcomes) -> None:
    st.dataframe(
        _class_table(shown),
        hide_index=True,
        placeholder="–",
        column_config={name: st.column_config.NumberColumn(format=shape) for name, shape in FIGURES.items()},
        alt="Figures of every class",
    )
    counts = photo_errors(shown)
    order = [photo for photo in (-counts.sum(axis=0)).argsort(kind="stable").tolist() if counts[:, photo].any()]
    if not order:
        st.caption("It makes no errors on these photos.")
        return
    st.markdown(
        f"**{counted(len(order), 'photo')} with errors**, worst first: {errors_text(*counts.sum(axis=1).tolist())}"
    )
    show_legend("Found", "False alarm", "Missed")
    captions = {photo: errors_text(*counts[:, photo].tolist()) for photo in order}
    enlarge = partial(_enlarge, dataset, shown, order)
    show_tiles(dataset, dataset.split("val"), shown, captions, enlarge, f"trial {status.search} {trial}")


def _class_table(shown: ShownOutcomes) -> pd.DataFrame:
    outcomes = shown.outcomes
    precisions = class_precisions(outcomes.detections, outcomes.matches)
    rows = []
    for class_id, name in enumerate(outcomes.classes):
        at_threshold = figures_at_threshold(shown, class_id)
        rows.append(
            {
                "class": name,
                "AP@0.5": precisions[class_id, 0],
                "AP@0.5–0.95": precisions[class_id].mean(),
                "precision": at_threshold["precision"],
                "recall": at_threshold["recall"],
                "boxes": int(outcomes.matches.boxes[class_id]),
            }
        )
    return pd.DataFrame(rows)


@st.dialog("Photo", width="large")
def _enlarge(dataset: Dataset, shown: ShownOutcomes, photos: Sequence[int], start: int) -> None:
    with sentences_for_errors("Results"):
        photo_viewer(
            len(photos),
            lambda place: _view(dataset, shown, photos[place]),
            key="trial photos",
            layers=ERROR_LAYERS,
            identity=opening(),
            start=start,
        )


def _view(dataset: Dataset, shown: ShownOutcomes, photo: int) -> ViewedPhoto:
    record = dataset.split("val")[photo]
    layers = error_layers(shown, photo)
    return view_photo(photo_identity(dataset, record), dataset.photo(record), record.file, layers)
