"""The component that shows predictions: a photo in the viewer, or several as thumbnails that open there.

The browser draws and counts the boxes, so that thresholds and the choice of classes act at once. It fetches each
thumbnail once, by an address of this server, when it scrolls into view; sharp pictures are made for the opened photo
and its neighbours only, and their addresses travel in a second component, so that a step sends no boxes. The photos
with their boxes travel in parts, so that those of earlier parts are not sent again while more arrive.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import streamlit as st

from autodet.charts.palette import class_colour
from autodet.errors import PhotoError
from autodet.evaluation.outcomes import find_outcomes
from autodet.records import Annotations, FloatArray, ImageRecord
from autodet.text_format import harmless
from autodet.ui.common.outcome_drawings import layers_at_any_threshold
from autodet.ui.common.photo_viewer import (
    ERROR_LAYERS,
    NEIGHBOURS,
    PREDICTIONS,
    Layer,
    ViewedBoxes,
    picture_address,
    read_assets,
    viewer_picture,
)
from autodet.ui.common.pictures import THUMBNAIL_PIXELS, as_jpeg, shrink_photo
from autodet.ui.common.threshold import LOWEST
from autodet.ui.predict.seen import Seen
from autodet.ui.predict.sides import Choice, Side, Sides
from autodet.ui.predict.visit import current_visit

KEY = "predictions view"
BEGUN = "predictions begun"  # session state: identity of the models, and the choice with which their component begins
PART = 20  # photos
MAX_THUMBNAILS = 3000  # that are kept in memory, about 25 KB each; a visitor has up to 2,000 photos

_component = st.components.v2.component(
    "autodet_predictions",
    html=read_assets("predictions.html").replace("<!-- viewer -->", read_assets("photo_viewer.html")),
    css=read_assets("photo_viewer.css", "predictions.css"),
    js=read_assets(
        "photo_stage.js", "photo_viewer.js", "prediction_thresholds.js", "prediction_tiles.js", "predictions.js"
    ),
)
_part = st.components.v2.component("autodet_prediction_part", js=read_assets("prediction_part.js"))
_pictures = st.components.v2.component("autodet_prediction_pictures", js=read_assets("prediction_pictures.js"))


@dataclass(frozen=True, eq=False)
class ShownPhoto:
    """A photo as the component shows it.

    Attributes:
        seen: The photo.
        key: Identifies it among the shown ones.
        note: A sentence under its name.
    """

    seen: Seen
    key: str
    note: str = ""


def shown_photos(seen: Sequence[Seen]) -> list[ShownPhoto]:
    """Return photos with keys that stay when others are added; copies of a photo are numbered."""
    counts: Counter[str] = Counter()
    photos = []
    for one in seen:
        photos.append(ShownPhoto(one, f"{one.sha256} {counts[one.sha256]}"))
        counts[one.sha256] += 1
    return photos


def chosen(sides: Sides) -> Choice:
    """Return the thresholds and classes that the visitor chose in the component, now or before a reload."""
    kept = current_visit().choices
    reported = Choice.read((st.session_state.get(KEY) or {}).get("shown"), sides)
    if reported:
        kept[sides.identity] = reported
    begun_with, _ = st.session_state.get(BEGUN, ("", None))
    if not reported or begun_with != sides.identity:
        st.session_state[BEGUN] = sides.identity, kept.get(sides.identity, Choice(sides.own_thresholds()))
    return reported or begun()


def begun() -> Choice:
    """Return the choice with which the component begins; it stays, so that no change of a slider sends boxes again."""
    choice: Choice = st.session_state[BEGUN][1]
    return choice


def show_in_component(
    photos: Sequence[ShownPhoto], sides: Sides, order: Sequence[int], collected: Sequence[str] | None
) -> None:
    """Show photos with their boxes; call it in a fragment, which reruns when the visitor lets a slider go.

    Args:
        photos: The photos, in the order of the predictions of ``sides``.
        sides: The models and their predictions.
        order: Indices of the photos as they are shown.
        collected: Keys of the photos to correct; None if the visitor cannot collect any.
    """
    layers, boxes = _layers(photos, sides), _boxes(photos, sides)
    data = {
        "identity": sides.identity,
        "begun": {"thresholds": begun().thresholds, "hidden": sorted(begun().hidden)},
        "classes": [[harmless(name), class_colour(index)] for index, name in enumerate(sides.classes)],
        "models": [
            {"name": harmless(side.model.card.name), "own": own}
            for side, own in zip(sides.sides, sides.own_thresholds(), strict=True)
        ],
        "layers": layers,
        "parts": _send_parts(photos, boxes),
        "order": order,
        "notes": [photo.note for photo in photos],
        "collected": collected,
    }
    ignored = lambda: None  # noqa: E731 - a rerun is all that a report needs
    _component(key=KEY, data=data, on_shown_change=ignored, on_opened_change=ignored, on_collected_change=ignored)
    opened = (st.session_state.get(KEY) or {}).get("opened")
    _pictures(key=f"{KEY} pictures", data=_sharp([photos[index] for index in order], opened), height=1)


def _send_parts(photos: Sequence[ShownPhoto], boxes: Sequence[Mapping[str, Any]]) -> list[str]:
    """Send the photos with their boxes, and return the digests of the parts that they travel in."""
    described = list(map(_described, photos, boxes))
    digests = []
    with st.container(key="prediction-parts"):
        for start in range(0, len(described), PART):
            part = described[start : start + PART]
            digests.append(hashlib.sha256(json.dumps(part).encode()).hexdigest())
            _part(key=f"{KEY} part {start}", data={"digest": digests[-1], "photos": part}, height=1)
    return digests


def collected_keys() -> list[str] | None:
    """Return the keys of the photos that the visitor wants to correct; None before the first."""
    reported = (st.session_state.get(KEY) or {}).get("collected")
    return [key for key in reported if isinstance(key, str)] if isinstance(reported, list) else None


def _described(photo: ShownPhoto, boxes: Mapping[str, list[list[float | None]]]) -> dict[str, Any]:
    seen = photo.seen
    return {
        "key": photo.key,
        "name": harmless(seen.photo.name),
        "size": list(seen.prediction.size_wh),
        "thumbnail": picture_address(_thumbnail(seen.sha256, seen), f"{KEY} {photo.key}"),
        "labelled": seen.labels is not None,
        "boxes": boxes,
    }


@st.cache_data(max_entries=MAX_THUMBNAILS, show_spinner=False)
def _thumbnail(sha256: str, _seen: Seen) -> bytes:
    del sha256  # the cache key
    return as_jpeg(shrink_photo(_seen.photo.source, THUMBNAIL_PIXELS, _seen.photo.name)[0])


def _sharp(photos: Sequence[ShownPhoto], opened: object) -> dict[str, str]:
    """Return the addresses of sharp pictures of the opened photo and its neighbours, or of a single photo."""
    place = 0 if len(photos) == 1 else next((at for at, photo in enumerate(photos) if photo.key == opened), None)
    if place is None:
        return {}
    addresses: dict[str, str] = {}
    for photo in photos[max(0, place - NEIGHBOURS) : place + NEIGHBOURS + 1]:
        try:
            jpeg = viewer_picture(photo.seen.sha256, photo.seen.photo.source, photo.seen.photo.name)[0]
        except PhotoError:  # its file is gone; the thumbnail stays
            continue
        addresses[photo.key] = picture_address(jpeg, f"{KEY} sharp {len(addresses)}")
    return addresses


def _layers(photos: Sequence[ShownPhoto], sides: Sides) -> list[dict[str, Any]]:
    labelled = [photo.seen.labels is not None for photo in photos]
    kinds: list[Layer] = [*(ERROR_LAYERS if any(labelled) else ()), *(() if all(labelled) else (PREDICTIONS,))]
    names = [harmless(side.model.card.name) for side in sides.sides]
    layers = []
    for place, name in enumerate(names):
        for layer in kinds:
            title = layer.title if len(names) == 1 else f"{layer.title}: {name}"
            layers.append(
                vars(replace(layer, key=_key(layer, place), title=title)) | {"kind": layer.key, "side": place}
            )
    return layers


def _key(layer: Layer, place: int) -> str:
    return f"{layer.key} {place}"


def _boxes(photos: Sequence[ShownPhoto], sides: Sides) -> list[dict[str, list[list[float | None]]]]:
    """Return the rows of each photo by layer, with the class ids of all sides."""
    found: list[dict[str, list[list[float | None]]]] = [{} for _ in photos]
    labelled = {index: photo.seen.labels for index, photo in enumerate(photos) if photo.seen.labels is not None}
    for place, side in enumerate(sides.sides):
        for index, layers in _outcomes(photos, labelled, sides, side).items():
            for layer in ERROR_LAYERS:
                found[index][_key(layer, place)] = _rows(layers[layer.key])
        for index in {*range(len(photos))} - {*labelled}:
            prediction = side.joint(side.predictions[index].above(_least(side)))
            found[index][_key(PREDICTIONS, place)] = _rows(ViewedBoxes.of(prediction, sides.classes))
    return found


def _outcomes(
    photos: Sequence[ShownPhoto], labelled: Mapping[int, Annotations], sides: Sides, side: Side
) -> dict[int, dict[str, ViewedBoxes]]:
    """Return the layers of each labelled photo; labels have the class ids of the first model, which all sides share."""
    records = [
        ImageRecord(photos[index].key, *photos[index].seen.prediction.size_wh, "test", labels)
        for index, labels in labelled.items()
    ]
    seen_there = [side.joint(side.predictions[index].above(_least(side))) for index in labelled]
    outcomes = find_outcomes(records, seen_there, sides.classes)
    return {index: layers_at_any_threshold(outcomes, place) for place, index in enumerate(labelled)}


def _least(side: Side) -> FloatArray:
    """Return the lowest threshold of each class that a visitor can choose, by the model's class ids."""
    return np.minimum(side.own_thresholds, np.float32(LOWEST))


def _rows(boxes: ViewedBoxes) -> list[list[float | None]]:
    """Return boxes as rows ``[x1, y1, x2, y2, class id, score]``; scores are exact, so that thresholds agree."""
    corners = boxes.boxes_xyxy.astype(float).round(1).tolist()
    scores = [None] * len(corners) if boxes.scores is None else _exact(boxes.scores)
    return [[*box, index, score] for box, index, score in zip(corners, boxes.class_ids.tolist(), scores, strict=True)]


def _exact(scores: FloatArray) -> list[float | None]:
    """Return the shortest decimal number that stands for each float32; None for NaN."""
    return [None if np.isnan(score) else float(str(score)) for score in scores]
