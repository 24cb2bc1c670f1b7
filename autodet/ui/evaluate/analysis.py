"""Everything that follows from the thresholds: the summary, and a tab for each kind of figure."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from autodet.evaluation.summary import summarize
from autodet.ui.common.frame import sentences_for_errors
from autodet.ui.evaluate.classes import show_classes
from autodet.ui.evaluate.curves import show_calibration, show_curves
from autodet.ui.evaluate.errors import show_errors
from autodet.ui.evaluate.evaluation import Evaluated
from autodet.ui.evaluate.label_files import dataset_issues
from autodet.ui.evaluate.label_review import show_label_issues
from autodet.ui.evaluate.next_steps import show_next_steps
from autodet.ui.evaluate.photos import show_photos
from autodet.ui.evaluate.summary import show_metrics, show_summary
from autodet.ui.evaluate.thresholds import choose_thresholds
from autodet.ui.evaluate.weak_spots import show_weak_spots


@st.fragment
def show_analysis(evaluated: Evaluated) -> None:
    """Show the thresholds, the summary at them, and the open tab; a moved threshold reruns this part alone."""
    with sentences_for_errors("Evaluate"):
        top = st.container()
        thresholds = choose_thresholds(evaluated)
        shown = evaluated.outcomes.at(thresholds)
        together, by_class = summarize(shown)
        with top:
            show_summary(evaluated, shown, together, by_class)
            show_metrics(evaluated)
        views: dict[str, Callable[[], None]] = {
            "Photos": partial(show_photos, evaluated, shown),
            "Next steps": partial(show_next_steps, evaluated, shown),
            "Errors": partial(show_errors, evaluated, shown),
            "Classes": partial(show_classes, evaluated, shown, by_class, thresholds),
            "Curves": partial(show_curves, evaluated, shown, thresholds),
            "Weak spots": partial(show_weak_spots, evaluated, shown),
            "Scores": partial(show_calibration, evaluated, shown),
            f"Labels ({len(dataset_issues(evaluated)):,})": partial(show_label_issues, evaluated),
        }
        tabs = st.tabs(list(views), key="evaluate views", on_change="rerun")
        for tab, show in zip(tabs, views.values(), strict=True):
            if tab.open:
                with tab:
                    show()
