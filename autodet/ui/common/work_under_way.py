"""Running searches, imports and auto-labels, as lines in the sidebar of every page."""

from contextlib import suppress

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from autodet.datasets.imports.import_job import list_imports
from autodet.errors import AutodetError, SettingsError
from autodet.inference.auto_label_jobs import auto_labels_under_way
from autodet.search.api import list_searches
from autodet.ui.common.frame import PAGES
from autodet.ui.common.markdown import escape, shortened
from autodet.ui.common.sign_in import find_visitor

REFRESH_SECONDS = 4


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

    def show() -> None:
        _show_lines()

    show.__qualname__ = f"{__name__} on {page.url_path}"  # Streamlit's name of the fragment; see ``frame``
    with st.sidebar:
        st.fragment(show, run_every=REFRESH_SECONDS)()


def _show_lines() -> None:
    for name, text, share, query in _lines():
        with st.container(key=f"work {text}"):
            st.page_link(
                PAGES[name].path, label=f"{text}: {share:.0%}", icon=":material/progress_activity:", query_params=query
            )


def _lines() -> list[tuple[str, str, float, dict[str, str]]]:
    """Return the page, the text, the completed share and the selections of each line."""
    lines: list[tuple[str, str, float, dict[str, str]]] = []
    with suppress(AutodetError, OSError):  # the page reports a workspace that cannot be used
        for status in list_searches():
            if status.active:
                text = f"Training {escape(shortened(status.search, 24))}"
                lines.append(("results", text, status.progress, {"search": status.search}))
        for job in list_imports():
            with suppress(AutodetError):
                state = job.status()
                if state.state == "working":
                    text = f"Importing {escape(shortened(job.request().name, 24))}"
                    lines.append(("datasets", text, state.share, {}))
        for dataset, labelling in auto_labels_under_way().items():
            text, share = (
                f"Drafting labels on {escape(shortened(dataset, 24))}",
                labelling.done / max(1, labelling.total),
            )
            lines.append(("label", text, share, {"dataset": dataset}))
    return lines
