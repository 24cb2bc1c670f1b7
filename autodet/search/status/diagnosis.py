"""Diagnosis of trials that find nothing: likely causes, from the trial and its data set."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from autodet.datasets.checks.photo_checks import TINY_SIDE
from autodet.datasets.manifest import Dataset, read_dataset
from autodet.datasets.statistics import Columns, columns_of
from autodet.errors import AutodetError
from autodet.records import SPLITS, BoolArray, IntArray, SearchStatus, TrialStatus
from autodet.search.order.space import PARAMETERS, Range
from autodet.text_format import counted
from autodet.workspace import Workspace, safe_join

EPOCHS = 5  # of finding nothing before a trial is reported; shorter trials are reported once finished
NOTHING = 0.001  # mAP@0.5 up to this counts as finding nothing
FAR = 5.0  # factor beyond the usual learning rates
GROWN = 2.0  # factor over the first epoch's loss, which should fall
FEW_STEPS, FEW_PHOTOS = 100, 20
UNLIKE = 3.0  # size ratio between training and validation boxes
MAX_CAUSES, MAX_NAMES = 3, 3


@dataclass(frozen=True)
class Material:
    """Statistics of a trial's training and validation data.

    Attributes:
        train_photos: Number of training photos.
        box_side: Median shorter side of the training boxes, relative to the longer side of their photo.
        val_box_side: The same for the validation boxes.
        untaught_share: Share, 0 to 1, of the validation boxes whose class has no training box.
        untaught: Those classes.
    """

    train_photos: int
    box_side: float
    val_box_side: float
    untaught_share: float = 0.0
    untaught: tuple[str, ...] = ()


def material_of(dataset: Dataset) -> Material:
    """Compute the statistics of a data set; its training and validation splits must have boxes."""
    columns = columns_of(dataset)
    train, val = (columns.splits[columns.photos] == SPLITS.index(split) for split in ("train", "val"))
    untaught = ~np.isin(columns.class_ids, columns.class_ids[train]) & val
    return Material(
        train_photos=int((columns.splits == SPLITS.index("train")).sum()),
        box_side=_median_side(columns, train),
        val_box_side=_median_side(columns, val),
        untaught_share=float(untaught.sum() / max(1, val.sum())),
        untaught=tuple(dataset.classes[class_id] for class_id in _distinct(columns.class_ids[untaught])),
    )


def _distinct(class_ids: IntArray) -> list[int]:
    return [int(class_id) for class_id in np.unique(class_ids)]


def _median_side(columns: Columns, boxes: BoolArray) -> float:
    photos = columns.photos[boxes]
    corners = columns.boxes_xyxy[boxes] * np.tile(columns.sizes_wh[photos], 2)
    sides = (corners[:, 2:] - corners[:, :2]).min(axis=1, initial=math.inf) / columns.sizes_wh[photos].max(axis=1)
    return float(np.median(sides)) if len(sides) else 0.0


def diagnosed(status: SearchStatus, workspace: Workspace) -> SearchStatus:
    """Return the status, with a diagnosis if any trial has found nothing."""
    stuck = stuck_trials(status)
    if not stuck:
        return status
    try:
        material = material_of(read_dataset(safe_join(workspace.datasets, status.dataset)))
    except AutodetError:  # the data set was deleted
        material = None
    return replace(status, diagnosis=diagnosis_sentences(stuck, status, material))


def stuck_trials(status: SearchStatus) -> tuple[TrialStatus, ...]:
    """Return the trials without detections that finished or ran for at least ``EPOCHS`` epochs."""
    return tuple(trial for trial in status.trials if _is_stuck(trial))


def _is_stuck(trial: TrialStatus) -> bool:
    if not trial.epochs or not (trial.state == "finished" or len(trial.epochs) >= EPOCHS):
        return False
    return all(result.map50 <= NOTHING for result in trial.epochs)


def diagnosis_sentences(stuck: Sequence[TrialStatus], status: SearchStatus, material: Material | None) -> str:
    """Describe the trials that found nothing, and the likely causes.

    Args:
        stuck: The trials, from ``stuck_trials``.
        status: Status of their search.
        material: Statistics of their data; None if the data set no longer exists.

    Returns:
        Two sentences, with class names as users wrote them: the trials, then the causes, the likeliest first. Empty if
        ``stuck`` is empty.
    """
    if not stuck:
        return ""
    first, others = stuck[0], len(stuck) - 1
    what = f"Trial {first.number} has found nothing in {counted(len(first.epochs), 'epoch')}: its mAP@0.5 stays at 0."
    if others:
        what = f"{what[:-1]}, as that of {counted(others, 'other trial')} does."
    found = any(trial.best_epoch and trial.best_epoch.map50 > NOTHING for trial in status.trials)
    causes = [*_own_causes(first, material)]
    if found:
        causes = causes or [*_step_causes(first, material)]
        causes = causes or ["its parameters do not suit these photos, for other trials find objects"]
    else:
        causes += _shared_causes(first, material)
    if len(causes) == 1:
        return f"{what} The likely cause: {causes[0]}."
    listed = "; ".join(f"({number}) {cause}" for number, cause in enumerate(causes[:MAX_CAUSES], start=1))
    return f"{what} Likely causes, the likeliest first: {listed}."


def _own_causes(trial: TrialStatus, material: Material | None) -> Iterator[str]:
    """Yield causes in the trial's own parameters, which other trials may avoid."""
    yield from _learning_rate_causes(trial)
    side = trial.params.get("image_size", 0)
    pixels = material.box_side * side if material else math.inf
    if side and pixels < TINY_SIDE:
        yield (
            f"half of the boxes are at most {pixels:.2g} pixels wide or high once their photo has the size {side} "
            f"(less than {TINY_SIDE:g} is hard to learn), so try larger photos (image_size), or cut them into parts"
        )


def _learning_rate_causes(trial: TrialStatus) -> Iterator[str]:
    usual, lr = PARAMETERS["lr"].prior, trial.params.get("lr")
    if lr is None or not isinstance(usual, Range):
        return
    first, last = trial.epochs[0].loss, trial.epochs[-1].loss
    if lr > usual.high * FAR:
        yield f"its learning rate of {lr:g} is very high ({usual.low:g} to {usual.high:g} is usual)"
    elif lr < usual.low / FAR:
        yield f"its learning rate of {lr:.2g} is very low ({usual.low:g} to {usual.high:g} is usual)"
    elif 0 < GROWN * first < last:  # SSD's loss is 0 without training boxes
        yield f"its loss has grown from {first:.3g} to {last:.3g}, so a lower learning rate than {lr:.2g} should help"


def _shared_causes(trial: TrialStatus, material: Material | None) -> Iterator[str]:
    """Yield causes that all trials share; those that cannot be measured, such as wrong labels, come last."""
    if material:
        yield from _class_causes(material)
        yield from _size_causes(material)
        yield from _quantity_causes(material)
    yield from _step_causes(trial, material)
    yield "the boxes or class names may be wrong: look at some photos on the page Data sets"
    yield "the validation photos may look unlike the training photos"


def _class_causes(material: Material) -> Iterator[str]:
    if material.untaught_share >= 0.5:
        names = ", ".join(map(repr, material.untaught[:MAX_NAMES]))
        more = " and others" if len(material.untaught) > MAX_NAMES else ""
        yield (
            f"{material.untaught_share:.0%} of the validation boxes are of classes that no training photo shows "
            f"({names}{more}), so the splits may call the same thing by different names"
        )


def _size_causes(material: Material) -> Iterator[str]:
    learnt, judged = material.box_side, material.val_box_side
    if learnt and judged and not 1 / UNLIKE < judged / learnt < UNLIKE:
        times, word = (judged / learnt, "larger") if judged > learnt else (learnt / judged, "smaller")
        yield f"objects on validation photos are some {times:.0f} times {word} than on the training photos"


def _quantity_causes(material: Material) -> Iterator[str]:
    if material.train_photos < FEW_PHOTOS:
        photos = counted(material.train_photos, "photo")
        yield f"it learns from only {photos} ({FEW_PHOTOS} are few, hundreds are good)"


def _step_causes(trial: TrialStatus, material: Material | None) -> Iterator[str]:
    if not material:
        return
    steps = len(trial.epochs) * math.ceil(material.train_photos / max(1, trial.params.get("batch_size", 1)))
    if steps < FEW_STEPS:
        yield f"it was trained for only {counted(steps, 'step')} ({FEW_STEPS} are few), so more epochs may help"
