"""First search: one click imports the drawn sample and starts a quick search on it."""

import streamlit as st

from autodet.datasets.imports.import_job import Import, find_import, start_import
from autodet.datasets.imports.staging import SAMPLE
from autodet.datasets.manifest import load_dataset
from autodet.errors import DatasetError, NotFoundError
from autodet.messages.imports import step_text
from autodet.search.launch import Launcher, stand_by
from autodet.search.start import start_search
from autodet.ui.common.choice import choose
from autodet.ui.common.editors import editors_only
from autodet.ui.common.frame import open_page, sentences_for_errors
from autodet.workspace import open_workspace

BEGUN = "first search"  # session state: id of the sample's import, whose data set gets a quick search
SUPERVISOR = "first supervisor"  # session state: launches that search in a process that loads during the import
SAME_ORDER_SECONDS = 60.0  # a visitor with two tabs gets one search
REFRESH_SECONDS = 0.5


@editors_only()
def offer_sample() -> None:
    """Show a button that begins a first search on the sample."""
    if st.button("Try with sample data", type="primary", icon=":material/play_arrow:"):
        st.session_state[SUPERVISOR] = stand_by(open_workspace().home)
        st.session_state[BEGUN] = start_import(SAMPLE, SAMPLE).id
        st.rerun()


def is_begun() -> bool:
    """Return whether this visitor's first search waits for its data set."""
    return BEGUN in st.session_state


def show_first_search() -> None:
    """Show the import of the sample; when it ends, start the search and open Results."""
    if not is_begun():
        return
    job = _import()
    if job is None:  # cancelled on Data sets
        del st.session_state[BEGUN]
    elif job.status().state == "working":
        with st.container(border=True):
            st.fragment(_watch, run_every=REFRESH_SECONDS)()
    else:
        with sentences_for_errors("Home"):
            _search(job)


def _import() -> Import | None:
    try:
        return find_import(st.session_state[BEGUN])
    except NotFoundError:
        return None


def _watch() -> None:
    with sentences_for_errors("Home"):
        job = _import()
        status = job.status() if job else None
        if status is None or status.state != "working":
            st.rerun()  # the whole page: a fragment must not open another one
        st.progress(status.share, f"{step_text(status.step)}. A quick search starts as soon as the photos are there.")


def _search(job: Import) -> None:
    """Start a quick search on the imported sample, and open it.

    Raises:
        DatasetError: The import has failed.
    """
    del st.session_state[BEGUN]
    status = job.status()
    job.discard()
    if status.state != "finished":
        raise DatasetError(f"The sample could not be imported. {status.error}")
    dataset = load_dataset(status.dataset)
    with st.spinner("Starting a quick search"):
        launcher: Launcher = st.session_state.pop(SUPERVISOR)
        search = start_search(dataset, preset="quick", once_within=SAME_ORDER_SECONDS, launcher=launcher)
    choose(dataset=dataset.id)
    open_page("results", search=search.id)
