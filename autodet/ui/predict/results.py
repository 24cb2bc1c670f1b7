"""Predictions on the photos that a visitor gives: progress, files that cannot be read, and the gallery."""

from collections.abc import Sequence

import streamlit as st

from autodet.datasets.manifest import list_datasets, read_dataset
from autodet.inference.evaluations import kept_report
from autodet.inference.given_photos import MAX_PHOTOS, GivenPhotos
from autodet.inference.photo_folders import FoundPhotos
from autodet.inference.prediction_batches import PredictionBatch
from autodet.inference.prediction_process import BATCH
from autodet.inference.tiles import Tiling
from autodet.models.store import StoredModel
from autodet.records import Prediction
from autodet.text_format import counted, duration
from autodet.ui.common.choice import is_trained_on
from autodet.ui.common.frame import sentences_for_errors
from autodet.ui.common.markdown import escape
from autodet.ui.predict.batches import find_batch
from autodet.ui.predict.gallery import show_predictions
from autodet.ui.predict.seen import Photo, Seen
from autodet.ui.predict.visit import Visit, current_visit
from autodet.workspace import open_workspace

FEW = BATCH  # so few photos take one request, for which the page waits
MAX_WAIT_SECONDS = 10.0
REFRESH_SECONDS = 1.0


def predict(model: StoredModel, given: GivenPhotos) -> None:
    """Predict on photos, and show what there is: few photos at once, many as their predictions arrive."""
    _show_left_out(given)
    if not given.photos:
        _show_unread(given, [], 0)
        return
    visit = current_visit()
    batch = find_batch(model, given.photos, tiles=visit.tiles)
    if batch.under_way and batch.left <= FEW:
        with st.spinner(f"Detecting objects in {counted(batch.left, 'photo')}"):
            batch.wait(MAX_WAIT_SECONDS)
    under_way = batch.under_way
    st.fragment(_show, run_every=REFRESH_SECONDS if under_way else None)(model, given, batch, visit, under_way)


def _show(model: StoredModel, given: GivenPhotos, batch: PredictionBatch, visit: Visit, watched: bool) -> None:
    with sentences_for_errors("Predict"):
        under_way = batch.under_way  # before the results, so that none is missing at the end
        results = batch.results
        if watched and not under_way:
            st.rerun()  # ends the refreshes
        if under_way:
            _show_progress(batch)
        elif batch.left:
            _show_stop(batch)
        errors = [results[photo].prediction.error for photo in given.photos if photo in results]
        _show_unread(given, [error for error in errors if error], len(given.photos))
        seen = [
            Seen(Photo(photo[1], photo[0]), results[photo].sha256, results[photo].prediction)
            for photo in given.photos
            if photo in results and not results[photo].prediction.error
        ]
        _offer_tiles(model, visit, [one.prediction for one in seen])
        show_predictions(model, seen, under_way)


def _offer_tiles(model: StoredModel, visit: Visit, predictions: Sequence[Prediction]) -> None:
    """Offer tiles if a photo is much larger than those of the training."""
    tiling = Tiling.of(model.card)
    large = [tiles for one in predictions if (tiles := len(tiling.tiles(*one.size_wh)))]
    if not large:
        return
    side = f"{tiling.side:,} pixels"
    many = counted(len(large), "photo is", "photos are")
    wanted = st.toggle(
        "Look closer at large photos",
        visit.tiles,
        key="tiles",
        help=f"{many} much larger than the photos of the training, whose longer side has about {side}. With tiling, "
        f"the model also looks at overlapping parts of that size, {sum(large):,} in all, and finds smaller objects. "
        "It takes that much longer.",
    )
    if gain := _tiling_gain(model):
        st.caption(gain)
    if wanted != visit.tiles:
        visit.tiles = wanted
        st.rerun()


def _tiling_gain(model: StoredModel) -> str:
    """Return what tiles gain on the validation photos of the model's data set; empty if it is not measured."""
    summary = next((one for one in list_datasets() if is_trained_on(model, one)), None)
    if summary is None:
        return ""
    dataset = read_dataset(open_workspace().datasets / summary.id)
    whole, tiled = (kept_report(model, dataset, "val", tiles=tiles) for tiles in (False, True))
    if not whole or not tiled or whole.map50 == tiled.map50:
        return ""
    return f"On the validation photos, tiles change mAP@0.5 from {whole.map50:.3f} to {tiled.map50:.3f}."


def _show_progress(batch: PredictionBatch) -> None:
    total, seconds = len(batch.photos), batch.seconds_left
    left, right = st.columns([4, 1], vertical_alignment="center")
    time_left = f", about {duration(max(1.0, seconds))} left" if seconds is not None else ""
    text = f"{total - batch.left:,} of {counted(total, 'photo')}{time_left}. It continues if you leave this page."
    left.progress((total - batch.left) / total, text)
    if right.button("Cancel", key="cancel predictions", icon=":material/close:"):
        batch.cancel()
        st.rerun()


def _show_stop(batch: PredictionBatch) -> None:
    """Tell why predictions are missing, and offer to continue."""
    total = len(batch.photos)
    why = f"{escape(batch.error)} " if batch.error else ""
    done = total - batch.left
    st.warning(
        f"{why}{done:,} of {counted(total, 'photo')} {'is' if done == 1 else 'are'} done.",
        icon=":material/hourglass_disabled:" if batch.error else ":material/cancel:",
    )
    if st.button("Continue", key="continue predictions", icon=":material/play_arrow:"):
        batch.start()
        st.rerun()


def _show_left_out(given: GivenPhotos) -> None:
    if given.left_out:
        st.warning(
            f"Only the first {MAX_PHOTOS:,} photos are predicted here; {given.left_out:,} more are left out. The "
            "command line predicts on any number of photos.",
            icon=":material/photo_library:",
        )


def _show_unread(given: GivenPhotos, errors: Sequence[str], total: int) -> None:
    """Show the error of a single unreadable file, or several in a folded list, with the skipped files."""
    unread = [*given.errors, *errors]
    skipped = FoundPhotos((), given.passed_over).sentences()
    total += len(given.errors)
    if total == 1 and unread and not skipped:
        st.error(escape(unread[0]), icon=":material/broken_image:")
        return
    if unread:
        title = f":material/broken_image: {len(unread):,} of {counted(total, 'file')} could not be read"
    elif skipped:
        title = f":material/rule: {counted(given.passed_over.total(), 'other file')} skipped"
    else:
        return
    with st.expander(title, expanded=len(unread) == total and not given.photos, key="unread files"):
        st.markdown("\n".join(f"- {escape(sentence)}" for sentence in [*unread, *skipped]))
