"""The page's address: it names what is chosen on the page, so that a link leads anyone to the same.

What is chosen is written into the address in place of what it said, without an entry in the browser's history, so that
one press of the back button leaves the page. Streamlit's own ``st.query_params`` adds an entry for each change.
"""

from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

KEYS = ("dataset", "model", "search", "split")
PAGE, WRITTEN, NAMED, CHOSEN = "page", "addresses", "named", "in the address"  # session state
ASSETS = Path(__file__).parent / "assets"

_link = st.components.v2.component(
    "autodet_copy_link",
    html=(ASSETS / "copy_link.html").read_text(encoding="utf-8"),
    css=(ASSETS / "copy_link.css").read_text(encoding="utf-8"),
    js=(ASSETS / "copy_link.js").read_text(encoding="utf-8"),
)


def read_address(page: str) -> None:
    """Note what the address names, where the visitor came by it; to be called before a page draws anything.

    The browser may still send an address that a later choice has replaced, so what this page itself wrote is no news.

    Args:
        page: The page's name.
    """
    named = {key: value for key, value in st.query_params.to_dict().items() if key in KEYS}
    arrived = st.session_state.get(PAGE) != page
    if arrived:
        st.session_state[PAGE], st.session_state[WRITTEN] = page, []
    st.session_state[NAMED] = named if arrived or named not in st.session_state[WRITTEN] else {}
    st.session_state[CHOSEN] = {}


def named_in_address(key: str) -> str | None:
    """What the address names of a kind, if the visitor has just come by it.

    Args:
        key: One of ``KEYS``.
    """
    named: dict[str, str] = st.session_state.get(NAMED, {})
    return named.get(key)


def write_address(key: str, value: str) -> None:
    """Have the address name what is chosen on this page.

    Args:
        key: One of ``KEYS``.
        value: An id, or a split.
    """
    st.session_state.setdefault(CHOSEN, {})[key] = value


def show_link(place: DeltaGenerator) -> None:
    """Put the address right, and a button that copies it; nothing on a page with nothing to choose.

    Args:
        place: Where the button goes.
    """
    chosen: dict[str, str] = st.session_state.get(CHOSEN, {})
    if not chosen:
        return
    st.session_state[WRITTEN] = [*st.session_state[WRITTEN][-1:], chosen]
    with place:
        _link(key="copy link", data={"page": st.session_state[PAGE], "chosen": chosen, "keys": KEYS}, width="content")
