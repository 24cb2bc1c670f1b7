"""Diagnosis of trials that find nothing: likely causes, from the trial and its data set."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from autodet.datasets.checks.photo_checks import TINY_SIDE
from autodet.datasets.manifest import Dataset, read_dataset
from autodet.datasets.statistics import Columns, columns_of
from autodet.errors import AutodetError
from autodet.records import SPLITS, BoolArray, IntArray, Notice, SearchStatus, TrialStatus
from autodet.search.order.space import PARAMETERS, Range
from autodet.workspace import Workspace, safe_join

EPOCHS = 5  # of finding nothing before a trial is reported; shorter trials are reported once finished
NOTHING = 0.001  # mAP@0.5 up to this counts as finding nothing
FAR = 5.0  # factor beyond the usual learning rates
GROWN = 2.0  # factor over the first epoch's loss, which should fall
FEW_STEPS, FEW_PHOTOS = 100, 20
UNLIKE = 3.0  # size ratio between training and validation boxes


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
    if not stuck_trials(status):
        return status
    try:
        material = material_of(read_dataset(safe_join(workspace.datasets, status.dataset)))
    except AutodetError:  # the data set was deleted
        material = None
    return replace(status, diagnoses=diagnose(status, material))


def stuck_trials(status: SearchStatus) -> tuple[TrialStatus, ...]:
    """Return the trials without detections that finished or ran for at least ``EPOCHS`` epochs."""
    return tuple(trial for trial in status.trials if _is_stuck(trial))


def _is_stuck(trial: TrialStatus) -> bool:
    if not trial.epochs or not (trial.state == "finished" or len(trial.epochs) >= EPOCHS):
        return False
    return all(result.map50 <= NOTHING for result in trial.epochs)


def diagnose(status: SearchStatus, material: Material | None) -> tuple[Notice, ...]:
    """Return a diagnosis of the trials that found nothing, with the likely causes, the likeliest first.

    Args:
        status: Status of the search.
        material: Statistics of its data; None if the data set no longer exists.
    """
    stuck = stuck_trials(status)
    if not stuck:
        return ()
    first, others = stuck[0], len(stuck) - 1
    causes = [*_own_causes(first, material)]
    if any(trial.best_epoch and trial.best_epoch.map50 > NOTHING for trial in status.trials):
        causes = causes or [*_step_causes(first, material)] or [Notice("parameters_unsuitable")]
    else:
        causes += _shared_causes(first, material)
    facts = {"trial": first.number, "epochs": len(first.epochs), "others": others}
    return (Notice.of("nothing_found", *causes, **facts),)


def _own_causes(trial: TrialStatus, material: Material | None) -> Iterator[Notice]:
    """Yield causes in the trial's own parameters, which other trials may avoid."""
    yield from _learning_rate_causes(trial)
    side = trial.params.get("image_size", 0)
    pixels = material.box_side * side if material else math.inf
    if side and pixels < TINY_SIDE:
        yield Notice.of("boxes_tiny", pixels=pixels, image_size=side, least=TINY_SIDE)


def _learning_rate_causes(trial: TrialStatus) -> Iterator[Notice]:
    usual, lr = PARAMETERS["lr"].prior, trial.params.get("lr")
    if lr is None or not isinstance(usual, Range):
        return
    first, last = trial.epochs[0].loss, trial.epochs[-1].loss
    if lr > usual.high * FAR:
        yield Notice.of("learning_rate_high", lr=lr, low=usual.low, high=usual.high)
    elif lr < usual.low / FAR:
        yield Notice.of("learning_rate_low", lr=lr, low=usual.low, high=usual.high)
    elif 0 < GROWN * first < last:  # SSD's loss is 0 without training boxes
        yield Notice.of("loss_grew", first=first, last=last, lr=lr)


def _shared_causes(trial: TrialStatus, material: Material | None) -> Iterator[Notice]:
    """Yield causes that all trials share; those that cannot be measured, such as wrong labels, come last."""
    if material:
        if material.untaught_share >= 0.5:
            yield Notice.of("classes_untaught", share=material.untaught_share, classes=list(material.untaught))
        yield from _size_causes(material)
        if material.train_photos < FEW_PHOTOS:
            yield Notice.of("few_photos", photos=material.train_photos, few=FEW_PHOTOS)
    yield from _step_causes(trial, material)
    yield Notice("labels_suspect")
    yield Notice("photos_differ")


def _size_causes(material: Material) -> Iterator[Notice]:
    train_side, val_side = material.box_side, material.val_box_side
    if train_side and val_side and not 1 / UNLIKE < val_side / train_side < UNLIKE:
        yield Notice.of("sizes_differ", ratio=val_side / train_side)


def _step_causes(trial: TrialStatus, material: Material | None) -> Iterator[Notice]:
    if not material:
        return
    steps = len(trial.epochs) * math.ceil(material.train_photos / max(1, trial.params.get("batch_size", 1)))
    if steps < FEW_STEPS:
        yield Notice.of("few_steps", steps=steps, few=FEW_STEPS)
