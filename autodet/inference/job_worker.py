"""The process of a background job: does the work that its parent sends, reports, and ends with its parent.

``autodet.inference.job_process`` is the parent's side.
"""

import logging
import os
import sys
import threading
from contextlib import suppress
from multiprocessing.connection import Connection

from autodet.access.visitor import acting_as
from autodet.errors import sentence_for
from autodet.inference.job_process import Outcome, Progress, Work

NICENESS = 3  # pages and predictions come first, training last

log = logging.getLogger("autodet.job_worker")


def serve(connection: Connection) -> None:
    """Do the work that arrives on a connection; send its progress and its outcome."""
    work: Work = connection.recv()
    threading.Thread(target=_end_with_parent, args=(connection,), daemon=True).start()

    def report(step: str, done: int, total: int) -> None:
        connection.send(Progress(step, done, total))

    with acting_as(work.visitor):
        try:
            outcome = Outcome(work.function(*work.arguments, report))
        except Exception as error:  # process boundary
            sentence = sentence_for(error)
            if not sentence:
                log.exception("The work failed.")
            outcome = Outcome(error=sentence or "")
    connection.send(outcome)


def _end_with_parent(connection: Connection) -> None:
    with suppress(EOFError, OSError):
        connection.recv()  # nothing more arrives
    os._exit(1)


if __name__ == "__main__":
    os.nice(NICENESS)
    serve(Connection(int(sys.argv[1])))
