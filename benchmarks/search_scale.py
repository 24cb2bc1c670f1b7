"""Utilisation of 256 slots by one supervisor, and the cost of reading the status of a search of 10,000 trials.

    python -m benchmarks.search_scale [--trials 10000] [--slots 256] [--epochs 10] [--epoch-seconds 3]
                                      [--home FOLDER]

The supervisor, its study, its database and its files are real; training is simulated. The executor's clock runs with
the real one while the supervisor works, and jumps to the end of the next epoch when the supervisor would only wait.
A slot is therefore idle on that clock exactly as long as the supervisor leaves it idle, and twenty minutes of a cluster
take only as long as the supervisor has work to do. The start-up cost on the training machine is not included.
"""

import argparse
import heapq
import json
import logging
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from autodet.lock import hold_lock
from autodet.models.bundle import write_bundle
from autodet.models.model_card import ModelCard
from autodet.records import EpochResult, SearchStatus
from autodet.search.executors import EpochDone, Event, TrialDone
from autodet.search.order.spec import SearchSpec
from autodet.search.run.supervisor import supervise
from autodet.search.status import finished_trials
from autodet.search.status.status_file import read_snapshot, read_status, write_snapshot
from autodet.training.train_job import BEST_BUNDLE, TrainJob
from autodet.workspace import Workspace

SHARE_OF_NOISE = 0.1  # of an epoch's duration


class Pretended:
    """An executor whose trials only take time, on a simulated clock.

    Args:
        slots: Number of concurrent trials.
        epoch_seconds: Approximate duration of an epoch.
    """

    def __init__(self, slots: int, epoch_seconds: float) -> None:
        self.slots, self._epoch_seconds = slots, epoch_seconds
        self._chance = random.Random(0)
        self._left: dict[int, TrainJob] = {}
        self._due: list[tuple[float, int, int]] = []
        self._best = 0.0
        self._skipped, self._began, self._heard = 0.0, time.monotonic(), 0.0
        self.busy_seconds, self.events_heard, self.working_seconds = 0.0, 0, 0.0
        self.last_start, self.busy_until_then = 0.0, 0.0
        self._due_at_last_start: list[tuple[float, int, int]] = []
        self.delays: list[float] = []  # from the end of an epoch until the supervisor polls it

    @property
    def now(self) -> float:
        """Seconds since the start on the simulated clock."""
        return time.monotonic() - self._began + self._skipped

    @property
    def share_busy(self) -> float:
        """Share of the slots' time spent on trials until the last of them started."""
        begun_later = sum(max(0.0, due - self.last_start) for due, *_ in self._due_at_last_start)
        return (self.busy_until_then - begun_later) / (self.slots * self.last_start)

    def has_room(self) -> bool:
        """Return whether a slot is free."""
        return len(self._left) < self.slots

    obstacle = None

    def start(self, trial: int, job: TrainJob) -> str:
        """Start a trial now."""
        self._left[trial] = job
        self.last_start, self.busy_until_then, self._due_at_last_start = self.now, self.busy_seconds, list(self._due)
        self._plan(trial, 1, self.now)
        return ""

    def _plan(self, trial: int, epoch: int, begun: float) -> None:
        length = self._epoch_seconds * (1 + SHARE_OF_NOISE * self._chance.uniform(-1, 1))
        self.busy_seconds += length
        heapq.heappush(self._due, (begun + length, trial, epoch))

    def events(self, timeout_seconds: float) -> list[Event]:
        """Return the events up to now; if none is due, first advance the clock to the next one or by the timeout."""
        self.working_seconds += self.now - self._heard
        if self._due and self._due[0][0] > self.now:
            self._skipped += min(timeout_seconds, self._due[0][0] - self.now)
        events: list[Event] = []
        while self._due and self._due[0][0] <= self.now:
            ended, trial, epoch = heapq.heappop(self._due)
            self.delays.append(self.now - ended)
            job = self._left[trial]
            events.append(EpochDone(trial, self._result(trial, job, epoch)))
            if epoch < job.epochs:
                self._plan(trial, epoch + 1, ended)
            else:
                del self._left[trial]
                events.append(TrialDone(trial))
        self.events_heard += len(events)
        self._heard = self.now
        return events

    def _result(self, trial: int, job: TrainJob, epoch: int) -> EpochResult:
        talent = random.Random(trial).uniform(0.3, 0.9) - abs(job.hyperparameters.lr - 1e-3) * 10
        map50 = max(0.0, talent * (1 - 0.7**epoch) + self._chance.gauss(0, 0.01))
        if map50 > self._best:
            self._best, architecture = map50, job.hyperparameters.architecture
            card = ModelCard("scale", ("apple",), architecture, 320, "d", "f", {"map50": map50}, epoch=epoch)
            write_bundle(job.folder / BEST_BUNDLE, card, b"weights")
        return EpochResult(epoch, 1 / epoch, map50, map50 * 0.6, self._epoch_seconds)

    def cancel(self, trial: int) -> None:
        """Drop a trial; the rest of its epoch does not count as busy time."""
        self._left.pop(trial, None)
        planned = [one for one in self._due if one[1] == trial]
        self.busy_seconds -= sum(max(0.0, due - self.now) for due, *_ in planned)
        for one in planned:
            self._due.remove(one)
        heapq.heapify(self._due)

    def close(self) -> None:
        """Do nothing, because there is nothing to end."""


def main() -> None:
    """Run the search, read its status, and print the timings of both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--slots", type=int, default=256)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--epoch-seconds", type=float, default=3.0)
    parser.add_argument("--home", type=Path, help="keep the workspace there")
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    with ExitStack() as stack:
        home = options.home or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        workspace = Workspace(home)
        os.environ["AUTODET_HOME"] = str(home)
        folder = _order(workspace, options)
        executor = Pretended(options.slots, options.epoch_seconds)
        logging.getLogger("autodet.supervisor").setLevel(logging.WARNING)
        cpu = time.process_time()
        with hold_lock(folder):
            status = supervise(folder, executor)
        _say_search(status, executor, time.process_time() - cpu)
        _say_reading(folder)


def _order(workspace: Workspace, options: argparse.Namespace) -> Path:
    folder = workspace.searches / "scale"
    folder.mkdir()
    created = datetime.now(UTC).isoformat(timespec="seconds")
    spec = SearchSpec("scale", "scale", trials=options.trials, epochs=options.epochs, created=created)
    spec.write(folder)
    planned = {"planned_trials": options.trials, "planned_epochs": options.epochs}
    write_snapshot(folder, SearchStatus("scale", "scale", "queued", created=created, **planned))
    return folder


def _say_search(status: SearchStatus, executor: Pretended, cpu_seconds: float) -> None:
    states = [trial.state for trial in status.trials]
    count = {state: states.count(state) for state in sorted(set(states))}
    heard, delays = executor.events_heard, sorted(executor.delays)
    print(f"| trials, events | {len(states)} {json.dumps(count)}, {heard} |")
    print(
        f"| time on the pretended clock | {executor.now:.0f} s; the supervisor works {executor.working_seconds:.0f} s |"
    )
    print(f"| slots busy | {executor.share_busy:.1%} until the last trial starts |")
    print(f"| events a second | {heard / executor.now:.0f} |")
    print(f"| CPU an event | {cpu_seconds / heard * 1000:.2f} ms |")
    half, most = delays[len(delays) // 2], delays[int(len(delays) * 0.99)]
    print(f"| an epoch waits to be heard | {half:.3f} s in the median, {most:.2f} s in 99 of 100 |")


def _say_reading(folder: Path) -> None:
    finished_trials._remembered.clear()
    first = _seconds(lambda: read_status(folder))
    again = statistics.median(_seconds(lambda: read_status(folder)) for _ in range(20))
    size = sum(path.stat().st_size for path in folder.glob("trials.*.jsonl")) / 1e6
    print(f"| the archive of {len(read_snapshot(folder).trials)} trials | {size:.1f} MB |")
    print(f"| its status, read by a new process, and again | {first:.2f} s, {again:.3f} s |")


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
