"""Next step after an import: train at once with the quick preset, or with more choices."""

import streamlit as st

from autodet.datasets.manifest import Dataset
from autodet.datasets.versions.waiting_photos import waiting_photos
from autodet.search.api import list_searches
from autodet.search.start import start_search
from autodet.ui.common.choice import choose, forget
from autodet.ui.common.frame import emphasis, link, open_page

SAME_ORDER_SECONDS = 60.0  # two tabs get one search


def offer_training(dataset: Dataset, *, primary: bool) -> None:
    """Offer the next step of a data set.

    Args:
        dataset: The data set.
        primary: Whether it is the usual next step on the page.
    """
    if waiting_photos(dataset):
        link("label", "Label its photos", primary=primary, dataset=dataset.id)
        link("predict", "Predict on its photos", dataset=dataset.id)
        return
    if any(status.dataset == dataset.id for status in list_searches()):
        link("search", "Train a detector", primary=primary, dataset=dataset.id)
        return
    kind = emphasis(disabled=not primary)
    hint = "A quick look, which takes minutes."
    key = f"train now {dataset.id}"
    if st.button("Train now", key=key, type=kind, icon=":material/play_arrow:", help=hint):
        with st.spinner("Starting"):
            search = start_search(dataset, preset="quick", once_within=SAME_ORDER_SECONDS)
        choose(dataset=dataset.id)
        forget("model")
        open_page("results", search=search.id)
    link("search", "Train with more choices", dataset=dataset.id)
