"""The photo viewer of every page: zoom, pan, layers of boxes, keys for the next and the previous photo.

The browser filters and draws the boxes. A photo reaches it as the address of a file of this server, which it fetches
once; a rerun sends boxes and addresses again, but no photo. Only the shown photo and its neighbours are prepared,
because a data set may have 50,000.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from streamlit import runtime

from autodet.charts.palette import class_colour
from autodet.datasets.photos import open_photo
from autodet.errors import PhotoError
from autodet.records import Annotations, FloatArray, IntArray, Prediction
from autodet.ui.common.address import ASSETS
from autodet.ui.common.pictures import as_jpeg

MAX_PIXELS = 1600  # longer side of a photo in the viewer
NEIGHBOURS = 1  # photos before and after the shown one that are prepared
OPENED = "opened viewers"  # session state: how often a thumbnail has been opened


def read_assets(*names: str) -> str:
    """Return the texts of asset files, joined, for a component that consists of several."""
    return "".join((ASSETS / name).read_text(encoding="utf-8") for name in names)


_component = st.components.v2.component(
    "autodet_photo_viewer",
    html=read_assets("photo_viewer.html"),
    css=read_assets("photo_viewer.css"),
    js=read_assets("photo_stage.js", "photo_viewer.js", "photo_viewer_page.js"),
)


@dataclass(frozen=True)
class Layer:
    """Boxes of one kind, which the visitor shows and hides together.

    Attributes:
        key: Identifier; photos name their boxes by it.
        title: Name on the page.
        term: The field's term, if the title is a plainer word.
        colour: Colour of all boxes as ``#rrggbb``; empty if each has the colour of its class.
        dashed: Whether lines are dashed, which distinguishes layers without their colours.
        shown: Whether the layer is shown at first.
        below: Whether the slider shows boxes below its value instead of those from it on. The score of a missed object
            is then that of the detection which would find it.
    """

    key: str
    title: str
    term: str = ""
    colour: str = ""
    dashed: bool = False
    shown: bool = True
    below: bool = False


GROUND_TRUTH = Layer("ground_truth", "Labels", "ground truth")
PREDICTIONS = Layer("predictions", "Predictions")
TRUE_POSITIVES = Layer("true_positives", "Found", "true positives", "#2a9d6f")
FALSE_POSITIVES = Layer("false_positives", "False alarms", "false positives", "#e4572e")
MISSED = Layer("missed", "Missed", "false negatives", "#e0a30b", dashed=True, below=True)
OTHER_MODEL = Layer("other_model", "Other model", "", "#a855c9", dashed=True, shown=False)
# For an evaluation, the last on top: a false alarm hides no found object. The ground truth has one colour here, because
# classes have those of the errors.
ERROR_LAYERS = (replace(GROUND_TRUTH, colour="#2f7fd6"), FALSE_POSITIVES, TRUE_POSITIVES, MISSED)


@dataclass(frozen=True, eq=False)
class ViewedBoxes:
    """Boxes of one layer on one photo.

    Attributes:
        boxes_xyxy: Boxes in pixels of the photo, shape (N, 4), best first.
        class_ids: Class ids, shape (N,).
        classes: Class names of these ids.
        scores: Confidences from 0 to 1, shape (N,); None for annotations. NaN for a single box without one.
    """

    boxes_xyxy: FloatArray
    class_ids: IntArray
    classes: Sequence[str]
    scores: FloatArray | None = None

    @classmethod
    def of(cls, found: Annotations | Prediction, classes: Sequence[str]) -> "ViewedBoxes":
        """Take over annotations, or a prediction with its scores."""
        scores = found.scores if isinstance(found, Prediction) else None
        return cls(found.boxes_xyxy, found.class_ids, classes, scores)


@dataclass(frozen=True, eq=False)
class ViewedPhoto:
    """A photo as the viewer shows it; ``view_photo`` makes one.

    Attributes:
        name: Name on the page, shown letter by letter.
        jpeg: The downscaled photo as a JPEG file.
        size_wh: Width and height of the photo that the boxes refer to, in pixels.
        boxes: Boxes by key of their layer.
        note: A sentence below the photo.
        focus: Key of a layer and index of one of its boxes, to which the viewer zooms at first; None for the whole
            photo.
    """

    name: str
    jpeg: bytes
    size_wh: tuple[int, int]
    boxes: Mapping[str, ViewedBoxes] = field(default_factory=dict)
    note: str = ""
    focus: tuple[str, int] | None = None


def view_photo(
    identity: str,
    source: Path | bytes,
    name: str,
    boxes: Mapping[str, ViewedBoxes],
    note: str = "",
    focus: tuple[str, int] | None = None,
) -> ViewedPhoto:
    """Prepare a photo for the viewer; downscaled photos are cached.

    Args:
        identity: Unique identifier of the photo's content, such as a checksum; the cache key.
        source: The photo's file, or its content.
        name: Name on the page.
        boxes: Boxes by key of their layer.
        note: A sentence below the photo.
        focus: Key of a layer and index of the box to zoom to.

    Raises:
        PhotoError: The photo cannot be read.
    """
    jpeg, size_wh = viewer_picture(identity, source, name)
    return ViewedPhoto(name, jpeg, size_wh, boxes, note, focus)


@st.cache_data(max_entries=64, show_spinner=False)
def viewer_picture(identity: str, _source: Path | bytes, _name: str) -> tuple[bytes, tuple[int, int]]:
    """Return a photo of at most ``MAX_PIXELS`` as JPEG, and its own width and height; see ``view_photo``."""
    del identity  # only the cache key
    photo = open_photo(_source, _name)
    size_wh = photo.size
    photo.thumbnail((MAX_PIXELS, MAX_PIXELS))
    return as_jpeg(photo), size_wh


def photo_viewer(
    count: int,
    load: Callable[[int], ViewedPhoto],
    *,
    key: str,
    layers: Sequence[Layer],
    identity: str = "",
    start: int = 0,
    min_score: float | None = None,
) -> int:
    """Show one of several photos; call it in a fragment, because each step to another photo reruns it.

    Args:
        count: Number of photos, at least one.
        load: Prepares the photo with an index from 0 to ``count - 1``; called for the shown photo and its neighbours.
            Its ``PhotoError`` is shown in the photo's place.
        key: Key of the viewer on its page.
        layers: Layers in the order in which they are drawn and listed.
        identity: Identifier of these photos in this order; whenever it changes, the viewer goes to ``start``.
        start: Index of the photo that is shown first.
        min_score: Initial value of a slider that hides boxes of low scores in the browser; None for no slider.

    Returns:
        The index of the shown photo.
    """
    place = _shown_place(key, identity, start, count)
    near = range(max(0, place - NEIGHBOURS), min(count, place + NEIGHBOURS + 1))
    data = {
        "identity": identity,
        "count": count,
        "place": place,
        "min_score": min_score,
        "layers": [vars(layer) for layer in layers],
        "photos": {index: _described(load, index, layers, key) for index in near},
    }
    _component(key=key, data=data, on_shown_change=lambda: None)
    return place


def thumbnail_button(label: str, key: str) -> bool:
    """Show the button of a thumbnail, which also answers clicks on the thumbnail above it in a container ``tile ...``.

    Args:
        label: Text of the button, as Markdown.
        key: Key of the button, ``enlarge ...``.

    Returns:
        Whether it was pressed; then open a dialog with a viewer whose identity is ``opening``.
    """
    pressed = st.button(label, key=key, type="tertiary", icon=":material/zoom_in:", wrap=False)
    if pressed:
        st.session_state[OPENED] = st.session_state.get(OPENED, 0) + 1
    return pressed


def opening() -> str:
    """Return the identity of the viewer that a thumbnail opened last; each opening has its own start."""
    return str(st.session_state.get(OPENED, 0))


def _shown_place(key: str, identity: str, start: int, count: int) -> int:
    """Return the index that the browser reported for these photos, or the start, limited to those that exist."""
    shown = (st.session_state.get(key) or {}).get("shown")
    place = start
    if isinstance(shown, Mapping) and shown.get("identity") == identity and isinstance(shown.get("place"), int):
        place = shown["place"]
    return min(max(0, place), count - 1)


def _described(load: Callable[[int], ViewedPhoto], index: int, layers: Sequence[Layer], key: str) -> dict[str, Any]:
    try:
        photo = load(index)
    except PhotoError as error:
        return {"error": str(error)}
    return {
        "name": photo.name,
        "note": photo.note,
        "focus": photo.focus,
        "address": picture_address(photo.jpeg, f"{key} {index % (2 * NEIGHBOURS + 1)}"),
        "size": list(photo.size_wh),
        "boxes": {
            layer.key: _rows(photo.boxes[layer.key], layer.colour) for layer in layers if layer.key in photo.boxes
        },
    }


def picture_address(jpeg: bytes, slot: str) -> str:
    """Return the address of a JPEG on this server; it is kept until the slot gets another one, as for ``st.image``."""
    return runtime.get_instance().media_file_mgr.add(jpeg, "image/jpeg", slot)


def _rows(boxes: ViewedBoxes, colour: str) -> dict[str, Any]:
    """Return boxes as rows ``[x1, y1, x2, y2, class index, score]``, and the names and colours of these classes."""
    class_ids, indices = np.unique(boxes.class_ids, return_inverse=True)
    scores = [None] * len(indices) if boxes.scores is None else _numbers(boxes.scores, 4)
    rows = zip(boxes.boxes_xyxy.astype(float).round(1).tolist(), indices.tolist(), scores, strict=True)
    return {
        "classes": [[boxes.classes[index], colour or class_colour(index)] for index in class_ids.tolist()],
        "rows": [[*box, index, score] for box, index, score in rows],
    }


def _numbers(values: FloatArray, digits: int) -> list[float | None]:
    return [None if np.isnan(value) else round(float(value), digits) for value in values]
