"""Predictions on the photos that a visitor gives: progress, files that cannot be read, and the gallery."""

from collections.abc import Sequence

import streamlit as st

from autodet.inference.given_photos import MAX_PHOTOS, GivenPhotos
from autodet.inference.photo_folders import FoundPhotos
from autodet.inference.prediction_batches import PredictionBatch
from autodet.inference.prediction_process import BATCH
from autodet.models.store import StoredModel
from autodet.text_format import counted, duration
from autodet.ui.common.frame import sentences_for_errors
from autodet.ui.common.markdown import escape
from autodet.ui.predict.batches import find_batch
from autodet.ui.predict.gallery import show_predictions
from autodet.ui.predict.labels import labels_of
from autodet.ui.predict.seen import Photo, Seen
from autodet.ui.predict.tiles import offer_tiles
from autodet.ui.predict.visit import Visit, current_visit

FEW = BATCH  # so few photos take one request, for which the page waits
MAX_WAIT_SECONDS = 10.0
REFRESH_SECONDS = 1.0
MAX_REFRESHED = 100  # photos a second; a refresh describes all photos again


def predict(model: StoredModel, given: GivenPhotos) -> None:
    """Predict on photos and show the predictions: those of few photos together, those of many as they arrive."""
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
    seconds = max(REFRESH_SECONDS, len(batch.photos) / MAX_REFRESHED) if under_way else None
    st.fragment(_show, run_every=seconds)(model, given, batch, visit, under_way)


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
        done = [photo for photo in given.photos if photo in results and not results[photo].prediction.error]
        # Labels that are read from files follow at the end, because reading takes all of them.
        sizes_wh = {} if under_way else {photo: results[photo].prediction.size_wh for photo in done}
        labels = labels_of(model, given, sizes_wh)
        seen = [
            Seen(Photo(photo[1], photo[0]), results[photo].sha256, results[photo].prediction, labels.get(photo))
            for photo in done
        ]
        offer_tiles(model, visit, [one.prediction for one in seen], under_way)
        show_predictions(model, seen, under_way)


@st.fragment(run_every=REFRESH_SECONDS)
def _show_progress(batch: PredictionBatch) -> None:
    if not batch.under_way:
        st.rerun()
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
