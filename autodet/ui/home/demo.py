"""Predictions on Home: photos with their boxes, by the demo model or by the newest one. No dropped photo is stored."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from autodet.datasets.photos import open_photo
from autodet.datasets.sources.sample import read_shipped
from autodet.errors import PhotoError
from autodet.inference.box_drawings import draw_boxes
from autodet.models.store import StoredModel
from autodet.text_format import counted
from autodet.ui.common.frame import sentences_for_errors
from autodet.ui.common.loaded_models import loaded
from autodet.ui.common.markdown import escape
from autodet.ui.common.pictures import as_jpeg, frame_colour, framed

if TYPE_CHECKING:
    from autodet.inference.detector import Detector

SHOWN = ("test/table_180.webp", "test/table_210.webp", "test/table_012.webp")  # of the shipped sample
MAX_PHOTOS, MAX_MEGABYTES = 6, 20
PIXELS = 640  # longer side of a shown photo
COLUMNS = 3


def show_demo() -> None:
    """Show three photos with the demo model's boxes, or the photos that the visitor drops."""
    with st.container(border=True):
        st.subheader("See what a detector does", anchor=False)
        st.markdown(
            "This one finds 80 kinds of everyday objects: people, cars, animals, furniture, fruit. Yours finds what "
            "you teach it."
        )
        _show(_demo, "demo photos", SHOWN)


def show_drop_zone(model: StoredModel) -> None:
    """Let the visitor drop photos for a model."""
    st.subheader("Try a photo", anchor=False)
    with st.container(border=True):
        st.markdown(f"The newest model, **{escape(model.card.name)}**, finds {escape(', '.join(model.card.classes))}.")
        _show(lambda: loaded(model), f"home photos {model.id}")


@st.cache_resource(show_spinner=False)
def _demo() -> "Detector":
    from autodet.inference.demo import load_demo

    return load_demo()


@st.fragment
def _show(load: Callable[[], "Detector"], key: str, shown: Sequence[str] = ()) -> None:
    with sentences_for_errors("Home"):
        uploads = st.file_uploader(
            "Drop photos here, or choose some",
            accept_multiple_files=True,
            max_upload_size=MAX_MEGABYTES,
            key=key,
            help="They are not stored.",
        )
        if len(uploads) > MAX_PHOTOS:
            st.caption(f"The first {MAX_PHOTOS} of {len(uploads)} photos. Predict shows all of them.")
        drawn = [_draw(load(), upload.name, upload.getvalue()) for upload in uploads[:MAX_PHOTOS]]
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
def _draw_shown(name: str, colour: str) -> tuple[bytes, str]:
    del colour  # part of the cache key
    return _draw(_demo(), "", read_shipped(name))


def _draw(detector: "Detector", name: str, content: bytes) -> tuple[bytes, str]:
    """Return a photo with the boxes of the detected objects, and what these are; the reason if it cannot be read."""
    try:
        photo = open_photo(content, name)
    except PhotoError as error:
        return b"", str(error)
    class_ids, scores, boxes = detector.predict(photo)
    width = photo.width
    photo.thumbnail((PIXELS, PIXELS))
    drawn = draw_boxes(photo, boxes * (photo.width / width), class_ids, detector.classes, scores)
    found = [detector.classes[class_id] for class_id in class_ids]
    kinds = ", ".join(f"{counted(found.count(kind), kind)}" for kind in dict.fromkeys(found)) or "nothing found"
    return as_jpeg(framed(drawn, frame_colour())), f"{name}: {kinds}" if name else kinds
