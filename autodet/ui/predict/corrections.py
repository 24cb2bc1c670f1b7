"""Predictions that are wrong: a visitor collects their photos, which then wait in a data set to be corrected."""

from collections.abc import Sequence

import streamlit as st

from autodet.datasets.additions.new_photos import NewPhoto, add_new_photos
from autodet.datasets.manifest import list_datasets, read_dataset
from autodet.errors import DatasetError
from autodet.inference.proposed_boxes import proposed_boxes
from autodet.models.matching_weights import match_classes
from autodet.models.store import StoredModel
from autodet.records import Prediction
from autodet.text_format import counted, size_text
from autodet.ui.common.choice import choose, is_trained_on
from autodet.ui.common.editors import editors_only
from autodet.ui.common.frame import open_page
from autodet.ui.common.markdown import escape
from autodet.ui.predict.seen import Seen
from autodet.ui.predict.visit import Visit, current_visit
from autodet.workspace import open_workspace

MAX_BYTES = 200_000_000  # of the photos that one visitor collects, in memory
NEW = ""  # in place of a data set's id
NEW_NAME = "photos to correct"


@editors_only("label photos")
def offer_correction(model: StoredModel, opened: tuple[Seen, Prediction] | None) -> None:
    """Offer to collect the opened photo, and to add the collected ones to a data set.

    Args:
        model: The model that made the predictions.
        opened: The photo in front of the visitor with the detections that are shown; None if no photo is opened.
    """
    visit = current_visit()
    if not opened and not visit.collected:
        return
    with st.container(border=True, key="corrections"):
        if opened:
            _offer_photo(visit, model, *opened)
        if visit.collected:
            _offer_addition(visit, model)


def _offer_photo(visit: Visit, model: StoredModel, seen: Seen, shown: Prediction) -> None:
    place = st.empty()
    if seen.sha256 not in visit.collected:
        with place.container(horizontal=True, vertical_alignment="center"):
            st.markdown("Is this prediction wrong?", width="content")
            if not st.button("Correct it and keep it", key=f"keep {seen.sha256}", icon=":material/edit_square:"):
                return
        _collect(visit, model, seen, shown)
    with place.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/check: {escape(seen.photo.name)} is kept to be corrected.", width="content")
        out = f"take out {seen.sha256}"
        st.button("Take it out", key=out, type="tertiary", on_click=_take_out, args=(visit, seen.sha256))


def _take_out(visit: Visit, sha256: str) -> None:
    visit.collected.pop(sha256, None)  # a second click finds it gone


def _collect(visit: Visit, model: StoredModel, seen: Seen, shown: Prediction) -> None:
    """Keep a photo in memory: the file of an unpacked archive may be gone later.

    Raises:
        DatasetError: The collected photos take too much memory, or the file is gone.
    """
    content = NewPhoto(seen.photo.source, seen.photo.name).read()
    if len(content) + sum(len(photo.read()) for photo in visit.collected.values()) > MAX_BYTES:
        raise DatasetError(f"The photos to correct take {size_text(MAX_BYTES)}; add them to a data set first.")
    boxes = proposed_boxes(shown, model.card.classes)
    visit.collected[seen.sha256] = NewPhoto(content, seen.photo.name, boxes, model.id)


def _offer_addition(visit: Visit, model: StoredModel) -> None:
    names = {summary.id: summary.name for summary in list_datasets()} | {NEW: "A new data set"}
    left, right = st.columns([2, 1], vertical_alignment="bottom")
    target = left.selectbox(
        "Data set for the photos to correct",
        list(names),
        list(names).index(_usual_target(model)),
        format_func=names.__getitem__,
        key="data set to correct in",
        filter_mode="contains",
        help="A version of it gets the photos; what the model found becomes proposals on the page Label.",
    )
    photos = counted(len(visit.collected), "photo")
    if right.button(f"Label {photos}", type="primary", icon=":material/draw:", width="stretch", key="add corrections"):
        with st.spinner(f"Adding {photos}"):
            dataset = read_dataset(open_workspace().datasets / target) if target else None
            made = add_new_photos(dataset, list(visit.collected.values()), None if dataset else NEW_NAME)
        first = next(made.files[sha] for sha in visit.collected if sha in made.files)
        visit.collected.clear()
        choose(dataset=made.dataset.id)
        open_page("label", dataset=made.dataset.id, photo=first)


def _usual_target(model: StoredModel) -> str:
    """Return the data set that is chosen at hand, that the model was trained on, or whose classes it knows."""
    summaries = list_datasets()
    chosen = st.session_state.get("dataset")
    fitting: Sequence[str] = [
        *(one.id for one in summaries if one.id == chosen),
        *(one.id for one in summaries if is_trained_on(model, one)),
        *(one.id for one in summaries if one.boxes and not match_classes(model.card.classes, one.classes).fresh),
    ]
    return fitting[0] if fitting else NEW
