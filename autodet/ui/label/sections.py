"""The sections of the page: progress, the order of the photos, the editor, and what follows from the labels."""

from collections import Counter

import streamlit as st

from autodet.datasets.drafts.journal import Drafts, read_drafts
from autodet.datasets.manifest import Dataset
from autodet.text_format import counted
from autodet.ui.common.export_buttons import offer_downloads
from autodet.ui.label.auto_labels import show_auto_labels
from autodet.ui.label.editor import show_editor
from autodet.ui.label.version_offer import offer_version


def show_sections(dataset: Dataset) -> None:
    """Show the labels of a data set and what can be done with them."""
    drafts = read_drafts(dataset)
    _show_progress(drafts)
    show_editor(dataset, [record.file for record in dataset.images])
    show_auto_labels(dataset)
    offer_version(dataset)
    offer_downloads(dataset, drafts=True)


def _show_progress(drafts: Drafts) -> None:
    states = Counter(drafts.state_of(record.file) for record in drafts.dataset.images)
    done, total = states["labelled"] + states["empty"], len(drafts.dataset.images)
    st.progress(done / total, f"{done:,} of {counted(total, 'photo')} labelled")
