"""Tiles on the Predict page: when they may help, and what they gain on validation photos."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from autodet.access.change import may_change
from autodet.inference.background_jobs import Job
from autodet.inference.tile_gain import has_large_photos, tile_gain
from autodet.inference.tile_gain_jobs import cancel_tile_gain, find_tile_gain, start_tile_gain
from autodet.inference.tiles import Tiling
from autodet.messages.tiles import tile_gain_text
from autodet.models.store import StoredModel
from autodet.records import Prediction, TileGain
from autodet.text_format import counted
from autodet.ui.common.job_progress import watch_job
from autodet.ui.common.loaded_models import version_of
from autodet.ui.common.markdown import escape
from autodet.ui.predict.visit import Visit

GAINS = "gains of tiles"  # session state: gains by version of the model


def offer_tiles(model: StoredModel, visit: Visit, predictions: Sequence[Prediction], under_way: bool) -> None:
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
        "It takes that much longer, and large objects get more false alarms.",
    )
    if wanted:
        st.caption("For small objects. Large ones get more false alarms this way: turn it off where objects are large.")
    if not under_way:
        _show_gain(model)
    if wanted != visit.tiles:
        visit.tiles = wanted
        st.rerun()


def _show_gain(model: StoredModel) -> None:
    """Show what tiles gain, the progress of the measurement, or a button that starts it."""
    job = find_tile_gain(model)  # read before the evaluations, because the job may finish in between
    if gain := _kept_gain(model):
        st.caption(escape(tile_gain_text(gain)))
    elif job and not job.error:
        watch_job("Predict", partial(find_tile_gain, model), _progress_text, partial(cancel_tile_gain, model))
    elif may_change() and has_large_photos(model):
        if job:
            st.error(escape(job.error), icon=":material/error:")
        if st.button(
            "Measure what that gains",
            key=f"measure tiles {model.id}",
            icon=":material/speed:",
            help="Predicts on the validation photos of the model's data set without and with tiles, and compares mAP, "
            "precision and recall on the large ones.",
        ):
            start_tile_gain(model)
            st.rerun()


def _kept_gain(model: StoredModel) -> TileGain | None:
    """Return the measured gain; the session remembers it, because it takes two evaluations of kept predictions."""
    gains: dict[str, TileGain] = st.session_state.setdefault(GAINS, {})
    version = version_of(model)
    if version not in gains and (gain := tile_gain(model)):
        gains[version] = gain
    return gains.get(version)


def _progress_text(job: Job) -> str:
    return f"Predicting on validation photos: {job.done:,} of {job.total:,}" if job.total else "Loading the model"
