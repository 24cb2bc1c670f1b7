"""The sections of the page: progress, the order of the photos, the editor, and what follows from the labels."""

from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from autodet.access.change import may_change
from autodet.datasets.additions.addition import grown_version
from autodet.datasets.additions.later_drafts import later_drafts, take_over_later_drafts
from autodet.datasets.drafts.journal import read_drafts
from autodet.datasets.drafts.label_splits import MIN_PHOTOS_WITH_TEST
from autodet.datasets.drafts.version import has_new_labels
from autodet.datasets.manifest import Dataset
from autodet.text_format import counted
from autodet.ui.common.choice import dataset_names
from autodet.ui.common.editors import editors_only
from autodet.ui.common.export_buttons import offer_downloads
from autodet.ui.common.frame import link
from autodet.ui.common.kept_photos import offer_kept
from autodet.ui.common.markdown import escape
from autodet.ui.label.auto_labels import show_auto_labels
from autodet.ui.label.editor import show_editor, show_photo
from autodet.ui.label.order import choose_order
from autodet.ui.label.version_offer import lead_to_version, show_version_section


def show_sections(dataset: Dataset) -> None:
    """Show the labels of a data set and what can be done with them."""
    _lead_to_grown(dataset)
    _offer_later_drafts(dataset)
    progress = st.empty()
    order = choose_order(read_drafts(dataset))
    if order.is_new:
        show_photo(dataset, order.files[0])
    show_editor(dataset, order.files, order.sentences, show_progress=partial(_show_progress, dataset, progress))
    show_auto_labels(dataset)
    offer_kept(dataset)
    show_version_section(dataset)
    offer_downloads(dataset, drafts=True)


def _show_progress(dataset: Dataset, bar: DeltaGenerator, done: int, total: int) -> None:
    """Show the number of labelled photos, and lead to a version as soon as it would be worth a training."""
    bar.progress(done / total, f"{done:,} of {counted(total, 'photo')} labelled")
    with st.container(horizontal=True, vertical_alignment="center"):  # always, so that the editor keeps its place
        if done >= MIN_PHOTOS_WITH_TEST and may_change() and has_new_labels(dataset):
            st.markdown(
                f"{counted(done, 'photo')} are labelled, and no version has all of these labels yet.", width="content"
            )
            lead_to_version(dataset)


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
