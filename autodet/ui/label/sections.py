"""The sections of the page: data set and order of its photos, progress, editor, and what follows from the labels."""

from functools import partial

import streamlit as st

from autodet.access.change import may_change
from autodet.datasets.additions.addition import grown_version
from autodet.datasets.additions.later_drafts import later_drafts, take_over_later_drafts
from autodet.datasets.drafts.journal import read_drafts
from autodet.datasets.drafts.label_splits import MIN_PHOTOS_WITH_TEST
from autodet.datasets.drafts.version import has_new_labels
from autodet.datasets.manifest import Dataset
from autodet.text_format import counted
from autodet.ui.common.choice import choose_dataset, dataset_names
from autodet.ui.common.editors import editors_only
from autodet.ui.common.export_buttons import offer_downloads
from autodet.ui.common.frame import link
from autodet.ui.common.kept_photos import offer_kept
from autodet.ui.common.markdown import escape
from autodet.ui.label.auto_labels import show_auto_labels
from autodet.ui.label.editor import show_editor, show_photo
from autodet.ui.label.order import choose_order
from autodet.ui.label.version_offer import lead_to_version, show_version_section

UNMADE = "and no version has all of these labels yet."


def show_sections() -> None:
    """Let the visitor choose a data set; show its labels and what can be done with them."""
    choices = st.container(horizontal=True, vertical_alignment="bottom")
    with choices:
        dataset = choose_dataset()
    if not dataset:
        return
    _lead_to_grown(dataset)
    _offer_later_drafts(dataset)
    order = choose_order(read_drafts(dataset), choices)
    if order.is_new:
        show_photo(dataset, order.files[0])
    show_editor(dataset, order.files, order.sentences, show_progress=partial(_show_progress, dataset))
    show_auto_labels(dataset)
    offer_kept(dataset)
    show_version_section(dataset)
    offer_downloads(dataset, drafts=True)


def _show_progress(dataset: Dataset, done: int, total: int) -> None:
    """Show the number of labelled photos, and a button that stands out once a version would be worth a training.

    The button is there from the start, so that the editor below never moves during a drag.
    """
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.progress(done / total, f"{done:,} of {counted(total, 'photo')} labelled")
        if may_change():
            enough = done >= MIN_PHOTOS_WITH_TEST and has_new_labels(dataset)
            lead_to_version(dataset, f"{counted(done, 'photo')} are labelled, {UNMADE}" if enough else None)


def _lead_to_grown(dataset: Dataset) -> None:
    """Tell that photos were added: labels drawn here do not reach the version with them any more."""
    if grown := grown_version(dataset):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.info(
                f"Photos were added: **{escape(grown.name)}** has these photos, their labels until then, and more.",
                icon=":material/add_photo_alternate:",
            )
            link("label", f"Go on with {escape(grown.name)}", dataset=grown.id)


@editors_only()
def _offer_later_drafts(dataset: Dataset) -> None:
    """Offer the drafts that were made in the data set after photos were added to it."""
    if photos := len(later_drafts(dataset)):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.info(
                f"Since photos were added, {counted(photos, 'photo')} got other labels or proposals in "
                f"**{escape(_origin_name(dataset))}**.",
                icon=":material/move_down:",
            )
            if st.button("Take them over", icon=":material/move_down:"):
                take_over_later_drafts(dataset)
                st.rerun()


def _origin_name(dataset: Dataset) -> str:
    origin = dataset.parent.id if dataset.parent else ""
    return dataset_names().get(origin, origin)
