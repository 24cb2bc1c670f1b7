"""Parts of photos around boxes."""

import numpy as np
import streamlit as st
from PIL import Image

from autodet.datasets.manifest import Dataset
from autodet.inference.box_drawings import outline_boxes
from autodet.records import FloatArray, ImageRecord
from autodet.ui.common.outcome_drawings import Outlines, photo_identity
from autodet.ui.common.pictures import as_jpeg, shrink_photo

CROP_PIXELS = 240  # side of a crop
MAX_PIXELS = 2000  # longer side of a photo from which crops are cut
MIN_CROP_SIDE = 64  # pixels of the photo
CONTEXT = 0.6  # around the boxes, as a share of their longer side


def crop_photo(dataset: Dataset, record: ImageRecord, outlines: Outlines, around: Outlines = ()) -> bytes:
    """Return a JPEG of the part of a photo around outlines, square, ``CROP_PIXELS`` a side; crops are cached.

    Args:
        dataset: The data set.
        record: The photo.
        outlines: Boxes to draw.
        around: Boxes that the part shows, if not only those that are drawn.

    Raises:
        PhotoError: The photo cannot be read.
    """
    return _crop(photo_identity(dataset, record), outlines, around or outlines, dataset, record)


@st.cache_data(max_entries=2000, show_spinner=False)
def _crop(identity: str, outlines: Outlines, around: Outlines, _dataset: Dataset, _record: ImageRecord) -> bytes:
    picture, scale = _opened(identity, _dataset, _record)
    shown, drawn = (
        np.array([box for box, _ in boxes], np.float32).reshape(-1, 4) * scale for boxes in (around, outlines)
    )
    left, top, side = _window(shown, picture.size)
    part = picture.crop((round(left), round(top), round(left + side), round(top + side)))
    part = part.resize((CROP_PIXELS, CROP_PIXELS), Image.Resampling.BICUBIC)
    moved = (drawn - np.array([left, top, left, top], np.float32)) * (CROP_PIXELS / side)
    return as_jpeg(outline_boxes(part, moved.clip(0, CROP_PIXELS), [colour for _, colour in outlines]))


@st.cache_resource(max_entries=8, show_spinner=False)
def _opened(identity: str, _dataset: Dataset, _record: ImageRecord) -> tuple[Image.Image, float]:
    """Keep the last photos decoded, because the crops of a page often show one photo several times."""
    del identity  # only the cache key
    return shrink_photo(_dataset.photo(_record), MAX_PIXELS, _record.file)


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
