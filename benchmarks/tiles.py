"""Quality and time of predictions with and without tiles, on large photos with small objects.

    AUTODET_HOME=... python -m benchmarks.tiles MODEL DATASET [--ratios 0 2 3 4] [--enlarged 2 3] [--canvases 12]

Each large photo with small objects is a canvas whose sides are a multiple of the median training photo. Photos of the
data set that the model was not trained on are pasted on it at random places, with their longer side 0.4 to 1 times the
median training photo; the background is one of them, enlarged and blurred. Ratio 0 stands for the validation photos as
they are. Enlarged photos have large objects: they are up to 30 photos of the data set, scaled to a multiple of the
median training photo.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image, ImageFilter

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.manifest import Dataset, load_dataset
from autodet.datasets.photos import open_photo
from autodet.evaluation.report import evaluate_predictions
from autodet.inference.comparable_records import comparable_records
from autodet.inference.detector import Detector, load_detector
from autodet.records import EvaluationReport, ImageRecord
from autodet.workspace import Workspace
from tests.helpers import Mark, voc_xml

SCALES = (0.4, 1.0)


def main() -> None:
    """Print a row for each ratio, with and without tiles."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("dataset")
    parser.add_argument("--ratios", type=float, nargs="+", default=[0, 2, 3, 4])
    parser.add_argument("--enlarged", type=float, nargs="*", default=[2, 3])
    parser.add_argument("--canvases", type=int, default=12)
    options = parser.parse_args()
    detector, dataset = load_detector(options.model), load_dataset(options.dataset)
    sizes = detector.card.trained_sizes
    assert sizes
    print(f"{options.model}: {sizes}, {detector.card.image_size} px, {detector.runtime}")
    for ratio in options.ratios:
        with TemporaryDirectory() as folder:
            shown = _canvases(dataset, sizes.photo_side, ratio, options.canvases, Path(folder)) if ratio else dataset
            _show_rows(f"{ratio:g}", detector, shown, "all" if ratio else "val")
    for factor in options.enlarged:
        with TemporaryDirectory() as folder:
            shown = _enlarged(dataset, round(sizes.photo_side * factor), Path(folder))
            _show_rows(f"enlarged {factor:g}", detector, shown, "all")


def _show_rows(name: str, detector: Detector, dataset: Dataset, split: str) -> None:
    records = comparable_records(detector.card, dataset, split)
    for tiles in (False, True):
        print(f"| {name} | {len(records)} | {_row(detector, dataset, records, tiles)}", flush=True)


def _row(detector: Detector, dataset: Dataset, records: Sequence[ImageRecord], tiles: bool) -> str:
    started = time.perf_counter()
    predictions = detector.predict_dataset(dataset, records, tiles=tiles)
    seconds = (time.perf_counter() - started) / len(records)
    report = evaluate_predictions(records, predictions, detector.classes, detector.card.all_thresholds)
    found, right, shown = _totals(report)
    mean = np.mean([seen.tiles for seen in predictions])
    by_size = [report.coco[size] for size in ("APs", "APm", "APl")]
    figures = [report.map50, report.map50_95, *by_size, found, right / max(1, shown)]
    texts = ("-" if figure is None else f"{figure:.3f}" for figure in figures)
    return " | ".join([f"{mean:.0f}", *texts, f"{seconds:.2f} |"])


def _totals(report: EvaluationReport) -> tuple[float, float, float]:
    """Return recall over all boxes, and the numbers of right and of shown detections, at the thresholds."""
    boxes = [(one.boxes, one.recall or 0.0, one.precision) for one in report.per_class.values()]
    right = sum(count * recall for count, recall, _ in boxes)
    shown = sum(count * recall / precision for count, recall, precision in boxes if precision)
    return right / max(1, sum(count for count, _, _ in boxes)), right, shown


def _canvases(dataset: Dataset, side: int, ratio: float, count: int, folder: Path) -> Dataset:
    random = np.random.default_rng(0)
    records = _unknown(dataset)
    for number in range(count):
        background = open_photo(dataset.photo(records[random.integers(len(records))])).resize((64, 64))
        canvas = background.resize((round(ratio * side),) * 2, Image.Resampling.BICUBIC)
        canvas = canvas.filter(ImageFilter.GaussianBlur(side / 8))
        marks: list[Mark] = []
        for left, top in _cells(round(ratio), side, random):
            record = records[random.integers(len(records))]
            photo = open_photo(dataset.photo(record))
            scale = side * random.uniform(*SCALES) / max(photo.size)
            small = photo.resize((round(photo.width * scale), round(photo.height * scale)), Image.Resampling.LANCZOS)
            at = (
                left + int(random.integers(side - small.width + 1)),
                top + int(random.integers(side - small.height + 1)),
            )
            canvas.paste(small, at)
            marks += _marks(dataset, record, scale, at)
        _write(folder, number, canvas, marks)
    return _imported(folder)


def _enlarged(dataset: Dataset, side: int, folder: Path) -> Dataset:
    for number, record in enumerate(_unknown(dataset)[:30]):
        photo = open_photo(dataset.photo(record))
        scale = side / max(photo.size)
        large = photo.resize((round(photo.width * scale), round(photo.height * scale)))
        _write(folder, number, large, _marks(dataset, record, scale, (0, 0)))
    return _imported(folder)


def _unknown(dataset: Dataset) -> list[ImageRecord]:
    return [record for record in dataset.images if record.split != "train"]


def _marks(dataset: Dataset, record: ImageRecord, scale: float, at: tuple[int, int]) -> list[Mark]:
    boxes = (record.annotations.boxes_xyxy.astype(float) * scale + np.array(at * 2)).round(1).tolist()
    names = [dataset.classes[class_id] for class_id in record.annotations.class_ids]
    return [(name, tuple(box)) for name, box in zip(names, boxes, strict=True)]


def _write(folder: Path, number: int, photo: Image.Image, marks: list[Mark]) -> None:
    photo.save(folder / f"{number}.png")
    (folder / f"{number}.xml").write_text(voc_xml(f"{number}.png", photo.size, marks), "utf-8")


def _imported(folder: Path) -> Dataset:
    decisions = {"photo_alike": "keep"}
    return import_dataset(folder, "canvases", decisions=decisions, workspace=Workspace(folder / "home"))


def _cells(ratio: int, side: int, random: np.random.Generator) -> Iterator[tuple[int, int]]:
    """Yield the corners of half of the squares that a canvas consists of."""
    cells = [(column * side, row * side) for row in range(ratio) for column in range(ratio)]
    for place in random.permutation(len(cells))[: max(1, len(cells) // 2)]:
        yield cells[place]


if __name__ == "__main__":
    main()
