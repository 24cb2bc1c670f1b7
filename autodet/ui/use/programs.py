"""Programs that use a model: through the HTTP API, with its ONNX file, and with the Python package."""

from urllib.parse import urlsplit

import streamlit as st

from autodet.access.change import may_change
from autodet.models.store import StoredModel
from autodet.server.api.photo_bodies import MAX_BODY_BYTES
from autodet.server.api.snippets import VARIABLE, program
from autodet.text_format import size_text
from autodet.ui.common.frame import link
from autodet.ui.common.model_files import offer_bundle, offer_graph
from autodet.ui.common.server_app import needs_token
from autodet.ui.use.onnx_program import onnx_program

LANGUAGES = {"bash": "curl", "python": "Python", "javascript": "JavaScript"}
PYTHON = """import autodet

detector = autodet.load_detector("{file}")
class_ids, scores, boxes = detector.predict("photo.jpg")
for class_id, score, box in zip(class_ids, scores, boxes):
    print(detector.classes[class_id], round(float(score), 2), box.astype(float).round(1).tolist())"""


def show_programs(model: StoredModel) -> None:
    """Show the ways to use a model, each with its files and a program to copy."""
    api, onnx, python = st.tabs(["HTTP API", "ONNX Runtime", "Python package"])
    with api:
        _show_api(model)
    with onnx:
        _show_onnx(model)
    with python:
        _show_python(model)


def _show_api(model: StoredModel) -> None:
    address = _server_address()
    st.markdown(
        f"Any program that reaches this server can send it a photo, of at most {size_text(MAX_BODY_BYTES)}, and gets "
        f"the boxes as JSON, or the photo with its boxes. [Description of the API]({address}/api/docs)"
    )
    if needs_token():
        st.markdown(f"This server wants a token. The programs read it from the environment variable `{VARIABLE}`.")
        if may_change():
            link("settings", "Make a token on Settings")
        else:
            st.caption(":material/key: Ask an editor for a token.")
    for language, title in LANGUAGES.items():
        st.markdown(f"**{title}**")
        st.code(program(language, address, model.id, token=needs_token()), language=language)


def _show_onnx(model: StoredModel) -> None:
    st.markdown("The network as one file for ONNX Runtime, which runs in Python, C++, C#, Java and JavaScript.")
    if not offer_graph(model, "onnx for use"):
        st.info("This model has no ONNX graph. *Models* makes one, in the details of the model.")
        link("models", "Models")
        return
    st.markdown("This program needs the packages onnxruntime, Pillow and numpy, and neither autodet nor torch:")
    st.code(onnx_program(f"{model.id}.onnx"), language="python")


def _show_python(model: StoredModel) -> None:
    st.markdown("The model as one file, for another installation of autodet: its pages, its commands, and Python.")
    offer_bundle(model, "bundle for use")
    st.code(PYTHON.format(file=f"{model.id}.autodet"), language="python")
    st.markdown("An API like that of this server, with a single model and without pages:")
    st.code(f"python -m autodet serve {model.id}.autodet", language="bash")


def _server_address() -> str:
    """Return the address by which this visitor's browser reaches the server."""
    place = urlsplit(st.context.url or "")
    return f"{place.scheme}://{place.netloc}" if place.netloc else "http://localhost:8501"
