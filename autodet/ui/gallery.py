"""Photos of a data set with their boxes, as small pictures."""

import streamlit as st

from autodet.datasets.manifest import Dataset
from autodet.datasets.photos import open_photo
from autodet.inference.drawing import draw_boxes
from autodet.records import SPLITS, ImageRecord
from autodet.ui.frame import sentences_for_errors
from autodet.ui.pictures import as_jpeg
from autodet.ui.text import counted, escape

PER_PAGE, COLUMNS = 12, 4
THUMBNAIL_SIDE = 480


@st.fragment
def show_gallery(dataset: Dataset) -> None:
    """Pages of photos with their boxes, to be filtered by split and class."""
    with sentences_for_errors("Data sets"):
        _show_gallery(dataset)


def _show_gallery(dataset: Dataset) -> None:
    left, right = st.columns(2)
    splits = [split for split in SPLITS if split in dataset.splits]
    split = left.segmented_control("Split", ["all", *splits], default="all", required=True)
    class_ids = [None, *range(len(dataset.classes))]
    class_id = right.selectbox(
        "Class", class_ids, format_func=lambda one: "every class" if one is None else dataset.classes[one]
    )
    records = dataset.split(split or "all")
    if class_id is not None:
        records = tuple(record for record in records if class_id in record.annotations.class_ids)
    if not records:
        st.info("No photo of this split has this class.")
        return
    pages = -(-len(records) // PER_PAGE)
    number = st.pagination(pages, key=f"gallery {dataset.id} {split} {class_id}") if pages > 1 else 1
    shown = records[(number - 1) * PER_PAGE : number * PER_PAGE]
    for start in range(0, len(shown), COLUMNS):
        for column, record in zip(st.columns(COLUMNS), shown[start : start + COLUMNS], strict=False):
            caption = f"{escape(record.file)} · {counted(len(record.annotations), 'box', 'boxes')}"
            column.image(thumbnail(dataset, record), caption=caption, width="stretch")


@st.cache_data(
    max_entries=2000,
    show_spinner=False,
    hash_funcs={Dataset: lambda dataset: dataset.fingerprint, ImageRecord: lambda record: record.file},
)
def thumbnail(dataset: Dataset, record: ImageRecord) -> bytes:
    """A photo with its boxes drawn, at most ``THUMBNAIL_SIDE`` pixels a side, as JPEG."""
    photo = open_photo(dataset.photo(record), record.file)
    scale = min(1.0, THUMBNAIL_SIDE / max(photo.size))
    small = photo.resize((max(1, round(photo.width * scale)), max(1, round(photo.height * scale))))
    marked = record.annotations
    return as_jpeg(draw_boxes(small, marked.boxes_xyxy * scale, marked.class_ids, dataset.classes))
