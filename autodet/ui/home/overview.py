"""Overview: running searches, next steps and the newest model."""

from dataclasses import dataclass

import streamlit as st

from autodet.datasets.manifest import list_datasets
from autodet.models.store import list_models
from autodet.records import SearchStatus
from autodet.search.api import list_searches
from autodet.text_format import counted
from autodet.ui.common.frame import link, sentences_for_errors
from autodet.ui.common.markdown import ago, escape, score
from autodet.ui.common.search_progress import progress_text
from autodet.ui.home.sample_start import is_begun, offer_sample

REFRESH_SECONDS = 3


@dataclass(frozen=True)
class Step:
    """One of the three steps to a detector."""

    title: str
    text: str
    button: str
    page: str
    done: bool


def show_running_searches() -> None:
    """Show the progress of active searches, refreshed while there are any."""
    running = any(status.active for status in list_searches())
    st.fragment(_show_running, run_every=REFRESH_SECONDS if running else None)(running)


def _show_running(were_running: bool) -> None:
    with sentences_for_errors("Home"):
        running = [status for status in list_searches() if status.active]
        if were_running and not running:
            st.rerun()  # the whole page: there may be a new model
        for status in running:
            _show_progress(status)


def _show_progress(status: SearchStatus) -> None:
    with st.container(border=True):
        left, right = st.columns([4, 1], vertical_alignment="center")
        left.progress(status.progress, progress_text(status))
        with right:
            link("results", "Watch", search=status.search)


def show_next_steps() -> None:
    """Show the steps Import, Search and Try with what exists so far, and highlight the next one."""
    datasets, models = list_datasets(), list_models()
    searches = [status for status in list_searches() if not status.follow_up]
    steps = (
        Step(
            "Import",
            f"{counted(len(datasets), 'data set')} so far. Add another, or look at the photos."
            if datasets
            else "Drop a zip of labelled photos, or try everything with 240 drawn ones.",
            "Import photos",
            "datasets",
            done=bool(datasets),
        ),
        Step(
            "Search",
            f"{counted(len(searches), 'search', 'searches')} so far. Try more settings, or another data set."
            if searches
            else "Choose how long to search. Training runs in the background, and you can close the tab.",
            "Start a search",
            "search",
            done=bool(models),
        ),
        Step(
            "Try",
            "Drop a photo and see the detected objects. Share the page, or download the model."
            if models
            else "When a search has its first model, drop a photo here and see the detected objects.",
            "Try a photo",
            "predict",
            done=False,
        ),
    )
    following = next(step for step in steps if not step.done)
    for number, (column, step) in enumerate(zip(st.columns(len(steps)), steps, strict=True), start=1):
        with column.container(border=True, height="stretch", vertical_alignment="distribute"):
            with st.container():
                st.subheader(f"{number} · {step.title}{' :material/check:' if step.done else ''}", anchor=False)
                st.markdown(step.text)
            with st.container(gap="small"):
                link(step.page, step.button, primary=step is following)
                if step.page == "datasets" and not datasets and not is_begun():
                    offer_sample()


def show_newest_model() -> None:
    """Show the newest model, if any; not the best, because metrics on different data sets are not comparable."""
    models = list_models()
    if not models:
        return
    newest = models[0]
    st.subheader("Newest model", anchor=False)
    with st.container(border=True):
        name, map50, map50_95, actions = st.columns([3, 2, 2, 2], vertical_alignment="center")
        name.markdown(f"**{escape(newest.card.name)}**  \n{escape(', '.join(newest.card.classes))}")
        name.caption(f"Trained on {escape(newest.card.dataset)}, {ago(newest.added)}")
        map50.metric(
            "mAP@0.5", score(newest.card.metrics.get("map50")), help="mAP on the validation photos; 1 is perfect."
        )
        map50_95.metric(
            "mAP@0.5–0.95", score(newest.card.metrics.get("map50_95")), help="Stricter about how well boxes fit."
        )
        with actions:
            link("predict", "Try it", primary=True, model=newest.id)
            link("evaluate", "Evaluate it", model=newest.id)
