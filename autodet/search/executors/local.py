"""Trials on this machine: a process of its own for each, one process a device slot."""

import importlib
import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from autodet.errors import AutodetError
from autodet.search.executors import EpochDone, Event, TrialDone, TrialFailed, TrialLost
from autodet.training.device import cpu_cores
from autodet.training.job import TrainJob

TRAIN = "autodet.training.loop:train"
GRACE_SECONDS = 5.0
NICENESS = 5  # pages and predictions on the same cores go first


@dataclass(frozen=True)
class _Worker:
    trial: int
    slot: str
    process: SpawnProcess
    connection: "Connection[Event, Event]"


class LocalExecutor:
    """Runs one trial on each device slot.

    Args:
        slots: Devices; one that is named twice runs two trials side by side.
        train: ``module:function`` that trains a job.
    """

    def __init__(self, slots: Sequence[str], train: str = TRAIN) -> None:
        self._slots, self._train = tuple(slots), train
        self._workers: dict[int, _Worker] = {}
        self._context = multiprocessing.get_context("spawn")

    @property
    def slots(self) -> int:
        """How many trials run side by side."""
        return len(self._slots)

    def has_room(self) -> bool:
        """Whether a slot is free."""
        return len(self._workers) < len(self._slots)

    def start(self, trial: int, job: TrainJob) -> None:
        """Start a trial on a free slot."""
        free = list(self._slots)
        for worker in self._workers.values():
            free.remove(worker.slot)
        ours, theirs = self._context.Pipe(duplex=False)
        process = self._context.Process(
            target=_work,
            args=(theirs, trial, self._on_slot(job, free[0]), free[0], self._train),
            name=f"trial-{trial}",
        )
        process.start()
        theirs.close()  # so that the end of the process is the end of the pipe
        self._workers[trial] = _Worker(trial, free[0], process, ours)

    def events(self, timeout_seconds: float) -> list[Event]:
        """What the workers say, and what became of those that say nothing any more."""
        ready = set(wait([worker.connection for worker in self._workers.values()], timeout_seconds))
        events: list[Event] = []
        for worker in list(self._workers.values()):
            if worker.connection in ready:
                event = _receive(worker)
                events.append(event)
                if not isinstance(event, EpochDone):
                    self._forget(worker)
        return events

    def cancel(self, trial: int) -> None:
        """End a trial's process."""
        if worker := self._workers.get(trial):
            self._forget(worker)

    def close(self) -> None:
        """End every process."""
        for worker in self._workers.values():
            worker.process.terminate()
        for worker in list(self._workers.values()):
            self._forget(worker)

    def _on_slot(self, job: TrainJob, slot: str) -> TrainJob:
        cpu_slots = sum(other == "cpu" for other in self._slots)
        threads = max(1, cpu_cores() // cpu_slots) if slot == "cpu" else 0
        # A worker sees its own GPU only, and as the first one.
        return replace(job, device="cpu" if slot == "cpu" else "cuda:0", threads=threads)

    def _forget(self, worker: _Worker) -> None:
        worker.process.terminate()
        worker.process.join(GRACE_SECONDS)
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()
        worker.process.close()
        worker.connection.close()
        del self._workers[worker.trial]


def _receive(worker: _Worker) -> Event:
    try:
        return worker.connection.recv()
    except (EOFError, OSError):
        worker.process.join(GRACE_SECONDS)
        return TrialLost(worker.trial, _death(worker.process.exitcode))


def _death(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        name = signal.Signals(-exit_code).name
        out_of_memory = "; the machine may have run out of memory" if -exit_code == signal.SIGKILL else ""
        return f"its process was ended by {name}{out_of_memory}"
    return f"its process ended with exit code {exit_code}"


def _work(connection: "Connection[Event, Event]", trial: int, job: TrainJob, slot: str, train: str) -> None:
    """The worker process: train, and tell the supervisor."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is the supervisor's business
    threading.Thread(target=_die_with_parent, daemon=True).start()
    if slot.startswith("cuda"):
        os.environ["CUDA_VISIBLE_DEVICES"] = _visible_device(slot)
    else:
        os.nice(NICENESS)
    module, function = train.split(":")
    try:
        for result in getattr(importlib.import_module(module), function)(job):
            connection.send(EpochDone(trial, result))
        connection.send(TrialDone(trial))
    except AutodetError as error:
        connection.send(TrialFailed(trial, str(error), traceback.format_exc()))
    except BrokenPipeError:
        return  # the supervisor is gone, and this process with it
    except Exception as error:
        sentence = f"The trial failed unexpectedly ({type(error).__name__}: {error}); the log has the details."
        connection.send(TrialFailed(trial, sentence, traceback.format_exc()))


def _visible_device(slot: str) -> str:
    """The GPU of a slot, counted among those that this process may see."""
    index = int(slot.partition(":")[2] or 0)
    visible = [device.strip() for device in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if device.strip()]
    return visible[index] if index < len(visible) else str(index)


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent:
        parent.join()
        os._exit(1)
