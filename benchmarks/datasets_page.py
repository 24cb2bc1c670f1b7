"""Time to redraw the Data sets page for a large data set: 50,000 photos with 4 boxes each.

    python -m benchmarks.datasets_page [--photos 50000] [--boxes 4] [--problems 50000] [--times 20]

Writes such a data set, with a few drawn photos under many names, and runs the page as the server does, without the
browser's part. Prints a row for each view.
"""

import argparse
import os
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from streamlit.testing.v1 import AppTest

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.manifest import IMAGES, Dataset, write_dataset
from autodet.datasets.sources.sample import write_sample
from autodet.records import SPLITS, Annotations, Finding, ImageRecord
from autodet.workspace import Workspace

CLASSES = tuple(f"class {number:02}" for number in range(80))
KINDS = ("box_outside", "box_tiny", "photo_alike", "size_mismatch", "wrong_ending")


def main() -> None:
    """Write the data set, time the page, print the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=50_000)
    parser.add_argument("--boxes", type=int, default=4)
    parser.add_argument("--problems", type=int, default=50_000)
    parser.add_argument("--times", type=int, default=20)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["AUTODET_HOME"] = folder
        workspace = Workspace(Path(folder))
        write_sample(Path(folder) / "drawn", images=24)
        drawn = import_dataset(Path(folder) / "drawn", "drawn", workspace=workspace)
        large = _write_large(drawn, arguments.photos, arguments.boxes, arguments.problems)
        for view in ("Photos", "Statistics", f"Findings ({arguments.problems:,})"):
            seconds = _time_page(large.id, view, arguments.times)
            print(
                f"| Data sets drawn again, {arguments.photos:,} photos: {view} "
                f"| {statistics.median(seconds):.2f} s in the median, {max(seconds):.2f} s at most |"
            )


def _write_large(drawn: Dataset, photos: int, boxes: int, problems: int) -> Dataset:
    """Write a data set of hard links to a few photos, each with random boxes."""
    chance = np.random.default_rng(0)
    folder = drawn.folder.parent / "large"
    for split in SPLITS:
        (folder / IMAGES / split).mkdir(parents=True)
    records = []
    for number in range(photos):
        source, split = drawn.images[number % len(drawn.images)], SPLITS[number * len(SPLITS) // photos]
        file = f"{split}/{number:06}{Path(source.file).suffix}"
        os.link(drawn.photo(source), folder / IMAGES / file)
        corners = chance.random((2, boxes, 2)) * (source.width, source.height)
        marked = Annotations.of(
            np.concatenate([corners.min(axis=0), corners.max(axis=0)], axis=1),
            chance.integers(len(CLASSES), size=boxes),
        )
        records.append(replace(source, file=file, split=split, annotations=marked))
    large = replace(drawn, folder=folder, id="large", name="large", classes=CLASSES, images=tuple(records))
    found = tuple(_problem(records, number) for number in range(problems))
    write_dataset(replace(large, findings=found))
    return large


def _problem(records: list[ImageRecord], number: int) -> Finding:
    files = tuple(records[(number + step) % len(records)].file for step in (0, 7))
    kind = KINDS[number % len(KINDS)]
    shown = files if kind == "photo_alike" else files[:1]
    sentences = {"problem": "Something is wrong with this photo.", "action": "Something was done about it."}
    return Finding(kind, files[0], "keep", sentences, "recorded", shown)


def _time_page(dataset: str, view: str, times: int) -> list[float]:
    app = AppTest.from_file(str(Path(__file__).parents[1] / "app.py"), default_timeout=60)
    app.session_state["dataset"] = dataset
    app.session_state[f"views {dataset}"] = view
    app.run().switch_page("pages/datasets.py").run()
    assert not app.error
    assert not app.exception
    seconds = []
    for _ in range(times):
        begun = time.perf_counter()
        app.run()
        seconds.append(time.perf_counter() - begun)
    return seconds


if __name__ == "__main__":
    main()
