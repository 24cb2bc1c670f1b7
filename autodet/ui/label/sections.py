"""The sections of the page: progress, the order of the photos, the editor, and what follows from the labels."""

from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from autodet.datasets.drafts.journal import read_drafts
from autodet.datasets.manifest import Dataset
from autodet.text_format import counted
from autodet.ui.common.export_buttons import offer_downloads
from autodet.ui.common.kept_photos import offer_kept
from autodet.ui.label.auto_labels import show_auto_labels
from autodet.ui.label.editor import show_editor, show_photo
from autodet.ui.label.order import choose_order
from autodet.ui.label.version_offer import offer_version


def show_sections(dataset: Dataset) -> None:
    """Show the labels of a data set and what can be done with them."""
    progress = st.empty()
    order = choose_order(read_drafts(dataset))
    if order.is_new:
        show_photo(dataset, order.files[0])
    show_editor(dataset, order.files, order.sentences, show_progress=partial(_show_progress, progress))
    show_auto_labels(dataset)
    offer_kept(dataset)
    offer_version(dataset)
    offer_downloads(dataset, drafts=True)


def _show_progress(place: DeltaGenerator, done: int, total: int) -> None:
    place.progress(done / total, f"{done:,} of {counted(total, 'photo')} labelled")
