"""Photos and crops with found objects, missed objects and false alarms."""

from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st
from PIL import Image

from autodet.evaluation.outcomes import ShownOutcomes
from autodet.inference.box_drawings import outline_boxes
from autodet.records import FloatArray
from autodet.ui.common.frame import sentences_for_errors
from autodet.ui.common.outcome_drawings import Outlines, error_layers, photo_identity
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
from autodet.ui.common.pictures import as_jpeg, shrink_photo
from autodet.ui.evaluate.evaluation import Evaluated

CROP_PIXELS = 240  # side of a crop
MAX_PIXELS = 2000  # longer side of a photo from which crops are cut
MIN_CROP_SIDE = 64  # pixels of the photo
CONTEXT = 0.6  # around the boxes, as a share of their longer side
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
    record = evaluated.records[photo]
    return _crop(photo_identity(evaluated.dataset, record), outlines, around or outlines, evaluated, photo)


@st.cache_data(max_entries=2000, show_spinner=False)
def _crop(identity: str, outlines: Outlines, around: Outlines, _evaluated: Evaluated, _photo: int) -> bytes:
    picture, scale = _opened(identity, _evaluated, _photo)
    shown, drawn = (
        np.array([box for box, _ in boxes], np.float32).reshape(-1, 4) * scale for boxes in (around, outlines)
    )
    left, top, side = _window(shown, picture.size)
    part = picture.crop((round(left), round(top), round(left + side), round(top + side)))
    part = part.resize((CROP_PIXELS, CROP_PIXELS), Image.Resampling.BICUBIC)
    moved = (drawn - np.array([left, top, left, top], np.float32)) * (CROP_PIXELS / side)
    return as_jpeg(outline_boxes(part, moved.clip(0, CROP_PIXELS), [colour for _, colour in outlines]))


@st.cache_resource(max_entries=8, show_spinner=False)
def _opened(identity: str, _evaluated: Evaluated, _photo: int) -> tuple[Image.Image, float]:
    """Keep the last photos decoded, because the crops of a page often show one photo several times."""
    del identity  # only the cache key
    record = _evaluated.records[_photo]
    return shrink_photo(_evaluated.dataset.photo(record), MAX_PIXELS, record.file)


def _window(boxes_xyxy: FloatArray, size_wh: tuple[int, int]) -> tuple[float, float, float]:
    """Return left, top and side of a square around boxes with some context, inside the photo where that is possible."""
    x1, y1 = boxes_xyxy[:, :2].min(axis=0).tolist()
    x2, y2 = boxes_xyxy[:, 2:].max(axis=0).tolist()
    side = max(MIN_CROP_SIDE, (1 + CONTEXT) * max(x2 - x1, y2 - y1))
    side = min(side, float(max(size_wh)))
    corner = (
        _shifted((low + high - side) / 2, side, size)
        for low, high, size in ((x1, x2, size_wh[0]), (y1, y2, size_wh[1]))
    )
    left, top = corner
    return left, top, side


def _shifted(start: float, side: float, size: int) -> float:
    return (size - side) / 2 if side > size else min(max(0.0, start), size - side)
