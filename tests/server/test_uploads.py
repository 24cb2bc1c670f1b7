"""The gate of uploads with senders that a socket could only imitate slowly."""

import asyncio

import pytest

from autodet.server import admission, uploads
from autodet.server.guard import BROWSER_HEADER
from autodet.server.uploads import UploadGate

SCOPE = {
    "type": "http",
    "method": "PUT",
    "path": "/_stcore/upload_file/session/file",
    "headers": [(BROWSER_HEADER.encode(), b"browser")],
}


class Sessions:
    def browser_of(self, _session):
        return "browser"

    def held_bytes(self):
        return {}

    def drop_files(self, _session):
        pass


class Clock:
    """An event loop's clock that moves when a sender lets it."""

    now = 0.0

    def __call__(self):
        return self.now


async def take_all(_scope, receive, send):
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 204, "headers": []})


def sent(pieces, size, seconds):
    """The status of the answer to a sender of pieces with a pause in seconds before each."""
    clock, answers, left = Clock(), [], iter(range(pieces, 0, -1))

    async def receive():
        clock.now += seconds
        return {"type": "http.request", "body": b"x" * size, "more_body": next(left) > 1}

    async def send(message):
        answers.append(message)

    async def run():
        asyncio.get_running_loop().time, real = clock, asyncio.get_running_loop().time
        try:
            await UploadGate(take_all, Sessions())(SCOPE, receive, send)
        finally:
            asyncio.get_running_loop().time = real

    admission.admit("browser")
    asyncio.run(run())
    return answers[0]["status"]


@pytest.mark.parametrize(("pieces", "size", "seconds"), [(3, 1, 9), (200, 100_000, 9), (1, 10_000_000, 29)])
def test_a_sender_whose_file_arrives_steadily_is_heard_to_the_end(pieces, size, seconds):
    assert sent(pieces, size, seconds) == 204


@pytest.mark.parametrize(("pieces", "size"), [(100, 1), (1000, 50_000)])
def test_a_sender_that_only_keeps_the_connection_alive_is_refused(pieces, size):
    assert sent(pieces, size, 9) == 408
    assert size < uploads.MIN_BYTES_PER_SECOND * 9
