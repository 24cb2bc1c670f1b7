"""Scrolling to what a click has opened further down."""

import streamlit as st

from autodet.ui.common.address import ASSETS

_component = st.components.v2.component(
    "autodet_scroll_here", html="<div></div>", js=(ASSETS / "scroll_here.js").read_text(encoding="utf-8")
)


def scroll_here(name: str) -> None:
    """Scroll to this place if ``count_opening`` was called since the page was drawn last."""
    _component(key=f"scroll {name}", data={"openings": st.session_state.get(f"openings {name}", 0)})


def count_opening(name: str) -> None:
    """Note that a click has opened what ``scroll_here`` of the same name stands above."""
    st.session_state[f"openings {name}"] = st.session_state.get(f"openings {name}", 0) + 1
