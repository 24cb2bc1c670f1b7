"""Example photos of a review: boxes before and after, and the readings of labels that a decision selects."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import streamlit as st

from autodet.charts.palette import GREY, class_colour
from autodet.datasets.checks.photo_checks import CheckedPhoto
from autodet.datasets.imports.label_readings import readings_of
from autodet.datasets.imports.photo_changes import change_of
from autodet.datasets.imports.review import Review
from autodet.datasets.imports.staging import StagedPhoto
from autodet.errors import PhotoError
from autodet.inference.box_drawings import outline_boxes
from autodet.messages.finding_kinds import KIND_TEXTS
from autodet.records import Action, BoxXYXY, Finding, FloatArray, Mark
from autodet.ui.common.markdown import escape, shortened
from autodet.ui.common.photo_viewer import GROUND_TRUTH, Layer, ViewedBoxes, ViewedPhoto, view_photo
from autodet.ui.common.pictures import THUMBNAIL_PIXELS, as_jpeg, frame_colour, framed, small_photo
from autodet.ui.datasets.findings import AFTER, IN_QUESTION, MAX_PHOTOS, Picture
from autodet.ui.datasets.gallery import legend_entry

MARGIN = 10  # pixels beyond a picture, where the edges of boxes that leave it are drawn
MAX_TRIED = 20  # photos, of which the first with an example is shown


@dataclass(frozen=True, eq=False)
class Reviewed:
    """A review with lookup tables.

    Attributes:
        review: The review.
        decided: The decisions that differ from the defaults.
        findings: Findings by kind.
        staged: Photos as read, by path relative to the source's root.
        kept: Photos as they would be imported, by the same paths.
    """

    review: Review
    decided: Mapping[str, str]
    findings: Mapping[str, Sequence[Finding]]
    staged: Mapping[str, StagedPhoto]
    kept: Mapping[str, CheckedPhoto]


def example_pictures(reviewed: Reviewed, kind: str) -> Sequence[Picture]:
    """Draw the first finding of a kind that has a readable photo; return no pictures if there is none."""
    for finding in islice(reviewed.findings.get(kind, ()), MAX_TRIED):
        try:
            if pictures := finding_pictures(reviewed, finding):
                return pictures
        except PhotoError:
            continue
    return ()


def reading_pictures(reviewed: Reviewed, kind: str) -> Mapping[Action, Picture]:
    """Draw one photo once for each reading of its labels, by the action that selects it.

    Returns:
        No pictures if no action of the kind moves a box.
    """
    for finding, photo in islice(_photos(reviewed, kind), MAX_TRIED):
        readings = readings_of(reviewed.staged[photo], finding, reviewed.decided)
        try:
            if readings:
                pictures = _pictures_of(reviewed, photo, readings)
                return {
                    action: _named(picture, KIND_TEXTS[kind].actions[action]) for action, picture in pictures.items()
                }
        except PhotoError:
            continue
    return {}


def _named(picture: Picture, name: str) -> Picture:
    """Give the photo another name in the viewer."""
    return replace(picture, view=lambda: replace(picture.view(), name=name))


def _pictures_of(reviewed: Reviewed, photo: str, readings: Mapping[Action, Sequence[Mark]]) -> Mapping[Action, Picture]:
    """Draw a photo for each reading; with a colour and a legend for each class if only the classes differ."""
    if len({tuple(mark.box_xyxy for mark in marks) for marks in readings.values()}) > 1:
        return {action: _picture(reviewed, photo, "", marks) for action, marks in readings.items()}
    names = list(dict.fromkeys(mark.name for marks in readings.values() for mark in marks))
    pictures = {}
    for action, marks in readings.items():
        own = [name for name in names if any(mark.name == name for mark in marks)]
        legend = " &ensp; ".join(legend_entry(names.index(name), shortened(name)) for name in own)
        colours = [class_colour(names.index(mark.name)) for mark in marks]
        picture = _picture(reviewed, photo, "", marks, colours=colours)
        pictures[action] = replace(picture, legend=f'<div style="font-size: 0.9rem">{legend}</div>')
    return pictures


def finding_pictures(reviewed: Reviewed, finding: Finding) -> list[Picture]:
    """Draw all photos of a finding, or its only photo, before and after if a box changes.

    Raises:
        PhotoError: A photo can no longer be read.
    """
    photos = [photo for photo in finding.photos[:MAX_PHOTOS] if photo in reviewed.staged]
    changes = {photo: change_of(reviewed.staged[photo], reviewed.kept.get(photo)) for photo in photos}
    if len(photos) != 1:
        return [
            replace(_picture(reviewed, photo, escape(photo), changes[photo].before), names_photo=True)
            for photo in photos
        ]
    (photo,) = photos
    change = changes[photo]
    if change.after is not None and change.shows(finding.kind):
        return [
            _picture(reviewed, photo, "Before", change.before, change.lost),
            _picture(reviewed, photo, "After", change.after, change.made, AFTER),
        ]
    marks = (*change.before, *change.aside) if finding.kind == "box_set_aside" else change.before
    caption = "Would be left out" if change.after is None else ""
    return [_picture(reviewed, photo, caption, marks, change.named_by(finding.kind))]


def _photos(reviewed: Reviewed, kind: str) -> Iterator[tuple[Finding, str]]:
    for finding in reviewed.findings.get(kind, ()):
        yield from ((finding, photo) for photo in finding.photos if photo in reviewed.staged)


def _picture(
    reviewed: Reviewed,
    photo: str,
    caption: str,
    marks: Sequence[Mark],
    in_question: Sequence[Mark] = (),
    layer: Layer = IN_QUESTION,
    *,
    colours: Sequence[str] = (),
) -> Picture:
    """Draw a photo with its annotations, in their own ``colours`` if given; those in question on top and coloured."""
    others = tuple((Counter(marks) - Counter(in_question)).elements()) if in_question else tuple(marks)
    plain = GREY if in_question else class_colour(1)
    path, sha256 = reviewed.review.staged.root / photo, reviewed.staged[photo].sha256
    jpeg = _draw_boxes(
        path,
        sha256,
        tuple(mark.box_xyxy for mark in (*others, *in_question)),
        (*(colours or (plain,) * len(others)), *(layer.colour,) * len(in_question)),
        frame_colour(),
    )
    name = f"{photo} ({caption})" if caption in ("Before", "After") else photo
    boxes = {GROUND_TRUTH: others, layer: tuple(in_question)}
    filled = [layer for layer, own in boxes.items() if own]
    return Picture(caption, jpeg, partial(_view, path, sha256, name, boxes), layers=filled or [GROUND_TRUTH])


def _view(path: Path, sha256: str, name: str, layers: Mapping[Layer, Sequence[Mark]]) -> ViewedPhoto:
    boxes = {layer.key: _viewed_boxes(marks) for layer, marks in layers.items() if marks}
    return view_photo(sha256, path, name, boxes)


def _viewed_boxes(marks: Sequence[Mark]) -> ViewedBoxes:
    classes = sorted({mark.name for mark in marks})
    class_ids = np.array([classes.index(mark.name) for mark in marks], np.int64)
    return ViewedBoxes(_ordered(np.array([mark.box_xyxy for mark in marks], np.float32)), class_ids, classes)


def _ordered(boxes_xyxy: FloatArray) -> FloatArray:
    """Return boxes whose first corner is the upper left one, which some readings swap."""
    return np.sort(boxes_xyxy.reshape(-1, 2, 2), axis=1).reshape(-1, 4)


@st.cache_data(max_entries=500, show_spinner=False)
def _draw_boxes(path: Path, sha256: str, boxes_xyxy: Sequence[BoxXYXY], colours: Sequence[str], frame: str) -> bytes:
    photo, scale = small_photo(sha256, THUMBNAIL_PIXELS, path, path.name)
    corners = _ordered(np.array(boxes_xyxy, np.float32) * scale).reshape(-1, 2, 2)
    boxes = np.clip(corners, -MARGIN, np.array(photo.size) + MARGIN).astype(np.float32).reshape(-1, 4)
    return as_jpeg(framed(outline_boxes(photo, boxes, colours), frame))
