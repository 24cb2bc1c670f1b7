"""Photos of a data set with their boxes: paginated thumbnails and a large view."""

from collections.abc import Sequence
from html import escape as escape_html
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from PIL import Image

from autodet.charts.palette import class_colour
from autodet.datasets.checks.kinds import KINDS
from autodet.datasets.manifest import Dataset
from autodet.datasets.statistics import LARGE_SIDE, SMALL_SIDE, TRAINING_SIZE, Columns, columns_of, find_photos
from autodet.errors import PhotoError
from autodet.inference.box_drawings import draw_boxes
from autodet.messages.finding_kinds import KIND_TEXTS
from autodet.messages.findings import action_sentence, problem_sentence
from autodet.records import ImageRecord, IntArray
from autodet.text_format import counted
from autodet.ui.common.editors import editors_only
from autodet.ui.common.frame import link, sentences_for_errors
from autodet.ui.common.markdown import escape, shortened
from autodet.ui.common.photo_viewer import (
    GROUND_TRUTH,
    ViewedBoxes,
    ViewedPhoto,
    opening,
    photo_viewer,
    thumbnail_button,
    view_photo,
)
from autodet.ui.common.pictures import THUMBNAIL_PIXELS, as_jpeg, frame_colour, framed, shrink_photo
from autodet.ui.datasets.photo_comparison import kept_comparison

PER_PAGE, COLUMNS = 12, 4
MAX_NAMES = 12  # classes in the legend
# Filter values that match everything. None does not work, because a select box shows it as "nothing chosen yet".
ANY, EVERY_CLASS = "any", -1
SIZES = {
    ANY: "any size",
    "small": f"small: below {SMALL_SIDE} px",
    "medium": f"medium: {SMALL_SIDE} to {LARGE_SIDE} px",
    "large": f"large: from {LARGE_SIDE} px",
    "none": "no object at all",
}
FILTER_PIXELS = 172  # so that two fit side by side on a phone
SIMILAR, SIMILAR_PIXELS = 6, 112  # photos below an enlarged one, and the width of each
PAGE_PIXELS, MAX_PAGES = 36, 7  # width of a page button or arrow; maximum number of page buttons
ALL = "all"


@st.fragment
def show_gallery(dataset: Dataset) -> None:
    """Show pages of photos with their boxes, with filters for split, class, size, problem and name."""
    with sentences_for_errors("Data sets"):
        _show_gallery(dataset)


def _show_gallery(dataset: Dataset) -> None:
    columns = columns_of(dataset)
    wanted = _ask_for_filters(dataset, columns)
    photos = find_photos(columns, **wanted)
    if not len(photos):
        st.info("No photo meets all of these conditions.", icon=":material/filter_alt_off:")
        st.button("Show all photos", on_click=_show_all, args=(dataset,))
        return
    pages = -(-len(photos) // PER_PAGE)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown(f"**{counted(len(photos), 'photo')}** of {len(columns.files):,}", width="content")
        number = _ask_for_page(pages, f"gallery {dataset.id} {wanted}")
    first = (number - 1) * PER_PAGE
    shown = photos[first : first + PER_PAGE]
    _show_legend(dataset, [dataset.images[index] for index in shown])
    for start in range(0, len(shown), COLUMNS):
        row = range(start, min(start + COLUMNS, len(shown)))
        for column, place in zip(st.columns(COLUMNS), row, strict=False):
            with column.container(gap="xxsmall", key=f"tile {first + place}"):
                show_tile(dataset, photos, first + place, dataset.id)


def _ask_for_page(pages: int, key: str) -> int:
    """Show page buttons and return the page number; the width fits at least five, or Streamlit omits pages."""
    width = PAGE_PIXELS * (2 + max(5, min(pages, MAX_PAGES)))
    return 1 if pages == 1 else st.pagination(pages, key=key, width=width)


def _ask_for_filters(dataset: Dataset, columns: Columns) -> dict[str, Any]:
    """Show the filters, and return them as arguments of ``find_photos``."""
    kinds = [kind for kind in KINDS if kind in columns.by_kind]
    with st.container(horizontal=True):
        split = st.segmented_control(
            "Split", [ALL, *dataset.splits], default=ALL, required=True, **_kept(dataset, "split")
        )
        class_id = st.selectbox(
            "Class",
            [EVERY_CLASS, *range(len(dataset.classes))],
            format_func=lambda choice: "every class" if choice == EVERY_CLASS else dataset.classes[choice],
            width=FILTER_PIXELS,
            **_kept(dataset, "class"),
        )
        size = st.selectbox(
            "Object size",
            list(SIZES),
            format_func=SIZES.__getitem__,
            help=f"The side of a square of the box's area, once the photo's longer side has {TRAINING_SIZE} pixels.",
            width=FILTER_PIXELS,
            **_kept(dataset, "size"),
        )
        name = st.text_input("File", placeholder="part of its name", width=FILTER_PIXELS, **_kept(dataset, "name"))
        kind = ANY
        if kinds:
            kind = st.selectbox(
                "Finding",
                [ANY, *kinds],
                format_func=lambda kind: (
                    "any, or none" if kind == ANY else f"{KIND_TEXTS[kind].title} ({len(columns.by_kind[kind]):,})"
                ),
                width=2 * FILTER_PIXELS,
                **_kept(dataset, "kind"),
            )
    return {
        "split": None if split == ALL else split,
        "class_id": None if class_id == EVERY_CLASS else class_id,
        "size": None if size == ANY else size,
        "kind": None if kind == ANY else kind,
        "name": name.strip(),
    }


def _kept(dataset: Dataset, filter_name: str) -> dict[str, Any]:
    """Return widget arguments that preserve a filter while the visitor is on another tab or page."""
    return {"key": _key(dataset, filter_name), "persist_state": "session"}


def _key(dataset: Dataset, filter_name: str) -> str:
    return f"gallery {dataset.id} {filter_name}"


def _show_all(dataset: Dataset) -> None:
    """Reset all filters."""
    lifted = {"split": ALL, "class": EVERY_CLASS, "size": ANY, "kind": ANY, "name": ""}
    for filter_name, value in lifted.items():
        st.session_state[_key(dataset, filter_name)] = value


def _show_legend(dataset: Dataset, records: Sequence[ImageRecord]) -> None:
    """Show the colours and box counts of the most frequent classes on some photos."""
    marked = np.concatenate([record.annotations.class_ids for record in records])
    class_ids, boxes = np.unique(marked, return_counts=True)
    if not len(class_ids):
        return
    order = np.argsort(-boxes, kind="stable")[:MAX_NAMES]
    names = [
        legend_entry(int(class_ids[index]), f"{shortened(dataset.classes[class_ids[index]])} {boxes[index]}")
        for index in order
    ]
    more = [f"and {counted(len(class_ids) - MAX_NAMES, 'more class', 'more classes')}"] * (len(class_ids) > MAX_NAMES)
    st.html(
        f'<div style="font-size: 0.9rem; line-height: 1.7">On these photos: {" &ensp; ".join([*names, *more])}</div>'
    )


def legend_entry(class_id: int, text: str) -> str:
    """Return HTML of a square in the colour of a class, and a text."""
    square = f'<span style="color: {class_colour(class_id)}">■</span>'
    return f'<span style="white-space: nowrap">{square} {escape_html(text)}</span>'


def show_tile(dataset: Dataset, photos: IntArray, place: int, key: str) -> None:
    """Show the thumbnail of a photo, with a button that enlarges it.

    Args:
        dataset: The data set.
        photos: Indices of the photos among which the large view steps.
        place: Place of the shown one among them.
        key: Prefix of the button's key.
    """
    record = dataset.images[photos[place]]
    try:
        st.image(thumbnail(dataset, record), width="stretch", alt=record.file)
    except PhotoError as error:
        st.caption(f":material/broken_image: {escape(str(error))}")
        return
    if thumbnail_button(escape(record.file), f"enlarge {key} {record.file}"):
        enlarge(dataset, photos, place)


@st.dialog("Photo", width="large")
def enlarge(dataset: Dataset, photos: IntArray, start: int) -> None:
    """Show photos one at a time, with their annotations and findings, and the photos most similar to each."""
    with sentences_for_errors("Data sets"):
        place = photo_viewer(
            len(photos),
            lambda index: view_record(dataset, dataset.images[photos[index]]),
            key="gallery viewer",
            layers=[GROUND_TRUTH],
            identity=opening(),
            start=start,
        )
        _describe(dataset, dataset.images[photos[place]])
        _offer_labels(dataset, dataset.images[photos[place]])
        _show_similar(dataset, int(photos[place]))


def view_record(dataset: Dataset, record: ImageRecord) -> ViewedPhoto:
    """Return a photo of a data set with its annotations for the viewer.

    Raises:
        PhotoError: The photo cannot be read.
    """
    boxes = {GROUND_TRUTH.key: ViewedBoxes.of(record.annotations, dataset.classes)}
    return view_photo(f"{dataset.identity} {record.file}", dataset.photo(record), record.file, boxes)


def _describe(dataset: Dataset, record: ImageRecord) -> None:
    boxes = counted(len(record.annotations), "box", "boxes")
    st.markdown(f"**{escape(record.file)}**  \n{record.width} × {record.height} pixels · {record.split} · {boxes}")
    if len(record.annotations):
        st.dataframe(_box_table(dataset, record), hide_index=True)
    for finding in dataset.findings:
        if record.file in finding.photos:
            st.caption(
                f":material/info: {escape(problem_sentence(finding, 'page'))} {escape(action_sentence(finding))}"
            )


@editors_only()
def _offer_labels(dataset: Dataset, record: ImageRecord) -> None:
    link("label", "Open in Label", dataset=dataset.id, photo=record.file)


def _show_similar(dataset: Dataset, photo: int) -> None:
    """Show the photos that are most similar to a photo; where to compare them if they are not compared yet."""
    compared = kept_comparison(dataset)
    if not compared:
        st.caption("To see similar photos here, compare the photos once under the tab Map.")
        return
    similar = compared.similar(photo, SIMILAR)
    if similar:
        st.markdown("**Similar photos**")
    with st.container(horizontal=True, gap="small"):
        for record in (dataset.images[other] for other in similar):
            with st.container(width=SIMILAR_PIXELS, gap="xxsmall"):
                try:
                    st.image(thumbnail(dataset, record), width="stretch", alt=record.file)
                except PhotoError as error:
                    st.caption(f":material/broken_image: {escape(str(error))}")
                    continue
                st.caption(escape(record.file))


def _box_table(dataset: Dataset, record: ImageRecord) -> pd.DataFrame:
    marked = record.annotations
    table = pd.DataFrame(marked.boxes_xyxy.round(1), columns=["left", "top", "right", "bottom"])
    table.insert(0, "class", [dataset.classes[class_id] for class_id in marked.class_ids])
    flags = zip(marked.difficult, marked.truncated, strict=True)
    table["flags"] = [
        ", ".join(["difficult"] * bool(difficult) + ["truncated"] * bool(cut)) for difficult, cut in flags
    ]
    return table if table["flags"].any() else table.drop(columns="flags")


def thumbnail(dataset: Dataset, record: ImageRecord) -> bytes:
    """Return a JPEG of a photo with its boxes, at most ``THUMBNAIL_PIXELS`` a side, padded with the theme's colour."""
    return _thumbnail(dataset, record, frame_colour())


@st.cache_data(
    max_entries=2000,
    show_spinner=False,
    hash_funcs={Dataset: lambda dataset: dataset.identity, ImageRecord: lambda record: (record.file, record.sha256)},
)
def _thumbnail(dataset: Dataset, record: ImageRecord, colour: str) -> bytes:
    return as_jpeg(framed(draw_record(dataset, record, THUMBNAIL_PIXELS), colour))


def draw_record(dataset: Dataset, record: ImageRecord, longest_side: int) -> Image.Image:
    """Return a downscaled photo with its boxes."""
    photo, scale = shrink_photo(dataset.photo(record), longest_side, record.file)
    marked = record.annotations
    return draw_boxes(photo, marked.boxes_xyxy * scale, marked.class_ids, dataset.classes)
