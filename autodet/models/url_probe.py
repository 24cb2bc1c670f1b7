"""Check whether a server has a file, in the background so that no page waits for an unresponsive network."""

import http.client
import threading
import time
import urllib.error
import urllib.request
from typing import Literal

ANSWER_SECONDS = 4.0  # timeout, after which the server counts as unreachable
REMEMBERED_SECONDS = 60.0

Reach = Literal["reached", "unreachable", "unknown"]


class _Question:
    """A request to a server in a background thread, and its answer once it has arrived."""

    def __init__(self, url: str) -> None:
        self.asked = time.monotonic()
        self.answer: Reach = "unknown"
        self.thread = threading.Thread(target=self._ask, args=(url,), daemon=True)
        self.thread.start()

    def _ask(self, url: str) -> None:
        request = urllib.request.Request(url, method="HEAD")  # noqa: S310
        try:
            urllib.request.urlopen(request, timeout=ANSWER_SECONDS).close()  # noqa: S310
            self.answer = "reached"
        except (OSError, ValueError, http.client.HTTPException):
            self.answer = "unreachable"


_questions: dict[str, _Question] = {}
_guard = threading.Lock()


def probe(url: str, patience_seconds: float = 0.0) -> Reach:
    """Return whether a server has a file.

    Args:
        url: Address of the file; a proxy from the environment is used.
        patience_seconds: Timeout for the answer; an answer to a request of the last minute is reused.

    Returns:
        ``unknown`` if the answer has not arrived yet: call again later.
    """
    with _guard:
        question = _questions.get(url)
        if question is None or time.monotonic() - question.asked > REMEMBERED_SECONDS:
            question = _questions[url] = _Question(url)
    question.thread.join(patience_seconds)
    return question.answer
