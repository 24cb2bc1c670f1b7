"""Photos and crops with found objects, missed objects and false alarms."""

from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st

from autodet.evaluation.outcomes import ShownOutcomes
from autodet.ui.common.frame import sentences_for_errors
from autodet.ui.common.outcome_drawings import Outlines, error_layers, photo_identity
from autodet.ui.common.photo_crops import crop_photo
from autodet.ui.common.photo_viewer import (
    ERROR_LAYERS,
    FALSE_POSITIVES,
    GROUND_TRUTH,
    MISSED,
    TRUE_POSITIVES,
    ViewedPhoto,
    opening,
    photo_viewer,
    view_photo,
)
from autodet.ui.evaluate.evaluation import Evaluated

Example = tuple[int, int]  # a detection and the box that it is about, either of which may be -1
NO_EXAMPLES: Mapping[int, Example] = {}


def view_outcomes(evaluated: Evaluated, shown: ShownOutcomes, photo: int, example: Example | None) -> ViewedPhoto:
    """Return a photo of the split for the viewer, with ``ERROR_LAYERS``.

    Args:
        evaluated: The evaluation.
        shown: The outcomes at the thresholds.
        photo: Index of the photo.
        example: What to zoom to; None for the whole photo.

    Raises:
        PhotoError: The photo cannot be read.
    """
    outcomes, record = shown.outcomes, evaluated.records[photo]
    focus = None
    if example:
        detection, box = example
        marked = np.arange(*outcomes.truth.starts[photo : photo + 2])
        seen = np.arange(*outcomes.detections.starts[photo : photo + 2])
        candidates = (
            (TRUE_POSITIVES, seen[shown.right[seen]], detection),
            (FALSE_POSITIVES, seen[shown.wrong[seen]], detection),
            (MISSED, marked[shown.missed[marked]], box),
            (GROUND_TRUTH, marked, box),
        )
        focus = next(((layer.key, own.tolist().index(one)) for layer, own, one in candidates if one in own), None)
    source, boxes = evaluated.dataset.photo(record), error_layers(shown, photo)
    return view_photo(photo_identity(evaluated.dataset, record), source, record.file, boxes, focus=focus)


@st.dialog("Photo", width="large")
def enlarge(
    evaluated: Evaluated,
    shown: ShownOutcomes,
    photos: Sequence[int],
    start: int,
    examples: Mapping[int, Example] = NO_EXAMPLES,
) -> None:
    """Open some photos in the viewer, one at a time, with ``ERROR_LAYERS``.

    Args:
        evaluated: The evaluation.
        shown: The outcomes at the thresholds.
        photos: Indices of the photos.
        start: Place of the first one to show.
        examples: What to zoom to, by index of the photo.
    """
    with sentences_for_errors("Evaluate"):
        photo_viewer(
            len(photos),
            lambda place: view_outcomes(evaluated, shown, photos[place], examples.get(photos[place])),
            key="evaluated photos",
            layers=ERROR_LAYERS,
            identity=opening(),
            start=start,
        )


def crop(evaluated: Evaluated, photo: int, outlines: Outlines, around: Outlines = ()) -> bytes:
    """Return a JPEG of the part of a photo around outlines, square, ``CROP_PIXELS`` a side; crops are cached.

    Args:
        evaluated: The evaluation.
        photo: Index of the photo.
        outlines: Boxes to draw.
        around: Boxes that the part shows, if not only those that are drawn.

    Raises:
        PhotoError: The photo cannot be read.
    """
    return crop_photo(evaluated.dataset, evaluated.records[photo], outlines, around)
