"""The photos of a split with their errors, worst first."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from autodet.errors import PhotoError
from autodet.evaluation.coco_matches import NO_PARTNER
from autodet.evaluation.outcomes import ShownOutcomes
from autodet.inference.box_drawings import outline_boxes
from autodet.messages.evaluation import errors_text
from autodet.records import IntArray
from autodet.text_format import counted
from autodet.ui.common.frame import sentences_for_errors
from autodet.ui.common.markdown import escape
from autodet.ui.common.photo_viewer import thumbnail_button
from autodet.ui.common.pictures import as_jpeg, frame_colour, framed, small_photo
from autodet.ui.evaluate.evaluation import Evaluated
from autodet.ui.evaluate.marks import show_legend
from autodet.ui.evaluate.outcome_photos import enlarge, outlines_of

PER_PAGE = 8
TILE_PIXELS = 176  # four side by side, two on a phone
DRAWN_PIXELS = 480  # longer side of a thumbnail
ORDERS = {"worst": "Worst first", "named": "By name"}
WORDS = (
    "A detection matches a label of its class if their overlap (IoU) is at least 0.5. Missed (false negative): a label "
    "without a detection. False alarm (false positive): a detection without a label, or a duplicate. Wrong class: a "
    "match with another class."
)


@st.fragment
def show_photos(evaluated: Evaluated, shown: ShownOutcomes) -> None:
    """Show thumbnails of the photos with their found and missed objects and false alarms; a click opens the viewer."""
    with sentences_for_errors("Evaluate"):
        left, right = st.columns([1, 2], vertical_alignment="bottom")
        chosen = left.segmented_control(
            "Order", list(ORDERS), default="worst", format_func=ORDERS.__getitem__, required=True
        )
        counts = _counts(shown)
        order = np.argsort(-counts.sum(axis=0), kind="stable") if chosen == "worst" else np.arange(counts.shape[1])
        objects = counted(sum(len(record.annotations) for record in evaluated.records), "labelled object")
        right.markdown(
            f"On all {counted(len(order), 'photo')}, with {objects}: **{errors_text(*counts.sum(axis=1).tolist())}**.",
            help=WORDS,
        )
        show_legend("Found", "False alarm", "Missed")
        photos = order.tolist()
        pages = -(-len(photos) // PER_PAGE)
        page = st.pagination(pages, key=f"photos {evaluated.key} {chosen}") if pages > 1 else 1
        first = (page - 1) * PER_PAGE
        with st.container(horizontal=True):
            for place in range(first, min(first + PER_PAGE, len(photos))):
                with st.container(width=TILE_PIXELS, gap="xxsmall", key=f"tile photo {place}"):
                    _show_tile(evaluated, shown, photos, place, errors_text(*counts[:, photos[place]].tolist()))


def _counts(shown: ShownOutcomes) -> IntArray:
    """Count missed boxes, false alarms and confused pairs of every photo, shape (3, photos)."""
    outcomes = shown.outcomes
    photos = len(outcomes.truth.starts) - 1
    confused = shown.confused != NO_PARTNER
    pairs = np.bincount(outcomes.detections.photos[confused], minlength=photos)
    missed = np.bincount(outcomes.truth.photos[shown.missed], minlength=photos) - pairs
    false_alarms = np.bincount(outcomes.detections.photos[shown.wrong & ~confused], minlength=photos)
    return np.stack([missed, false_alarms, pairs])


def _show_tile(evaluated: Evaluated, shown: ShownOutcomes, photos: Sequence[int], place: int, errors: str) -> None:
    record = evaluated.records[photos[place]]
    try:
        st.image(_drawn(evaluated, shown, photos[place]), width="stretch", alt=f"{record.file}: {errors}")
    except PhotoError as error:
        st.caption(f":material/broken_image: {escape(str(error))}")
        return
    if thumbnail_button(escape(record.file), f"enlarge photo {place} {record.file}"):
        enlarge(evaluated, shown, photos, place)
    st.caption(errors)


def _drawn(evaluated: Evaluated, shown: ShownOutcomes, photo: int) -> bytes:
    record, outcomes = evaluated.records[photo], shown.outcomes
    identity = evaluated.identify(record)
    picture, scale = small_photo(identity, DRAWN_PIXELS, evaluated.dataset.photo(record), record.file)
    boxes = range(*outcomes.truth.starts[photo : photo + 2])
    seen = range(*outcomes.detections.starts[photo : photo + 2])
    outlines = [
        *(outline for box in boxes if shown.missed[box] for outline in outlines_of(shown, NO_PARTNER, box)),
        *(outline for detection in reversed(seen) for outline in outlines_of(shown, detection, NO_PARTNER)),
    ]
    drawn = np.array([box for box, _ in outlines], np.float32).reshape(-1, 4) * scale
    return as_jpeg(framed(outline_boxes(picture, drawn, [colour for _, colour in outlines]), frame_colour()))
