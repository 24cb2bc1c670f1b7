"""Work in background threads of this process, so that it continues after the visitor leaves the page.

A job reports progress and keeps what its work returns. One job runs at a time, because each uses every core.
"""

import logging
import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from autodet.access.visitor import for_current_visitor
from autodet.errors import AutodetError, sentence_for

log = logging.getLogger("autodet.background_jobs")

_jobs: dict[Hashable, "Job"] = {}
_lock = threading.Lock()
_turn = threading.Lock()  # held by the running job


class JobCancelledError(AutodetError):
    """A visitor cancelled the job."""


@dataclass
class Job:
    """A job that is waiting, running or failed.

    Attributes:
        step: Current step; the job's module lists its steps.
        done: Number of photos done.
        total: Number of all photos; 0 while the job waits or loads the model.
        waits: Whether the job waits for another one.
        error: Error message of a failed job, otherwise empty.
        cancelled: Whether a visitor cancelled it; it ends at its next report.
        result: Return value of the work, once it has succeeded.
    """

    step: str = ""
    done: int = 0
    total: int = 0
    waits: bool = False
    error: str = ""
    cancelled: bool = False
    result: object = None

    def report(self, done: int, total: int) -> None:
        """Record the progress.

        Raises:
            JobCancelledError: The job was cancelled.
        """
        self.report_step(self.step, done, total)

    def report_step(self, step: str, done: int, total: int) -> None:
        """Record the progress of a step.

        Raises:
            JobCancelledError: The job was cancelled.
        """
        if self.cancelled:
            raise JobCancelledError
        self.step, self.done, self.total = step, done, total


def start_job(key: Hashable, work: Callable[[Job], object], unexpected: str) -> Job:
    """Start a job in the background.

    Args:
        key: Identifies what the job makes.
        work: Function that does the work and reports to the job; it acts for the visitor who starts the job.
        unexpected: Error message for an unforeseen failure.

    Returns:
        The new job, or the existing one if it is already waiting or running.
    """
    with _lock:
        job = _jobs.get(key)
        if job and not job.error:
            return job
        job = _jobs[key] = Job(waits=_turn.locked())
    threading.Thread(target=_run, args=(key, job, for_current_visitor(work), unexpected), daemon=True).start()
    return job


def find_job(key: Hashable) -> Job | None:
    """Return the waiting, running or failed job with a key; None if there is none or it has succeeded."""
    with _lock:
        return _jobs.get(key)


def jobs_of(kind: str) -> dict[tuple[str, ...], Job]:
    """Return the waiting and running jobs whose key is a tuple that begins with a word."""
    with _lock:
        return {key: job for key, job in _jobs.items() if isinstance(key, tuple) and key[0] == kind and not job.error}


def end_jobs(*names: str) -> None:
    """Cancel the jobs whose key is a tuple with one of the names, and forget those that failed."""
    with _lock:
        for key in [key for key in _jobs if isinstance(key, tuple) and not set(names).isdisjoint(key)]:
            _jobs.pop(key).cancelled = True


def _run(key: Hashable, job: Job, work: Callable[[Job], object], unexpected: str) -> None:
    with _turn:
        job.waits = False
        try:
            if not job.cancelled:
                job.result = work(job)
        except Exception as error:  # thread boundary
            if not job.cancelled:
                job.error = sentence_for(error) or unexpected
                log.exception("The job %s failed.", key)
                return
    with _lock:
        if _jobs.get(key) is job:  # a cancelled job may have a successor
            del _jobs[key]
