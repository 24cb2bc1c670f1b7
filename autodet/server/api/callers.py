"""The programs that use the API: their host names, origins and tokens."""

import ipaddress
from collections.abc import Callable, Sequence
from contextlib import suppress
from urllib.parse import urlsplit

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request

from autodet.access.audit_log import write_entry
from autodet.access.guesses import MAX_WAITING, RECENT_SECONDS, Guesses, LockedOutError, TooManyGuessesError
from autodet.access.tokens import ExpiredTokenError, check_token
from autodet.access.visitor import Visitor
from autodet.server.api.refusals import Refusal
from autodet.workspace import open_workspace

CHALLENGE = 'Bearer realm="autodet"'
INVALID = f'{CHALLENGE}, error="invalid_token"'
UNAUTHORISED = (
    "This server wants a token: send the header 'Authorization: Bearer TOKEN'. Editors make tokens on the page "
    "Settings, or with 'python -m autodet token create NAME'."
)
UNKNOWN = "This token is unknown or was revoked; ask an editor for another one."
LOCKED_OUT = "Too many wrong tokens came from your address; try again in a quarter of an hour."
SLOW_DOWN = "Another wrong token from your address is being checked; wait for its answer before you send the next one."
FOREIGN_HOST = (
    "This server does not answer to the host name of this request; use another one, or add it to AUTODET_HOSTS."
)
FOREIGN_ORIGIN = "A page of another site sent this request; send it from a program, or from a page of this server."


class Callers:
    """Check of the senders of requests.

    Args:
        hosts: Returns the host names that the server answers to, with ``*.`` for all below a domain; empty for any.
        needs_token: Returns whether requests need a token; raises ``SettingsError`` if the settings are invalid.
        guesses: Delays and locks after wrong tokens; by default apart from those after wrong passwords, so that a
            program with a revoked token locks no person out.
    """

    def __init__(
        self, hosts: Callable[[], Sequence[str]], needs_token: Callable[[], bool], guesses: Guesses | None = None
    ) -> None:
        self._hosts, self._needs_token = hosts, needs_token
        self._guesses = guesses or Guesses()
        self._delayed = CapacityLimiter(MAX_WAITING)

    async def identify(self, request: Request) -> Visitor:
        """Return the visitor for whom a request is answered, always with the role of a viewer.

        Raises:
            Refusal: The host name or the origin is foreign, or the token is missing, wrong or expired.
        """
        if not is_host_allowed(request.headers.get("host", ""), self._hosts()):
            raise Refusal(403, FOREIGN_HOST)  # a browser tricked by DNS rebinding sends the name of the attacker
        if _is_foreign(request):
            raise Refusal(403, FOREIGN_ORIGIN)
        address = address_of(request)
        if not self._needs_token():
            return Visitor("", "viewer", address)
        scheme, _, secret = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not secret.strip():
            raise Refusal(401, UNAUTHORISED, WWW_Authenticate=CHALLENGE)
        try:
            token = await to_thread.run_sync(check_token, secret.strip())
        except ExpiredTokenError as error:
            raise Refusal(401, str(error), WWW_Authenticate=INVALID) from error
        if token is None:
            await self._refuse_guess(address)
            raise Refusal(401, UNKNOWN, WWW_Authenticate=INVALID)
        return Visitor(f"token {token.name}", "viewer", address)

    async def _refuse_guess(self, address: str) -> None:
        """Count a wrong token and delay its answer, longer after each one from the address."""
        try:
            await to_thread.run_sync(self._guess, address, limiter=self._delayed)
        except LockedOutError as error:
            raise Refusal(429, LOCKED_OUT, Retry_After=f"{RECENT_SECONDS:.0f}") from error
        except TooManyGuessesError as error:
            raise Refusal(429, SLOW_DOWN, Retry_After="30") from error

    def _guess(self, address: str) -> None:
        with self._guesses.wait(address):
            self._guesses.note_wrong(address)
        write_entry(open_workspace(), Visitor("", "viewer", address), "use token", "", "refused")


def address_of(request: Request) -> str:
    """Return the IP address of a request."""
    return request.client.host if request.client else "unknown"


def is_host_allowed(host: str, allowed: Sequence[str]) -> bool:
    """Return whether a ``Host`` header names one of the allowed hosts; any is allowed if there are none."""
    if not allowed:
        return True
    try:
        name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return False
    with suppress(ValueError):
        name = str(ipaddress.ip_address(name))
    return any(
        pattern in ("*", name) or (pattern.startswith("*.") and name.endswith(pattern[1:]))
        for pattern in (one.strip().lower().rstrip(".") for one in allowed)
    )


def _is_foreign(request: Request) -> bool:
    """Return whether a page of another site sent a request; programs send neither header.

    Browsers send forms and photos of any site to any server, so that a page could make visitors predict.
    """
    if request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        return request.headers.get("sec-fetch-mode") != "navigate" or request.method != "GET"
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != request.headers.get("host", "")
