"""Auto-labels: a model's detections become proposals in the drafts of a data set, for people to decide about."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from autodet.access.change import change
from autodet.datasets.drafts.journal import Drafts, add_draft_class, propose_labels, read_drafts
from autodet.datasets.formats.labels import plain_name
from autodet.datasets.manifest import Dataset, DatasetSummary, as_dataset
from autodet.errors import ModelError
from autodet.evaluation.overlap import iou_matrix
from autodet.inference.demo import find_model_or_demo
from autodet.inference.draft_choice import Choice, DraftedClass, FoundBoxes, default_choice
from autodet.inference.draft_predictions import (
    BOX_DECIMALS,
    MIN_KEPT_SCORE,
    SCORE_DECIMALS,
    as_kept,
    keep_predictions,
    kept_predictions,
    photo_key,
)
from autodet.models.matching_weights import match_classes
from autodet.models.store import StoredModel
from autodet.records import DraftBox, ImageRecord, IntArray, PhotoDraft, Prediction
from autodet.text_format import counted, few
from autodet.workspace import Workspace

PORTION = 8  # photos between two writes: all that a killed process loses
KEPT_PORTION = 500  # photos, of which only the proposals are written
LABELLED_IOU = 0.5  # from which a label shows the object already
MIN_SIDE = 1.0  # pixels

Report = Callable[[int, int], None]


@dataclass(frozen=True)
class AutoLabels:
    """The proposals of a model.

    Attributes:
        model: Id of the model.
        photos: Photos that now have proposals.
        boxes: Number of proposals by class of the data set.
        without: Photos without a proposal: nothing was found, or nothing that is not labelled already.
        skipped: Photos that stay as they are: a person has reviewed them, or changed them at the same time.
        unreadable: Photos that cannot be read.
    """

    model: str
    photos: int = 0
    boxes: Mapping[str, int] = field(default_factory=dict)
    without: int = 0
    skipped: int = 0
    unreadable: int = 0

    def __add__(self, other: "AutoLabels") -> "AutoLabels":
        counts = {
            name: getattr(self, name) + getattr(other, name) for name in ("photos", "without", "skipped", "unreadable")
        }
        return AutoLabels(self.model, boxes=dict(Counter(self.boxes) + Counter(other.boxes)), **counts)

    def to_json(self) -> dict[str, Any]:
        """Return the attributes as a document."""
        return asdict(self)


def unlabelled_files(drafts: Drafts) -> list[str]:
    """Return the photos that have no label and that no person has confirmed to be empty."""
    changed = drafts.changed
    return [
        record.file
        for record in drafts.dataset.images
        if (_is_unlabelled(changed[record.file]) if record.file in changed else not len(record.annotations))
    ]


def _is_unlabelled(draft: PhotoDraft) -> bool:
    return not draft.reviewed and not draft.labels


def auto_label(
    dataset: Dataset | DatasetSummary | str,
    model: str | Path | StoredModel,
    classes: Mapping[str, str] | None = None,
    threshold: float | None = None,
    progress: Report | None = None,
    *,
    reviewed: bool = False,
    workspace: Workspace | None = None,
) -> AutoLabels:
    """Let a model propose labels on the photos of a data set; they become labels when a person accepts them.

    Args:
        dataset: The data set, its id or its name.
        model: The model, its id or its name, an ``.autodet`` file, or ``demo``: 80 kinds of everyday objects.
        classes: Names in the data set of the model's classes to propose, by name in the model; by default the classes
            that both have.
        threshold: Lowest score of a proposal, from ``MIN_KEPT_SCORE``; by default the model's own of each class.
        progress: Callback that receives the number of photos done and the total.
        reviewed: Whether labelled and reviewed photos get proposals too, where no label is.
        workspace: Workspace that resolves ids and names.

    Raises:
        NotFoundError: The data set or the model does not exist.
        AccessError: The visitor may not change anything.
        ModelError: No class is chosen, or the model lacks one, or the threshold is too low or too high.
        DatasetError: A name of a class cannot be used.
        BundleError: The model is damaged.
    """
    if threshold is not None and not MIN_KEPT_SCORE <= threshold <= 1:
        raise ModelError(f"The threshold is {threshold!r}; give a number between {MIN_KEPT_SCORE} and 1.")
    found = as_dataset(dataset, workspace)
    used = model if isinstance(model, StoredModel) else find_model_or_demo(model, found.workspace)
    choice = default_choice(used.card, read_drafts(found).classes, threshold)
    if classes:
        own = used.card.all_thresholds
        scores = own if threshold is None else dict.fromkeys(own, threshold)
        choice = {known: DraftedClass(name, scores.get(known, 1.0)) for known, name in classes.items()}
    files = [record.file for record in found.images] if reviewed else None
    return propose(used, found, files, choice, progress, reviewed=reviewed)


def propose(
    model: StoredModel,
    dataset: Dataset,
    files: Sequence[str] | None = None,
    choice: Choice | None = None,
    report: Report | None = None,
    *,
    reviewed: bool = False,
    apart: bool = False,
) -> AutoLabels:
    """Let a model propose labels on photos of a data set; proposals of earlier models are replaced.

    Labels stay as they are, and boxes that show a labelled object (IoU from ``LABELLED_IOU``) are not proposed. Each
    portion of photos is kept when it is done: if the process is killed, the next call continues.

    Args:
        model: The model.
        dataset: The data set.
        files: The photos; by default those without labels.
        choice: The model's classes to propose, with thresholds; by default ``default_choice``.
        report: Callback that receives the number of photos done and the total.
        reviewed: Whether photos that a person has reviewed get proposals too.
        apart: Whether the pages' prediction process predicts, which suits a few photos.

    Raises:
        AccessError: The visitor may not change anything.
        ModelError: No class is chosen, or the model lacks one.
        DatasetError: The data set or a photo does not exist.
        BundleError: The model is damaged.
    """
    drafts = read_drafts(dataset)
    files = unlabelled_files(drafts) if files is None else list(files)
    choice = default_choice(model.card, drafts.classes) if choice is None else _as_there(choice, drafts.classes)
    _check(model, drafts, choice)
    done, result = 0, AutoLabels(model.id)
    with change("propose labels", f"{dataset.id}: {counted(len(files), 'photo')}, {model.id}", dataset.workspace):
        for names, predictions in _predicted(model, dataset, drafts, files, apart):
            result += _propose(model, dataset, names, predictions, choice, reviewed)
            done += len(names)
            if report:
                report(done, len(files))
    return result


def find_on_photos(model: StoredModel, dataset: Dataset, files: Sequence[str], report: Report | None = None) -> None:
    """Predict on photos and keep the detections, without a proposal; photos that were predicted are skipped.

    Raises:
        AccessError: The visitor may not change anything.
        DatasetError: The data set or a photo does not exist.
        BundleError: The model is damaged.
    """
    done = 0
    with change("propose labels", dataset.id, dataset.workspace, logged=False):
        for names, _ in _predicted(model, dataset, read_drafts(dataset), files, apart=False):
            done += len(names)
            if report:
                report(done, len(files))


def withdraw_proposals(dataset: Dataset, files: Sequence[str] | None = None) -> int:
    """Remove the proposals from photos, from all if none is named; return how many photos had some.

    Raises:
        AccessError: The visitor may not change anything.
        DatasetError: The data set or a photo does not exist.
    """
    changed = read_drafts(dataset).changed
    named = changed.keys() if files is None else changed.keys() & set(files)
    return propose_labels(dataset, {file: () for file in sorted(named) if changed[file].proposals}, "")


def _as_there(choice: Choice, classes: Sequence[str]) -> Choice:
    """Return a choice whose names are spelled as the classes that exist."""
    plain = {known: plain_name(drafted.name) for known, drafted in choice.items()}
    return {
        known: replace(drafted, name=match_classes(classes, [plain[known]]).kept.get(plain[known], plain[known]))
        for known, drafted in choice.items()
    }


def _check(model: StoredModel, drafts: Drafts, choice: Choice) -> None:
    known = few(model.card.classes, "class", "classes")
    if unknown := choice.keys() - set(model.card.classes):
        raise ModelError(f"{model.name!r} does not know the class {min(unknown)!r}; it knows {known}.")
    if not choice:
        own = f"none of {few(drafts.classes, 'class', 'classes')}" if drafts.classes else f"{known}"
        raise ModelError(
            f"{model.name!r} knows {own}, so it needs classes to draft in {drafts.dataset.name!r}; choose "
            "classes of the model, and name them as in the data set."
        )


def _predicted(
    model: StoredModel, dataset: Dataset, drafts: Drafts, files: Sequence[str], apart: bool
) -> Iterator[tuple[list[str], list[Prediction]]]:
    """Yield photos with the model's detections, in portions; those that were predicted earlier come first."""
    if unknown := set(files) - drafts.records.keys():
        drafts.of(min(unknown))  # raises
    kept, records = kept_predictions(model, dataset), drafts.records
    known = [file for file in files if photo_key(records[file]) in kept]
    for begin in range(0, len(known), KEPT_PORTION):
        names = known[begin : begin + KEPT_PORTION]
        yield names, [kept[photo_key(records[file])] for file in names]
    new = [records[file] for file in files if photo_key(records[file]) not in kept]
    if not new:
        return
    stream = _stream(model, dataset, new, apart)
    for begin in range(0, len(new), PORTION):
        portion = new[begin : begin + PORTION]
        predictions = [as_kept(seen) for seen in islice(stream, len(portion))]
        read = [place for place, seen in enumerate(predictions) if not seen.error]
        keep_predictions(model, dataset, [portion[place] for place in read], [predictions[place] for place in read])
        yield [record.file for record in portion], predictions


def _stream(model: StoredModel, dataset: Dataset, records: Sequence[ImageRecord], apart: bool) -> Iterator[Prediction]:
    from autodet.inference import detector

    loaded = detector.load_detector_apart(model) if apart else detector.load_detector(model)
    named = ((dataset.photo(record), record.file) for record in records)
    return loaded.predict_named(named, MIN_KEPT_SCORE)


def _propose(
    model: StoredModel,
    dataset: Dataset,
    files: Sequence[str],
    predictions: Sequence[Prediction],
    choice: Choice,
    reviewed: bool,
) -> AutoLabels:
    """Write the proposals on a portion of photos."""
    drafts = read_drafts(dataset)
    before = {file: drafts.of(file) for file in files}
    found = FoundBoxes.of(model.card.classes, predictions)
    proposed = np.flatnonzero(found.proposed(choice))
    proposals: dict[str, list[DraftBox]] = {}
    for place, (file, seen) in enumerate(zip(files, predictions, strict=True)):
        if seen.error or (before[file].reviewed and not reviewed):
            continue
        own = proposed[found.detections.photos[proposed] == place]
        proposals[file] = _boxes(found, own, choice, before[file], drafts.records[file])
    names = {box.class_name for boxes in proposals.values() for box in boxes}
    for name in sorted(names - set(drafts.classes)):
        add_draft_class(dataset, name)
    propose_labels(dataset, proposals, model.id, {file: before[file].revision for file in proposals})
    return _summary(model, dataset, files, predictions, proposals)


def _summary(
    model: StoredModel,
    dataset: Dataset,
    files: Sequence[str],
    predictions: Sequence[Prediction],
    proposals: Mapping[str, Sequence[DraftBox]],
) -> AutoLabels:
    after = read_drafts(dataset)
    written = {file for file, boxes in proposals.items() if boxes and after.of(file).proposals == tuple(boxes)}
    unreadable = sum(bool(seen.error) for seen in predictions)
    without = sum(not boxes for boxes in proposals.values())
    return AutoLabels(
        model.id,
        len(written),
        dict(Counter(box.class_name for file in sorted(written) for box in proposals[file])),
        without,
        len(files) - len(written) - without - unreadable,
        unreadable,
    )


def _boxes(found: FoundBoxes, own: IntArray, choice: Choice, draft: PhotoDraft, record: ImageRecord) -> list[DraftBox]:
    """Return the proposals on one photo: within it, and none on an object that has a label."""
    detections, size = found.detections, np.array([record.width, record.height] * 2, np.float32)
    boxes = np.clip(detections.boxes_xyxy[own], 0, size)
    fresh = ((boxes[:, 2:] - boxes[:, :2]) >= MIN_SIDE).all(axis=1)
    if draft.labels:
        labels = np.array([box.box_xyxy for box in draft.labels], np.float32)
        fresh &= ~(iou_matrix(boxes, labels) >= LABELLED_IOU).any(axis=1)
    columns = zip(
        boxes[fresh].tolist(),
        detections.class_ids[own][fresh].tolist(),
        detections.scores[own][fresh].tolist(),
        strict=True,
    )
    return [
        DraftBox(
            choice[found.classes[class_id]].name,
            (round(x1, BOX_DECIMALS), round(y1, BOX_DECIMALS), round(x2, BOX_DECIMALS), round(y2, BOX_DECIMALS)),
            score=round(score, SCORE_DECIMALS),
        )
        for (x1, y1, x2, y2), class_id, score in columns
    ]
