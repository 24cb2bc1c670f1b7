"""The evaluations and measurements that a leaderboard lacks: offered, and watched while they run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import streamlit as st

from autodet.datasets.manifest import Dataset
from autodet.inference.background_jobs import Job
from autodet.inference.evaluation_jobs import find_evaluation, start_evaluation
from autodet.inference.latency_jobs import find_latency, start_latency
from autodet.models.store import StoredModel, read_model
from autodet.records import Leaderboard
from autodet.text_format import counted
from autodet.ui.common.editors import editors_only
from autodet.ui.common.empty_state import show_empty
from autodet.ui.common.frame import link
from autodet.ui.common.job_progress import watch_job
from autodet.ui.common.markdown import escape, shortened

MAX_BUTTONS = 4  # models with a button of their own
ICON = ":material/fact_check:"


@dataclass(frozen=True)
class _Lack:
    """A model without a stored evaluation, or without a measured latency."""

    model: StoredModel
    find: Callable[[], Job | None]
    is_evaluation: bool

    @property
    def is_under_way(self) -> bool:
        job = self.find()
        return job is not None and not job.error


def offer_evaluations(leaderboard: Leaderboard, dataset: Dataset) -> None:
    """Offer to evaluate and measure models in the background, and show the progress of those under way."""
    lacks = _lacks(leaderboard, dataset)
    under_way = [lack for lack in lacks if lack.is_under_way]
    if under_way:
        first = min(under_way, key=lambda lack: getattr(lack.find(), "waits", False))
        watch_job("Compare", first.find, partial(_progress_text, first, len(under_way) - 1))
    for lack in lacks:
        if (job := lack.find()) and job.error:
            st.error(f"{escape(lack.model.name)}: {escape(job.error)}", icon=":material/error:")
    left = [lack for lack in lacks if lack not in under_way]
    if unevaluated := [lack.model for lack in left if lack.is_evaluation]:
        _offer_to_evaluate(unevaluated, dataset, leaderboard.split)
    evaluated = {standing.model for standing in leaderboard.standings if standing.is_evaluated}
    _offer_to_measure([lack.model for lack in left if not lack.is_evaluation and lack.model.id in evaluated], dataset)


def _lacks(leaderboard: Leaderboard, dataset: Dataset) -> list[_Lack]:
    lacks = []
    for standing in leaderboard.standings:
        if standing.is_evaluated and standing.latency_ms is not None:
            continue
        model = read_model(standing.model)
        if not standing.is_evaluated:
            lacks.append(_Lack(model, partial(find_evaluation, model, dataset, leaderboard.split), True))
        if standing.latency_ms is None:
            lacks.append(_Lack(model, partial(find_latency, model), False))
    return lacks


@editors_only("evaluate")
def _offer_to_evaluate(models: Sequence[StoredModel], dataset: Dataset, split: str) -> None:
    photos = counted(dataset.splits[split], "photo")
    st.markdown(f"{counted(len(models), 'model')} not evaluated on these {photos} yet:")
    with st.container(horizontal=True):
        if len(models) > 1 and st.button(f"Evaluate all {len(models)}", key="evaluate all", icon=ICON, type="primary"):
            _start(models, dataset, split)
        for model in models[:MAX_BUTTONS]:
            if st.button(f"Evaluate {escape(shortened(model.name, 30))}", key=f"evaluate {model.id}", icon=ICON):
                _start([model], dataset, split)


def _start(models: Sequence[StoredModel], dataset: Dataset, split: str) -> None:
    for model in models:
        start_evaluation(model, dataset, split)
        start_latency(model, dataset)
    st.rerun()


@editors_only()
def _offer_to_measure(models: Sequence[StoredModel], dataset: Dataset) -> None:
    what = f"the latency of {counted(len(models), 'model')}"
    if models and st.button(f"Measure {what}", icon=":material/speed:", help="It takes some seconds for each."):
        for model in models:
            start_latency(model, dataset)
        st.rerun()


def _progress_text(lack: _Lack, more: int, job: Job) -> str:
    step = "measuring the latency"
    if lack.is_evaluation:
        step = f"photo {job.done:,} of {job.total:,}" if job.total else "loading"
    waiting = f"; {counted(more, 'more task')}" if more else ""
    return f"{escape(lack.model.name)}: {step}{waiting}"


def explain_test_split(dataset: Dataset) -> None:
    """Say how to get test photos, if a data set has none."""
    if "test" in dataset.splits:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            "This data set has no test photos, which rank models fairly. Draw new splits such as 70, 15, 15 under *New "
            "version* on the page Data sets, and train on that version.",
            width="stretch",
        )
        link("datasets", "Go to Data sets", dataset=dataset.id)


def explain_no_model() -> None:
    """Say that no model knows the classes of the data set, and what to do."""
    text = "No model knows the classes of this data set yet. Train one on it, or upload a model."
    show_empty("bars", text, [("search", "Train a detector"), ("models", "Go to Models")])
