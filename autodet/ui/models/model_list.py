"""List of models: upload, details, download, renaming and deletion."""

from importlib.util import find_spec
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory

import streamlit as st

from autodet.access.change import may_change
from autodet.errors import AutodetError
from autodet.inference.bundle_graph import require_graph_apart
from autodet.inference.model_upload import upload_model
from autodet.inference.runtime import choose_runtime
from autodet.messages.comparisons import few_photos
from autodet.messages.plans import matches_text, similar_text
from autodet.messages.runtimes import latency_text, runtime_text
from autodet.models.registry import ARCHITECTURES
from autodet.models.store import StoredModel, list_models, rename_model
from autodet.search.api import is_in_the_making
from autodet.search.delete_assets import delete_model, plan_model_deletion
from autodet.text_format import listed, size_text
from autodet.ui.common.confirm_deletion import confirm_deletion
from autodet.ui.common.editors import editors_only, made_by
from autodet.ui.common.empty_state import show_empty
from autodet.ui.common.frame import link, sentences_for_errors
from autodet.ui.common.markdown import ago, escape, score
from autodet.ui.common.model_files import offer_bundle, offer_graph
from autodet.ui.common.threshold import thresholds_text
from autodet.ui.models.int8 import offer_int8
from autodet.ui.models.model_report import show_report_dialog

UPLOADS = "model_uploads"
DONE = "model_done"  # session state: success message of the last upload or renaming
MAX_NAME_LENGTH = 100  # characters


@editors_only("add model")
def offer_upload() -> None:
    """Show an upload form for ``.autodet`` files from other installations."""
    with st.container():  # always present, because expanders below would close if it came and went
        if done := st.session_state.pop(DONE, None):
            st.success(escape(done), icon=":material/check:")
    with st.expander("Upload a model", icon=":material/upload:"):
        key = f"model {st.session_state.setdefault(UPLOADS, 0)}"
        upload = st.file_uploader("A file that ends in .autodet", type="autodet", key=key)
        if upload is None:
            return
        name = st.text_input("Name", PurePath(upload.name).stem, max_chars=MAX_NAME_LENGTH, key=f"{key} name")
        if st.button("Add the model", type="primary", icon=":material/add:"):
            _add(upload.name, upload.getvalue(), name)


def _add(file_name: str, content: bytes, name: str) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / (PurePath(file_name).name or "upload.autodet")
        path.write_bytes(content)
        try:
            with st.spinner("Checking the model"):
                model = upload_model(path, name)
        except AutodetError as error:
            st.error(escape(str(error)), icon=":material/error:")
            return
    st.session_state[UPLOADS] += 1
    st.session_state[DONE] = f"{model.card.name} was added."
    st.rerun()


SCALED = "a photo is scaled until its longer side has as many, and grey margins make it square (letterbox)"


def show_models() -> None:
    """Show all models, the newest first."""
    models = list_models()
    if not models:
        text = "There is no model yet. Train one here, or upload a model above."
        show_empty("model", text, [("search", "Train a detector")])
    if len(models) > 1:
        link("compare", "Compare models")
    for model in models:
        with st.container(border=True):
            _show_model(model)


def _show_model(model: StoredModel) -> None:
    card = model.card
    name, figures, actions = st.columns([3.4, 2.7, 3.5], vertical_alignment="center")
    name.markdown(
        f"**{escape(_title(model))}**  \n{escape(', '.join(card.classes[:12]))}{' …' if len(card.classes) > 12 else ''}"
    )
    name.caption(f"{_origin(model)} · {size_text(model.size_bytes)}")
    with figures.container(horizontal=True, gap="medium"):
        map50, map50_95 = (score(card.metrics.get(metric)) for metric in ("map50", "map50_95"))
        st.metric(
            "mAP@0.5",
            map50,
            few_photos(card.measured_photos) or None,
            delta_color="off",
            delta_arrow="off",
            help="On its data set's validation photos.",
            width="content",
        )
        st.metric("mAP@0.5–0.95", map50_95, width="content")
    with actions.container(horizontal=True, horizontal_alignment="right"):
        link("predict", "Try", model=model.id)
        offer_bundle(model, f"download {model.id}", "Download")
        link("use", "Use", model=model.id)
        if st.button("Report", key=f"report {model.id}", icon=":material/summarize:"):
            show_report_dialog(model)
    with st.expander("Details"):
        _show_details(model)


def _title(model: StoredModel) -> str:
    return model.card.name if model.card.name == model.id else f"{model.card.name} ({model.id})"


def _origin(model: StoredModel) -> str:
    """Describe the origin of a model, as Markdown."""
    trained = f"rained on the data set {escape(model.card.dataset)}"
    if model.brought:
        return f"Added {ago(model.added)}{made_by(model.owner)}, t{trained} elsewhere"
    return ", ".join(filter(None, (f"T{trained}", ago(model.card.created)))) + made_by(model.owner)


def _show_details(model: StoredModel) -> None:
    card = model.card
    architecture, runtime = ARCHITECTURES.get(card.architecture), choose_runtime(card)
    facts = {
        "Architecture": architecture.title if architecture else card.architecture,
        "Photo size": f"{card.image_size} pixels: {SCALED}",
        "Best epoch": card.epoch or "",
        "Latency per photo": latency_text(card.latency_ms, runtime.name),
        "Trained again on training and validation photos": "yes; its metrics are those of the best trial"
        if card.refit
        else "no",
        "Average of trials": listed(card.averaged) if card.averaged else "",
        "Starting weights": f"the weights of {card.start_from.model}"
        if card.start_from
        else "the network's pretrained weights",
        "Classes known to the starting weights": matches_text(card.reused_classes) if card.reused_classes else "",
        "Classes that started from similar ones": similar_text(card.similar_classes) if card.similar_classes else "",
        "Hyperparameters": ", ".join(f"{key} {_rounded(value)}" for key, value in card.params.items()),
        "Software versions": ", ".join(f"{key} {value}" for key, value in card.versions.items()),
        "Data set's fingerprint": card.dataset_fingerprint,
        "Confidence thresholds": thresholds_text(card),
        "Predictions": runtime_text(runtime.reason),
        "Weights' SHA-256": card.weights_sha256,
    }
    st.markdown("\n".join(f"- {key}: {escape(str(value))}" for key, value in facts.items() if value != ""))
    wanted = False
    with st.container(horizontal=True):
        has_graph = offer_graph(model, f"onnx {model.id}")
        if not has_graph and architecture and architecture.onnx and find_spec("onnx") and may_change():
            wanted = st.button(
                "Make the ONNX graph",
                key=f"graph {model.id}",
                icon=":material/output:",
                help="For quicker predictions, without torch, and for programs without Python. It takes some seconds.",
            )
        if may_change():
            with st.popover("Rename", icon=":material/edit:", key=f"rename {model.id} {card.name}"):
                _offer_new_name(model)
            if st.button("Delete", key=f"delete {model.id}", icon=":material/delete:"):
                _confirm_deletion(model)
    offer_int8(model)
    if wanted:
        _make_graph(model)


def _make_graph(model: StoredModel) -> None:
    with sentences_for_errors("Models"):  # a download could not show them
        with st.spinner("Making the ONNX graph"):
            require_graph_apart(model.path)
        st.session_state[DONE] = f"{model.card.name} has an ONNX graph now."
        st.rerun()


def _offer_new_name(model: StoredModel) -> None:
    if is_in_the_making(model.id):
        st.markdown("The search that makes this model is still running; rename the model when it has finished.")
        return
    with st.form(f"new name {model.id}", border=False):
        name = st.text_input("New name", model.card.name, max_chars=MAX_NAME_LENGTH)
        if st.form_submit_button("Rename it", type="primary", icon=":material/check:"):
            renamed = rename_model(model.id, name)
            st.session_state[DONE] = f"{model.card.name} was renamed to {renamed.card.name}."
            st.rerun()


def _rounded(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


@st.dialog("Delete this model?")
def _confirm_deletion(model: StoredModel) -> None:
    with sentences_for_errors("Models"):
        plan_model_deletion(model.id)
        st.markdown(f"**{escape(_title(model))}** and its evaluations will be deleted. Downloaded copies stay.")
        confirm_deletion(lambda: delete_model(model.id), "model", model.id)
