"""Outermost middleware of the server: a cookie for each browser, blocked routes, security headers.

Each browser gets a random cookie that scripts cannot read. Its digest travels to Streamlit in the header
``BROWSER_HEADER``, which ``.streamlit/config.toml`` declares as part of the visitor's identity. Streamlit resumes a
disconnected session only for the same identity, so that the id of a session is useless without its cookie.
"""

import hashlib
import re
import secrets
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BROWSER_HEADER = "x-autodet-browser"
API = re.compile(r"/api(/|$)")
CLOSED = re.compile(r"/_stcore/metrics/?$")  # memory, sessions and caches of the server

# Streamlit and Plotly set inline styles. Streamlit's page and the sign-in run inline scripts; components of pages are
# modules from blob: addresses. Workers of the photo viewer and of Plotly come from blob: addresses as well. The camera
# field fetches its own photo from a data: address.
CONTENT_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "media-src 'self' data: blob:",
        "connect-src 'self' data:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    )
)
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": CONTENT_POLICY,
}


class Guard:
    """ASGI middleware that identifies browsers, blocks routes and adds security headers.

    Args:
        app: The rest of the server.
        cookies: Whether it has pages, for which browsers get a cookie; programs that use the API get none.
    """

    def __init__(self, app: ASGIApp, *, cookies: bool = True) -> None:
        self._app, self._cookies = app, cookies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a connection."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        cookie = HTTPConnection(scope).cookies.get(_cookie_name(scope))
        new_cookie = None if cookie else secrets.token_urlsafe(32)
        scope = _with_browser(scope, cookie or str(new_cookie))
        if scope["type"] == "websocket":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = new_cookie if self._cookies and _is_document(scope) else None
                _complete(MutableHeaders(scope=message), scope, given)
            await send(message)

        closed = CLOSED.search(scope["path"])
        await (PlainTextResponse("Not found.", 404) if closed else self._app)(scope, receive, send_guarded)


def _is_document(scope: Scope) -> bool:
    """Return whether a browser opens a page; the response may be an empty 304 (not modified)."""
    return "text/html" in Headers(scope=scope).get("accept", "") and not API.match(scope["path"])


def _complete(headers: MutableHeaders, scope: Scope, new_cookie: str | None) -> None:
    """Add the security headers, and the cookie if there is one."""
    for name, value in SECURITY_HEADERS.items():
        headers.setdefault(name, value)
    if new_cookie:
        secure = "; Secure" if scope.get("scheme") == "https" else ""
        # Lax: with Strict, a visitor who follows a link from another site would get a second cookie.
        headers.append("set-cookie", f"{_cookie_name(scope)}={new_cookie}; Path=/; HttpOnly; SameSite=Lax{secure}")


def _cookie_name(scope: Scope) -> str:
    server = scope.get("server") or ("", 0)
    return f"autodet-browser-{server[1]}"  # all ports of a host share cookies


def _with_browser(scope: Scope, cookie: str) -> Scope:
    """Return the scope with the browser's digest; a header of that name from the client is removed."""
    name = BROWSER_HEADER.encode()
    headers: list[Any] = [(key, value) for key, value in scope["headers"] if key != name]
    digest = hashlib.sha256(cookie.encode(errors="replace")).hexdigest()
    return {**scope, "headers": [*headers, (name, digest.encode())]}
