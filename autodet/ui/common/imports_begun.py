"""Imports started in this browser session."""

import streamlit as st

from autodet.datasets.imports.import_job import Import

OURS = "imports"  # session state: their ids
TO_TOP = "to the top"  # session state: whether the next run scrolls the page to the top


def begun(job: Import) -> None:
    """Remember an import of this visitor, so that Data sets shows it."""
    st.session_state.setdefault(OURS, set()).add(job.id)
    show_top()


def show_top() -> None:
    """Scroll to the top on the next run of the page."""
    st.session_state[TO_TOP] = True
