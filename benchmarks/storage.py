"""Storage of a study: write-behind to a database, compared with what Optuna offers publicly.

    python -m benchmarks.storage [--trials 10000] [--epochs 10] [--url POSTGRESQL_ADDRESS] [--skip-copy]

Each way records the same search: its trials are filled in quickly, and the last ones event by event, as a supervisor
with one slot does. An event is an epoch with its share of the calls that begin and end a trial, and is durable when it
ends. Then a new process loads the study. Parameters, values and pruning must be equal in all ways. ``copy_study`` is
what would keep ``optuna-dashboard`` working if a journal held the study.
"""

import argparse
import hashlib
import json
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import BaseJournalBackend, JournalFileBackend
from optuna.study import StudyDirection

from autodet.search.study.pruners import pruner_of
from autodet.search.study.write_behind import MirroredStorage

STUDY = "scale"
TAIL_TRIALS = 40  # recorded event by event, and timed
FILL_TRIALS = 250  # in one batch while the study is filled
WEAK = 0.57  # about half of the trials are weaker
WAYS = {  # the file, and the file of the same format that is filled for it
    "write-behind, SQLite": ("optuna.db", "filled.db"),
    "RDBStorage, SQLite": ("rdb.db", "filled.db"),
    "journal, Optuna's file": ("optuna.log", "filled.log"),
    "journal, batched file": ("batched.log", "filled.log"),
    "write-behind, PostgreSQL": ("", ""),
}


class BatchedJournal(BaseJournalBackend):
    """A journal file that is written and synced once per flush rather than once per operation.

    Args:
        path: The file; created if it does not exist.
    """

    def __init__(self, path: Path) -> None:
        path.touch()
        self._path, self._pending = path, list[str]()
        self._unread: list[str] | None = None

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
        """Yield the operations that this process has not read yet; the first call reads the file."""
        del log_number_from  # this process is the only writer
        if self._unread is None:
            self._unread = []
            with self._path.open(encoding="utf-8") as lines:
                yield from map(json.loads, lines)
        unread, self._unread = self._unread, []
        yield from map(json.loads, unread)

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Keep operations until ``flush``."""
        lines = [json.dumps(log, separators=(",", ":")) for log in logs]
        self._pending += lines
        self._unread = [*(self._unread or ()), *lines]

    def flush(self) -> None:
        """Append all operations since the last call to the file."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write("".join(f"{line}\n" for line in self._pending))
            file.flush()
            os.fsync(file.fileno())
        self._pending.clear()


def open_storage(way: str, place: str) -> tuple[BaseStorage, Callable[[], None]]:
    """Open a storage, and return it with the function that makes its writes durable.

    Args:
        way: A key of ``WAYS``.
        place: Path of the file, or address of the PostgreSQL database.
    """
    url = place if "://" in place else f"sqlite:///{place}"
    if way.startswith("write-behind"):
        mirrored = MirroredStorage(RDBStorage(url), STUDY, (StudyDirection.MAXIMIZE,))
        return mirrored, mirrored.flush
    if way.startswith("RDBStorage"):
        return RDBStorage(url), lambda: None
    if "batched" in way:
        backend = BatchedJournal(Path(place))
        return JournalStorage(backend), backend.flush
    return JournalStorage(JournalFileBackend(place)), lambda: None


def open_study(storage: BaseStorage, options: argparse.Namespace, seed: int) -> optuna.Study:
    """Load the study, or create it, with the default pruner and a sampler that reads no trials."""
    sampler, pruner = optuna.samplers.RandomSampler(seed=seed), pruner_of("median", options.epochs)
    return optuna.create_study(
        storage=storage, sampler=sampler, pruner=pruner, study_name=STUDY, direction="maximize", load_if_exists=True
    )


def record_trial(study: optuna.Study, epochs: int, ask_pruner: bool) -> Iterator[None]:
    """Record one trial with the calls of ``SearchStudy``; yields after each epoch and at the end.

    Args:
        study: The study.
        epochs: Number of epochs.
        ask_pruner: Whether the study's pruner decides; otherwise weak trials end halfway, which needs no other trials.
    """
    trial = study.ask()
    lr = trial.suggest_float("lr", 1e-4, 1e-2, log=True)
    trial.suggest_float("weight_decay", 1e-5, 1e-3, log=True)
    trial.suggest_float("ema_decay", 0.9, 0.999)
    trial.suggest_categorical("architecture", ["small", "medium", "large"])
    trial.suggest_categorical("image_size", [256, 320, 416])
    trial.suggest_int("batch_size", 4, 32)
    trial.set_user_attr("params", trial.params)
    trial.set_user_attr("attempts", [{"slot": "cuda:0", "started": 1.0, "ended": None}])
    chance, results = random.Random(trial.number), list[dict[str, float]]()
    talent = chance.uniform(0.3, 0.9) - abs(lr - 1e-3) * 10
    pruned = False
    for epoch in range(1, epochs + 1):
        score = max(0.0, talent * (1 - 0.7**epoch) + chance.gauss(0, 0.01))
        results.append({"epoch": epoch, "loss": 1 / epoch, "map50": score, "map50_95": score * 0.6, "seconds": 3.0})
        trial.report(score, step=epoch)
        trial.set_user_attr("epochs", results)
        hopeless = trial.should_prune() if ask_pruner else epoch == epochs // 2 and talent < WEAK
        pruned = hopeless and epoch < epochs
        if pruned:
            break
        yield
    trial.set_user_attr("ended", "pruned" if pruned else "finished")
    state = optuna.trial.TrialState.PRUNED if pruned else optuna.trial.TrialState.COMPLETE
    study.tell(trial, None if pruned else max(result["map50"] for result in results), state=state)
    yield


def fill(way: str, place: str, options: argparse.Namespace) -> dict[str, Any]:
    """Record all trials but the last."""
    storage, flush = open_storage(way, place)
    study = open_study(storage, options, seed=0)
    for number in range(options.trials - TAIL_TRIALS):
        for _ in record_trial(study, options.epochs, ask_pruner=False):
            pass
        if number % FILL_TRIALS == 0:
            flush()
    flush()
    return {}


def record(way: str, place: str, options: argparse.Namespace) -> dict[str, Any]:
    """Load the study, then record the last trials event by event."""
    began, cpu = time.perf_counter(), time.process_time()
    storage, flush = open_storage(way, place)
    study = open_study(storage, options, seed=1)
    loaded = len(study.get_trials(deepcopy=False))
    load_seconds, load_cpu, megabytes = time.perf_counter() - began, time.process_time() - cpu, _peak_megabytes()
    walls, cpu = list[float](), time.process_time()
    for _ in range(TAIL_TRIALS):
        events = record_trial(study, options.epochs, ask_pruner=True)
        while True:
            began = time.perf_counter()
            if next(events, "end") == "end":
                break
            flush()
            walls.append(time.perf_counter() - began)
    return {
        "load_s": load_seconds,
        "load_cpu_s": load_cpu,
        "loaded": loaded,
        "event_ms": statistics.median(walls) * 1000,
        "event_cpu_ms": (time.process_time() - cpu) / len(walls) * 1000,
        "memory_mb": megabytes,
        "result": _digest(study.get_trials(deepcopy=False)),
    }


def copy(way: str, place: str, options: argparse.Namespace) -> dict[str, Any]:
    """Copy the study of a journal to a new database, as a dashboard would need it."""
    storage, _ = open_storage(way, place)
    target = options.url or f"sqlite:///{Path(place).with_name('copy.db')}"
    began = time.perf_counter()
    optuna.copy_study(from_study_name=STUDY, from_storage=storage, to_storage=target, to_study_name="copy")
    return {"copy_s": time.perf_counter() - began}


def main() -> None:
    """Measure every way in processes of their own, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument(
        "--url", default="", help="an empty database: postgresql+psycopg://USER:PASSWORD@SERVER/DATABASE"
    )
    parser.add_argument("--skip-copy", action="store_true")
    parser.add_argument("--step", nargs=3, metavar=("STEP", "WAY", "PLACE"), help="for its own processes")
    options = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    if options.step:
        step, way, place = options.step
        print(json.dumps({"fill": fill, "record": record, "copy": copy}[step](way, place, options)))
        return
    with tempfile.TemporaryDirectory() as folder:
        _print_table(_measure(Path(folder), options))


def _measure(folder: Path, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    _run("fill", "write-behind, SQLite", str(folder / "filled.db"))
    _run("fill", "journal, batched file", str(folder / "filled.log"))
    if options.url:
        _run("fill", "write-behind, PostgreSQL", options.url)
    for way, (name, filled) in WAYS.items():
        path, measured = folder / name, {"way": way}
        if name:
            shutil.copy(folder / filled, path)
            yield measured | _run("record", way, str(path)) | {"file_mb": path.stat().st_size / 1e6}
        elif options.url:
            yield measured | _run("record", way, options.url)
    if not options.skip_copy:
        yield {"way": "copy_study", **_run("copy", "journal, Optuna's file", str(folder / "optuna.log"))}


def _run(step: str, way: str, place: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.storage", *sys.argv[1:], "--step", step, way, place]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    measured: dict[str, Any] = json.loads(answer.stdout)
    return measured


def _print_table(rows: Iterable[dict[str, Any]]) -> None:
    columns = ("event_ms", "event_cpu_ms", "load_s", "load_cpu_s", "memory_mb", "file_mb", "copy_s", "loaded", "result")
    print(f"| way | {' | '.join(columns)} |", flush=True)
    for row in rows:
        cells = [f"{row[name]:.2f}" if isinstance(row.get(name), float) else str(row.get(name, "")) for name in columns]
        print(f"| {row['way']} | {' | '.join(cells)} |", flush=True)


def _digest(trials: list[optuna.trial.FrozenTrial]) -> str:
    told = [[trial.number, trial.state.name, trial.params, trial.values, trial.intermediate_values] for trial in trials]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:8]


def _peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
