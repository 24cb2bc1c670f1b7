"""Undo of deletions: right after one on its page, and later in the trash."""

import streamlit as st

from autodet.search.delete import restore, size_of
from autodet.text_format import duration, size_text
from autodet.trash import TITLES, Kind, Trashed, list_trash
from autodet.ui.common.editors import editors_only
from autodet.ui.common.markdown import escape
from autodet.workspace import open_workspace

DELETED = "deleted"  # session state: kind and id of this visitor's last deletion
TRASH_NOTE = "It stays in the trash for a day, if the disk has room; then it is erased."


def note_deletion(kind: Kind, id: str) -> None:
    """Remember a deletion, so that the page offers to undo it."""
    st.session_state[DELETED] = kind, id


@editors_only()
def offer_undo() -> None:
    """Offer to undo the last deletion of this visitor, once."""
    if DELETED not in st.session_state:
        return
    kind, id = st.session_state[DELETED]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"The {TITLES[kind]} **{escape(id)}** is in the trash.")
        undone = st.button("Undo", icon=":material/undo:")
        if undone or st.button("Close", key="close undo", type="tertiary"):
            del st.session_state[DELETED]
            if undone:
                restore(kind, id)
            st.rerun()


@editors_only()
def show_trash() -> None:
    """Show the items in the trash, each with a button that restores it."""
    workspace = open_workspace()
    trash = list_trash(workspace)
    if not trash:
        return
    st.subheader("Trash", anchor=False)
    for trashed in trash:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(_entry(trashed))
            if st.button("Restore", key=f"restore {trashed.folder.name}", icon=":material/undo:"):
                restore(trashed.kind, trashed.id, workspace)
                st.rerun()


def _entry(trashed: Trashed) -> str:
    facts = f"{size_text(size_of(trashed.folder))}, erased in {duration(trashed.seconds_left)}"
    return f"The {TITLES[trashed.kind]} **{escape(trashed.id)}** ({facts})"
