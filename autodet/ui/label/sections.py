"""The sections of the page: progress, the order of the photos, the editor, and what follows from the labels."""

from collections import Counter
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from autodet.datasets.drafts.journal import Drafts
from autodet.datasets.manifest import Dataset
from autodet.text_format import counted
from autodet.ui.label.editor import show_editor


def show_sections(dataset: Dataset) -> None:
    """Show the labels of a data set and what can be done with them."""
    progress = st.empty()
    show_editor(dataset, [record.file for record in dataset.images], show_progress=partial(_show_progress, progress))


def _show_progress(place: DeltaGenerator, drafts: Drafts) -> None:
    states = Counter(drafts.state_of(record.file) for record in drafts.dataset.images)
    done, total = states["labelled"] + states["empty"], len(drafts.dataset.images)
    place.progress(done / total, f"{done:,} of {counted(total, 'photo')} labelled")
