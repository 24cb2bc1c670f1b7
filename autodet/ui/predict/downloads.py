"""Downloads of the predictions that are shown."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import PurePath

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from autodet.datasets.photos import open_photo
from autodet.inference.box_drawings import draw_boxes, drawing_jpeg
from autodet.inference.prediction_exports import EXPORTS, PredictedPhoto, export_predictions
from autodet.records import Prediction
from autodet.ui.common.markdown import escape
from autodet.ui.predict.seen import Seen
from autodet.ui.predict.sides import Sides
from autodet.workspace import portable

DRAWINGS = "photos"  # the export that is a single file for a single photo
ICONS = {DRAWINGS: ":material/image:", "csv": ":material/table:"}
LABELS_ICON = ":material/select_all:"


def offer_downloads(
    place: DeltaGenerator,
    seen: Sequence[Seen],
    sides: Sides,
    shown: Sequence[Sequence[Prediction]],
    under_way: bool,
) -> None:
    """Offer the shown detections in every layout.

    Args:
        place: Container of the button.
        seen: The photos.
        sides: The models.
        shown: The detections of each model on each photo that are shown, with the model's class ids.
        under_way: Whether more predictions follow.
    """
    help_text = "Exactly the boxes that are shown: at these thresholds, of these classes."
    with place.popover("Download", icon=":material/download:", disabled=under_way, help=help_text):
        names = [side.model.card.name for side in sides.sides]
        side = 0
        if len(names) > 1:
            side = st.radio("Boxes of", range(len(names)), format_func=lambda index: escape(names[index]))
        classes = sides.sides[side].model.card.classes
        photos = [
            PredictedPhoto(one.photo.name, one.photo.source, prediction)
            for one, prediction in zip(seen, shown[side], strict=True)
        ]
        for key, export in EXPORTS.items():
            single = key == DRAWINGS and len(photos) == 1
            content: Callable[[], bytes] = partial(export_predictions, photos, classes, key)
            st.download_button(
                "Photo with its boxes" if single else export.title,
                partial(_drawing, photos[0], classes) if single else content,
                _file_name(photos, key),
                "image/jpeg" if single else export.mime,
                icon=ICONS.get(key, LABELS_ICON),
                on_click="ignore",
                width="stretch",
                key=f"download {key}",
            )


def _file_name(photos: Sequence[PredictedPhoto], key: str) -> str:
    """Return the name of the file; that of a single photo has the photo's name."""
    stem = portable(PurePath(photos[0].name).stem) if len(photos) == 1 else "predictions"
    if key == DRAWINGS:
        return f"{stem}-boxes.jpg" if len(photos) == 1 else f"{stem}-photos.zip"
    suffix = EXPORTS[key].suffix
    return f"{stem}{suffix}" if suffix == f".{key}" else f"{stem}-{key}{suffix}"


def _drawing(photo: PredictedPhoto, classes: Sequence[str]) -> bytes:
    seen, opened = photo.prediction, open_photo(photo.source, photo.name)
    return drawing_jpeg(draw_boxes(opened, seen.boxes_xyxy, seen.class_ids, classes, seen.scores))
