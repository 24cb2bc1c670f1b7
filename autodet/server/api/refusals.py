"""Errors as answers of the API: a status and ``{"error": sentence}``."""

import logging
from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from autodet.errors import (
    AccessError,
    AutodetError,
    BundleError,
    BusyError,
    ModelError,
    NotFoundError,
    PhotoError,
    QuotaError,
    SettingsError,
)
from autodet.text_format import listed

RETRY_SECONDS = "5"
NO_STORE = {"Cache-Control": "no-store"}
UNEXPECTED = "Something went wrong on the server, whose log has the details; try again."
DOCS = "GET /api/docs describes the API."
STATUS: tuple[tuple[type[AutodetError], int], ...] = (  # the first that fits
    (QuotaError, 429),
    (AccessError, 403),
    (NotFoundError, 404),
    (PhotoError, 422),
    (BundleError, 409),
    (BusyError, 503),
    (ModelError, 503),  # the prediction process ended, or took too long
    (SettingsError, 503),
)

log = logging.getLogger("autodet.api")


class Refusal(HTTPException):
    """A request that is not answered, and why.

    Args:
        status: HTTP status.
        sentence: The problem and the remedy.
        **headers: Further headers, with underscores for dashes.
    """

    def __init__(self, status: int, sentence: str, **headers: str) -> None:
        super().__init__(status, sentence, {name.replace("_", "-"): value for name, value in headers.items()})


def busy(sentence: str) -> Refusal:
    """Return the answer to a request for which there is no room now."""
    return Refusal(503, sentence, Retry_After=RETRY_SECONDS)


def refused(_request: Request, error: Exception) -> Response:
    """Answer a request that was refused, here or by Starlette, which knows unknown addresses and methods."""
    if isinstance(error, Refusal):
        return _answer(error.status_code, error.detail, error.headers)
    if isinstance(error, HTTPException) and error.status_code == 405:
        methods = listed(sorted((error.headers or {})["Allow"].split(", ")))
        return _answer(405, f"This address takes {methods} only. {DOCS}", error.headers)
    return _answer(404, f"There is nothing at this address. {DOCS}")


def failed(_request: Request, error: Exception) -> Response:
    """Answer a request whose work failed with an error that a user can act on."""
    status = next((status for kind, status in STATUS if isinstance(error, kind)), 400)
    headers = {"Retry-After": RETRY_SECONDS} if status in (429, 503) else {}
    return _answer(status, str(error), headers)


def unexpected(_request: Request, _error: Exception) -> Response:
    """Answer a request that failed unexpectedly; Starlette raises the error again, so that the server logs it."""
    return _answer(500, UNEXPECTED)


def _answer(status: int, sentence: str, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"error": sentence}, status, {**NO_STORE, **(headers or {})})
