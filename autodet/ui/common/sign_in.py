"""Sign-in: with OpenID Connect if Streamlit's secrets configure it, else with a password if there is one.

After a correct password the browser gets a cookie with a random token, so that a reload does not ask again; see
``autodet.access.admissions``. Streamlit implements OpenID Connect; its signed cookie holds the identity.
"""

import hmac
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from autodet.access.admissions import ADMISSION_SECONDS, admit, admitted_role, digest_of, revoke
from autodet.access.allowlist import role_of, verified_email
from autodet.access.audit_log import write_entry
from autodet.access.guesses import Guesses, LockedOutError, TooManyGuessesError
from autodet.access.visitor import STRANGER, Role, Visitor, identify_visitors
from autodet.errors import AutodetError
from autodet.settings import LOOPBACK, Settings, load_settings
from autodet.ui.common.markdown import escape
from autodet.ui.common.server_app import dismiss_browser
from autodet.workspace import open_workspace

# Session state keys; ``ADMITTED`` holds the digest of the token that admits this tab.
ADMITTED, TOKEN, SIGNED_OUT, NOTED = "admitted", "token", "signed out", "sign-in noted"
# A session cookie. All ports of a host share cookies, so the name includes the port.
SET_COOKIE = """<script>
const secure = location.protocol === "https:" ? "; Secure" : "";
document.cookie = {name} + "=" + {token} + "; path=/; SameSite=Strict" + secure;
</script>"""
NO_AUTHLIB = (
    "Sign-in is configured, but the package Authlib is missing; install it with 'pip install -r "
    "requirements-oidc.txt' and restart the app."
)
NO_LIST = "Sign-in is configured, but no one has access; set AUTODET_EDITORS or AUTODET_VIEWERS and restart the app."
UNVERIFIED = "Your sign-in names no verified e-mail address; verify it with your provider, then sign in again."

log = logging.getLogger("autodet.ui")
guesses = Guesses()


def find_visitor() -> Visitor | None:
    """Return the visitor of this session; None if a sign-in is missing.

    Raises:
        SettingsError: The settings are invalid.
    """
    settings = load_settings()
    found = _signed_in(settings)
    return replace(found, role="viewer") if found and settings.mode == "demo" else found


def needs_sign_in() -> bool:
    """Return whether visitors sign in here."""
    return _has_provider() or load_settings().password is not None


def ask_to_sign_in() -> None:
    """Show the sign-in and stop the page, unless the visitor is signed in.

    Raises:
        SettingsError: The settings are invalid.
    """
    visitor = find_visitor()
    if visitor:
        if token := st.session_state.pop(TOKEN, None):
            _set_cookie(token)
        if visitor.name and NOTED not in st.session_state:
            st.session_state[NOTED] = True
            write_entry(open_workspace(), visitor, "sign in", "", "done")
        return
    if st.session_state.pop(SIGNED_OUT, False):
        _set_cookie("")
    st.title("autodet", anchor=False)
    if _has_provider():
        _ask_provider(load_settings())
    else:
        _ask_for_password()
    st.stop()


def sign_out() -> None:
    """Sign this browser out, in all of its tabs if it signed in with a password."""
    dismiss_browser()
    if _has_provider():
        st.session_state.pop(NOTED, None)
        st.logout()
        return
    revoke(st.session_state.pop(ADMITTED, ""))
    st.session_state[SIGNED_OUT] = True


def _signed_in(settings: Settings) -> Visitor | None:
    if _has_provider():
        claims = st.user.to_dict()
        role = role_of(verified_email(claims), settings) if _is_fresh(claims) else None
        return Visitor(verified_email(claims), role, _address()) if role else None
    if settings.password is None:
        return Visitor("", "editor", _address())
    role = admitted_role(st.session_state.setdefault(ADMITTED, digest_of(_cookie())))
    return Visitor("", role, _address()) if role else None


def _has_provider() -> bool:
    """Return whether Streamlit's secrets configure OpenID Connect: only then ``st.user`` has ``is_logged_in``."""
    return "is_logged_in" in st.user.to_dict()


def _is_fresh(claims: Mapping[str, Any]) -> bool:
    """Return whether the visitor signed in with the provider, and recently enough."""
    issued = claims.get("iat")
    return claims.get("is_logged_in") is True and isinstance(issued, int | float) and _age(issued) < ADMISSION_SECONDS


def _age(issued: float) -> float:
    return time.time() - issued


def _address() -> str:
    address = st.context.ip_address
    return address if isinstance(address, str) else LOOPBACK  # Streamlit returns none for visitors on this machine


def _ask_provider(settings: Settings) -> None:
    """Show the buttons that lead to the providers, and why a signed-in person has no access."""
    if not find_spec("authlib"):
        st.error(escape(NO_AUTHLIB), icon=":material/error:")
        return
    if not (settings.editors or settings.viewers):
        st.error(escape(NO_LIST), icon=":material/error:")
        return
    claims = st.user.to_dict()
    if _is_fresh(claims):
        email = verified_email(claims)
        why = f"{email} has no access to this app; ask the person who runs it." if email else UNVERIFIED
        _note_refusal(Visitor(email, "viewer", _address()))
        st.error(escape(why), icon=":material/block:")
        st.button("Sign out", icon=":material/logout:", on_click=sign_out)
        return
    for provider in _providers():
        label = f"Sign in with {escape(provider)}" if provider else "Sign in"
        if st.button(label, type="primary", icon=":material/login:"):
            st.login(provider or None)


def _providers() -> list[str]:
    """Return the names of the providers in the secrets; an empty one for a provider without a name."""
    section = st.secrets["auth"]
    named = [str(name) for name, entry in section.items() if isinstance(entry, Mapping) and "client_id" in entry]
    return [*([""] if "client_id" in section else []), *named]


def _note_refusal(visitor: Visitor) -> None:
    if NOTED not in st.session_state:
        st.session_state[NOTED] = True
        write_entry(open_workspace(), visitor, "sign in", "", "refused")


def _ask_for_password() -> None:
    with st.form("gate", width=420):
        given = st.text_input("Password", type="password", autocomplete="current-password")
        if st.form_submit_button("Enter", type="primary"):
            _check(given)


def _check(given: str) -> None:
    address = _address()
    try:
        with st.spinner("Checking"), guesses.wait(address):
            role = _role_of_password(given, load_settings())
    except LockedOutError:
        st.error("Too many wrong passwords came from your address; try again in a quarter of an hour.")
        return
    except TooManyGuessesError:
        st.error("Another password is being tried right now; wait a minute, then try again.")
        return
    if role:
        write_entry(open_workspace(), Visitor("", role, address), "sign in", "", "done")
        token = st.session_state[TOKEN] = admit(role)
        st.session_state[ADMITTED] = digest_of(token)
        st.rerun()
    guesses.note_wrong(address)
    log.warning("Wrong password from %s, number %d of the last minutes.", address, guesses.recent(address))
    write_entry(open_workspace(), Visitor("", "viewer", address), "sign in", "", "refused")
    st.error("Wrong password; ask the person who runs this app.")


def _role_of_password(given: str, settings: Settings) -> Role | None:
    """Return the role that a password gives; both comparisons always run, so that the time reveals nothing."""
    is_editor = hmac.compare_digest(given.encode(), (settings.password or "").encode())
    is_viewer = hmac.compare_digest(given.encode(), (settings.viewer_password or "").encode())
    if is_editor and settings.password:
        return "editor"
    return "viewer" if is_viewer and settings.viewer_password else None


def _cookie() -> str:
    return str(st.context.cookies.get(_cookie_name(), ""))


def _cookie_name() -> str:
    return f"autodet-{st.get_option('server.port')}"


def _set_cookie(token: str) -> None:
    script = SET_COOKIE.format(name=json.dumps(_cookie_name()), token=json.dumps(token))
    st.html(script, unsafe_allow_javascript=True)


def _visitor_of_thread() -> Visitor | None:
    """Return the visitor for whom this thread of the server acts; None outside a server."""
    if get_script_run_ctx(suppress_warning=True) is None:
        return STRANGER if st.runtime.exists() else None
    try:
        return find_visitor() or STRANGER
    except AutodetError:  # invalid settings, which the page shows
        return STRANGER


identify_visitors(_visitor_of_thread)
