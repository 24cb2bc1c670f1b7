"""Cost of the pages' heavy jobs for the server: memory, CPU seconds, and the longest pause of a thread.

    AUTODET_HOME=... python -m benchmarks.page_jobs MODEL DATASET

Each job runs in a process of its own with the imports of the pages. Prints a row for each.
"""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

JOBS = ("evaluation", "latency", "int8", "report")
TICK_SECONDS = 0.005


def main(model_name: str, dataset_name: str) -> None:
    """Run each job in a fresh process."""
    print("| job | wall | CPU of the server | memory before → at most → after | longest pause | torch, ONNX Runtime |")
    print("|---|---|---|---|---|---|")
    for job in JOBS:
        subprocess.run([sys.executable, "-m", "benchmarks.page_jobs", model_name, dataset_name, job], check=True)


def measure(model_name: str, dataset_name: str, job: str) -> None:
    """Run a job as the pages do, and print its row."""
    from autodet.datasets.manifest import load_dataset
    from autodet.inference.evaluation_jobs import find_evaluation, start_evaluation
    from autodet.inference.int8_jobs import find_int8, start_int8
    from autodet.inference.latency_jobs import find_latency, start_latency
    from autodet.models.store import find_model
    from autodet.reports.file import report_bytes
    from autodet.search.report import report
    from autodet.ui.common import frame  # noqa: F401 - what every page imports

    model, dataset = find_model(model_name), load_dataset(dataset_name)
    jobs = {
        "evaluation": (
            lambda: start_evaluation(model, dataset, "train"),
            lambda: find_evaluation(model, dataset, "train"),
        ),
        "latency": (lambda: start_latency(model, dataset), lambda: find_latency(model)),
        "int8": (lambda: start_int8(model), lambda: find_int8(model)),
        "report": (lambda: report_bytes(report(model, dataset, "train")), lambda: None),
    }
    start, find = jobs[job]
    pauses, over = [0.0], threading.Event()
    ticker = threading.Thread(target=_tick, args=(pauses, over))
    before, began, cpu = _resident(), time.perf_counter(), time.process_time()
    ticker.start()
    start()
    while (found := find()) and not found.error:
        time.sleep(0.05)
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    over.set()
    ticker.join()
    maps = Path("/proc/self/maps").read_text()
    loaded = ", ".join(name for name in ("libtorch", "onnxruntime") if name in maps) or "no"
    memory = f"{before:.0f} → {_resident('VmHWM'):.0f} → {_resident():.0f} MB"
    outcome = " failed" if found else ""
    print(f"| {job}{outcome} | {wall:.1f} s | {cpu:.1f} s | {memory} | {max(pauses):.2f} s | {loaded} |")


def _tick(pauses: list[float], over: threading.Event) -> None:
    """Record the longest time in which this thread did not run."""
    while not over.is_set():
        began = time.perf_counter()
        time.sleep(TICK_SECONDS)
        pauses.append(time.perf_counter() - began - TICK_SECONDS)


def _resident(field: str = "VmRSS") -> float:
    """Return a figure of this process's memory in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith(field))


if __name__ == "__main__":
    os.environ.setdefault("STREAMLIT_LOGGER_LEVEL", "error")
    (main if len(sys.argv) == 3 else measure)(*sys.argv[1:])
