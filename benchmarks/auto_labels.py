"""How many of a model's proposals are right, and how many a person accepts at once above a score.

    AUTODET_HOME=... python -m benchmarks.auto_labels MODEL DATASET --without LABELLED

The photos of DATASET that LABELLED lacks (from which the model was trained) become a pool without labels; the model
proposes labels there with its own thresholds, and the labels of DATASET say which ones are right (IoU from 0.5, the
same class, one proposal for each label).
"""

import argparse
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from autodet.datasets.drafts.journal import read_drafts
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.manifest import Dataset, load_dataset
from autodet.evaluation.outcomes import find_outcomes
from autodet.inference.auto_labels import propose
from autodet.inference.draft_choice import default_choice
from autodet.models.store import StoredModel, find_model
from autodet.records import BoolArray, DraftBox, FloatArray, Prediction
from autodet.workspace import Workspace

SCORES = (0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


@dataclass(frozen=True, eq=False)
class Proposals:
    """Proposals on photos with known labels.

    Attributes:
        scores: Their scores, shape (N,).
        right: Which of them are right, shape (N,).
        labels: Number of labels on these photos.
        seconds: Time for each photo.
    """

    scores: FloatArray
    right: BoolArray
    labels: int
    seconds: float


def main() -> None:
    """Print a row for each lowest score of an acceptance."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("dataset")
    parser.add_argument("--without", required=True)
    options = parser.parse_args()
    model, truth = find_model(options.model), load_dataset(options.dataset)
    seen = {record.sha256 for record in load_dataset(options.without).images}
    with TemporaryDirectory() as folder:
        found = _propose(model, truth, seen, Path(folder))
    print(f"{len(found.scores)} proposals, {found.labels} labels, {found.seconds * 1000:.0f} ms a photo")
    for least in SCORES:
        accepted = found.scores >= least
        count, right = int(accepted.sum()), int(found.right[accepted].sum())
        if count:
            said = float(found.scores[accepted].mean())
            print(f"| {least:.1f} | {count} | {right / count:.0%} | {said:.0%} | {right / found.labels:.0%} |")


def _propose(model: StoredModel, truth: Dataset, seen: set[str], folder: Path) -> Proposals:
    photos = [record for record in truth.images if record.sha256 not in seen]
    for record in photos:
        (folder / "pool" / record.file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(truth.photo(record), folder / "pool" / record.file)
    pool = import_dataset(folder / "pool", "pool", workspace=Workspace(folder / "home"))
    begin = time.monotonic()
    propose(model, pool, choice=default_choice(model.card, truth.classes))
    seconds = (time.monotonic() - begin) / len(pool.images)
    drafts, by_content = read_drafts(pool), {record.sha256: record for record in photos}
    records = [by_content[record.sha256] for record in pool.images]
    predictions = [_prediction(truth.classes, drafts.of(record.file).proposals) for record in pool.images]
    matches = find_outcomes(records, predictions, truth.classes).counted_matches
    return Proposals(matches.scores, matches.right, int(matches.boxes.sum()), seconds)


def _prediction(classes: Sequence[str], proposals: Sequence[DraftBox]) -> Prediction:
    return Prediction.of(
        [box.box_xyxy for box in proposals],
        [classes.index(box.class_name) for box in proposals],
        [box.score for box in proposals],
    )


if __name__ == "__main__":
    main()
