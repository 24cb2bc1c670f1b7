"""Example photos of a review: boxes before and after, and the readings of labels that a decision selects."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
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
from autodet.records import Action, BoxXYXY, Finding, Mark
from autodet.ui.common.markdown import escape, shortened
from autodet.ui.common.pictures import THUMBNAIL_PIXELS, as_jpeg, frame_colour, framed, small_photo
from autodet.ui.datasets.findings import MAX_PHOTOS, Picture
from autodet.ui.datasets.gallery import legend_entry

WRONG, RIGHT = "#e4572e", "#2a9d6f"  # original boxes that will change, and their replacements
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
                return _pictures_of(reviewed, photo, readings)
        except PhotoError:
            continue
    return {}


def _pictures_of(reviewed: Reviewed, photo: str, readings: Mapping[Action, Sequence[Mark]]) -> Mapping[Action, Picture]:
    """Draw a photo for each reading; with a colour and a legend for each class if only the classes differ."""
    if len({tuple(mark.box_xyxy for mark in marks) for marks in readings.values()}) > 1:
        return {action: Picture("", _draw(reviewed, photo, marks)) for action, marks in readings.items()}
    names = list(dict.fromkeys(mark.name for marks in readings.values() for mark in marks))
    pictures = {}
    for action, marks in readings.items():
        own = [name for name in names if any(mark.name == name for mark in marks)]
        legend = " &ensp; ".join(legend_entry(names.index(name), shortened(name)) for name in own)
        jpeg = _draw(reviewed, photo, marks, colours=[class_colour(names.index(mark.name)) for mark in marks])
        pictures[action] = Picture("", jpeg, legend=f'<div style="font-size: 0.9rem">{legend}</div>')
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
            Picture(escape(photo), _draw(reviewed, photo, changes[photo].before), names_photo=True) for photo in photos
        ]
    (photo,) = photos
    change = changes[photo]
    if change.after is not None and change.shows(finding.kind):
        return [
            Picture("Before", _draw(reviewed, photo, change.before, change.lost)),
            Picture("After", _draw(reviewed, photo, change.after, change.made, RIGHT)),
        ]
    marks = (*change.before, *change.aside) if finding.kind == "box_set_aside" else change.before
    caption = "Would be left out" if change.after is None else ""
    return [Picture(caption, _draw(reviewed, photo, marks, change.named_by(finding.kind)))]


def _photos(reviewed: Reviewed, kind: str) -> Iterator[tuple[Finding, str]]:
    for finding in reviewed.findings.get(kind, ()):
        yield from ((finding, photo) for photo in finding.photos if photo in reviewed.staged)


def _draw(
    reviewed: Reviewed,
    photo: str,
    marks: Sequence[Mark],
    in_question: Sequence[Mark] = (),
    colour: str = WRONG,
    *,
    colours: Sequence[str] = (),
) -> bytes:
    """Draw a photo with its annotations, in their own ``colours`` if given; those in question on top and coloured."""
    others = tuple((Counter(marks) - Counter(in_question)).elements()) if in_question else marks
    plain = GREY if in_question else class_colour(1)
    return _draw_boxes(
        reviewed.review.staged.root / photo,
        reviewed.staged[photo].sha256,
        tuple(mark.box_xyxy for mark in (*others, *in_question)),
        (*(colours or (plain,) * len(others)), *(colour,) * len(in_question)),
        frame_colour(),
    )


@st.cache_data(max_entries=500, show_spinner=False)
def _draw_boxes(path: Path, sha256: str, boxes_xyxy: Sequence[BoxXYXY], colours: Sequence[str], frame: str) -> bytes:
    photo, scale = small_photo(sha256, THUMBNAIL_PIXELS, path, path.name)
    corners = np.sort(np.array(boxes_xyxy, float).reshape(-1, 2, 2) * scale, axis=1)  # some readings swap them
    boxes = np.clip(corners, -MARGIN, np.array(photo.size) + MARGIN).astype(np.float32).reshape(-1, 4)
    return as_jpeg(framed(outline_boxes(photo, boxes, colours), frame))
