"""Precision-recall and F1 curves of the classes, and the calibration of scores."""

from collections.abc import Mapping
from functools import partial

import streamlit as st

from autodet.charts.score_curves import f1_figure, point_key, precision_recall_figure, reliability_figure
from autodet.evaluation.calibration import reliability
from autodet.evaluation.curves import ClassCurve, class_curve
from autodet.evaluation.examples import class_errors, score_examples
from autodet.evaluation.outcomes import Outcomes, ShownOutcomes
from autodet.ui.common.frame import sentences_for_errors
from autodet.ui.common.markdown import escape, shortened
from autodet.ui.evaluate.evaluation import MAX_KEPT, Evaluated
from autodet.ui.evaluate.marks import Mark, clickable_chart, show_marked
from autodet.ui.evaluate.thresholds import set_threshold

MAX_CURVES = 8  # classes that are shown at first
NO_CHARTS = "No class has a label here, so there are no curves."


@st.fragment
def show_curves(evaluated: Evaluated, shown: ShownOutcomes, thresholds: Mapping[str, float]) -> None:
    """Show precision-recall and F1 curves; a click on a point shows the errors at its threshold."""
    with sentences_for_errors("Evaluate"):
        section = f"curves {evaluated.key}"
        curves = {curve.class_id: curve for curve in _curves(evaluated.key, evaluated.outcomes) if curve.boxes}
        if not curves:
            st.info(NO_CHARTS)
            return
        chosen = [curves[class_id] for class_id in _choose_classes(section, evaluated, curves)]
        left, right = st.columns(2, gap="medium")
        classes = evaluated.model.card.classes
        with left:
            st.markdown("**Precision and recall**", help=_pr_help())
            clickable_chart(precision_recall_figure(chosen, classes, thresholds), section, "Precision-recall curves")
        with right:
            st.markdown("**F1 at every threshold**", help=_f1_help())
            clickable_chart(f1_figure(chosen, classes, thresholds), section, "F1 against the threshold")
        clicked = st.session_state.get(section)
        points = [point_key(curve.class_id, thresholds[classes[curve.class_id]]) for curve in chosen]
        marks = {key: _point_mark(evaluated, thresholds, key) for key in dict.fromkeys([*points, clicked]) if key}
        at_point = _at_point(evaluated, thresholds, clicked) if clicked else shown
        show_marked(evaluated, at_point, section, marks, partial(_offer_threshold, evaluated, thresholds))


def _choose_classes(section: str, evaluated: Evaluated, curves: Mapping[int, ClassCurve]) -> list[int]:
    """Return the classes whose curves are shown: all, or with many classes those that the visitor chooses."""
    if len(curves) <= MAX_CURVES:
        return list(curves)
    names = evaluated.model.card.classes
    largest = sorted(curves, key=lambda class_id: -curves[class_id].boxes)[:MAX_CURVES]
    return st.multiselect("Classes", list(curves), largest, format_func=names.__getitem__, key=f"{section} classes")


@st.cache_resource(max_entries=MAX_KEPT, show_spinner=False)
def _curves(key: str, _outcomes: Outcomes) -> list[ClassCurve]:
    del key  # only the cache key
    return [class_curve(_outcomes, class_id) for class_id in range(len(_outcomes.classes))]


def _point(key: str) -> tuple[int, float]:
    """Invert ``point_key``."""
    class_id, threshold = key.split()
    return int(class_id), float(threshold)


def _at_point(evaluated: Evaluated, thresholds: Mapping[str, float], key: str) -> ShownOutcomes:
    class_id, threshold = _point(key)
    return evaluated.outcomes.at({**thresholds, evaluated.model.card.classes[class_id]: threshold})


def _point_mark(evaluated: Evaluated, thresholds: Mapping[str, float], key: str) -> Mark:
    class_id, threshold = _point(key)
    examples = class_errors(_at_point(evaluated, thresholds, key), class_id)
    name = evaluated.model.card.classes[class_id]
    return Mark(f"{len(examples):,} errors of {name} at a threshold of {threshold:.2f}", lambda: examples)


def _offer_threshold(evaluated: Evaluated, thresholds: Mapping[str, float], key: str) -> None:
    class_id, threshold = _point(key)
    name = evaluated.model.card.classes[class_id]
    if key != point_key(class_id, thresholds[name]) and st.button(
        f"Use {threshold:.3f} as the threshold of {escape(shortened(name))}",
        icon=":material/tune:",
        on_click=set_threshold,
        args=(evaluated, name, threshold),
    ):
        st.rerun()


@st.fragment
def show_calibration(evaluated: Evaluated, shown: ShownOutcomes) -> None:
    """Show how often detections of each range of scores are right; a click on a bar shows its detections."""
    with sentences_for_errors("Evaluate"):
        section = f"scores {evaluated.key}"
        rows = reliability(evaluated.outcomes.counted_matches)
        st.markdown("**Right detections by score**", help=_reliability_help())
        clickable_chart(reliability_figure(rows), section, "Share of right detections by score")
        marks = {
            str(number): Mark(
                f"{row.detections:,} detections with scores from {row.low:.1f} to {row.high:.1f}, the wrong ones first",
                partial(score_examples, shown, row.low, row.high),
            )
            for number, row in enumerate(rows)
            if row.detections
        }
        lowest = evaluated.outcomes.at(dict.fromkeys(evaluated.outcomes.classes, 0.0))
        show_marked(evaluated, lowest, section, marks)


def _pr_help() -> str:
    return (
        "Each point is a threshold: how much of what is reported is right (precision), and how much of what is there "
        "is found (recall). The diamond is the threshold above. Click a point to see the errors at its threshold."
    )


def _f1_help() -> str:
    return "F1 is the harmonic mean of precision and recall. Its peak is the threshold that balances both."


def _reliability_help() -> str:
    return (
        "Calibration: of detections that score 0.7, about 70 % should be right. A bar above the line: the model is too "
        "modest; below: too sure. All detections count, also those below the thresholds."
    )
