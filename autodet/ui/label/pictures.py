"""Pictures for the label editor: addresses of the photos and thumbnails that the browser asks for."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from autodet.datasets.manifest import Dataset
from autodet.datasets.photos import open_photo
from autodet.errors import PhotoError
from autodet.records import ImageRecord
from autodet.ui.common.photo_viewer import picture_address, read_assets
from autodet.ui.common.pictures import as_jpeg, shrink_photo

KEY = "label pictures"
MAX_PIXELS = 2000  # longer side of a photo until the visitor zooms beyond it
THUMBNAIL_PIXELS = 160
MAX_PHOTOS, MAX_THUMBNAILS = 8, 40  # that a browser may ask for at once
RUN_SECONDS = 0.5  # after which the remaining pictures wait for the next run, so that changes are stored in between

_component = st.components.v2.component("autodet_label_pictures", js=read_assets("label_pictures.js"))


@st.fragment
def show_pictures(dataset: Dataset, shown: str) -> None:
    """Hand the browser the addresses of pictures; call it once for each data set.

    Args:
        dataset: The data set.
        shown: The photo that is shown before the browser asks for any.
    """
    asked = (st.session_state.get(f"{KEY} {dataset.id}") or {}).get("wanted") or {}
    records = {record.file: record for record in dataset.images}
    photos = _known(records, asked.get("photos"), MAX_PHOTOS) or [records[shown]]
    whole = _known(records, asked.get("whole"), 1)
    thumbnails = _known(records, asked.get("thumbnails"), MAX_THUMBNAILS)
    end = time.monotonic() + RUN_SECONDS
    data = {
        "dataset": dataset.id,
        "number": asked.get("number"),
        "photos": _addresses(dataset, photos, _photo, "photo", end),
        "whole": _addresses(dataset, whole, _whole_photo, "whole", end),
        "thumbnails": _addresses(dataset, thumbnails, _thumbnail, "thumbnail", end),
    }
    _component(key=f"{KEY} {dataset.id}", data=data, on_wanted_change=lambda: None, height=1)


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
    """Return the addresses of pictures, at least the first, until the time is over; a sentence where there is none."""
    found: dict[str, dict[str, Any]] = {}
    for place, record in enumerate(records):
        if found and time.monotonic() > end:
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
