"""Trials on a Ray cluster: one task per trial, on any node with room.

A task is a streaming generator: after every epoch it yields the checkpoint, and the bundle with its validation
predictions if the epoch was the best. They are written into the workspace at once. If a task is lost with its node, Ray
reruns it elsewhere; the new task fetches the checkpoint, reports the earlier epochs again, and continues. Nodes fetch
files from an actor on the supervisor's machine that reads the workspace: the checkpoint, the starting weights, the
models to average, and the data set if they lack it. Tasks report progress within epochs to the same actor, and the
supervisor polls it. They cannot yield that progress, because a rerun task must yield the same items in the same order.

    python -m autodet.search.executors.ray      checks whether the configured cluster can be used
"""

import importlib
import logging
import os
import shutil
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import OutOfMemoryError, RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from autodet.datasets.manifest import read_dataset
from autodet.errors import AutodetError, SearchError, TrainingError
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
from autodet.search.executors.dataset_transfer import cache_folder, packed, unpacked
from autodet.search.executors.resource_usage import Meter
from autodet.settings import Settings, load_settings
from autodet.training.train_job import CHECKPOINT, EPOCH_FILES, EpochProgress, Pulse, TrainJob
from autodet.version import __version__
from autodet.workspace import write_atomically

RAY_RETRIES = 2
CONNECT_SECONDS = 5.0
HUNG = 70  # exit code of a worker without progress
FILES = {"num_cpus": 0, "max_restarts": -1, "max_task_retries": -1, "max_concurrency": 16}  # options of the actor
UNREACHABLE = (
    "The Ray cluster that AUTODET_RAY_ADDRESS names cannot be reached; this machine must be part of it: "
    "'ray start --address=HEAD:6379 --num-cpus=0', with the cluster's token, makes it so."
)


@dataclass(frozen=True)
class _Told:
    """Item yielded by a task: an event, and the files to store with it."""

    event: Event
    files: dict[str, bytes]


def connect(settings: Settings) -> None:
    """Join the configured cluster; Ray finds the token itself, it is never passed from here.

    Raises:
        SearchError: No cluster is named, or it cannot be reached.
    """
    address = settings.ray_address
    if not address:
        raise SearchError("No Ray cluster is named; set AUTODET_RAY_ADDRESS, for example to HEAD:6379.")
    if "://" in address:
        raise SearchError(
            f"AUTODET_RAY_ADDRESS is {address!r}, but Ray's client cannot stream; give HEAD:6379 or auto."
        )
    try:
        if address != "auto":  # Ray itself would retry for minutes
            host, _, port = address.rpartition(":")
            socket.create_connection((host, int(port)), CONNECT_SECONDS).close()
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, configure_logging=False)
    except (RayError, ConnectionError, RuntimeError, ValueError, OSError) as error:
        token = " It asks for a token: see RAY_AUTH_TOKEN_PATH." if "token" in str(error).lower() else ""
        raise SearchError(UNREACHABLE + token) from error


class RayExecutor:
    """Runs trials as tasks of the configured cluster.

    Args:
        settings: The settings, which define the cluster and the resources of a trial.
        train: The function that trains a job, as ``module:function``; the nodes must have it.
    """

    def __init__(self, settings: Settings, train: str) -> None:
        connect(settings)
        self._settings, self._train = settings, train
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        self._files: Any = ray.remote(_Files).options(**FILES, scheduling_strategy=here).remote()
        self._tasks: dict[int, Any] = {}
        self._jobs: dict[int, TrainJob] = {}
        self._fingerprint = ""
        self._asked: Any = None  # pending progress request; below, its time
        self._asked_at = 0.0

    @property
    def slots(self) -> int:
        """Number of trials that the cluster has room for at its current size, at least one."""
        has = _resources()
        gpus = self._gpus
        room = has.get("GPU", 0) / gpus if gpus else has.get("CPU", 0) / self._settings.ray_cpus
        most = self._settings.ray_trials or room
        return max(1, int(min(room, most)))

    @property
    def _gpus(self) -> float:
        asked = self._settings.ray_gpus
        return asked if asked is not None else float("GPU" in _resources())

    @property
    def obstacle(self) -> None:
        """Always None: trials without room wait in Ray's own queue."""
        return None

    def has_room(self) -> bool:
        """Return whether the cluster has room for another trial."""
        return len(self._tasks) < self.slots

    def start(self, trial: int, job: TrainJob) -> str:
        """Submit a trial to Ray."""
        self._fingerprint = self._fingerprint or read_dataset(job.dataset_folder).fingerprint
        gpus, cpus = self._gpus, self._settings.ray_cpus
        job = replace(job, device="cuda:0" if gpus else "cpu", threads=0 if gpus else cpus)
        task = _run.options(num_gpus=gpus, num_cpus=cpus, max_retries=RAY_RETRIES, name=f"{job.name}: trial {trial}")
        deadline = self._settings.progress_deadline
        self._tasks[trial] = task.remote(trial, job, self._train, self._fingerprint, self._files, deadline, __version__)
        self._jobs[trial] = job
        return "Ray"

    def events(self, timeout_seconds: float) -> list[Event]:
        """Return the events that the tasks yielded, and the progress of their epochs."""
        if not self._tasks:
            time.sleep(timeout_seconds)
            return []
        trials = {task: trial for trial, task in self._tasks.items()}
        ready, _ = ray.wait(list(trials), num_returns=1, timeout=timeout_seconds, fetch_local=False)
        if ready:
            ready, _ = ray.wait(list(trials), num_returns=len(trials), timeout=0, fetch_local=False)
        return [event for task in ready if (event := self._next(trials[task], task))] + self._under_way()

    def _under_way(self) -> list[Event]:
        """Return the epoch progress reported to the actor; poll it once a second without blocking."""
        if self._asked is None and time.monotonic() - self._asked_at >= BEAT_SECONDS:
            self._asked, self._asked_at = self._files.progress.remote(), time.monotonic()
        if self._asked is None or not ray.wait([self._asked], timeout=0)[0]:
            return []
        asked, self._asked = self._asked, None
        try:
            reported: dict[int, EpochProgress] = ray.get(asked)
        except RayError:  # the actor was lost, and Ray restarts it
            return []
        return [EpochUnderWay(trial, progress) for trial, progress in reported.items() if trial in self._tasks]

    def _next(self, trial: int, task: Any) -> Event | None:
        try:
            item: _Told = ray.get(next(task))
        except OutOfMemoryError as error:
            event: Event = TrialTooLarge(trial, _loss(error))
        except (RayError, StopIteration) as error:
            event = TrialLost(trial, _loss(error))
        else:
            event = item.event
            for name, content in item.files.items():
                write_atomically(self._jobs[trial].folder / name, content)
        if not isinstance(event, EpochDone):
            del self._tasks[trial]
        return event

    def cancel(self, trial: int) -> None:
        """Cancel a trial's task, wherever it runs."""
        if task := self._tasks.pop(trial, None):
            ray.cancel(task, force=True)

    def close(self) -> None:
        """Cancel every task, and leave the cluster."""
        for trial in list(self._tasks):
            self.cancel(trial)
        ray.shutdown()


def _resources() -> dict[str, float]:
    has: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    return has


def _loss(error: BaseException) -> Notice:
    """Describe a loss by the error's type; Ray's own messages run over many lines and contain addresses."""
    return Notice.of("node_lost", error=type(error).__name__)


class _Files:
    """Actor on the supervisor's machine: serves workspace files, collects progress; ends with the supervisor."""

    def __init__(self) -> None:
        self._progress: dict[int, EpochProgress] = {}

    def note(self, trial: int, progress: EpochProgress) -> None:
        """Record the progress of a trial's epoch."""
        self._progress[trial] = progress

    def progress(self) -> dict[int, EpochProgress]:
        """Return the latest epoch progress by trial."""
        return self._progress

    def checkpoint(self, folder: Path) -> bytes | None:
        """Return a trial's checkpoint, or None if there is none."""
        try:
            return (folder / CHECKPOINT).read_bytes()
        except FileNotFoundError:
            return None

    def bundle(self, bundle: Path) -> bytes:
        """Return the model that provides the starting weights, or that of a trial to average."""
        return bundle.read_bytes()

    def dataset(self, folder: Path) -> Iterator[bytes]:
        """Yield a data set in pieces."""
        yield from packed(folder)


@ray.remote
def _run(
    trial: int, job: TrainJob, train: str, fingerprint: str, files: Any, deadline_seconds: float, version: str
) -> Iterator[_Told]:
    """Train on this node, and yield the events of the trial epoch by epoch."""
    folder = Path(tempfile.mkdtemp(prefix=f"{trial}-", dir=_scratch()))
    try:
        job = _settled(job, folder, fingerprint, files, version)
        note = files.note.options(num_returns=0, max_task_retries=0)
        with closing(_Pulse(deadline_seconds, lambda progress: note.remote(trial, progress))) as pulse:
            yield from _trained(trial, job, train, pulse)
    except Exception as error:
        yield _Told(event_of(trial, error), {})
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _scratch() -> Path:
    folder = cache_folder() / "trials"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _settled(job: TrainJob, folder: Path, fingerprint: str, files: Any, version: str) -> TrainJob:
    """Return the job with local folders that contain all its inputs."""
    if version != __version__:
        raise TrainingError(f"A node of the cluster has autodet {__version__}, but {version} asked; install the same.")
    checkpoint = ray.get(files.checkpoint.remote(job.folder))
    if checkpoint is not None:
        write_atomically(folder / CHECKPOINT, checkpoint)
    if job.start:
        write_atomically(folder / job.start.bundle.name, ray.get(files.bundle.remote(job.start.bundle)))
        job = replace(job, start=replace(job.start, bundle=folder / job.start.bundle.name))
    members = {number: folder / f"member-{number}.autodet" for number in job.members}
    for number, bundle in job.members.items():
        write_atomically(members[number], ray.get(files.bundle.remote(bundle)))

    def fetch() -> Iterator[bytes]:
        pieces = files.dataset.options(num_returns="streaming", _generator_backpressure_num_objects=2)
        for piece in pieces.remote(job.dataset_folder):
            yield ray.get(piece)

    dataset_folder = unpacked(fingerprint, fetch, cache_folder())
    return replace(job, folder=folder, dataset_folder=dataset_folder, members=members)


def _trained(trial: int, job: TrainJob, train: str, pulse: Pulse) -> Iterator[_Told]:
    module, function = train.split(":")
    meter = Meter(os.environ.get("CUDA_VISIBLE_DEVICES") if job.device != "cpu" else None)
    sent: dict[str, float] = {}
    if (job.folder / CHECKPOINT).exists():
        sent[CHECKPOINT] = (job.folder / CHECKPOINT).stat().st_mtime_ns  # the supervisor already has it
    for result in getattr(importlib.import_module(module), function)(job, pulse):
        files = {}
        for name in EPOCH_FILES:
            path = job.folder / name
            if path.exists() and sent.get(name) != path.stat().st_mtime_ns:
                sent[name], files[name] = path.stat().st_mtime_ns, path.read_bytes()
        pulse()
        yield _Told(EpochDone(trial, result, meter.read()), files)
    yield _Told(TrialDone(trial), {})


class _Pulse:
    """Reports epoch progress; exits this worker if it is not called within the deadline, and Ray restarts the task.

    Args:
        deadline_seconds: Maximum time between calls.
        tell: Called with progress, at most once a second.
    """

    def __init__(self, deadline_seconds: float, tell: Callable[[EpochProgress], object]) -> None:
        self._deadline, self._last = deadline_seconds, time.monotonic()
        self._tell, self._told = tell, 0.0
        self._over = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def __call__(self, progress: EpochProgress | None = None) -> None:
        self._last = time.monotonic()
        if progress and self._last - self._told >= BEAT_SECONDS:
            self._told = self._last
            self._tell(progress)

    def close(self) -> None:
        """Stop the watchdog at the end of the trial; the worker process serves further trials."""
        self._over.set()

    def _watch(self) -> None:
        while not self._over.wait(min(1.0, self._deadline / 4)):
            if time.monotonic() - self._last > self._deadline:
                os._exit(HUNG)


def main() -> int:
    """Check whether the cluster can be used: print nothing and return 0, or print a sentence and return 1."""
    try:
        connect(load_settings())
        ray.shutdown()
    except AutodetError as error:
        print(error)  # to stdout, which Ray does not use
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
