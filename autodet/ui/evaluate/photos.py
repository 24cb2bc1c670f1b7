"""The photos of a split with their errors, worst first."""

from functools import partial

import numpy as np
import streamlit as st

from autodet.evaluation.outcomes import ShownOutcomes
from autodet.evaluation.photo_errors import photo_errors
from autodet.messages.evaluation import ERRORS_HELP, errors_text
from autodet.text_format import counted
from autodet.ui.common.frame import sentences_for_errors
from autodet.ui.common.outcome_drawings import show_legend
from autodet.ui.common.outcome_tiles import show_tiles
from autodet.ui.evaluate.evaluation import Evaluated
from autodet.ui.evaluate.outcome_photos import enlarge

ORDERS = {"worst": "Worst first", "named": "By name"}


@st.fragment
def show_photos(evaluated: Evaluated, shown: ShownOutcomes) -> None:
    """Show thumbnails of the photos with their found and missed objects and false alarms; a click opens the viewer."""
    with sentences_for_errors("Evaluate"):
        left, right = st.columns([1, 2], vertical_alignment="bottom")
        chosen = left.segmented_control(
            "Order", list(ORDERS), default="worst", format_func=ORDERS.__getitem__, required=True
        )
        counts = photo_errors(shown)
        order = np.argsort(-counts.sum(axis=0), kind="stable") if chosen == "worst" else np.arange(counts.shape[1])
        objects = counted(sum(len(record.annotations) for record in evaluated.records), "labelled object")
        right.markdown(
            f"On all {counted(len(order), 'photo')}, with {objects}: **{errors_text(*counts.sum(axis=1).tolist())}**.",
            help=ERRORS_HELP,
        )
        show_legend("Found", "False alarm", "Missed")
        captions = {photo: errors_text(*counts[:, photo].tolist()) for photo in order.tolist()}
        show_tiles(
            evaluated.dataset,
            evaluated.records,
            shown,
            captions,
            partial(enlarge, evaluated, shown, list(captions)),
            f"photos {evaluated.key} {chosen}",
        )
