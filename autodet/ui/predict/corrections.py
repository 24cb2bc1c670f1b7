"""Predictions that are wrong: a visitor collects their photos, which then wait in a data set to be corrected."""

from collections.abc import Sequence

import streamlit as st

from autodet.access.change import may_change
from autodet.datasets.additions.new_photos import NewPhoto, add_new_photos
from autodet.datasets.manifest import list_datasets, read_dataset
from autodet.inference.proposed_boxes import proposed_boxes
from autodet.models.matching_weights import match_classes
from autodet.models.store import StoredModel
from autodet.records import Prediction
from autodet.text_format import counted, size_text
from autodet.ui.common.choice import choose, is_trained_on
from autodet.ui.common.editors import editors_only
from autodet.ui.common.frame import open_page
from autodet.ui.predict.predictions_view import ShownPhoto, collected_keys
from autodet.ui.predict.visit import Visit, current_visit
from autodet.workspace import open_workspace

MAX_BYTES = 200_000_000  # of the photos that one visitor collects, in memory
NEW = ""  # in place of a data set's id
NEW_NAME = "photos to correct"


def collect(model: StoredModel, photos: Sequence[ShownPhoto], shown: Sequence[Prediction]) -> list[str]:
    """Collect the photos that the visitor wants to correct, and return the keys of all that are collected.

    Args:
        model: The model that made the predictions.
        photos: The photos.
        shown: The detections that are shown on each.
    """
    visit, wanted = current_visit(), collected_keys()
    collected = visit.collected
    if wanted is None:
        visit.added.clear()
    elif may_change():
        for photo, prediction in zip(photos, shown, strict=True):
            if photo.key not in wanted:
                collected.pop(photo.key, None)
            elif photo.key not in collected.keys() | visit.added and (new := _new_photo(model, photo, prediction)):
                collected[photo.key] = new
    return [photo.key for photo in photos if photo.key in collected]


def _new_photo(model: StoredModel, photo: ShownPhoto, shown: Prediction) -> NewPhoto | None:
    """Return a photo in memory, because its file may be gone later; None, with a sentence, if too many are kept."""
    name = photo.seen.photo.name
    content = NewPhoto(photo.seen.photo.source, name).read()
    if len(content) + sum(len(one.read()) for one in current_visit().collected.values()) > MAX_BYTES:
        st.error(f"The photos to correct take {size_text(MAX_BYTES)}; label them first.", icon=":material/error:")
        return None
    return NewPhoto(content, name, proposed_boxes(shown, model.card.classes), model.id)


@editors_only("label photos")
def offer_correction(model: StoredModel) -> None:
    """Offer to add the collected photos to a data set, and to label them there."""
    visit = current_visit()
    if visit.collected:
        with st.container(border=True, key="corrections"):
            _offer_addition(visit, model)


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
        help="A version of it gets the photos; the detections become proposals on the page Label.",
    )
    photos = counted(len(visit.collected), "photo")
    if right.button(f"Label {photos}", type="primary", icon=":material/draw:", width="stretch", key="add corrections"):
        with st.spinner(f"Adding {photos}"):
            dataset = read_dataset(open_workspace().datasets / target) if target else None
            made = add_new_photos(dataset, list(visit.collected.values()), None if dataset else NEW_NAME)
            visit.added |= visit.collected.keys()  # before anything that a second click may interrupt
            visit.collected.clear()
            choose(dataset=made.dataset.id)
        first = next(iter(made.files.values()))
        open_page("label", dataset=made.dataset.id, photo=first)


def _usual_target(model: StoredModel) -> str:
    """Return the data set that the visitor chose, or the newest version of that with the model's classes."""
    summaries = list_datasets()
    chosen = st.session_state.get("dataset")
    if any(one.id == chosen for one in summaries):
        return str(chosen)
    own = [one for one in summaries if is_trained_on(model, one)]
    known = [one for one in summaries if one.boxes and not match_classes(model.card.classes, one.classes).fresh]
    family = {one.id for one in (own or known)[:1]}
    newest = NEW
    for one in reversed(summaries):  # the oldest first: a version comes after its parent
        if one.id in family or one.parent in family:
            family.add(one.id)
            newest = one.id
    return newest
