"""The sections of the page: progress, the order of the photos, the editor, and what follows from the labels."""

from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from autodet.datasets.additions.addition import grown_version
from autodet.datasets.drafts.journal import read_drafts
from autodet.datasets.manifest import Dataset
from autodet.text_format import counted
from autodet.ui.common.export_buttons import offer_downloads
from autodet.ui.common.frame import link
from autodet.ui.common.kept_photos import offer_kept
from autodet.ui.common.markdown import escape
from autodet.ui.label.auto_labels import show_auto_labels
from autodet.ui.label.editor import show_editor, show_photo
from autodet.ui.label.order import choose_order
from autodet.ui.label.version_offer import offer_version


def show_sections(dataset: Dataset) -> None:
    """Show the labels of a data set and what can be done with them."""
    _lead_to_grown(dataset)
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


def _lead_to_grown(dataset: Dataset) -> None:
    """Tell that photos were added: labels drawn here do not reach the version with them any more."""
    if grown := grown_version(dataset):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.info(
                f"Photos were added: **{escape(grown.name)}** has these photos, their labels until then, and more.",
                icon=":material/add_photo_alternate:",
            )
            link("label", f"Go on with {escape(grown.name)}", dataset=grown.id)
