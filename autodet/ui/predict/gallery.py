"""Photos with their predictions: pictures, table and downloads."""

import zipfile
from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import PurePath

import pandas as pd
import streamlit as st
from PIL import Image
from streamlit.delta_generator import DeltaGenerator

from autodet.datasets.photos import open_photo
from autodet.inference.box_drawings import draw_boxes, drawing_jpeg
from autodet.models.store import StoredModel
from autodet.text_format import counted
from autodet.ui.common.csv_tables import as_csv
from autodet.ui.common.frame import sentences_for_errors
from autodet.ui.common.loaded_models import loaded
from autodet.ui.common.markdown import escape
from autodet.ui.common.photo_viewer import (
    PREDICTIONS,
    ViewedBoxes,
    ViewedPhoto,
    opening,
    photo_viewer,
    thumbnail_button,
    view_photo,
)
from autodet.ui.common.pictures import as_jpeg, frame_colour, framed, small_photo
from autodet.ui.common.threshold import LOWEST, ask_for_threshold
from autodet.ui.predict.seen import Seen
from autodet.workspace import portable

TILE_PIXELS = 720  # longer side of a photo among several; downloads have the original size
PER_PAGE, COLUMNS = 8, 2


@st.fragment
def show_predictions(model: StoredModel, seen: Sequence[Seen], under_way: bool = False) -> None:
    """Show the predictions with a confidence slider, a table and downloads.

    Args:
        model: The model that made the predictions.
        seen: Photos with their predictions, in the order in which they were given.
        under_way: Whether more predictions follow.
    """
    if not seen:
        return
    with sentences_for_errors("Predict"):
        _show_predictions(model, seen, under_way)


def _show_predictions(model: StoredModel, everything: Sequence[Seen], under_way: bool) -> None:
    classes = model.card.classes
    left, right = st.columns([3, 2]) if len(classes) > 1 else (st.container(), None)
    threshold = ask_for_threshold(left, model.card)
    if right and (wanted := _ask_for_classes(right, classes)):
        everything = [replace(seen_photo, prediction=seen_photo.prediction.only(wanted)) for seen_photo in everything]
    shown = [replace(seen_photo, prediction=seen_photo.prediction.above(threshold)) for seen_photo in everything]
    table = _table(shown, classes)
    if table.empty:
        st.info(_nothing_sentence(everything), icon=":material/search_off:")
    for caution in loaded(model).cautions([seen_photo.prediction for seen_photo in shown]):
        st.warning(escape(caution), icon=":material/warning:")
    _show_pictures(shown, classes)
    if not table.empty:
        formats = {"score": "%.2f", "x1": "%.1f", "y1": "%.1f", "x2": "%.1f", "y2": "%.1f"}
        columns_as = {name: st.column_config.NumberColumn(format=shape) for name, shape in formats.items()}
        st.dataframe(table, hide_index=True, column_config=columns_as)
    if not under_way:
        _offer_downloads(shown, classes, table)


def _ask_for_classes(room: DeltaGenerator, classes: Sequence[str]) -> list[int]:
    """Let the visitor select the classes to show; an empty list means all."""
    names = dict(enumerate(classes))
    return room.multiselect("Classes", list(names), format_func=names.__getitem__, placeholder="every class")


def _nothing_sentence(everything: Sequence[Seen]) -> str:
    """Explain what to do if no detection reaches the threshold."""
    highest = max((float(seen_photo.prediction.scores.max(initial=0.0)) for seen_photo in everything), default=0.0)
    if highest < LOWEST:
        return f"No detection scores even {LOWEST}: the model finds none of its classes here."
    return f"No detection reaches the threshold; the highest score is {highest:.2f}. Move the slider left to see it."


def _show_pictures(shown: Sequence[Seen], classes: Sequence[str]) -> None:
    """Show a single photo in the viewer, or several as thumbnails that open there."""
    if len(shown) == 1:
        _view(shown, classes, "predicted photo")
        return
    pages = -(-len(shown) // PER_PAGE)
    page = st.pagination(pages, key=f"photos {len(shown)}") if pages > 1 else 1
    first = (page - 1) * PER_PAGE
    on_page = range(first, min(first + PER_PAGE, len(shown)))
    for start in on_page[::COLUMNS]:  # row by row, which keeps the order on a phone
        for column, place in zip(st.columns(COLUMNS), range(start, on_page.stop), strict=False):
            with column.container(gap="xxsmall", key=f"tile {place}"):
                _show_tile(shown, classes, place)


def _show_tile(shown: Sequence[Seen], classes: Sequence[str], place: int) -> None:
    """Show the thumbnail of a photo with its boxes, with a button that enlarges it."""
    seen_photo = shown[place]
    name = seen_photo.photo.name
    photo, scale = small_photo(seen_photo.sha256, TILE_PIXELS, seen_photo.photo.source, name)
    drawn = framed(_drawn(photo, scale, seen_photo, classes), frame_colour())
    st.image(as_jpeg(drawn), width="stretch", alt=f"{name} with its boxes")
    label = f"{escape(name)} · {counted(len(seen_photo.prediction), 'object')}"
    if thumbnail_button(label, f"enlarge {place} {seen_photo.sha256}"):
        _enlarge(shown, classes, place)


@st.dialog("Photo", width="large")
def _enlarge(shown: Sequence[Seen], classes: Sequence[str], start: int) -> None:
    """Show the photos one at a time, with their predictions."""
    with sentences_for_errors("Predict"):
        _view(shown, classes, "predicted photos", opening(), start)


def _view(shown: Sequence[Seen], classes: Sequence[str], key: str, identity: str = "", start: int = 0) -> None:
    photo_viewer(
        len(shown),
        lambda index: _viewed(shown[index], classes),
        key=key,
        layers=[PREDICTIONS],
        identity=identity,
        start=start,
    )


def _viewed(seen_photo: Seen, classes: Sequence[str]) -> ViewedPhoto:
    photo, prediction = seen_photo.photo, seen_photo.prediction
    boxes = {PREDICTIONS.key: ViewedBoxes.of(prediction, classes)}
    return view_photo(seen_photo.sha256, photo.source, photo.name, boxes, counted(len(prediction), "object"))


def _drawn(photo: Image.Image, scale: float, seen_photo: Seen, classes: Sequence[str]) -> Image.Image:
    prediction = seen_photo.prediction
    return draw_boxes(photo, prediction.boxes_xyxy * scale, prediction.class_ids, classes, prediction.scores)


def _drawn_whole(seen_photo: Seen, classes: Sequence[str]) -> bytes:
    return drawing_jpeg(_drawn(open_photo(seen_photo.photo.source, seen_photo.photo.name), 1.0, seen_photo, classes))


def _table(shown: Sequence[Seen], classes: Sequence[str]) -> pd.DataFrame:
    rows = []
    for seen_photo in shown:
        prediction = seen_photo.prediction
        for box, class_id, score in zip(
            prediction.boxes_xyxy.astype(float).round(1).tolist(),
            prediction.class_ids.tolist(),
            prediction.scores.tolist(),
            strict=True,
        ):
            named = dict(zip(("x1", "y1", "x2", "y2"), box, strict=True))
            rows.append({"photo": seen_photo.photo.name, "class": classes[class_id], "score": round(score, 4), **named})
    return pd.DataFrame(rows, columns=["photo", "class", "score", "x1", "y1", "x2", "y2"])


def _offer_downloads(shown: Sequence[Seen], classes: Sequence[str], table: pd.DataFrame) -> None:
    with st.container(horizontal=True):
        if len(shown) == 1:
            st.download_button(
                "Download the photo with its boxes",
                lambda: _drawn_whole(shown[0], classes),
                f"{portable(PurePath(shown[0].photo.name).stem)}-boxes.jpg",
                "image/jpeg",
                icon=":material/image:",
                on_click="ignore",
            )
        else:
            st.download_button(
                "Download the photos with their boxes",
                lambda: _zipped(shown, classes),
                "boxes.zip",
                "application/zip",
                icon=":material/folder_zip:",
                on_click="ignore",
            )
        st.download_button(
            "Download the table as CSV",
            as_csv(table),
            "boxes.csv",
            "text/csv",
            icon=":material/table:",
            on_click="ignore",
        )


def _zipped(shown: Sequence[Seen], classes: Sequence[str]) -> bytes:
    content = BytesIO()
    digits = len(str(len(shown)))  # zero-padded, so that files sort in order
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for number, seen_photo in enumerate(shown, start=1):
            archive.writestr(
                f"{number:0{digits}}-{portable(PurePath(seen_photo.photo.name).stem)}.jpg",
                _drawn_whole(seen_photo, classes),
            )
    return content.getvalue()
