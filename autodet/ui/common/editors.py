"""Components for editors, replaced for viewers by the reason; ``autodet.access.change`` enforces the roles."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import streamlit as st

from autodet.access.change import Action, may_change, refusal
from autodet.messages.people import person_text
from autodet.settings import load_settings
from autodet.ui.common.markdown import escape
from autodet.ui.common.sign_in import find_visitor, needs_sign_in, sign_out

Arguments = ParamSpec("Arguments")
DEMO = "This is a demo: look around, and predict on your own photos. Nothing that you do here is kept."
VIEWER = "You are a viewer: look around and predict. Ask an editor for changes."


def editors_only(
    action: Action | None = None,
) -> Callable[[Callable[Arguments, None]], Callable[Arguments, None]]:
    """Hide a component from viewers.

    Args:
        action: The component's action; a line in its place says why a viewer cannot do it. None for no line.
    """

    def decorated(show: Callable[Arguments, None]) -> Callable[Arguments, None]:
        @wraps(show)
        def show_to_editors(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
            if may_change():
                show(*args, **kwargs)
            elif action:
                explain_refusal(action)

        return show_to_editors

    return decorated


def explain_refusal(action: Action) -> None:
    """Say in one line why the visitor cannot do something."""
    st.caption(f":material/lock: {escape(refusal(action))}")


def show_visitor() -> None:
    """Show a demo's banner, and in the sidebar the signed-in visitor with the role and *Sign out*."""
    if load_settings().mode == "demo":
        st.info(DEMO, icon=":material/science:")
    visitor = find_visitor()
    if visitor is None or not needs_sign_in():
        return
    with st.sidebar:
        if visitor.name:
            st.caption(f":material/person: {escape(visitor.name)}")
        if visitor.role == "viewer" and load_settings().mode != "demo":
            st.caption(VIEWER)
        st.button("Sign out", icon=":material/logout:", on_click=sign_out)


def made_by(owner: str) -> str:
    """Return " by" and the owner, as Markdown; empty if the owner is unknown, or in a demo."""
    return f" by {escape(person_text(owner))}" if owner and load_settings().mode != "demo" else ""
