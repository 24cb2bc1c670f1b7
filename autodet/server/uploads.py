"""Middleware for Streamlit's upload route: permission, sizes, and files at once.

Streamlit accepts a file from anyone who knows the id of a connected session, even before any page has asked for the
password, and keeps it in memory. Files beyond the limit wait: the server does not read them yet.
"""

import asyncio
import re
from collections import Counter
from typing import Protocol
from weakref import WeakValueDictionary

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from autodet.errors import SettingsError
from autodet.server.admission import is_admitted
from autodet.server.guard import BROWSER_HEADER
from autodet.settings import load_settings
from autodet.text_format import size_text

ROUTE = re.compile(r"/_stcore/upload_file/([^/]+)/[^/]+/?$")
MAX_AT_ONCE = 16  # files of all visitors that arrive at the same time
MAX_AT_ONCE_PER_SESSION = 4
# An upload is refused when the server has waited this long for it, plus a second for each such number of bytes.
MAX_SILENT_SECONDS = 30.0
MIN_BYTES_PER_SECOND = 10_000
SWEEP_SECONDS = 20.0


class Sessions(Protocol):
    """Streamlit's sessions."""

    def browser_of(self, session_id: str) -> str | None:
        """Return the browser (``BROWSER_HEADER``) that is connected to a session; None if there is none."""

    def held_bytes(self) -> dict[str, int]:
        """Return the size of the files that each session holds, by session id."""

    def drop_files(self, session_id: str) -> None:
        """Delete the files of a session."""


class UploadGate:
    """ASGI middleware that refuses or delays uploads.

    Args:
        app: The rest of the server.
        sessions: The sessions of the server.
    """

    def __init__(self, app: ASGIApp, sessions: Sessions) -> None:
        self._app, self._sessions = app, sessions
        self._arriving: Counter[str] = Counter()  # bytes by session
        self._places = asyncio.Semaphore(MAX_AT_ONCE)
        self._session_places: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a connection."""
        route = ROUTE.search(scope["path"]) if scope["type"] == "http" else None
        if route is None or scope["method"] == "OPTIONS":
            await self._app(scope, receive, send)
            return
        session, headers = route[1], Headers(scope=scope)
        try:
            self._check(session, headers)
            if scope["method"] == "PUT":
                await self._receive_file(session, scope, receive, send)
            else:
                await self._app(scope, receive, send)
        except HTTPException as refusal:
            await PlainTextResponse(refusal.detail, refusal.status_code)(scope, receive, send)

    def _check(self, session: str, headers: Headers) -> None:
        browser = headers[BROWSER_HEADER]
        if not is_admitted(browser) or self._sessions.browser_of(session) != browser:
            raise HTTPException(403, "Open the app in this browser, and sign in, before you upload files.")
        announced = headers.get("content-length", "0")
        self._check_size(session, int(announced) if announced.isdigit() else 0)

    def _check_size(self, session: str, more: int) -> None:
        """Refuse bytes beyond the limits of the session and of all sessions together."""
        try:
            settings = load_settings()
        except SettingsError as error:
            raise HTTPException(503, str(error)) from error
        held = Counter(self._sessions.held_bytes()) + self._arriving
        if held[session] + more > settings.max_visitor_upload_bytes:
            limit = size_text(settings.max_visitor_upload_bytes)
            raise HTTPException(413, f"The files of one visitor may take {limit}; remove some, or reload the page.")
        if held.total() + more > settings.max_upload_bytes:
            raise HTTPException(503, "The server holds too many files of all visitors; try again in some minutes.")

    async def _receive_file(self, session: str, scope: Scope, receive: Receive, send: Send) -> None:
        received, waited = 0, 0.0
        clock = asyncio.get_running_loop().time

        async def receive_checked() -> Message:
            nonlocal received, waited
            began = clock()
            try:
                left = MAX_SILENT_SECONDS + received / MIN_BYTES_PER_SECOND - waited
                message = await asyncio.wait_for(receive(), min(left, MAX_SILENT_SECONDS))
            except TimeoutError:
                raise HTTPException(408, "The upload stopped or is too slow; try again.") from None
            waited += clock() - began
            size = len(message.get("body", b""))
            self._check_size(session, size)
            received += size
            self._arriving[session] += size
            return message

        places = self._session_places.setdefault(session, asyncio.Semaphore(MAX_AT_ONCE_PER_SESSION))
        async with places, self._places:
            try:
                await self._app(scope, receive_checked, send)
            finally:
                self._arriving[session] -= received
                self._arriving += Counter()  # forgets sessions without arriving bytes


async def drop_files_of_ended_sessions(sessions: Sessions, keep_seconds: float) -> None:
    """Delete the files of sessions that have been disconnected for some time; runs until it is cancelled.

    Streamlit does so only when another session begins or ends.

    Args:
        sessions: The sessions of the server.
        keep_seconds: Time for which a disconnected session can be resumed.
    """
    clock = asyncio.get_running_loop().time
    disconnected: dict[str, float] = {}  # since when, by session id
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        left = [session for session in sessions.held_bytes() if sessions.browser_of(session) is None]
        disconnected = {session: disconnected.get(session, clock()) for session in left}
        for session in [one for one, since in disconnected.items() if clock() - since > keep_seconds]:
            sessions.drop_files(session)
