"""Progress of a background job, on the page that started it."""

from collections.abc import Callable

import streamlit as st

from autodet.inference.background_jobs import Job
from autodet.ui.common.frame import sentences_for_errors

REFRESH_SECONDS = 0.5


def watch_job(
    page: str,
    find: Callable[[], Job | None],
    text: Callable[[Job], str],
    cancel: Callable[[], None] | None = None,
) -> None:
    """Show the progress of a job until it ends, then rerun the page.

    Args:
        page: Title of the page.
        find: Returns the job; None once it has ended.
        text: Describes the step of a job that does not wait.
        cancel: Cancels the job; None for no button.
    """
    st.fragment(_show, run_every=REFRESH_SECONDS)(page, find, text, cancel)


def _show(
    page: str, find: Callable[[], Job | None], text: Callable[[Job], str], cancel: Callable[[], None] | None
) -> None:
    with sentences_for_errors(page):
        job = find()
        if job is None or job.error:
            st.rerun()
        step = "Waiting for other work" if job.waits else text(job)
        left, right = st.columns([4, 1], vertical_alignment="center") if cancel else (st.container(), None)
        left.progress(min(1.0, job.done / max(1, job.total)), f"{step}. It continues if you leave this page.")
        if cancel and right and right.button("Cancel", key=f"cancel {page}", icon=":material/close:"):
            cancel()
            st.rerun()
