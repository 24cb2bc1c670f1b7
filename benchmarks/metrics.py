"""Time and memory of all figures of an evaluation, against pycocotools on the same predictions.

    python -m benchmarks.metrics [--photos 50000] [--boxes 10] [--detections 25] [--classes 10]

Photos and predictions are drawn: most objects are found, some twice, shifted, misnamed or not at all, and the rest are
false alarms with low scores. Each side runs in its own process; CPU time is that of the process, which other
processes on the machine disturb less. autodet's side is ``evaluate_predictions``, everything
that an evaluation reports. Of pycocotools, only ``evaluate`` and ``accumulate`` are timed, with its default parameters;
building its index is not.
"""

import argparse
import contextlib
import io
import resource
import subprocess
import sys
import time

import numpy as np

from autodet.evaluation.report import evaluate_predictions
from autodet.records import Annotations, ImageRecord, Prediction

SIDE = 1000
SIDES = ("autodet", "pycocotools")
Seconds = np.ndarray
Photos = tuple[list[ImageRecord], list[Prediction]]


def now() -> Seconds:
    """Return the wall time and the CPU time of this process."""
    return np.array([time.perf_counter(), time.process_time()])


def drawn(photos: int, boxes: int, detections: int, classes: int) -> Photos:
    """Return photos and predictions; numbers of boxes and detections are per photo, on average."""
    random = np.random.default_rng(0)
    records, predictions = [], []
    for number in range(photos):
        marked = _boxes(random, int(random.poisson(boxes)))
        class_ids = random.integers(0, classes, len(marked))
        records.append(ImageRecord(f"{number}.jpg", SIDE, SIDE, "test", Annotations.of(marked, class_ids)))
        predictions.append(_prediction(random, marked, class_ids, detections, classes))
    return records, predictions


def _boxes(random: np.random.Generator, count: int) -> np.ndarray:
    size = SIDE * 2.0 ** random.uniform(-6, -1, (count, 2))
    corner = random.uniform(0, 1, (count, 2)) * (SIDE - size)
    return np.concatenate([corner, corner + size], axis=1)


def _prediction(
    random: np.random.Generator, marked: np.ndarray, class_ids: np.ndarray, detections: int, classes: int
) -> Prediction:
    source = np.flatnonzero(random.random(len(marked)) < 0.9)
    source = np.concatenate([source, source[random.random(len(source)) < 0.2]])
    sides = np.tile(marked[source, 2:] - marked[source, :2], 2)
    near = marked[source] + random.normal(0, 0.06, (len(source), 4)) * sides
    near[:, 2:] = np.maximum(near[:, 2:], near[:, :2] + 1)
    named = np.where(random.random(len(source)) < 0.95, class_ids[source], random.integers(0, classes, len(source)))
    others = int(random.poisson(max(0, detections - len(source))))
    scores = np.concatenate([random.beta(5, 2, len(source)), random.beta(1, 12, others)])
    found = np.concatenate([near, _boxes(random, others)])
    return Prediction.of(found, np.concatenate([named, random.integers(0, classes, others)]), 0.01 + 0.99 * scores)


def time_autodet(records: list[ImageRecord], predictions: list[Prediction], classes: int) -> tuple[Seconds, float]:
    """Return the time of all figures, and mAP50-95."""
    begin = now()
    report = evaluate_predictions(records, predictions, [f"class {number}" for number in range(classes)])
    return now() - begin, report.map50_95


def time_pycocotools(records: list[ImageRecord], predictions: list[Prediction], classes: int) -> tuple[Seconds, float]:
    """Return the time of ``evaluate`` and ``accumulate``, and mAP50-95."""
    from pycocotools.cocoeval import COCOeval

    from autodet.evaluation import coco_metrics

    truth = coco_metrics.COCO()
    truth.dataset = coco_metrics._truth(records, classes)
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        evaluation = COCOeval(truth, coco_metrics._detected(truth, predictions), "bbox")
        begin = now()
        evaluation.evaluate()
        evaluation.accumulate()
        seconds = now() - begin
        evaluation.summarize()
    return seconds, float(evaluation.stats[0])


def main() -> None:
    """Measure both sides, each in a process of its own, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=50_000)
    for name, usual in (("boxes", 10), ("detections", 25), ("classes", 10)):
        parser.add_argument(f"--{name}", type=int, default=usual, help=f"default {usual}")
    parser.add_argument("--side", choices=SIDES, help="measure one side in this process")
    options = parser.parse_args()
    if not options.side:
        print("| | seconds | CPU seconds | peak memory | mAP50-95 |\n|---|---|---|---|---|", flush=True)
        for side in SIDES:
            subprocess.run([sys.executable, "-m", "benchmarks.metrics", *sys.argv[1:], "--side", side], check=True)
        return
    records, predictions = drawn(options.photos, options.boxes, options.detections, options.classes)
    print(
        f"{sum(map(len, predictions)):,} detections, {sum(len(r.annotations) for r in records):,} boxes",
        file=sys.stderr,
    )
    measure = time_autodet if options.side == "autodet" else time_pycocotools
    seconds, map50_95 = measure(records, predictions, options.classes)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"| {options.side} | {seconds[0]:.0f} | {seconds[1]:.0f} | {peak:.2f} GB | {map50_95:.6f} |", flush=True)


if __name__ == "__main__":
    main()
