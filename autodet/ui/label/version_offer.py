"""Make a version: the labels as they stand now become a data set to train on."""

from functools import partial
from typing import Literal

import streamlit as st

from autodet.datasets.drafts.counts import count_labels
from autodet.datasets.drafts.version import label_versions, plan_labels, store_labels, stored_labels
from autodet.datasets.manifest import Dataset
from autodet.datasets.versions.derive import free_version_name
from autodet.datasets.versions.diff import compare, tally
from autodet.datasets.versions.waiting_photos import waiting_photos
from autodet.errors import AutodetError
from autodet.text_format import counted
from autodet.ui.common.editors import editors_only
from autodet.ui.common.frame import link, sentences_for_errors
from autodet.ui.common.markdown import ago, escape
from autodet.ui.common.next_search import show_next_search
from autodet.ui.common.scroll import count_opening, scroll_here
from autodet.ui.common.version_preview import show_preview

SECTION = "version"
LED = "led to the version"  # session state: whether the next run scrolls to the section


def lead_to_version(dataset: Dataset, reason: str | None) -> None:
    """Show a button that unfolds the section and scrolls to it.

    Args:
        dataset: The data set whose photos are labelled.
        reason: Sentence on why a version is due, which makes the button stand out; None if it is not.
    """
    look: Literal["primary", "secondary"] = "primary" if reason else "secondary"
    if st.button(
        "Make a version", key=f"to version {dataset.id}", icon=":material/call_split:", type=look, help=reason
    ):
        st.session_state[_key(dataset)] = True
        st.session_state[LED] = True
        count_opening(SECTION)
        st.rerun()


def show_version_section(dataset: Dataset) -> None:
    """Show the section."""
    above = st.container()
    offer_version(dataset)
    if st.session_state.pop(LED, False):
        with above:  # when the page has its length
            scroll_here(SECTION)


@editors_only("create data set")
@st.fragment
def offer_version(dataset: Dataset) -> None:
    """Show what a version of the labels would have, and make it.

    Args:
        dataset: The data set whose photos are labelled; it stays as it is.
    """
    with sentences_for_errors("Label"):
        room = st.expander("Make a version", icon=":material/call_split:", key=_key(dataset), on_change="rerun")
        if room.open:
            with room:
                _offer(dataset)


def _key(dataset: Dataset) -> str:
    return f"label version {dataset.id}"


def _offer(dataset: Dataset) -> None:
    st.markdown(
        "A version is a data set with the labels as they stand now: train on it. You can go on labelling here, and "
        "make the next version with more photos. Versions share their photos, so they need almost no disk space."
    )
    waiting, photos = waiting_photos(dataset), count_labels(dataset).photos
    bare = not waiting
    if photos["unlabelled"]:
        bare = st.checkbox(
            "Take photos that nobody has labelled, as photos without objects",
            value=bare,
            key=f"take unlabelled {dataset.id}",
            help="An object on such a photo would teach the detector that nothing is there.",
        )
    undecided = photos["proposed"] and st.checkbox(
        "Take photos with proposals that wait for a decision, without the proposals",
        key=f"take undecided {dataset.id}",
        help="Objects that are only proposed would count as background.",
    )
    plan = partial(
        plan_labels,
        dataset,
        unlabelled="keep" if bare else None if waiting else "drop",
        undecided="keep" if undecided else "drop",
    )
    try:
        with st.spinner("Preparing the version", show_time=True):
            version = plan()
    except AutodetError as error:
        st.info(escape(str(error)), icon=":material/select:")
        return
    if version.fingerprint == dataset.fingerprint:
        st.info("No labels have changed, so a version would be identical to the data set.")
        return
    if made := stored_labels(version):
        _show_made(made)
        return
    last = next(label_versions(dataset), None)
    if last:
        st.caption(f"Compared with the last version, {escape(last.name)}:")
    before = last or dataset
    show_preview(version, compare(tally(before.classes, before.images), version.tally))
    name, button = st.columns([3, 1], vertical_alignment="bottom")
    free = free_version_name(dataset)
    called = name.text_input("Name", free, key=f"label version name {dataset.id} {free}")
    if button.button("Make the version", type="primary", icon=":material/call_split:", width="stretch"):
        with st.spinner("Making the version"):
            store_labels(plan(), called)
        st.rerun()


def _show_made(made: Dataset) -> None:
    photos, boxes = counted(len(made.images), "photo"), counted(made.boxes, "box", "boxes")
    st.success(
        f"**{escape(made.name)}** has these labels: {photos}, {boxes}, made {ago(made.created)}. Label more photos or "
        "change labels to make another version.",
        icon=":material/check:",
    )
    again = show_next_search(made, primary=True)
    with st.container(horizontal=True):
        if not again:
            link("search", "Train a detector", primary=True, dataset=made.id, form="quick")
        link("datasets", "See what changed", icon=":material/difference:", dataset=made.id)
