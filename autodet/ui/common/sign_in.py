"""Password sign-in, with delays that grow after each wrong password.

After sign-in the browser gets a cookie with a random token, so that a reload does not ask again. Only this process
knows the tokens; they expire when it ends or after ``ADMISSION_SECONDS``.
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
from autodet.ui.common.server_app import dismiss_browser

# Session state keys; ``ADMITTED`` holds the digest of the token that admits this tab.
ADMITTED, WRONG, TOKEN, SIGNED_OUT = "admitted", "wrong passwords", "token", "signed out"
ADMISSION_SECONDS = 12 * 3600.0
RECENT_SECONDS = 600.0
FREE_GUESSES = 3  # recent wrong passwords of all visitors together that cause no delay
MAX_DELAY_SECONDS = 30.0
MAX_WAITING = 8  # maximum number of concurrently delayed guesses
# A session cookie. All ports of a host share cookies, so the name includes the port.
SET_COOKIE = """<script>
const secure = location.protocol === "https:" ? "; Secure" : "";
document.cookie = {name} + "=" + {token} + "; path=/; SameSite=Strict" + secure;
</script>"""

log = logging.getLogger("autodet.ui")


class TooManyGuessesError(Exception):
    """The maximum number of delayed guesses is already waiting."""


class Guesses:
    """Rate limiter for wrong passwords of all visitors of this process; thread-safe.

    Args:
        sleep: Function that waits for the given number of seconds.
    """

    def __init__(self, sleep: Callable[[float], object] = time.sleep) -> None:
        self._sleep = sleep
        self._lock = threading.Lock()
        self._wrong: deque[float] = deque()
        self._waiting = 0

    def delay_seconds(self, wrong_before: int) -> float:
        """Return the delay before a guess is checked, which applies to right and wrong guesses alike.

        Args:
            wrong_before: Number of this visitor's wrong passwords; recent ones of all visitors count as well.
        """
        own = 2.0 ** (wrong_before - 1) if wrong_before else 0.0
        total = max(0, self.recent() - FREE_GUESSES)
        return min(MAX_DELAY_SECONDS, max(own, float(total)))

    def recent(self) -> int:
        """Return the number of wrong passwords of all visitors in the last ten minutes."""
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
        """Delay a guess.

        Raises:
            TooManyGuessesError: Too many guesses are waiting; this one must not be checked.
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
_admitted_until: dict[str, float] = {}  # expiry on the monotonic clock, by SHA-256 of the token


def is_admitted() -> bool:
    """Return whether this visitor may use the app: no password is set, or this browser has signed in.

    Raises:
        SettingsError: The settings are invalid.
    """
    if load_settings().password is None:
        return True
    digest = st.session_state.setdefault(ADMITTED, _digest(_cookie()))
    return _admitted_until.get(digest, 0.0) > time.monotonic()


def ask_for_password() -> None:
    """Show the sign-in form and stop the page, unless the visitor is signed in.

    Raises:
        SettingsError: The settings are invalid.
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
    """Sign this browser out in all of its tabs."""
    _admitted_until.pop(st.session_state.pop(ADMITTED, ""), None)
    st.session_state[SIGNED_OUT] = True
    dismiss_browser()


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
    st.error("Wrong password; ask the person who runs this app.")


def _admit() -> str:
    """Create and register a token for a browser's cookie, and remove expired tokens."""
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
