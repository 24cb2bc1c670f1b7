"""Average precision of every class, and its figures at the thresholds."""

from collections.abc import Mapping, Sequence
from functools import partial

import pandas as pd
import streamlit as st

from autodet.charts.evaluation import class_ap_figure
from autodet.evaluation.examples import class_errors
from autodet.evaluation.outcomes import ShownOutcomes
from autodet.evaluation.summary import DetectionSummary
from autodet.messages.evaluation import errors_text
from autodet.text_format import counted
from autodet.ui.common.frame import sentences_for_errors
from autodet.ui.evaluate.evaluation import Evaluated
from autodet.ui.evaluate.marks import Mark, clickable_chart, show_marked

FIGURES = {"AP@0.5": "%.3f", "AP@0.5–0.95": "%.3f", "precision": "%.2f", "recall": "%.2f", "threshold": "%.2f"}
COLUMN_HELP = {
    "precision": "Share of the detections that are right, at the class's threshold and an IoU of 0.5.",
    "recall": "Share of the objects that are found, at the class's threshold and an IoU of 0.5.",
    "threshold": "The confidence threshold that is set above.",
}


@st.fragment
def show_classes(
    evaluated: Evaluated, shown: ShownOutcomes, by_class: Sequence[DetectionSummary], thresholds: Mapping[str, float]
) -> None:
    """Show the average precision of every class and a table; a click on a bar shows the errors of its class."""
    with sentences_for_errors("Evaluate"):
        section = f"classes {evaluated.key}"
        clickable_chart(class_ap_figure(evaluated.report), section, "Average precision of every class")
        _show_table(evaluated, by_class, thresholds)
        marks = {
            str(class_id): Mark(_title(name, summary), partial(class_errors, shown, class_id))
            for class_id, (name, summary) in enumerate(zip(evaluated.model.card.classes, by_class, strict=True))
            if summary.wrong or summary.found < summary.boxes
        }
        show_marked(evaluated, shown, section, marks)


def _title(name: str, summary: DetectionSummary) -> str:
    return f"{name}: {errors_text(summary.boxes - summary.found, summary.wrong)}"


def _show_table(evaluated: Evaluated, by_class: Sequence[DetectionSummary], thresholds: Mapping[str, float]) -> None:
    report = evaluated.report
    seen = {
        name: summary
        for name, summary in zip(evaluated.model.card.classes, by_class, strict=True)
        if report.per_class[name].boxes or not summary.empty
    }
    rows = [
        {
            "class": name,
            "AP@0.5": report.per_class[name].ap50,
            "AP@0.5–0.95": report.per_class[name].ap50_95,
            "precision": 1 - summary.wrong / summary.detections if summary.detections else None,
            "recall": summary.found / summary.boxes if summary.boxes else None,
            "threshold": thresholds[name],
            "photos": report.per_class[name].images,
            "boxes": report.per_class[name].boxes,
        }
        for name, summary in seen.items()
    ]
    number = st.column_config.NumberColumn
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        placeholder="–",
        column_config={name: number(format=shape, help=COLUMN_HELP.get(name)) for name, shape in FIGURES.items()},
    )
    if left_out := len(by_class) - len(seen):
        st.caption(f"Left out: {counted(left_out, 'class', 'classes')} without labels or detections here.")
