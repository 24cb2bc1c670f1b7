"""Found objects, missed objects and false alarms of a photo: outlines on thumbnails, and layers in the viewer."""

import numpy as np
import streamlit as st

from autodet.charts.errors import FOUND_COLOUR, MISSED_COLOUR, WRONG_COLOUR
from autodet.datasets.manifest import Dataset
from autodet.evaluation.coco_matches import NO_PARTNER
from autodet.evaluation.outcomes import Outcomes, ShownOutcomes
from autodet.inference.box_drawings import outline_boxes
from autodet.records import BoxXYXY, FloatArray, ImageRecord
from autodet.ui.common.photo_viewer import FALSE_POSITIVES, GROUND_TRUTH, MISSED, TRUE_POSITIVES, ViewedBoxes
from autodet.ui.common.pictures import as_jpeg, frame_colour, framed, small_photo

LABEL_COLOUR = "#2f7fd6"
LEGEND = {"Label": LABEL_COLOUR, "Found": FOUND_COLOUR, "False alarm": WRONG_COLOUR, "Missed": MISSED_COLOUR}
DRAWN_PIXELS = 480  # longer side of a thumbnail
Outlines = tuple[tuple[BoxXYXY, str], ...]  # boxes in pixels of the photo with their colours, the last on top


def show_legend(*names: str) -> None:
    """Show the meaning of the colours of the boxes; all of ``LEGEND`` by default."""
    entries = [f'<span style="color: {LEGEND[name]}">■</span> {name}' for name in names or LEGEND]
    st.html(f'<div style="font-size: 0.85rem">{" &ensp; ".join(entries)}</div>')


def photo_identity(dataset: Dataset, record: ImageRecord) -> str:
    """Return the key of a photo in caches."""
    return f"{dataset.identity} {record.file}"


def outlines_of(shown: ShownOutcomes, detection: int, box: int) -> Outlines:
    """Return the outlines of a label and of a detection, either of which may be -1; hidden detections are left out."""
    outcomes, outlines = shown.outcomes, []
    if box != NO_PARTNER:
        colour = MISSED_COLOUR if shown.missed[box] else LABEL_COLOUR
        outlines.append((as_box(outcomes.truth.boxes_xyxy[box]), colour))
    if detection != NO_PARTNER and shown.shown[detection]:
        colour = FOUND_COLOUR if shown.right[detection] else WRONG_COLOUR
        outlines.append((as_box(outcomes.detections.boxes_xyxy[detection]), colour))
    return tuple(outlines)


def as_box(box_xyxy: FloatArray) -> BoxXYXY:
    """Return a row of boxes as a tuple."""
    x1, y1, x2, y2 = box_xyxy.astype(float).tolist()
    return x1, y1, x2, y2


def error_thumbnail(dataset: Dataset, record: ImageRecord, shown: ShownOutcomes, photo: int) -> bytes:
    """Return a JPEG of a photo with its detections and missed objects.

    Args:
        dataset: The data set.
        record: The photo.
        shown: The outcomes at the thresholds.
        photo: Index of the photo in the split.

    Raises:
        PhotoError: The photo cannot be read.
    """
    outcomes = shown.outcomes
    picture, scale = small_photo(photo_identity(dataset, record), DRAWN_PIXELS, dataset.photo(record), record.file)
    boxes = range(*outcomes.truth.starts[photo : photo + 2])
    seen = range(*outcomes.detections.starts[photo : photo + 2])
    upwards = sorted(seen, key=lambda detection: (bool(shown.right[detection]), -detection))  # false alarms lie below
    outlines = [
        *(outline for box in boxes if shown.missed[box] for outline in outlines_of(shown, NO_PARTNER, box)),
        *(outline for detection in upwards for outline in outlines_of(shown, detection, NO_PARTNER)),
    ]
    drawn = np.array([box for box, _ in outlines], np.float32).reshape(-1, 4) * scale
    return as_jpeg(framed(outline_boxes(picture, drawn, [colour for _, colour in outlines]), frame_colour()))


def error_layers(shown: ShownOutcomes, photo: int) -> dict[str, ViewedBoxes]:
    """Return the boxes of a photo for the viewer's ``ERROR_LAYERS``.

    Args:
        shown: The outcomes at the thresholds.
        photo: Index of the photo in the split.
    """
    truth, detections, classes = shown.outcomes.truth, shown.outcomes.detections, shown.outcomes.classes
    marked = np.arange(*truth.starts[photo : photo + 2])
    seen = np.arange(*detections.starts[photo : photo + 2])
    boxes = {
        layer.key: ViewedBoxes(truth.boxes_xyxy[own], truth.class_ids[own], classes)
        for layer, own in ((GROUND_TRUTH, marked), (MISSED, marked[shown.missed[marked]]))
    }
    return boxes | {
        layer.key: ViewedBoxes(detections.boxes_xyxy[own], detections.class_ids[own], classes, detections.scores[own])
        for layer, own in ((TRUE_POSITIVES, seen[shown.right[seen]]), (FALSE_POSITIVES, seen[shown.wrong[seen]]))
    }


def layers_at_any_threshold(outcomes: Outcomes, photo: int) -> dict[str, ViewedBoxes]:
    """Return the boxes of a photo for ``ERROR_LAYERS`` where the browser applies the thresholds.

    Missed objects are all objects, with the score of the detection that finds each, NaN without one.

    Args:
        outcomes: The outcomes of all detections.
        photo: Index of the photo.
    """
    truth, detections = outcomes.truth, outcomes.detections
    marked = np.arange(*truth.starts[photo : photo + 2])
    marked = marked[~truth.difficult[marked]]
    scores = np.append(detections.scores, np.float32(np.nan))[outcomes.finders[marked]]  # -1 is the last one
    missed = ViewedBoxes(truth.boxes_xyxy[marked], truth.class_ids[marked], outcomes.classes, scores)
    everything = outcomes.at(dict.fromkeys(outcomes.classes, 0.0))
    return error_layers(everything, photo) | {MISSED.key: missed}


def shown_boxes(shown: ShownOutcomes, photo: int) -> ViewedBoxes:
    """Return all detections of a photo that the thresholds show, whether right or wrong."""
    detections = shown.outcomes.detections
    seen = np.arange(*detections.starts[photo : photo + 2])
    own = seen[shown.shown[seen]]
    return ViewedBoxes(
        detections.boxes_xyxy[own], detections.class_ids[own], shown.outcomes.classes, detections.scores[own]
    )
