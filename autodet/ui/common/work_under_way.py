"""Running searches and imports, as lines in the sidebar of every page."""

from contextlib import suppress

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from autodet.datasets.imports.import_job import list_imports
from autodet.errors import AutodetError, SettingsError
from autodet.search.api import list_searches
from autodet.ui.common.frame import PAGES
from autodet.ui.common.markdown import escape, shortened
from autodet.ui.common.sign_in import find_visitor

REFRESH_SECONDS = 4
# Pages that only read. Others may open a page after a click, and a refresh at that moment would leave it empty.
REFRESHED = ("Evaluate", "Compare", "Predict", "Settings")


def show_work(page: StreamlitPage) -> None:
    """Show running work with links; refreshed while there is any.

    Args:
        page: The page that is about to run.
    """
    try:
        if find_visitor() is None:
            return
    except SettingsError:  # the page shows the error
        return
    if not _lines():
        return
    with st.sidebar:
        if page.title in REFRESHED:
            st.fragment(_show, run_every=REFRESH_SECONDS)()
        else:
            _show()


def _show() -> None:
    for name, label, query in _lines():
        with st.container(key=f"work {label}"):
            st.page_link(PAGES[name].path, label=label, icon=":material/progress_activity:", query_params=query)


def _lines() -> list[tuple[str, str, dict[str, str]]]:
    """Return the page, the text and the selections of each line."""
    lines: list[tuple[str, str, dict[str, str]]] = []
    with suppress(AutodetError, OSError):  # the page reports a workspace that cannot be used
        for status in list_searches():
            if status.active:
                text = f"Training {escape(shortened(status.search, 24))}: {status.progress:.0%}"
                lines.append(("results", text, {"search": status.search}))
        for job in list_imports():
            with suppress(AutodetError):
                state = job.status()
                if state.state == "working":
                    name = escape(shortened(job.request().name, 24))
                    lines.append(("datasets", f"Importing {name}: {state.share:.0%}", {}))
    return lines
