"""Photos of a data set to predict on, such as unlabelled ones."""

import streamlit as st

from autodet.datasets.manifest import Dataset, list_datasets
from autodet.text_format import counted
from autodet.ui.common.address import named_in_address
from autodet.ui.common.choice import choose_dataset
from autodet.ui.common.markdown import SPLIT_TITLES
from autodet.ui.predict.seen import Photo

MAX_PHOTOS, USUAL_PHOTOS = 50, 10
ALL = "all"


def ask_for_dataset_photos() -> list[Photo]:
    """Return the first photos of a data set's split, if the visitor asks for them."""
    if not list_datasets():
        return []
    named = named_in_address("dataset") is not None
    with st.expander(
        "Photos of a data set",
        icon=":material/photo_library:",
        expanded=named,
        key="photos of a data set",
        on_change="rerun",
    ) as room:
        dataset = choose_dataset() if room.open else None
        return _take_photos(dataset) if dataset else []


def _take_photos(dataset: Dataset) -> list[Photo]:
    left, right = st.columns(2)
    split = left.segmented_control(
        "Split",
        [ALL, *dataset.splits],
        default=ALL,
        required=True,
        format_func=lambda split: SPLIT_TITLES.get(split, "All"),
        key=f"predicted split {dataset.id}",
    )
    records = dataset.split(split or ALL)
    most = min(MAX_PHOTOS, len(records))
    count = right.number_input("Photos", 1, most, min(USUAL_PHOTOS, most), key=f"predicted photos {dataset.id} {split}")
    if not st.toggle(f"Predict on the first {counted(count, 'photo')}", key=f"predict on {dataset.id}"):
        return []
    return [Photo(record.file, dataset.photo(record)) for record in records[:count]]
