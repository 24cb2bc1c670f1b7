"""The whole loop of labelling, without a browser: from photos without labels to a better model.

    AUTODET_REAL_DATA=FOLDER python -m benchmarks.label_loop raccoon [--labelled 20] [--held-back 50] [--home FOLDER]

A script takes the part of the person: it draws the known labels of some photos in the drafts, as a browser would send
them. A quick look on these gives the first model, which proposes labels on the other photos; those above the score that
the page suggests are accepted, and a second search starts from the first model. Photos that are held back tell how good
both models are, and a quick look on all photos, labelled by hand, is the comparison. Prints a Markdown table.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import numpy as np

import autodet
from autodet.datasets.drafts.acceptance import accept_proposals
from autodet.datasets.drafts.checks import draft_from_browser
from autodet.datasets.drafts.journal import add_draft_class, read_drafts, save_draft
from autodet.datasets.drafts.version import derive_labels
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.manifest import Dataset
from autodet.evaluation.outcomes import find_outcomes
from autodet.inference.auto_labels import auto_label
from autodet.messages.comparisons import improvement_cautions, improvement_sentence
from autodet.models.store import StoredModel
from autodet.records import DraftBox, ImageRecord, Prediction
from autodet.search.api import Search
from autodet.ui.label.proposals import DEFAULT_SCORE
from autodet.workspace import Workspace, open_workspace

SOURCES = {"raccoon": ("raccoon",), "fruit": ("fruit/train", "fruit/val")}
KINDS = {".jpg", ".jpeg", ".png"}


@dataclass
class Stage:
    """The photos of the loop, and its times.

    Attributes:
        pool: The photos without labels.
        truth: The same photos with their known labels.
        held_back: Photos with known labels that no step uses; none is a copy of a photo in the pool.
        seconds: Time of each step.
    """

    pool: Dataset
    truth: Dataset
    held_back: Dataset
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Measure the time of a step."""
        began = time.monotonic()
        print(step, file=sys.stderr)
        yield
        self.seconds[step] = time.monotonic() - began

    def known(self, record: ImageRecord) -> ImageRecord:
        """Return a photo of the pool with its known labels."""
        return self._by_content[record.sha256]

    def __post_init__(self) -> None:
        self._by_content = {record.sha256: record for record in self.truth.images}


def main() -> None:
    """Run the loop on one set of photos, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", choices=sorted(SOURCES))
    parser.add_argument("--labelled", type=int, default=20, help="photos that are labelled by hand")
    parser.add_argument("--held-back", type=int, default=50, help="photos that only evaluate")
    parser.add_argument("--accept", type=float, help="lowest accepted score (default: as the page suggests)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--home", type=Path, help="workspace to use and keep; a temporary one if not given")
    options = parser.parse_args()
    if "AUTODET_REAL_DATA" not in os.environ:
        sys.exit(f"Set AUTODET_REAL_DATA to the folder that holds {', '.join(sorted(SOURCES))}.")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["AUTODET_HOME"] = str(options.home or Path(folder) / "home")
        stage = _import(options, Path(folder))
        for line in _loop(stage, options):
            print(line, flush=True)


def _import(options: argparse.Namespace, folder: Path) -> Stage:
    sources = [Path(os.environ["AUTODET_REAL_DATA"]) / part for part in SOURCES[options.photos]]
    photos = sorted(path for source in sources for path in source.iterdir() if path.suffix.lower() in KINDS)
    held = set(np.random.default_rng(options.seed).permutation(len(photos))[: options.held_back].tolist())
    pool = {photo.read_bytes() for number, photo in enumerate(photos) if number not in held}
    for number, photo in enumerate(photos):
        if number in held and photo.read_bytes() in pool:
            continue
        parts = ("held back",) if number in held else ("pool", "truth")
        for part in parts:
            (folder / part).mkdir(exist_ok=True)
            shutil.copy(photo, folder / part)
            if part != "pool":
                shutil.copy(photo.with_suffix(".xml"), folder / part)
    workspace = open_workspace()
    elsewhere = Workspace(folder / "elsewhere")  # so that the loop cannot use it
    name = options.photos
    return Stage(
        import_dataset(folder / "pool", name, workspace=workspace),
        import_dataset(folder / "truth", f"{name} by hand", workspace=elsewhere),
        import_dataset(folder / "held back", f"{name} held back", workspace=elsewhere),
    )


def _loop(stage: Stage, options: argparse.Namespace) -> Iterator[str]:
    photos = np.random.default_rng(options.seed + 1).permutation(len(stage.pool.images))
    with stage.timed("label photos"):
        _label(stage, [stage.pool.images[number] for number in photos[: options.labelled].tolist()])
    first = derive_labels(stage.pool)
    with stage.timed("first search"):
        one = _searched(autodet.start_search(first, preset="quick", seed=options.seed))
    with stage.timed("auto-label"):
        auto_label(stage.pool, one)
    accepted = _accept(stage, one, options.accept)
    second = derive_labels(stage.pool)
    with stage.timed("second search"):
        search = autodet.start_search(second, again=True, seed=options.seed)
        two = _searched(search)
    with stage.timed("comparison"):
        gained = autodet.improvement(search)
    with stage.timed("search on all, labelled by hand"):
        hand = _searched(autodet.start_search(stage.truth, preset="quick", seed=options.seed))
    yield f"{accepted}\n"
    others, boxes = len(stage.held_back.images), stage.held_back.boxes
    yield f"| | photos | boxes | mAP50 on {others} other photos, {boxes} boxes | mAP50-95 |\n|---|---|---|---|---|"
    for title, data, model in (
        (f"{options.labelled} photos labelled by hand", first, one),
        ("and accepted proposals, from the first model", second, two),
        ("all photos labelled by hand", stage.truth, hand),
    ):
        report = autodet.load_detector(model.path).evaluate(stage.held_back, split="all")
        yield f"| {title} | {len(data.images)} | {data.boxes} | {report.map50:.3f} | {report.map50_95:.3f} |"
    yield "\n" + " ".join([improvement_sentence(gained), *improvement_cautions(gained)])
    yield f"\nsplits {first.splits}, then {second.splits}"
    yield "\n".join(f"{step}: {seconds:.0f} s" for step, seconds in stage.seconds.items())


def _label(stage: Stage, records: Sequence[ImageRecord]) -> None:
    """Draw the known labels of photos, as a browser sends them."""
    for name in stage.truth.classes:
        add_draft_class(stage.pool, name)
    for record in records:
        drafts, marks = read_drafts(stage.pool), stage.known(record).annotations
        boxes = [
            {"class": stage.truth.classes[class_id], "box": box}
            for class_id, box in zip(marks.class_ids.tolist(), marks.boxes_xyxy.tolist(), strict=True)
        ]
        document = {"dataset": stage.pool.id, "file": record.file, "revision": 0, "reviewed": True, "boxes": boxes}
        save_draft(stage.pool, draft_from_browser(drafts, document))


def _searched(search: Search) -> StoredModel:
    """Wait for a search, and return its model."""
    search.wait()
    return search.best_detector().stored


def _accept(stage: Stage, model: StoredModel, least: float | None) -> str:
    """Accept proposals above a score; return how many of them, and of all, are right."""
    drafts = read_drafts(stage.pool)
    waiting = {file: draft.proposals for file, draft in drafts.changed.items() if draft.proposals}
    scores = [box.score or 0.0 for boxes in waiting.values() for box in boxes]
    if least is None:
        least = DEFAULT_SCORE if model.card.calibration else round(median(scores), 2)
    accept_proposals(stage.pool, None, least)
    taken = {file: [box for box in boxes if (box.score or 0.0) >= least] for file, boxes in waiting.items()}
    return (
        f"{_judged(stage, waiting, 'proposed')}; from a score of {least:.2f} {_judged(stage, taken, 'accepted')} "
        f"({'calibrated' if model.card.calibration else 'not calibrated'})"
    )


def _judged(stage: Stage, boxes: Mapping[str, Sequence[DraftBox]], what: str) -> str:
    """Say how many boxes are right, of the objects on photos without labels."""
    labelled = {file for file, draft in read_drafts(stage.pool).changed.items() if draft.reviewed and file not in boxes}
    records = [record for record in stage.pool.images if record.file not in labelled]
    classes = stage.truth.classes
    predictions = [
        Prediction.of(
            [box.box_xyxy for box in boxes.get(record.file, ())],
            [classes.index(box.class_name) for box in boxes.get(record.file, ())],
            [box.score for box in boxes.get(record.file, ())],
        )
        for record in records
    ]
    matches = find_outcomes([stage.known(record) for record in records], predictions, classes).counted_matches
    count, right, objects = len(matches.scores), int(matches.right.sum()), int(matches.boxes.sum())
    return f"{count} {what}, {right / max(count, 1):.0%} right, {right / objects:.0%} of {objects} objects"


if __name__ == "__main__":
    main()
