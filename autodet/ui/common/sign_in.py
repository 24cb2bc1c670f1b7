"""The password: a browser gives it once, and whoever guesses waits longer after each wrong one.

A browser that has given it gets a cookie with a random token, so that it is not asked again after a reload. The tokens
are known to this process alone, and forgotten when it ends or after ``ADMISSION_SECONDS``.
"""

import hashlib
import hmac
import json
import logging
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import streamlit as st

from autodet.settings import load_settings

# Session state; ``ADMITTED`` is the digest of the token that admits this tab.
ADMITTED, WRONG, TOKEN, SIGNED_OUT = "admitted", "wrong passwords", "token", "signed out"
ADMISSION_SECONDS = 12 * 3600.0
RECENT_SECONDS = 600.0
FREE_GUESSES = 3  # of all visitors together, which slow nobody down
MAX_DELAY_SECONDS = 30.0
MAX_WAITING = 8  # guesses that may wait at the same time
# The cookie ends with the browser's session. Cookies are shared by all ports of a host, hence the port in its name.
SET_COOKIE = """<script>
const secure = location.protocol === "https:" ? "; Secure" : "";
document.cookie = {name} + "=" + {token} + "; path=/; SameSite=Strict" + secure;
</script>"""

log = logging.getLogger("autodet.ui")


class TooManyGuessesError(Exception):
    """More guesses wait already than may."""


class Guesses:
    """What this process knows of wrong passwords, from all visitors; safe to use from several threads.

    Args:
        sleep: Waits for so many seconds.
    """

    def __init__(self, sleep: Callable[[float], object] = time.sleep) -> None:
        self._sleep = sleep
        self._lock = threading.Lock()
        self._wrong: deque[float] = deque()
        self._waiting = 0

    def delay_seconds(self, wrong_before: int) -> float:
        """How long a guess waits before it is looked at, whether or not it is right.

        Args:
            wrong_before: Wrong passwords that this visitor has given; all visitors' recent ones count too.
        """
        own = 2.0 ** (wrong_before - 1) if wrong_before else 0.0
        total = max(0, self.recent() - FREE_GUESSES)
        return min(MAX_DELAY_SECONDS, max(own, float(total)))

    def recent(self) -> int:
        """Wrong passwords of the last ten minutes, of all visitors."""
        with self._lock:
            while self._wrong and self._wrong[0] < time.monotonic() - RECENT_SECONDS:
                self._wrong.popleft()
            return len(self._wrong)

    def note_wrong(self) -> None:
        """Count a wrong password."""
        with self._lock:
            self._wrong.append(time.monotonic())

    @contextmanager
    def wait(self, seconds: float) -> Iterator[None]:
        """Wait for a guess's turn.

        Raises:
            TooManyGuessesError: Too many wait already; this one must not be looked at.
        """
        with self._lock:
            if seconds and self._waiting >= MAX_WAITING:
                raise TooManyGuessesError
            self._waiting += 1
        try:
            self._sleep(seconds)
            yield
        finally:
            with self._lock:
                self._waiting -= 1


guesses = Guesses()
_admitted_until: dict[str, float] = {}  # by the SHA-256 of a token, on the monotonic clock


def is_admitted() -> bool:
    """Whether this visitor may see the app: no password is set, or this browser has given it.

    Raises:
        SettingsError: The settings make no sense.
    """
    if load_settings().password is None:
        return True
    digest = st.session_state.setdefault(ADMITTED, _digest(_cookie()))
    return _admitted_until.get(digest, 0.0) > time.monotonic()


def ask_for_password() -> None:
    """Stop here unless the visitor is admitted.

    Raises:
        SettingsError: The settings make no sense.
    """
    if is_admitted():
        if token := st.session_state.pop(TOKEN, None):
            _set_cookie(token)
        return
    if st.session_state.pop(SIGNED_OUT, False):
        _set_cookie("")
    st.title("autodet", anchor=False)
    with st.form("gate", width=420):
        given = st.text_input("Password", type="password", autocomplete="current-password")
        if st.form_submit_button("Enter", type="primary"):
            _check(given)
    st.stop()


def sign_out() -> None:
    """Ask this browser for the password again, in all of its tabs."""
    _admitted_until.pop(st.session_state.pop(ADMITTED, ""), None)
    st.session_state[SIGNED_OUT] = True


def _check(given: str) -> None:
    wrong_before = st.session_state.get(WRONG, 0)
    try:
        with st.spinner("Checking"), guesses.wait(guesses.delay_seconds(wrong_before)):
            right = hmac.compare_digest(given.encode(), (load_settings().password or "").encode())
    except TooManyGuessesError:
        st.error("Too many passwords are being tried right now; wait a minute, then try again.")
        return
    if right:
        token = st.session_state[TOKEN] = _admit()
        st.session_state[ADMITTED] = _digest(token)
        st.rerun()
    st.session_state[WRONG] = wrong_before + 1
    guesses.note_wrong()
    log.warning("Wrong password, number %d of the last ten minutes.", guesses.recent())
    st.error("That is not the password; ask the person who runs this app.")


def _admit() -> str:
    """A new token for a browser's cookie."""
    now, token = time.monotonic(), secrets.token_urlsafe(32)
    for digest in [digest for digest, until in list(_admitted_until.items()) if until < now]:
        _admitted_until.pop(digest, None)
    _admitted_until[_digest(token)] = now + ADMISSION_SECONDS
    return token


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def _cookie() -> str:
    return str(st.context.cookies.get(_cookie_name(), ""))


def _cookie_name() -> str:
    return f"autodet-{st.get_option('server.port')}"


def _set_cookie(token: str) -> None:
    script = SET_COOKIE.format(name=json.dumps(_cookie_name()), token=json.dumps(token))
    st.html(script, unsafe_allow_javascript=True)
