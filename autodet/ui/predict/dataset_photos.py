"""Photos of a data set to predict on, such as unlabelled ones."""

import streamlit as st

from autodet.datasets.manifest import Dataset
from autodet.inference.given_photos import MAX_PHOTOS, GivenPhotos
from autodet.text_format import counted
from autodet.ui.common.choice import choose_dataset
from autodet.ui.common.markdown import SPLIT_TITLES
from autodet.ui.predict.visit import Visit

USUAL_PHOTOS = 10
ALL = "all"


def ask_for_dataset_photos(visit: Visit) -> GivenPhotos:
    """Return the first photos of a data set's split, if the visitor asks for them."""
    dataset = choose_dataset()
    return _take_photos(visit, dataset) if dataset else GivenPhotos()


def _take_photos(visit: Visit, dataset: Dataset) -> GivenPhotos:
    taken_split, taken_count = visit.taken.get(dataset.id, (ALL, USUAL_PHOTOS))
    left, right = st.columns(2)
    split = left.segmented_control(
        "Split",
        [ALL, *dataset.splits],
        default=taken_split,
        required=True,
        format_func=lambda split: SPLIT_TITLES.get(split, "All"),
        key=f"predicted split {dataset.id}",
    )
    records = dataset.split(split or ALL)
    most = min(MAX_PHOTOS, len(records))
    count = right.number_input("Photos", 1, most, min(taken_count, most), key=f"predicted photos {dataset.id} {split}")
    taken = st.toggle(
        f"Predict on the first {counted(count, 'photo')}", dataset.id in visit.taken, key=f"predict on {dataset.id}"
    )
    if not taken:
        visit.taken.pop(dataset.id, None)
        return GivenPhotos()
    visit.taken[dataset.id] = split or ALL, count
    return GivenPhotos(tuple((dataset.photo(record), record.file) for record in records[:count]))
