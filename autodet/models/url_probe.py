"""Whether a server has a file, asked in the background so that no page waits for a network that is silent."""

import http.client
import threading
import time
import urllib.error
import urllib.request
from typing import Literal

ANSWER_SECONDS = 4.0  # after which silence is an answer
REMEMBERED_SECONDS = 60.0

Reach = Literal["reached", "unreachable", "unknown"]


class _Question:
    """One question to a server, and its answer once there is one."""

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


def reach_of(url: str, patience_seconds: float = 0.0) -> Reach:
    """Whether a server has a file.

    Args:
        url: The file's address; a proxy that the environment names is asked through.
        patience_seconds: How long to wait for the answer; a server that was asked within the last minute is not asked
            again.

    Returns:
        ``unknown`` where the answer has not come yet: ask again later.
    """
    with _guard:
        question = _questions.get(url)
        if question is None or time.monotonic() - question.asked > REMEMBERED_SECONDS:
            question = _questions[url] = _Question(url)
    question.thread.join(patience_seconds)
    return question.answer
