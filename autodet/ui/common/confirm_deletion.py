"""Confirmation of deletions, and deletion of searches with their size on disk."""

from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from autodet.records import SearchStatus
from autodet.search.api import find_only_search
from autodet.text_format import counted, size_text
from autodet.trash import Kind
from autodet.ui.common.editors import editors_only
from autodet.ui.common.frame import sentences_for_errors
from autodet.ui.common.markdown import escape
from autodet.ui.common.undo import TRASH_NOTE, note_deletion


def confirm_deletion(delete: Callable[[], object], kind: Kind, id: str) -> None:
    """Show the buttons of a dialog that confirms a deletion.

    Args:
        delete: Callback that deletes the item.
        kind: Kind of the item.
        id: Its id.
    """
    st.caption(TRASH_NOTE)
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Cancel", key="cancel deletion"):
            st.rerun()
        with st.container(key="danger", width="content"):
            if st.button("Delete it", icon=":material/delete:"):
                delete()
                note_deletion(kind, id)
                st.rerun()


def show_size(status: SearchStatus, place: DeltaGenerator) -> None:
    """Show the disk usage of an inactive search."""
    place.metric(
        "Disk space",
        size_text(_size(status.search)),
        help="Mostly the models of its trials, any of which can be kept.",
        width="content",
    )


@st.cache_data(ttl=30, max_entries=100, show_spinner=False)  # many trials have many files
def _size(search: str) -> int:
    return find_only_search(search).size_bytes()


@editors_only()
def offer_deletion(status: SearchStatus) -> None:
    """Show a button that deletes an inactive search, after confirmation."""
    if st.button("Delete", key=f"delete {status.search}", icon=":material/delete:"):
        _confirm_deletion(status)


@st.dialog("Delete this search?")
def _confirm_deletion(status: SearchStatus) -> None:
    with sentences_for_errors("Results"):
        stays = "Its best model and the models that you have kept stay under Models."
        st.markdown(
            f"**{escape(status.search)}**, its metrics and the files of its {counted(len(status.trials), 'trial')} "
            f"will be deleted.{f' {stays}' if status.model else ''}"
        )
        confirm_deletion(find_only_search(status.search).delete, "search", status.search)
