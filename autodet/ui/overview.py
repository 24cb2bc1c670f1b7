"""Home: three steps, what is running, and the best model."""

import streamlit as st

from autodet.datasets.manifest import list_datasets
from autodet.models.store import list_models
from autodet.records import SearchStatus
from autodet.search.control import list_searches
from autodet.ui.frame import open_page
from autodet.ui.text import counted, duration, escape, score


def show_running_searches() -> None:
    """Searches at work, with their progress; refreshed while there are any."""
    running = any(status.active for status in list_searches())
    st.fragment(_running_searches, run_every=3 if running else None)()


def _running_searches() -> None:
    for status in list_searches():
        if not status.active:
            continue
        with st.container(border=True):
            left, right = st.columns([4, 1], vertical_alignment="center")
            left.progress(progress_of(status), progress_text(status))
            if right.button("Watch", key=f"watch {status.search}", icon=":material/show_chart:", width="stretch"):
                open_page("results", search=status.search)


def progress_of(status: SearchStatus) -> float:
    """The share of a search's epochs that are done or will not be made, 0 to 1."""
    planned = status.planned_trials * status.planned_epochs
    done = sum(len(trial.epochs) if trial.state == "running" else status.planned_epochs for trial in status.trials)
    return min(1.0, done / planned) if planned else 0.0


def progress_text(status: SearchStatus) -> str:
    """A search's progress in words."""
    if status.state == "queued":
        return f"**{escape(status.search)}** is starting"
    if status.state == "stopping":
        return f"**{escape(status.search)}** is stopping"
    left = "" if status.seconds_left is None else f", about {duration(status.seconds_left)} left"
    epochs = sum(len(trial.epochs) for trial in status.trials)
    return (
        f"**{escape(status.search)}**: trial {len(status.trials)} of {status.planned_trials}, "
        f"{counted(epochs, 'epoch')} done{left}"
    )


def show_next_steps() -> None:
    """Import, search, try: each says what is there already, and leads on."""
    datasets, models = list_datasets(), list_models()
    first, second, third = st.columns(3)
    with first.container(border=True, height="stretch"):
        st.subheader("1 · Import", anchor=False)
        st.markdown(
            f"{counted(len(datasets), 'data set')} so far. Add another, or look at the photos."
            if datasets
            else "Drop a zip of labelled photos, or start with the drawn sample."
        )
        if st.button("Import photos", type="secondary" if datasets else "primary", icon=":material/photo_library:"):
            open_page("datasets")
    with second.container(border=True, height="stretch"):
        st.subheader("2 · Search", anchor=False)
        st.markdown("Choose how long to try. Training runs in the background; close the tab if you like.")
        ready = bool(datasets) and not models
        if st.button("Start a search", type="primary" if ready else "secondary", icon=":material/manage_search:"):
            open_page("search")
    with third.container(border=True, height="stretch"):
        st.subheader("3 · Try", anchor=False)
        st.markdown("Drop a photo and see what the best model finds. Share the page, or download the model.")
        if st.button("Try a photo", type="primary" if models else "secondary", icon=":material/center_focus_strong:"):
            open_page("predict")


def show_best_model() -> None:
    """The best model so far, if there is one."""
    models = list_models()
    if not models:
        return
    best = models[0]
    st.subheader("Best model so far", anchor=False)
    with st.container(border=True):
        name, map50, map50_95, actions = st.columns([3, 2, 2, 2], vertical_alignment="center")
        name.markdown(f"**{escape(best.card.name)}**  \n{escape(', '.join(best.card.classes))}")
        map50.metric("mAP@0.5", score(best.card.metrics.get("map50")), help="On the validation photos; 1 is perfect.")
        map50_95.metric("mAP@0.5–0.95", score(best.card.metrics.get("map50_95")), help="Stricter about the boxes.")
        if actions.button("Try it", icon=":material/center_focus_strong:", width="stretch"):
            open_page("predict", model=best.id)
        if actions.button("Evaluate it", icon=":material/fact_check:", width="stretch"):
            open_page("evaluate", model=best.id)
