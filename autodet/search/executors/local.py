"""Trials on this machine: one process per trial, on device slots from the queue.

Where forking is safe, workers are forked from a process that has already imported the trainer (Python's fork server),
so that only the first trial of a search waits for the import of torch. That process dies with the supervisor, and the
workers die with it.
"""

import importlib
import multiprocessing
import os
import signal
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext, SpawnContext
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import DupFd
from typing import Any

from autodet.processes import drop_secrets
from autodet.records import Notice
from autodet.search.executors import (
    BEAT_SECONDS,
    EpochDone,
    EpochUnderWay,
    Event,
    TrialDone,
    TrialLost,
    TrialTooLarge,
    event_of,
)
from autodet.search.executors.device_queue import HeldSlot, SlotQueue
from autodet.search.executors.oom import out_of_memory_kills
from autodet.search.executors.parent_death import bind_to_parent, watch_supervisor
from autodet.search.executors.resource_usage import Meter
from autodet.training.device import Slot, visible_gpu
from autodet.training.train_job import EpochProgress, TrainJob

TRAIN = "autodet.training.loop:train"
NURSERY = "autodet.search.executors.forkserver_preload"
STANDARD_OUTPUT, STANDARD_ERROR = 1, 2  # descriptors
GRACE_SECONDS = 5.0
NICENESS = 5  # pages and predictions on the same cores have priority


_Message = Event | None  # None: a heartbeat without an event


@dataclass
class _Worker:
    trial: int
    held: HeldSlot
    process: BaseProcess
    connection: "Connection[_Message, _Message]"
    out_of_memory_kills: int  # of the whole machine, before the worker started
    silent_seconds: float = 0.0


class _Inherited:
    """A descriptor passed on to the worker.

    With a slot's descriptor, the worker also holds the slot's lock: if the supervisor is killed, the slot becomes free
    only when the worker has ended.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __getstate__(self) -> object:
        return DupFd(self._descriptor)

    def __setstate__(self, passed: Any) -> None:
        self._descriptor = passed.detach()
        os.set_inheritable(self._descriptor, False)  # child processes of the training must not hold it

    def replace(self, *others: int) -> None:
        """Redirect other descriptors of this process to the passed one, and close it."""
        for other in others:
            os.dup2(self._descriptor, other)
        os.close(self._descriptor)


class LocalExecutor:
    """Runs one trial on each device slot that it obtains from the queue.

    Args:
        queue: The queue for slots shared with other searches of the workspace.
        train: The function that trains a job, as ``module:function``.
        deadline_seconds: A worker without progress for this long is killed, and its trial is lost.
        first: A slot of the queue that the search holds already.
    """

    def __init__(
        self,
        queue: SlotQueue,
        train: str = TRAIN,
        deadline_seconds: float = 600.0,
        first: HeldSlot | None = None,
    ) -> None:
        self._queue, self._train, self._deadline = queue, train, deadline_seconds
        self._next = first
        self._workers: dict[int, _Worker] = {}
        self._context = _context(train)

    @property
    def slots(self) -> int:
        """Number of trials that run in parallel if no other search is running."""
        return self._queue.most

    @property
    def obstacle(self) -> Notice | None:
        """Which searches use the devices while this one waits for them."""
        return self._queue.obstacle

    def has_room(self) -> bool:
        """Return whether a slot is free, and keep it for the next trial; otherwise wait in the queue."""
        self._next = self._next or self._queue.take()
        return self._next is not None

    def start(self, trial: int, job: TrainJob) -> str:
        """Start a trial on the slot that ``has_room`` reserved."""
        if self._next is None:
            raise ValueError("There is no room.")
        held, self._next = self._next, None
        ours, theirs = self._context.Pipe(duplex=False)
        process = self._context.Process(
            target=_work,
            args=(
                theirs,
                _Inherited(held.descriptor),
                _Inherited(STANDARD_ERROR),
                trial,
                _on_slot(job, held.slot),
                held.slot,
                self._train,
            ),
            name=f"trial-{trial}",
        )
        process.start()
        theirs.close()  # so that the pipe closes when the process ends
        self._workers[trial] = _Worker(trial, held, process, ours, out_of_memory_kills())
        return held.slot.name

    def events(self, timeout_seconds: float) -> list[Event]:
        """Return the events of the workers, including those of workers that died or hung."""
        began = time.monotonic()
        ready = set(wait([worker.connection for worker in self._workers.values()], timeout_seconds))
        # Excludes time between calls and beyond the timeout: a busy or stopped supervisor does not listen.
        listened = min(time.monotonic() - began, timeout_seconds)
        events: list[Event] = []
        for worker in list(self._workers.values()):
            worker.silent_seconds = 0.0 if worker.connection in ready else worker.silent_seconds + listened
            if event := self._event(worker, worker.connection in ready):
                events.append(event)
                if not isinstance(event, EpochDone | EpochUnderWay):
                    self._forget(worker)
        return events

    def _event(self, worker: _Worker, ready: bool) -> Event | None:
        if ready:
            return _receive(worker)
        if worker.silent_seconds > self._deadline:
            worker.process.kill()  # a stopped process reacts to no other signal
            return TrialLost(worker.trial, Notice.of("no_progress", seconds=self._deadline))
        return None

    def cancel(self, trial: int) -> None:
        """Kill a trial's process."""
        if worker := self._workers.get(trial):
            self._forget(worker)

    def close(self) -> None:
        """Kill every process, and leave the queue."""
        for worker in list(self._workers.values()):
            self._forget(worker)
        if self._next:
            self._queue.give_back(self._next)
            self._next = None
        self._queue.leave()

    def _forget(self, worker: _Worker) -> None:
        # Kill at once: files are written atomically, and the worker may hang or be stopped.
        worker.process.kill()
        worker.process.join()
        worker.process.close()
        worker.connection.close()
        self._queue.give_back(worker.held)
        del self._workers[worker.trial]


def preload(train: str = TRAIN) -> None:
    """Let the fork server import the trainer now, so that the first trial need not wait for that."""
    if isinstance(_context(train), ForkServerContext):
        forkserver.ensure_running()


def _context(train: str) -> ForkServerContext | SpawnContext:
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")  # macOS libraries are not fork-safe
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([NURSERY, train.split(":", maxsplit=1)[0]])
    return context


def _on_slot(job: TrainJob, slot: Slot) -> TrainJob:
    # A worker only sees its own GPU, as cuda:0.
    return replace(job, device="cpu" if slot.device == "cpu" else "cuda:0", threads=slot.threads)


def _receive(worker: _Worker) -> _Message:
    try:
        return worker.connection.recv()
    except (EOFError, OSError):
        worker.process.join(GRACE_SECONDS)
        exit_code = worker.process.exitcode
        if exit_code == -signal.SIGKILL and out_of_memory_kills() > worker.out_of_memory_kills:
            return TrialTooLarge(worker.trial, Notice("killed_for_memory"))
        return TrialLost(worker.trial, _death(exit_code))


def _death(exit_code: int | None) -> Notice:
    if exit_code is not None and exit_code < 0:
        killed = -exit_code in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
        return Notice.of("process_killed" if killed else "process_crashed", signal=signal.Signals(-exit_code).name)
    return Notice.of("process_ended", exit_code=exit_code)


def _work(
    connection: "Connection[_Message, _Message]",
    _slot_lock: _Inherited,
    log: _Inherited,
    trial: int,
    job: TrainJob,
    slot: Slot,
    train: str,
) -> None:
    """Run a worker process: train, and send events to the supervisor.

    Its output goes to the supervisor's log. The fork server may lack this log, because it can be older than the search.
    """
    log.replace(STANDARD_OUTPUT, STANDARD_ERROR)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the supervisor handles Ctrl-C in a terminal
    bind_to_parent()
    watch_supervisor()
    drop_secrets()
    meter = Meter(_choose_device(slot))
    with suppress(BrokenPipeError):  # the supervisor is gone, and this process ends too
        connection.send(_train(connection, trial, job, train, meter))


def _train(connection: "Connection[_Message, _Message]", trial: int, job: TrainJob, train: str, meter: Meter) -> Event:
    """Train, send an event per epoch, and return the final event of the trial."""
    module, function = train.split(":")
    try:
        for result in getattr(importlib.import_module(module), function)(job, _Pulse(connection, trial)):
            connection.send(EpochDone(trial, result, meter.read()))
    except Exception as error:
        return event_of(trial, error)
    return TrialDone(trial)


class _Pulse:
    """Sends a heartbeat when called, at most one a second."""

    def __init__(self, connection: "Connection[_Message, _Message]", trial: int) -> None:
        self._connection, self._trial, self._last = connection, trial, time.monotonic()

    def __call__(self, progress: EpochProgress | None = None) -> None:
        if time.monotonic() - self._last >= BEAT_SECONDS:
            self._connection.send(EpochUnderWay(self._trial, progress) if progress else None)
            self._last = time.monotonic()


def _choose_device(slot: Slot) -> str | None:
    """Make only the slot's device visible to this process; return the GPU as the driver names it, None on a CPU."""
    if slot.device == "cpu":
        os.nice(NICENESS)
        return None
    os.environ["CUDA_VISIBLE_DEVICES"] = gpu = visible_gpu(slot.device)
    os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")  # same numbering as the driver's tools
    return gpu
