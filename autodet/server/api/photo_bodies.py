"""The photo in the body of a request: a form with the field ``image``, or the bytes themselves."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from email.message import Message

from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from autodet.server.api.refusals import Refusal
from autodet.text_format import size_text

FIELD = "image"
MAX_BODY_BYTES = 50_000_000
MAX_SILENT_SECONDS = 15.0
GRACE_SECONDS = 20.0
MIN_BYTES_PER_SECOND = 50_000  # of a body, after the grace period
MAX_NAME = 200  # characters
MAX_FIELDS = 8  # of a form, one of which is right
RAW = "application/octet-stream"
FORM = "multipart/form-data"
HOW = f"send the photo as {FORM} with the field {FIELD!r}, or its bytes with a Content-Type such as image/jpeg or {RAW}"
TOO_LARGE = f"The photo takes more than {size_text(MAX_BODY_BYTES)}; send a smaller one."
EMPTY = f"The request has no body; {HOW}."
NO_FORM = f"The body is not a complete form with one photo; {HOW}."
EMPTY_FILE = f"The file in the field {FIELD!r} is empty; send a photo."
NO_FILE = f"The field {FIELD!r} is text; send the photo as a file."
SEVERAL = f"The form has several files or fields; send one photo in the field {FIELD!r}, and options in the address."
ENCODED = "The body has a Content-Encoding; send the photo as it is."
STALLED = "The photo arrived too slowly; try again."


@dataclass(frozen=True)
class SentPhoto:
    """A photo as it was sent.

    Attributes:
        content: The bytes of its file.
        name: Its file name, for error messages.
    """

    content: bytes
    name: str = "request body"


def announced_bytes(request: Request) -> int:
    """Return the size of a request's body, and refuse a request that can be refused before its body is read.

    Returns:
        The announced size; the maximum if none is announced.

    Raises:
        Refusal: The body is too large, empty, encoded, or of another type.
    """
    if request.headers.get("content-encoding", "identity") != "identity":
        raise Refusal(415, ENCODED)
    kind, _ = _content_type(request)
    if kind not in (FORM, RAW, "") and not kind.startswith("image/"):
        raise Refusal(415, f"The Content-Type is {kind[:MAX_NAME]!r}; {HOW}.")
    length = request.headers.get("content-length")
    if length is None:
        if "transfer-encoding" not in request.headers:
            raise Refusal(400, EMPTY)
        return MAX_BODY_BYTES
    if int(length) > MAX_BODY_BYTES:
        raise Refusal(413, TOO_LARGE)
    if int(length) == 0:
        raise Refusal(400, EMPTY)
    return int(length)


async def read_photo(request: Request) -> SentPhoto:
    """Read the photo of a request.

    Raises:
        Refusal: The body is too large, empty or too slow, or a form without exactly one photo.
        ClientDisconnect: The client has gone.
    """
    kind, boundary = _content_type(request)
    body = _pieces(request)
    if kind != FORM:
        content = bytearray()
        async for piece in body:
            content += piece
        photo = SentPhoto(bytes(content))
    else:
        photo = await _photo_of_form(request, body, boundary)
    if not photo.content:
        raise Refusal(400, EMPTY_FILE if kind == FORM else EMPTY)
    return photo


async def _photo_of_form(request: Request, body: AsyncGenerator[bytes, None], boundary: str) -> SentPhoto:
    if not boundary:
        raise Refusal(400, NO_FORM)
    parser = MultiPartParser(
        request.headers, body, max_files=MAX_FIELDS, max_fields=MAX_FIELDS, max_part_size=MAX_BODY_BYTES
    )
    parser.spool_max_size = MAX_BODY_BYTES + 1  # stays in memory
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise Refusal(400, NO_FORM) from error
    try:
        return await _only_photo(form)
    finally:
        await form.close()


async def _only_photo(form: FormData) -> SentPhoto:
    fields = form.multi_items()
    if not fields:
        raise Refusal(400, NO_FORM)
    if len(fields) > 1:
        raise Refusal(400, SEVERAL)
    name, value = fields[0]
    if name != FIELD:
        raise Refusal(400, f"The form has the field {name[:MAX_NAME]!r}; name it {FIELD!r}.")
    if not isinstance(value, UploadFile):
        raise Refusal(400, NO_FILE)
    return SentPhoto(await value.read(), (value.filename or SentPhoto.name)[:MAX_NAME])


async def _pieces(request: Request) -> AsyncGenerator[bytes, None]:
    clock = asyncio.get_running_loop().time
    begun, received, more = clock(), 0, True
    while more:
        patience = begun + GRACE_SECONDS + received / MIN_BYTES_PER_SECOND - clock()
        try:
            message = await asyncio.wait_for(request.receive(), min(patience, MAX_SILENT_SECONDS))
        except TimeoutError:
            raise Refusal(408, STALLED, Connection="close") from None
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        piece, more = message.get("body", b""), message.get("more_body", False)
        received += len(piece)
        if received > MAX_BODY_BYTES:
            raise Refusal(413, TOO_LARGE)  # the server drops the rest; closing would lose the answer
        yield piece


def _content_type(request: Request) -> tuple[str, str]:
    """Return the media type of the body in lower case, and the boundary of a form."""
    given = request.headers.get("content-type", "")
    if not given:
        return "", ""
    header = Message()
    header["content-type"] = given
    return given.partition(";")[0].strip().lower(), header.get_boundary("")
