"""Predictions on Home with the demo model or the newest one. Dropped photos are not stored."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import streamlit as st

from autodet.datasets.photos import open_photo
from autodet.datasets.sources.sample import read_shipped
from autodet.errors import BusyError, PhotoError, QuotaError
from autodet.inference.box_drawings import draw_boxes
from autodet.inference.demo import demo_model
from autodet.models.store import StoredModel
from autodet.records import FloatArray, Prediction
from autodet.text_format import counted, listed
from autodet.ui.common.frame import sentences_for_errors
from autodet.ui.common.loaded_models import loaded, predict_photo
from autodet.ui.common.markdown import escape, shortened
from autodet.ui.common.pictures import as_jpeg, frame_colour, framed

Drawn = tuple[bytes, str]  # a JPEG, empty if there is none, and its caption

SHOWN = ("test/table_180.webp", "test/table_210.webp", "test/table_012.webp")  # of the shipped sample
MAX_PHOTOS = 6
MAX_CLASSES = 8  # named of a model
PIXELS = 640  # longer side of a shown photo
COLUMNS = 3


def show_demo() -> None:
    """Show three photos with the demo model's boxes, or the photos that the visitor drops."""
    with st.container(border=True), sentences_for_errors("Home"):
        st.subheader("See what a detector does", anchor=False)
        st.markdown(
            "This one finds 80 kinds of everyday objects: people, cars, animals, furniture, fruit. Yours finds what "
            "you teach it."
        )
        _show(demo_model(), "demo photos", SHOWN)


def show_drop_zone(model: StoredModel) -> None:
    """Let the visitor drop photos for a model."""
    st.subheader("Try a photo", anchor=False)
    with st.container(border=True):
        classes = listed((shortened(name) for name in model.card.classes), most=MAX_CLASSES)
        st.markdown(f"The newest model, **{escape(model.card.name)}**, finds {escape(classes)}.")
        _show(model, f"home photos {model.id}")


@st.fragment
def _show(model: StoredModel, key: str, shown: Sequence[str] = ()) -> None:
    with sentences_for_errors("Home"):
        uploads = st.file_uploader(
            "Drop photos here, or choose some",
            accept_multiple_files=True,
            key=key,
            help="They are not stored.",
        )
        if len(uploads) > MAX_PHOTOS:
            st.caption(f"The first {MAX_PHOTOS} of {len(uploads)} photos. Predict shows all of them.")
        drawn = [_draw_upload(model, upload.name, upload.getvalue()) for upload in uploads[:MAX_PHOTOS]]
        drawn = drawn or [_draw_shown(name, frame_colour()) for name in shown]
        for start in range(0, len(drawn), COLUMNS):
            for column, one in zip(st.columns(COLUMNS), drawn[start : start + COLUMNS], strict=False):
                with column:
                    _show_photo(*one)


def _show_photo(picture: bytes, text: str) -> None:
    if picture:
        st.image(picture, width="stretch", alt=text)
    st.caption(escape(text))


@st.cache_data(show_spinner=False)
def _draw_shown(name: str, colour: str) -> Drawn:
    """Return a photo of the sample with the objects that the demo model detects; cached for all visitors."""
    del colour  # part of the cache key
    model, content = demo_model(), read_shipped(name)
    return _draw(model, "", content, next(loaded(model).predict_named([(content, name)])))


def _draw_upload(model: StoredModel, name: str, content: bytes) -> Drawn:
    """Return a dropped photo with the detected objects, or the reason for having none."""
    try:
        return _draw(model, name, content, predict_photo(model, content, name).above(_thresholds(model)))
    except (PhotoError, BusyError, QuotaError) as error:
        return b"", str(error)


def _thresholds(model: StoredModel) -> FloatArray:
    return np.array(list(model.card.all_thresholds.values()), np.float32)


def _draw(model: StoredModel, name: str, content: bytes, found: Prediction) -> Drawn:
    photo = open_photo(content, name)
    width = photo.width
    photo.thumbnail((PIXELS, PIXELS))
    scale, classes = photo.width / width, model.card.classes
    drawn = draw_boxes(photo, found.boxes_xyxy * scale, found.class_ids, classes, found.scores)
    counts = Counter(classes[class_id] for class_id in found.class_ids)
    kinds = ", ".join(counted(number, kind) for kind, number in counts.items()) or "nothing found"
    return as_jpeg(framed(drawn, frame_colour())), f"{name}: {kinds}" if name else kinds
