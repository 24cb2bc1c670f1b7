"""The gain of a search over the model that it started from; both are evaluated in the background for it."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from autodet.access.change import may_change
from autodet.datasets.manifest import list_datasets
from autodet.inference.background_jobs import Job
from autodet.inference.evaluation_jobs import find_evaluation, start_evaluation
from autodet.messages.comparisons import improvement_cautions, improvement_sentence, no_unseen_photos_text
from autodet.models.store import StoredModel, list_models
from autodet.records import Improvement, SearchStatus
from autodet.search.improvement import Successor, compare_successor, find_successor
from autodet.text_format import counted
from autodet.ui.common.editors import explain_refusal
from autodet.ui.common.frame import link
from autodet.ui.common.job_progress import watch_job
from autodet.ui.common.markdown import escape, shortened
from autodet.workspace import open_workspace

MAX_KEPT = 8  # in memory
ICON = ":material/balance:"


def show_improvement(status: SearchStatus) -> None:
    """Show the model of a search that is over beside the one that it started from; evaluate both if necessary."""
    if status.start_from is None or status.active:
        return
    there = [sorted(model.card.weights_sha256 for model in list_models()), [one.id for one in list_datasets()]]
    successor = _successor(f"{status.search} {status.state} {status.model} {there}", status)
    if successor is None:
        return
    if not successor.photos.count:
        st.info(escape(no_unseen_photos_text(successor.earlier.name, successor.model.name)), icon=ICON)
        return
    jobs = [_job(successor, model) for model in successor.models]  # before the results: a job may end in between
    if left := successor.unevaluated:
        _evaluate(successor, left, [job for job in jobs if job])
    else:
        _show(successor, _improvement(f"{successor.search} {there}", successor))


@st.cache_resource(max_entries=MAX_KEPT, show_spinner=False)
def _successor(key: str, _status: SearchStatus) -> Successor | None:
    del key
    return find_successor(_status, open_workspace())


@st.cache_resource(max_entries=MAX_KEPT, show_spinner="Comparing the models")
def _improvement(key: str, _successor: Successor) -> Improvement:
    del key
    return compare_successor(_successor)


def _job(successor: Successor, model: StoredModel) -> Job | None:
    return find_evaluation(model, successor.photos.dataset, successor.photos.split)


def _evaluate(successor: Successor, left: Sequence[StoredModel], jobs: Sequence[Job]) -> None:
    """Start the evaluations and watch them; one that failed is started again by a person only."""
    earlier, new = (f"**{escape(shortened(model.name))}**" for model in successor.models)
    st.markdown(f"{ICON} {new} is compared with {earlier}, which it started from.")
    if failed := next((job for job in jobs if job.error), None):
        st.error(escape(failed.error), icon=":material/error:")
    if not may_change():
        explain_refusal("evaluate")
        return
    if failed and not st.button("Try again", key=f"compare {successor.search}", icon=":material/refresh:"):
        return
    for model in left:
        start_evaluation(model, successor.photos.dataset, successor.photos.split)
    watch_job("Results", partial(_under_way, successor), _progress_text)


def _under_way(successor: Successor) -> Job | None:
    """Return the running or waiting evaluation; else a failed one, or None if both are done."""
    jobs = [job for model in successor.models if (job := _job(successor, model))]
    return min(jobs, key=lambda job: (bool(job.error), job.waits), default=None)


def _progress_text(job: Job) -> str:
    return f"Photo {job.done:,} of {job.total:,}" if job.total else "Loading the model"


def _show(successor: Successor, found: Improvement) -> None:
    with st.container(border=True):
        figure = found.comparison.map50
        left, right = st.columns([1, 3], vertical_alignment="center")
        left.metric(
            f"mAP@0.5 on {counted(found.photos, 'photo')}",
            f"{figure.a:.3f} → {figure.b:.3f}",
            None if found.too_few else f"{figure.difference:+.3f}",
            delta_color="normal" if figure.significant else "off",
        )
        right.markdown(escape(improvement_sentence(found, "page")))
        for caution in improvement_cautions(found):
            right.caption(f":material/warning: {escape(caution)}")
        with right:
            models = ",".join(model.id for model in successor.models)
            link(
                "compare", "Compare with everything", dataset=found.comparison.dataset, models=models, split=found.split
            )
