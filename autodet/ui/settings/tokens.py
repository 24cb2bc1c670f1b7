"""Tokens of programs that use the HTTP API: list, creation and revocation."""

import streamlit as st

from autodet.access.tokens import MAX_NAME, Token, create_token, list_tokens, revoke_token
from autodet.ui.common.editors import editors_only
from autodet.ui.common.frame import link, sentences_for_errors
from autodet.ui.common.markdown import ago, escape
from autodet.ui.common.server_app import needs_token

SHOWN_ONCE = "token made"  # session state: a new token until the next run of the page
FORMS = "token forms"  # session state: number of the form, so that a new one is empty
DAYS = {"never": None, "in 30 days": 30, "in 90 days": 90, "in a year": 365}


@editors_only()
def show_tokens() -> None:
    """Show the tokens, a form for a new one, and buttons that revoke them."""
    st.subheader("Tokens for programs", anchor=False)
    st.markdown(
        "A program that uses the HTTP API sends a token. With it, it can list models and predict."
        if needs_token()
        else "Everyone who can reach this app can use its HTTP API, because neither a password nor a sign-in is set; "
        "programs need a token once one is."
    )
    if made := st.session_state.pop(SHOWN_ONCE, None):
        st.success("Copy the new token now; it is not shown again.", icon=":material/key:")
        st.code(made, language=None, wrap_lines=True)
    with st.popover("Make a token", icon=":material/add:"):
        _ask_for_token()
    for token in list_tokens():
        _show_token(token)
    link("use", "Programs to copy")


def _ask_for_token() -> None:
    number = st.session_state.setdefault(FORMS, 0)
    with st.form(f"token {number}", border=False):
        name = st.text_input("What is it for?", max_chars=MAX_NAME, placeholder="Camera at the gate")
        expires = st.selectbox("Expires", list(DAYS))
        if st.form_submit_button("Make it", type="primary", icon=":material/key:"):
            with sentences_for_errors("Settings"):
                _, st.session_state[SHOWN_ONCE] = create_token(name, DAYS[expires])
                st.session_state[FORMS] += 1
                st.rerun()


def _show_token(token: Token) -> None:
    facts, action = st.columns([5, 1], vertical_alignment="center")
    maker = f" by {escape(token.maker)}" if token.maker else ""
    used = f"last used {ago(token.last_used)}" if token.last_used else "never used"
    ends = f", expires {token.expires[:10]}" if token.expires else ""
    expired = " :material/timer_off: expired" if token.has_expired else ""
    facts.markdown(f"**{escape(token.name)}** `{token.id}`{expired}  \nmade {ago(token.created)}{maker}, {used}{ends}")
    with action.popover("Revoke", icon=":material/key_off:", key=f"revoke {token.id}"):
        _ask_for_revocation(token)


def _ask_for_revocation(token: Token) -> None:
    st.markdown(f"Programs that use **{escape(token.name)}** are refused from now on.")
    if st.button("Revoke it", type="primary", icon=":material/key_off:", key=f"really revoke {token.id}"):
        with sentences_for_errors("Settings"):
            revoke_token(token.id)
            st.rerun()
