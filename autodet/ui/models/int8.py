"""8-bit ONNX file of a model: made in the background, offered with what it gains and loses."""

from functools import partial

import streamlit as st

from autodet.access.change import may_change
from autodet.inference.background_jobs import Job
from autodet.inference.int8_export import can_export_int8
from autodet.inference.int8_jobs import find_int8, kept_int8, start_int8
from autodet.messages.quantization import quantization_text
from autodet.models.store import StoredModel
from autodet.text_format import size_text
from autodet.ui.common.frame import sentences_for_errors
from autodet.ui.common.job_progress import watch_job
from autodet.ui.common.markdown import escape

STEPS = {
    "calibrate": "Calibrating on training photos",
    "float": "Measuring the model on validation photos",
    "int8": "Measuring 8 bits on validation photos",
}
HELP = (
    "An ONNX file whose convolutions use 8 bits (INT8): about a quarter of the size, and faster on most processors, "
    "for a little accuracy. It is calibrated and measured on the model's photos, which takes a minute or more."
)


def offer_int8(model: StoredModel) -> None:
    """Offer the 8-bit file of a model, or to make it; show the progress and the figures."""
    job = find_int8(model)  # read before the file, because the job may finish in between
    if kept := kept_int8(model):
        path, result = kept
        st.download_button(
            f"Download as INT8 ({size_text(result.size_bytes[1])})",
            path.read_bytes,
            f"{model.id}-int8.onnx",
            "application/octet-stream",
            key=f"int8 {model.id}",
            icon=":material/compress:",
            on_click="ignore",
            help=HELP,
        )
        st.caption(escape(quantization_text(result)))
    elif job and not job.error:
        watch_job("Models", partial(find_int8, model), _progress_text)
    elif can_export_int8(model.card):
        if job:
            st.error(escape(job.error), icon=":material/error:")
        if may_change() and st.button(
            "Make an 8-bit file", key=f"make int8 {model.id}", icon=":material/compress:", help=HELP
        ):
            with sentences_for_errors("Models"):
                start_int8(model)
                st.rerun()


def _progress_text(job: Job) -> str:
    return f"{STEPS[job.step]}: {job.done:,} of {job.total:,}" if job.step else "Preparing the 8-bit file"
