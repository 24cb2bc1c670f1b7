"""The models in stock: details, download, upload, delete."""

from importlib.util import find_spec
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory

import streamlit as st

from autodet.errors import AutodetError
from autodet.models.registry import ARCHITECTURES
from autodet.models.store import StoredModel, add_model, delete_model, list_models
from autodet.search.control import list_searches
from autodet.ui.frame import open_page, page_link
from autodet.ui.text import ago, escape, score
from autodet.words import size_text

UPLOADS = "model_uploads"


def offer_upload() -> None:
    """A way in for ``.autodet`` files from other installations."""
    with st.expander("Upload a model", icon=":material/upload:"):
        key = f"model {st.session_state.setdefault(UPLOADS, 0)}"
        upload = st.file_uploader("A file that ends in .autodet", type="autodet", key=key)
        if upload is None:
            return
        name = st.text_input("Name", PurePath(upload.name).stem, key=f"{key} name")
        if st.button("Add the model", type="primary", icon=":material/add:"):
            _add(upload.name, upload.getvalue(), name)


def _add(file_name: str, content: bytes, name: str) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / (PurePath(file_name).name or "upload.autodet")
        path.write_bytes(content)
        try:
            model = add_model(path, name or path.stem)
        except AutodetError as error:
            st.error(escape(str(error)), icon=":material/error:")
            return
    st.session_state[UPLOADS] += 1
    st.toast(f"{escape(model.id)} was added.", icon=":material/check:")
    st.rerun()


def show_models() -> None:
    """Every model, the best first."""
    models = list_models()
    if not models:
        st.info("There is no model yet. Run a search, or upload a model.", icon=":material/deployed_code:")
        page_link("search", "Go to Search")
    for model in models:
        with st.container(border=True):
            _show_model(model)


def _show_model(model: StoredModel) -> None:
    card = model.card
    name, figures, actions = st.columns([4, 2.8, 2.6], vertical_alignment="center")
    title = card.name if card.name == model.id else f"{card.name} ({model.id})"
    name.markdown(
        f"**{escape(title)}**  \n{escape(', '.join(card.classes[:12]))}{' …' if len(card.classes) > 12 else ''}"
    )
    name.caption(f"Trained on {escape(card.dataset)} {ago(card.created)} · {size_text(model.size_bytes)}")
    with figures.container(horizontal=True, gap="medium"):
        map50, map50_95 = (score(card.metrics.get(metric)) for metric in ("map50", "map50_95"))
        st.metric("mAP@0.5", map50, help="On its data set's validation photos.", width="content")
        st.metric("mAP@0.5–0.95", map50_95, width="content")
    with actions.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Try", key=f"try {model.id}", icon=":material/center_focus_strong:"):
            open_page("predict", model=model.id)
        st.download_button(
            "Download",
            model.path.read_bytes,  # read when somebody asks for it
            f"{model.id}.autodet",
            "application/octet-stream",
            key=f"download {model.id}",
            icon=":material/download:",
            on_click="ignore",
        )
    with st.expander("Details"):
        _show_details(model)


def _show_details(model: StoredModel) -> None:
    card = model.card
    architecture = ARCHITECTURES.get(card.architecture)
    facts = {
        "Architecture": architecture.title if architecture else card.architecture,
        "Photos are seen at": f"{card.image_size} pixels; {card.preprocessing}",
        "Best epoch": card.epoch,
        "One prediction takes": f"{card.latency_ms:g} ms" if card.latency_ms else "not measured",
        "Refit": "on training and validation photos; its figures are those of the best trial" if card.refit else "no",
        "Began with": f"the weights of {card.start_from.model}" if card.start_from else "the network's own weights",
        "Trained with": ", ".join(f"{key} {_rounded(value)}" for key, value in card.params.items()),
        "Made with": ", ".join(f"{key} {value}" for key, value in card.versions.items()),
        "Data set's fingerprint": card.dataset_fingerprint,
        "Weights' SHA-256": card.weights_sha256,
    }
    st.markdown("\n".join(f"- {key}: {escape(str(value))}" for key, value in facts.items()))
    with st.container(horizontal=True):
        if find_spec("onnx"):
            st.download_button(
                "Download as ONNX",
                lambda: _onnx(model),
                f"{model.id}.onnx",
                "application/octet-stream",
                key=f"onnx {model.id}",
                icon=":material/output:",
                on_click="ignore",
                help="For programs without Python; made when you press, which takes some seconds.",
            )
        if st.button("Delete", key=f"delete {model.id}", icon=":material/delete:"):
            _confirm_deletion(model)


def _rounded(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _onnx(model: StoredModel) -> bytes:
    from autodet.inference.onnx_export import export_onnx

    with TemporaryDirectory() as folder:
        export_onnx(model, Path(folder) / "model.onnx")
        return (Path(folder) / "model.onnx").read_bytes()


@st.dialog("Delete this model?")
def _confirm_deletion(model: StoredModel) -> None:
    if any(status.active and status.search == model.id for status in list_searches()):
        st.warning("The search that makes this model is still running; stop it first.")
        return
    st.markdown(f"**{escape(model.id)}** and its evaluations will be gone. Downloaded copies are not touched.")
    if st.button("Delete it", type="primary", icon=":material/delete:"):
        delete_model(model.id)
        st.rerun()
