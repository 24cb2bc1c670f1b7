"""Remedies for the largest losses, as one ranked list."""

import numpy as np
import streamlit as st

from autodet.evaluation.outcomes import ShownOutcomes
from autodet.evaluation.priorities import priorities
from autodet.messages.evaluation import priority_text
from autodet.ui.common.markdown import escape
from autodet.ui.evaluate.evaluation import Evaluated
from autodet.ui.evaluate.learning_curve import known_curve, show_learning_curve

MAX_STEPS = 8
HELP = (
    "Ranked by loss: mAP@0.5 for errors and classes, and for photos what twice as many would add; for sizes and labels "
    "the share of all objects. The costs overlap, because a missed object of a weak class is in both, so they do not "
    "add up."
)


def show_next_steps(evaluated: Evaluated, shown: ShownOutcomes) -> None:
    """Show the losses, the largest first, each with its remedy, and the learning curve."""
    _show_priorities(evaluated, shown)
    show_learning_curve(evaluated)


def _show_priorities(evaluated: Evaluated, shown: ShownOutcomes) -> None:
    curve = known_curve(evaluated)
    found = priorities(shown, evaluated.report, _training_boxes(evaluated), curve.law if curve else None)
    if not found:
        st.success("Nothing stands out: no kind of error costs much here.", icon=":material/check:")
        return
    texts = (priority_text(one.kind, one.name, one.loss, one.values) for one in found[:MAX_STEPS])
    st.markdown("**What would help most**", help=HELP)
    st.markdown("\n".join(f"{place}. {escape(text)}" for place, text in enumerate(texts, start=1)))


def _training_boxes(evaluated: Evaluated) -> dict[str, int]:
    """Count the training boxes of each class in the data set, if the model may be trained on it."""
    dataset = evaluated.dataset
    if dataset.temporary:
        return {}
    ids = [record.annotations.class_ids for record in dataset.split("train")]
    if not ids:
        return {}
    counts = np.bincount(np.concatenate(ids), minlength=len(dataset.classes))
    return dict(zip(dataset.classes, counts.tolist(), strict=True))
