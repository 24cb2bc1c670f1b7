"""The server as Streamlit runs it: its middleware, the sessions that the middleware checks, and the API's routes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import streamlit as st
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route
from streamlit.auth_util import get_secrets_auth_section
from streamlit.runtime import Runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

from autodet.server import admission
from autodet.server.api.application import make_api
from autodet.server.api.callers import Callers
from autodet.server.api.offered_models import WORKSPACE_MODELS
from autodet.server.guard import BROWSER_HEADER, Guard
from autodet.server.uploads import UploadGate, drop_files_of_ended_sessions
from autodet.settings import load_settings


class StreamlitSessions:
    """The sessions of this server's Streamlit runtime, as ``autodet.server.uploads.Sessions`` describes them."""

    def browser_of(self, session_id: str) -> str | None:
        """Return the browser that is connected to a session; None if there is none."""
        client = Runtime.instance().get_client(session_id)
        context = client.client_context if client else None
        return dict(context.headers).get(BROWSER_HEADER) if context else None

    def held_bytes(self) -> dict[str, int]:
        """Return the size of the files that each session holds, by session id."""
        sessions = list(_files().file_storage.items())
        return {session: sum(len(file.data) for file in list(files.values())) for session, files in sessions}

    def drop_files(self, session_id: str) -> None:
        """Delete the files of a session."""
        _files().remove_session_files(session_id)


SESSIONS = StreamlitSessions()
MIDDLEWARE = (Middleware(Guard), Middleware(UploadGate, sessions=SESSIONS))


def needs_token() -> bool:
    """Return whether programs need a token: where visitors need a password or a sign-in."""
    return load_settings().password is not None or bool(get_secrets_auth_section())


async def _lead_to_docs(_request: Request) -> Response:
    return RedirectResponse("/api/docs")


CALLERS = Callers(lambda: st.get_option("server.allowedHosts"), needs_token)
ROUTES = (Mount("/api", make_api(WORKSPACE_MODELS, CALLERS)), Route("/api", _lead_to_docs))


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[None]:
    """Free the memory of ended sessions while the server runs."""
    keep_seconds = float(st.get_option("server.disconnectedSessionTTL"))
    sweep = asyncio.create_task(drop_files_of_ended_sessions(SESSIONS, keep_seconds))
    yield
    sweep.cancel()


def admit_browser() -> None:
    """Let this visitor's browser upload files."""
    if browser := browser_id():
        admission.admit(browser)


def dismiss_browser() -> None:
    """Refuse further uploads from this visitor's browser."""
    admission.dismiss(browser_id())


def browser_id() -> str:
    """Return the digest of the cookie of this visitor's browser, the same in all tabs; empty without a server."""
    return str(st.context.headers.get(BROWSER_HEADER, ""))


def _files() -> MemoryUploadedFileManager:
    return cast(MemoryUploadedFileManager, Runtime.instance().uploaded_file_mgr)
