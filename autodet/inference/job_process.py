"""The work of a background job in a process of its own, which ends with the work.

The server thus needs neither torch nor memory for it, and its pages do not wait for it.
``autodet.inference.job_worker`` is the process.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from autodet.access.visitor import Visitor, current_visitor
from autodet.errors import AutodetError
from autodet.inference.background_jobs import Job
from autodet.processes import start_child

MODULE = "autodet.inference.job_worker"
CHECK_SECONDS = 0.2  # between checks for a cancelled job
KILLED = "The work ended early, probably for lack of memory; close other programs, and try again."

Report = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Work:
    """Work for the process.

    Attributes:
        visitor: The visitor for whom it acts.
        function: A function of a module; takes the arguments, and then a callback for the step and its photos done
            and in total.
        arguments: Its arguments.
    """

    visitor: Visitor
    function: Callable[..., Any]
    arguments: tuple[Any, ...]


@dataclass(frozen=True)
class Progress:
    """Progress of the work: the step, and its photos done and in total."""

    step: str
    done: int
    total: int


@dataclass(frozen=True)
class Outcome:
    """End of the work: the result, or the error as a sentence, which is empty if the error is unexpected."""

    result: Any = None
    error: str | None = None


def run_apart(job: Job, function: Callable[..., Any], *arguments: Any) -> Any:
    """Run a function in a process of its own, and wait for its result; a cancelled job ends the process.

    Args:
        job: The job, which receives the progress.
        function: As for ``Work``.
        *arguments: As for ``Work``; they and the result travel between processes.

    Raises:
        AutodetError: The work has failed, or its process was killed.
        JobCancelledError: The job was cancelled.
        RuntimeError: The work has failed unexpectedly; the log has the details.
    """
    child = start_child(MODULE)
    try:
        child.connection.send(Work(current_visitor(), function, arguments))
        while True:
            while not child.connection.poll(CHECK_SECONDS):
                job.report(job.done, job.total)
            message = child.connection.recv()
            if isinstance(message, Progress):
                job.report_step(message.step, message.done, message.total)
            elif message.error is None:
                return message.result
            elif message.error:
                raise AutodetError(message.error)
            else:
                raise RuntimeError("The work failed in its process.")
    except (EOFError, OSError):
        raise AutodetError(KILLED) from None
    finally:
        child.end()
