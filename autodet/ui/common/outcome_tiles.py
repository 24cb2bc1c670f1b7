"""Thumbnails of photos with their errors; a click opens the viewer."""

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from autodet.datasets.manifest import Dataset
from autodet.errors import PhotoError
from autodet.evaluation.outcomes import ShownOutcomes
from autodet.records import ImageRecord
from autodet.ui.common.markdown import escape
from autodet.ui.common.outcome_drawings import error_thumbnail
from autodet.ui.common.photo_viewer import thumbnail_button

PER_PAGE = 8
TILE_PIXELS = 176  # four side by side, two on a phone


def show_tiles(
    dataset: Dataset,
    records: Sequence[ImageRecord],
    shown: ShownOutcomes,
    captions: Mapping[int, str],
    enlarge: Callable[[int], None],
    key: str,
) -> None:
    """Show photos in pages of ``PER_PAGE``.

    Args:
        dataset: The data set.
        records: The photos of the split.
        shown: The outcomes to draw.
        captions: Indices of the photos to show, in order, with a text under each.
        enlarge: Opens the viewer at a place among these photos.
        key: Key of the section; it changes whenever the first page should show again.
    """
    photos = list(captions)
    pages = -(-len(photos) // PER_PAGE)
    page = st.pagination(pages, key=f"pages {key}") if pages > 1 else 1
    first = (page - 1) * PER_PAGE
    with st.container(horizontal=True):
        for place in range(first, min(first + PER_PAGE, len(photos))):
            with st.container(width=TILE_PIXELS, gap="xxsmall", key=f"tile {key} {place}"):
                record, caption = records[photos[place]], captions[photos[place]]
                try:
                    picture = error_thumbnail(dataset, record, shown, photos[place])
                except PhotoError as error:
                    st.caption(f":material/broken_image: {escape(str(error))}")
                    continue
                st.image(picture, width="stretch", alt=f"{record.file}: {caption}")
                if thumbnail_button(escape(record.file), f"enlarge {key} {place} {record.file}"):
                    enlarge(place)
                st.caption(caption)
