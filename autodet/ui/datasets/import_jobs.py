"""Import jobs: progress, questions and results."""

from collections.abc import Sequence

import streamlit as st

from autodet.access.change import may_change
from autodet.datasets.imports.import_job import Import, find_import, list_imports
from autodet.datasets.imports.import_state import ASKING, ImportRequest, ImportState, ImportStatus
from autodet.datasets.manifest import read_dataset
from autodet.datasets.sources.s3.access import check_visitor
from autodet.errors import DatasetError, NotFoundError
from autodet.messages.formats import FORMAT_TITLES
from autodet.messages.imports import (
    added_sentence,
    apart_sentence,
    download_question,
    format_question,
    imported_sentence,
    step_text,
)
from autodet.settings import load_settings
from autodet.text_format import counted, duration
from autodet.ui.common.choice import choose
from autodet.ui.common.editors import editors_only, explain_refusal
from autodet.ui.common.frame import sentences_for_errors
from autodet.ui.common.imports_begun import OURS, TO_TOP, begun, show_top
from autodet.ui.common.markdown import escape
from autodet.ui.datasets.import_review import show_review
from autodet.ui.datasets.merge_form import begin_merge
from autodet.ui.datasets.s3_identity import forget_keys, keys_of, type_keys
from autodet.workspace import open_workspace

REFRESH_SECONDS = 0.5
IMPORTED = "imported"  # session state: success message of an import that has just finished
REFUSED = "not added"  # session state: why the photos of one are not added to a data set
# Import messages are at the top of the page: on a phone, several screens above the pressed button.
SCROLL = """<script>document.querySelector('[data-testid="stMain"]').scrollTo({top: 0})</script>"""


def show_imports() -> None:
    """Show all imports that are unfinished or belong to this session, the newest first.

    Failed imports of other sessions are in a collapsed list; their finished imports are not shown.
    """
    if st.session_state.pop(TO_TOP, False):
        st.html(SCROLL, unsafe_allow_javascript=True)
    if done := st.session_state.pop(IMPORTED, None):
        st.success(escape(done), icon=":material/check:")
    if refused := st.session_state.pop(REFUSED, None):
        st.warning(escape(refused), icon=":material/merge:")
    imports = list_imports()
    over = [job for job in imports if _is_over(job) and job.id not in st.session_state.get(OURS, ())]
    for job in imports:
        if job not in over:
            with st.container(border=True), sentences_for_errors("Data sets"):
                _show_import(job)
    _show_failed([job for job in over if job.status().state == "failed"])


def _state(job: Import) -> ImportState | None:
    try:
        return job.status().state
    except DatasetError:  # damaged
        return None


def _is_over(job: Import) -> bool:
    return _state(job) in ("finished", "failed")


def _show_failed(imports: Sequence[Import]) -> None:
    """Show failed imports of other or earlier sessions, collapsed because they concern few visitors."""
    if not imports:
        return
    with st.expander(f"{counted(len(imports), 'earlier import')} failed", icon=":material/error:"):
        for job in imports:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f"**{escape(job.request().name)}**: {escape(job.status().error)}")
                _offer_discard(job, "Dismiss")


def _show_import(job: Import) -> None:
    try:
        status, request = job.status(), job.request()
    except DatasetError as error:  # a damaged import must not hide the rest of the page
        st.error(escape(str(error)), icon=":material/error:")
        _offer_discard(job, "Discard")
        return
    if status.state == "working":
        st.fragment(_watch, run_every=REFRESH_SECONDS)(job.id)
    elif status.state == "finished":
        _open(job, status)
    else:
        _show_end(job, request, status)


def _watch(id: str) -> None:
    with sentences_for_errors("Data sets"):
        try:
            status, name = find_import(id).status(), find_import(id).request().name
        except NotFoundError:
            status, name = None, ""
        if status is None or status.state != "working":
            if status and status.state == "finished" and id not in st.session_state.get(OURS, ()):
                st.toast(f"{escape(name)} has been imported.", icon=":material/check:")
            st.rerun()
        left, right = st.columns([4, 1], vertical_alignment="center")
        left.progress(status.share, _progress_text(name, status))
        if may_change() and right.button("Cancel", key=f"cancel {id}", icon=":material/close:"):
            find_import(id).discard()
            right.caption("Cancelling …")


def _progress_text(name: str, status: ImportStatus) -> str:
    left = status.seconds_left
    time_left = f" · about {duration(left)} left" if left is not None and left >= 1 else ""
    return f"**{escape(name)}** · {escape(step_text(status.step))}{time_left}. It continues if you leave this page."


def _show_end(job: Import, request: ImportRequest, status: ImportStatus) -> None:
    """Show the question or error of an import that is not running."""
    name = escape(request.name)
    if status.state != "confirming":
        forget_keys(job.id)
    if status.state in ASKING and not may_change():
        st.info(f"The import of {name} waits for a decision.", icon=":material/help:")
        explain_refusal("continue import")
    elif status.state == "reviewing":
        show_review(job, begun)
    elif status.state == "choosing":
        _choose_format(job, status)
    elif status.state == "failed":
        st.error(escape(status.error), icon=":material/error:")
        _offer_discard(job, "Dismiss")
    elif status.state == "confirming":
        question = download_question(request.source, status.asked["files"], status.asked["bytes"], "page")
        st.warning(escape(question), icon=":material/help:")
        _offer_to_go_on(job, "Download it", large=True)
    elif status.state == "crashed":
        st.error(f"The import of {name} failed. {escape(status.error)}", icon=":material/error:")
        _offer_to_go_on(job, "Try again")
    else:
        why = f" {escape(status.error)}" if status.error else ""
        st.warning(
            f"The import of {name} was interrupted.{why} The files fetched so far are kept.", icon=":material/warning:"
        )
        _offer_to_go_on(job, "Continue")


@editors_only()
def _offer_to_go_on(job: Import, label: str, *, large: bool = False) -> None:
    """Show buttons that continue or discard an import, and the key fields if this browser session lacks the keys."""
    asked, kept = job.request().credentials, keys_of(job.id)
    with st.form(f"go on {job.id}", border=False):
        if asked and job.lacks_keys and not kept:
            kept = type_keys(asked, job.id)
        with st.container(horizontal=True):
            goes_on = st.form_submit_button(label, type="primary")
            ends = st.form_submit_button("Discard")
    if ends:
        job.discard()
        st.rerun()
    if goes_on:
        if asked:
            check_visitor(asked, load_settings())
        job.proceed(credentials=kept, large=large)
        st.rerun()


def _choose_format(job: Import, status: ImportStatus) -> None:
    photos = status.asked["photos"]
    st.warning(escape(format_question(job.request().name, photos, "page")), icon=":material/help:")
    with st.container(horizontal=True):
        for format_ in photos:
            if st.button(f"Import as {FORMAT_TITLES[format_]}", key=f"{format_} {job.id}"):
                job.proceed(format=format_)
                st.rerun()
        _offer_discard(job, "Discard")


@editors_only()
def _offer_discard(job: Import, label: str) -> None:
    if st.button(label, key=f"discard {job.id}"):
        job.discard()
        st.rerun()


def _open(job: Import, status: ImportStatus) -> None:
    """Select the data set that this visitor's import has created, and discard the import."""
    into = job.request().into
    job.discard()
    dataset = read_dataset(open_workspace().datasets / status.dataset)
    choose(dataset=dataset.id)
    if status.error:
        st.session_state[REFUSED] = apart_sentence(dataset.name, status.error)
        choose(dataset=into)
        begin_merge(into, dataset.id)  # its form asks the open questions
    elif into and dataset.parent:
        st.session_state[IMPORTED] = added_sentence(dataset.name, dataset.parent.changes)
    else:
        facts = len(dataset.images), dataset.boxes, len(dataset.classes)
        st.session_state[IMPORTED] = imported_sentence(dataset.name, *facts)
    show_top()
    st.rerun()
