"""Pictures for the label editor: addresses of the photos and thumbnails that the browser asks for."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from autodet.datasets.manifest import Dataset
from autodet.datasets.photos import open_photo
from autodet.errors import PhotoError
from autodet.records import ImageRecord
from autodet.ui.common.photo_viewer import picture_address
from autodet.ui.common.pictures import as_jpeg, shrink_photo

KEY = "label pictures"
MAX_PIXELS = 2000  # longer side of a photo until the visitor zooms beyond it
THUMBNAIL_PIXELS = 160
MAX_PHOTOS, MAX_THUMBNAILS = 8, 40  # that a browser may ask for at once
RUN_SECONDS = 0.5  # after which the remaining pictures wait for the next message
QUICK_SECONDS = 0.05  # enough for pictures that are there


def find_pictures(dataset: Dataset, wanted: object, shown: str, *, quick: bool) -> dict[str, Any]:
    """Return the addresses of the pictures that the browser wants, as far as they can be made in time.

    Args:
        dataset: The data set.
        wanted: ``{"photos": [file], "whole": [file], "thumbnails": [file]}`` from the browser, which is not trusted.
        shown: The photo that is shown, whose picture is always made.
        quick: Whether all others have to wait, because the visitor's changes do.

    Returns:
        ``{"photos": {file: {"address": str} or {"error": sentence}}, "whole": ..., "thumbnails": ...}``.
    """
    asked: Mapping[str, Any] = wanted if isinstance(wanted, Mapping) else {}
    records = {record.file: record for record in dataset.images}
    end = time.monotonic() + (QUICK_SECONDS if quick else RUN_SECONDS)

    def find(kind: str, make: Callable[[str, Dataset, ImageRecord], bytes], most: int) -> dict[str, dict[str, Any]]:
        known = _known(records, asked.get(kind), most)
        return _addresses(dataset, known or ([records[shown]] if kind == "photos" else []), make, kind, end)

    return {
        "photos": find("photos", _photo, MAX_PHOTOS),
        "whole": find("whole", _whole_photo, 1),
        "thumbnails": find("thumbnails", _thumbnail, MAX_THUMBNAILS),
    }


def _known(records: dict[str, ImageRecord], asked: object, most: int) -> list[ImageRecord]:
    files = asked if isinstance(asked, list) else []
    return [records[file] for file in files[:most] if isinstance(file, str) and file in records]


def _addresses(
    dataset: Dataset,
    records: Sequence[ImageRecord],
    make: Callable[[str, Dataset, ImageRecord], bytes],
    kind: str,
    end: float,
) -> dict[str, dict[str, Any]]:
    """Return the addresses of pictures until the time is over, or a sentence where there is none."""
    found: dict[str, dict[str, Any]] = {}
    for place, record in enumerate(records):
        if time.monotonic() > end and (found or kind != "photos"):
            break
        try:
            picture = make(f"{dataset.identity} {record.file}", dataset, record)
            found[record.file] = {"address": picture_address(picture, f"{KEY} {kind} {place}")}
        except PhotoError as error:
            found[record.file] = {"error": str(error)}
    return found


@st.cache_data(max_entries=32, show_spinner=False)
def _photo(identity: str, _dataset: Dataset, _record: ImageRecord) -> bytes:
    del identity  # the cache key
    return as_jpeg(shrink_photo(_dataset.photo(_record), MAX_PIXELS, _record.file)[0])


@st.cache_data(max_entries=4, show_spinner=False)
def _whole_photo(identity: str, _dataset: Dataset, _record: ImageRecord) -> bytes:
    del identity
    return as_jpeg(open_photo(_dataset.photo(_record), _record.file))


@st.cache_data(max_entries=5000, show_spinner=False)
def _thumbnail(identity: str, _dataset: Dataset, _record: ImageRecord) -> bytes:
    del identity
    return as_jpeg(shrink_photo(_dataset.photo(_record), THUMBNAIL_PIXELS, _record.file)[0])
