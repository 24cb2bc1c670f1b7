"""Photos with their predictions: one model, or two beside each other."""

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from autodet.evaluation.photo_errors import photo_differences
from autodet.models.store import StoredModel, list_models
from autodet.records import Prediction
from autodet.text_format import counted
from autodet.ui.common.frame import sentences_for_errors
from autodet.ui.common.loaded_models import loaded
from autodet.ui.common.markdown import escape
from autodet.ui.common.outcome_drawings import show_legend
from autodet.ui.predict.batches import find_batch
from autodet.ui.predict.corrections import offer_correction
from autodet.ui.predict.downloads import offer_downloads
from autodet.ui.predict.predictions_view import ShownPhoto, chosen, opened_photo, show_in_component, shown_photos
from autodet.ui.predict.seen import Seen
from autodet.ui.predict.sides import Sides
from autodet.ui.predict.tables import show_tables
from autodet.ui.predict.visit import current_visit

WAIT_SECONDS = 0.5
LABELS_HELP = "A detection finds an object of its class if their boxes overlap with an IoU of at least 0.5."


@st.fragment
def show_predictions(model: StoredModel, seen: Sequence[Seen], under_way: bool = False) -> None:
    """Show the predictions with thresholds, classes, counts, a second model and downloads.

    Args:
        model: The model that made the predictions.
        seen: Photos with their predictions, in the order in which they were given.
        under_way: Whether more predictions follow.
    """
    if not seen:
        return
    with sentences_for_errors("Predict"):
        _show_predictions(model, seen, under_way)


def _show_predictions(model: StoredModel, seen: Sequence[Seen], under_way: bool) -> None:
    tools = st.container(horizontal=True, vertical_alignment="bottom")
    other = _choose_other(model, tools, under_way)
    others = _predictions_of(other, seen, st.container()) if other else None
    if any(one.labels is not None for one in seen):
        if tools.toggle("Check against the labels", value=True, key="check against labels", help=LABELS_HELP):
            show_legend("Found", "False alarm", "Missed")
        else:
            seen = [replace(one, labels=None) for one in seen]
    models = [model, *([other] if other and others else [])]
    sides = Sides.of(models, [[one.prediction for one in seen], *([others] if others else [])])
    choice = chosen(sides)
    shown = [choice.shown(sides, place) for place in range(len(sides.sides))]
    for side, predictions in zip(sides.sides, shown, strict=True):
        for caution in loaded(side.model).cautions(predictions):
            about = f"{side.model.card.name}: " if len(models) > 1 else ""
            st.warning(escape(f"{about}{caution}"), icon=":material/warning:")
    offer_downloads(tools, seen, sides, shown, under_way)
    show_tables(seen, sides, shown)
    photos, order = shown_photos(seen), list(range(len(seen)))
    if others:
        photos, order = _by_difference(photos, sides, shown)
    show_in_component(photos, sides, order)
    if not under_way:
        place = opened_photo(photos)
        offer_correction(model, None if place is None else (seen[place], shown[0][place]))


def _choose_other(model: StoredModel, place: DeltaGenerator, under_way: bool) -> StoredModel | None:
    """Let the visitor select a second model once the predictions of the first are done."""
    models = {other.id: other for other in list_models() if other.id != model.id}
    if not models:
        return None
    chosen_id = place.selectbox(
        "Compare with",
        list(models),
        index=None,
        format_func=lambda identity: models[identity].card.name,
        placeholder="no other model",
        key=f"other model than {model.id}",
        filter_mode="contains",
        disabled=under_way,
    )
    return models[chosen_id] if chosen_id and not under_way else None


def _predictions_of(model: StoredModel, seen: Sequence[Seen], place: DeltaGenerator) -> list[Prediction] | None:
    """Predict with a second model; None, with a sentence, if that does not succeed."""
    photos = [(one.photo.source, one.photo.name) for one in seen]
    batch = find_batch(model, photos, tiles=current_visit().tiles)
    total, progress = len(batch.photos), place.empty()
    while batch.under_way and batch.left:
        text = f"{escape(model.card.name)}: {total - batch.left:,} of {counted(total, 'photo')}"
        progress.progress((total - batch.left) / total, text)
        batch.wait(WAIT_SECONDS)
    progress.empty()
    found = batch.results
    predictions = [found[photo].prediction for photo in photos if photo in found]
    errors = [batch.error, *(one.error for one in predictions)]
    if len(predictions) < len(photos) or any(errors):
        error = next(filter(None, errors), "The predictions of the second model were cancelled.")
        place.warning(escape(error), icon=":material/hourglass_disabled:")
        return None
    return predictions


def _by_difference(
    photos: Sequence[ShownPhoto], sides: Sides, shown: Sequence[Sequence[Prediction]]
) -> tuple[list[ShownPhoto], list[int]]:
    """Return photos with a note on how much both models differ, and their order, those that differ most first."""
    a, b = ([side.joint(one) for one in predictions] for side, predictions in zip(sides.sides, shown, strict=True))
    differences = photo_differences(a, b, sides.classes)
    noted = [
        ShownPhoto(photo.seen, photo.key, _difference_text(int(count)))
        for photo, count in zip(photos, differences, strict=True)
    ]
    return noted, (-differences).argsort(kind="stable").tolist()


def _difference_text(count: int) -> str:
    return f"{counted(count, 'difference')} between the models" if count else "the models agree"
