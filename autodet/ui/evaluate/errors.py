"""Errors of a detector: confusion matrix and kinds of errors."""

from functools import partial

import numpy as np
import streamlit as st

from autodet.charts.errors import cell_key, confusion_figure, error_kinds_figure
from autodet.evaluation.confusion import ConfusionCells, confusion_cells
from autodet.evaluation.examples import cell_examples, error_counts, error_examples
from autodet.evaluation.outcomes import ShownOutcomes
from autodet.messages.evaluation import (
    ERROR_TERMS,
    ERROR_TITLES,
    MISSED,
    UNLABELLED,
    cell_title,
    error_title,
    matrix_text,
)
from autodet.records import Confusion
from autodet.ui.common.frame import sentences_for_errors
from autodet.ui.evaluate.evaluation import Evaluated
from autodet.ui.evaluate.marks import Mark, clickable_chart, show_marked

MAX_CLASSES = 12  # of the matrix; the numbers of more are cramped


@st.fragment
def show_errors(evaluated: Evaluated, shown: ShownOutcomes) -> None:
    """Show the confusion matrix and the kinds of errors; a click shows the boxes behind a cell or a bar."""
    with sentences_for_errors("Evaluate"):
        section = f"errors {evaluated.key}"
        cells = confusion_cells(shown)
        confusion, counts = cells.matrix(), error_counts(shown)
        classes, erring = _shown_classes(confusion)
        left, right = st.columns(2, gap="medium")
        with left:
            st.markdown("**Which class is taken for which**", help=_matrix_help())
            if classes:
                figure = confusion_figure(confusion, classes, (UNLABELLED, MISSED))
                clickable_chart(figure, section, "Confusion matrix")
            st.caption(matrix_text(len(classes), erring, len(confusion.labels) - 1))
        with right:
            st.markdown("**Kinds of errors, and what mending each would add**", help=_kinds_help())
            gains = {kind: error.map50_gain for kind, error in evaluated.report.error_kinds.items()}
            clickable_chart(error_kinds_figure(ERROR_TITLES, counts, gains), section, "Kinds of errors")
            st.caption(
                "The counts follow the thresholds; the mAP counts detections of any score. A missed object with a "
                "badly placed or wrongly named detection counts there, not as missed."
            )
        kinds = {
            kind: Mark(error_title(kind, counts[kind]), partial(error_examples, shown, kind))
            for kind in ERROR_TITLES
            if counts[kind]
        }
        show_marked(evaluated, shown, section, kinds | _cell_marks(cells, confusion))


def _shown_classes(confusion: Confusion) -> tuple[list[int], int]:
    """Return the classes of the matrix in class order, those with the most errors, and how many have errors."""
    matrix = np.array(confusion.matrix)
    errors = (matrix.sum(axis=0) + matrix.sum(axis=1) - 2 * matrix.diagonal())[:-1]
    erring = int((errors > 0).sum())
    most = np.argsort(-errors, kind="stable")[: min(erring, MAX_CLASSES)]
    return sorted(most.tolist()), erring


def _cell_marks(cells: ConfusionCells, confusion: Confusion) -> dict[str, Mark]:
    """Return the cells that are not empty, errors first, the most frequent before others."""
    background = len(confusion.labels) - 1
    names = [*confusion.labels[:-1], ""]
    filled = [
        (row == column, -count, row, column)
        for row, counts in enumerate(confusion.matrix)
        for column, count in enumerate(counts)
        if count and (row, column) != (background, background)
    ]
    return {
        cell_key(row, column): Mark(
            cell_title(names[row], names[column], -negative), partial(cell_examples, cells, row, column)
        )
        for _, negative, row, column in sorted(filled)
    }


def _matrix_help() -> str:
    return (
        "The confusion matrix, at the thresholds above and an IoU of 0.5. A row holds the labels of a class, a column "
        "the detections of a class; the diagonal is right. Click a cell to see its boxes."
    )


def _kinds_help() -> str:
    terms = "; ".join(f"*{title}*: {ERROR_TERMS[kind]}" for kind, title in ERROR_TITLES.items())
    gain = "The gain in mAP@0.5 is that of mending all errors of the kind, at any score (TIDE)."
    return f"{terms}. {gain} Click a bar to see its boxes."
