"""Downloads of a model: its bundle, and its ONNX graph."""

from pathlib import Path
from tempfile import TemporaryDirectory

import streamlit as st

from autodet.access.change import may_change
from autodet.access.visitor import for_current_visitor
from autodet.inference.bundle_graph import add_graph
from autodet.models.store import StoredModel


def offer_bundle(model: StoredModel, key: str, label: str = "Download the model") -> None:
    """Show a button that downloads a model's bundle.

    Args:
        model: The model.
        key: Key of the button, unique on its page.
        label: Text of the button.
    """
    st.download_button(
        label,
        for_current_visitor(lambda: _bundle(model)),  # called on download, in another thread
        f"{model.id}.autodet",
        "application/octet-stream",
        key=key,
        icon=":material/download:",
        on_click="ignore",
    )


def offer_graph(model: StoredModel, key: str) -> bool:
    """Show a button that downloads a model's ONNX graph, and return whether the model has one.

    Args:
        model: The model.
        key: Key of the button, unique on its page.
    """
    if not model.card.graph_sha256:
        return False
    st.download_button(
        "Download as ONNX",
        lambda: _onnx(model),
        f"{model.id}.onnx",
        "application/octet-stream",
        key=key,
        icon=":material/output:",
        on_click="ignore",
        help="For programs without Python.",
    )
    return True


def _bundle(model: StoredModel) -> bytes:
    if may_change():
        add_graph(model.path, apart=True)
    return model.path.read_bytes()


def _onnx(model: StoredModel) -> bytes:
    from autodet.inference.onnx_export import export_onnx

    with TemporaryDirectory() as folder:
        export_onnx(model, Path(folder) / "model.onnx")
        return (Path(folder) / "model.onnx").read_bytes()
