"""Overview: running searches, the steps to a detector, data sets with their models, and the drop zone."""

from dataclasses import dataclass

import streamlit as st

from autodet.access.change import may_change
from autodet.charts.trials import first_epoch_figure, is_in_first_epoch, map_figure, most_telling
from autodet.datasets.manifest import DatasetSummary, list_datasets, read_dataset
from autodet.models.store import StoredModel, list_models
from autodet.records import SearchStatus
from autodet.search.api import find_only_search, list_searches
from autodet.text_format import counted
from autodet.ui.common.choice import is_trained_on
from autodet.ui.common.empty_state import show_drawing
from autodet.ui.common.frame import link, sentences_for_errors
from autodet.ui.common.markdown import escape, score, shortened
from autodet.ui.common.pictures import THUMBNAIL_PIXELS, as_jpeg, frame_colour, framed, small_photo
from autodet.ui.common.search_progress import progress_text
from autodet.ui.home.demo import show_demo, show_drop_zone
from autodet.ui.home.own_photos import offer_own_photos
from autodet.ui.home.sample_start import is_begun, offer_sample
from autodet.workspace import open_workspace

REFRESH_SECONDS = 3
CHART_PIXELS = 240  # height of the chart of a running search
MAX_CARDS, COLUMNS = 6, 3  # data sets shown


@dataclass(frozen=True)
class Step:
    """One of the three steps to a detector."""

    title: str
    text: str
    button: str
    page: str
    drawing: str
    done: bool


def show_overview() -> None:
    """Show a first visitor the demo and the steps; later, running searches, data sets and a drop zone."""
    models = list_models()
    if not (list_datasets() or models or list_searches()):
        st.markdown(
            "Bring photos, and boxes drawn around the things you care about: here, or in a labelling program. autodet "
            "trains detectors on them, shows how good each is, and gives you a page where anyone drops a photo and "
            "sees boxes."
        )
        show_demo()
        st.subheader("Make your own in three steps", anchor=False)
        _show_steps()
        return
    _show_running_searches()
    if not (models and list_datasets()):
        _show_steps()
    _show_datasets()
    if models:
        show_drop_zone(models[0])


def _show_running_searches() -> None:
    """Show the progress of active searches, refreshed while any is active."""
    running = any(status.active for status in list_searches())
    st.fragment(_show_running, run_every=REFRESH_SECONDS if running else None)(running)


def _show_running(were_running: bool) -> None:
    with sentences_for_errors("Home"):
        running = [status for status in list_searches() if status.active]
        if were_running and not running:
            st.rerun()  # the whole page: there may be a new model
        for place, status in enumerate(running):
            _show_progress(status, reserved=place == 0)


def _show_progress(status: SearchStatus, *, reserved: bool) -> None:
    with st.container(border=True):
        left, right = st.columns([4, 1], vertical_alignment="center")
        left.progress(status.progress, progress_text(status))
        with right:
            link("results", "Watch", search=status.search)
            stoppable = status.state in ("queued", "running") and may_change()
            if stoppable and st.button(
                "Stop", key=f"stop {status.search}", icon=":material/stop:", help="Finished epochs are kept."
            ):
                find_only_search(status.search).stop()
                st.rerun()
        _show_chart(status, reserved=reserved)


def _show_chart(status: SearchStatus, *, reserved: bool) -> None:
    """Show the curve of a search; until it has points, its reserved space, so that the page does not jump."""
    if is_in_first_epoch(status):
        figure = first_epoch_figure(status, CHART_PIXELS)
    elif any(trial.epochs for trial in status.trials):
        figure = map_figure(most_telling(status)).update_layout(height=CHART_PIXELS)
    else:
        if reserved:
            with st.container(height=CHART_PIXELS, border=False):
                st.caption("The curve appears with the first batches.")
        return
    st.plotly_chart(
        figure, key=f"chart {status.search}", alt="Progress of the search", config={"displayModeBar": False}
    )


def _show_steps() -> None:
    """Show the steps Import, Train and Use with what exists so far, and highlight the next one."""
    datasets = list_datasets()
    searches = [status for status in list_searches() if not status.follow_up]
    steps = (
        Step(
            "Import",
            "Drop a zip of photos or a folder, with labels or to label them here."
            if not datasets
            else f"{counted(len(datasets), 'data set')} so far. Add another, or look at the photos.",
            "Other ways to import" if not datasets else "Import photos",
            "datasets",
            "photos",
            done=bool(datasets),
        ),
        Step(
            "Train",
            f"{counted(len(searches), 'search', 'searches')} so far. Try more settings, or another data set."
            if searches
            else "Choose how long it may take. It runs in the background, and you can close the tab.",
            "Train a detector",
            "search",
            "curve",
            done=False,  # the steps are not shown after it
        ),
        Step(
            "Use",
            "Drop a photo and see the detected objects. Share the page, or download the model.",
            "Try a photo",
            "predict",
            "photos",
            done=False,
        ),
    )
    under_way = any(status.active for status in searches)
    following = None if under_way else next(step for step in steps if not step.done)
    for number, (column, step) in enumerate(zip(st.columns(len(steps)), steps, strict=True), start=1):
        with column.container(border=True, height="stretch", vertical_alignment="distribute"):
            begins = step.page == "datasets" and not datasets
            with st.container():
                st.subheader(f"{number} · {step.title}{' :material/check:' if step.done else ''}", anchor=False)
                st.markdown(step.text)
                if begins:
                    offer_own_photos()
                elif not datasets:
                    show_drawing(step.drawing, 150)
            with st.container(gap="small"):
                if begins and not is_begun():
                    offer_sample()
                if begins or datasets:
                    form = {"form": "import"} if step.page == "datasets" else {}
                    link(step.page, step.button, primary=step is following and not begins, **form)


def _show_datasets() -> None:
    summaries, models = list_datasets(), list_models()
    if not summaries:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader("Data sets and their models", anchor=False, width="stretch")
        if may_change():
            link("datasets", "Import more photos", icon=":material/upload:", form="import")
    for start in range(0, min(len(summaries), MAX_CARDS), COLUMNS):
        for column, summary in zip(
            st.columns(COLUMNS), summaries[start : min(start + COLUMNS, MAX_CARDS)], strict=False
        ):
            with column.container(border=True, height="stretch"):
                _show_card(summary, [model for model in models if is_trained_on(model, summary)])


def _show_card(summary: DatasetSummary, models: list[StoredModel]) -> None:
    """Show a data set with its best model."""
    st.image(_thumbnail(summary.id, summary.created, frame_colour()), width="stretch", alt=f"A photo of {summary.name}")
    photos = counted(sum(summary.splits.values()), "photo")
    classes = escape(shortened(", ".join(summary.classes), 60)) if summary.boxes else "no labels yet"
    st.markdown(f"**{escape(summary.name)}**  \n{photos}, {classes}")
    best = max(models, key=lambda model: model.card.metrics.get("map50", 0.0), default=None)
    if best:
        st.caption(
            f"{counted(len(models), 'model')} · best mAP@0.5 {score(best.card.metrics.get('map50'))}: "
            f"{escape(best.card.name)}"
        )
    else:
        st.caption("No model yet")
    with st.container(horizontal=True, gap="small"):
        link("datasets", "Photos", dataset=summary.id)
        if best:
            link("evaluate", "Evaluate", model=best.id, dataset=summary.id)
            link("predict", "Try it", model=best.id, dataset=summary.id)
        elif summary.boxes:
            link("search", "Train", dataset=summary.id)
        else:
            link("label", "Label", dataset=summary.id)


@st.cache_data(max_entries=50, show_spinner=False)
def _thumbnail(identity: str, created: str, colour: str) -> bytes:
    """Return the first photo of a data set, as JPEG."""
    del created  # part of the cache key: another data set may get the id of a deleted one
    dataset = read_dataset(open_workspace().datasets / identity)
    record = dataset.images[0]
    photo, _ = small_photo(record.sha256 or record.file, THUMBNAIL_PIXELS, dataset.photo(record), record.file)
    return as_jpeg(framed(photo, colour))
