"""The page's URL: it contains the current selections, so that a link reproduces the view.

Selections replace the URL without an entry in the browser history, so that one press of the back button leaves the
page. Streamlit's own ``st.query_params`` adds an entry for each change.
"""

from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

KEYS = ("dataset", "photo", "order", "model", "search", "split", "models", "trials", "view", "dropped", "form")
PAGE, WRITTEN, NAMED, CHOSEN = "page", "addresses", "named", "in the address"  # session state
MAX_NOTED = 20  # earlier URLs that the browser may still send
FORM = "form to open"  # session state: the form that the link to this page names
ASSETS = Path(__file__).parent / "assets"

_link = st.components.v2.component(
    "autodet_copy_link",
    html=(ASSETS / "copy_link.html").read_text(encoding="utf-8"),
    css=(ASSETS / "copy_link.css").read_text(encoding="utf-8"),
    js=(ASSETS / "copy_link.js").read_text(encoding="utf-8"),
)


def read_address(page: str) -> None:
    """Read the selections from the URL of a newly opened link; call this before a page draws anything.

    URLs that this page wrote itself are ignored, because the browser may still send one that a later selection has
    replaced.

    Args:
        page: Name of the page.
    """
    named = {key: value for key, value in st.query_params.to_dict().items() if key in KEYS}
    arrived = st.session_state.get(PAGE) != page
    if arrived:
        st.session_state[PAGE], st.session_state[WRITTEN] = page, []
    st.session_state[NAMED] = named if arrived or named not in st.session_state[WRITTEN] else {}
    st.session_state[CHOSEN] = {}
    if arrived:  # the browser goes on to send a form that the page has removed from the URL
        st.session_state[FORM] = st.session_state[NAMED].get("form", "")


def opens_form(name: str) -> bool:
    """Return whether the link that the visitor followed to this page asks for a form to be open."""
    return bool(st.session_state.get(FORM) == name)


def take_form() -> str:
    """Return the form that the link to this page asks for; empty if it asks for none, or after the first call."""
    return str(st.session_state.pop(FORM, ""))


def named_in_address(key: str) -> str | None:
    """Return the selection that a newly opened link contains for a key, if any.

    Args:
        key: One of ``KEYS``.
    """
    named: dict[str, str] = st.session_state.get(NAMED, {})
    return named.get(key)


def write_address(key: str, value: str) -> None:
    """Add a selection to the page's URL; ``show_link`` applies it.

    Args:
        key: One of ``KEYS``.
        value: An id, a split, several ids or numbers separated by commas, or the token of dropped photos.
    """
    st.session_state.setdefault(CHOSEN, {})[key] = value


def note_address(key: str, value: str) -> None:
    """Note a selection that the browser writes into the URL, so that it counts as written by this page."""
    written = st.session_state[WRITTEN]
    st.session_state[WRITTEN] = [*written[-MAX_NOTED:], {**(written[-1] if written else {}), key: value}]


def written_address(key: str) -> str:
    """Return what this run of the page has written for a key; empty if nothing."""
    chosen: dict[str, str] = st.session_state.get(CHOSEN, {})
    return chosen.get(key, "")


def show_link(page: str, place: DeltaGenerator) -> None:
    """Update the URL and show a button that copies it; do nothing on a page without selections.

    Args:
        page: Last part of the page's path.
        place: Container of the button.
    """
    chosen: dict[str, str] = st.session_state.get(CHOSEN, {})
    if not chosen:
        return
    st.session_state[WRITTEN] = [*st.session_state[WRITTEN][-1:], chosen]
    with place:
        _link(key="copy link", data={"page": page, "chosen": chosen, "keys": KEYS}, width="content")
