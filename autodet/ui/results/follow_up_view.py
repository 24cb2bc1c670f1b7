"""A follow-up on the Results page: its result and its trainings."""

import pandas as pd
import streamlit as st

from autodet.errors import NotFoundError
from autodet.evaluation.objective import Objective
from autodet.records import PlannedTrial, SearchStatus, TrialStatus
from autodet.search.api import find_only_search
from autodet.search.follow_ups.results import learning_curve, repeatability
from autodet.ui.common.follow_ups import show_curve, show_repeatability_result
from autodet.ui.common.frame import link
from autodet.ui.common.markdown import escape

PURPOSES = {
    "repeats": "It trains the best trials of {} and the defaults again, with other seeds. It makes no model.",
    "learning_curve": "It trains the best trial of {} on parts of the training photos. It makes no model.",
}


def show_follow_up(status: SearchStatus) -> None:
    """Show the result of a follow-up so far, a link to its search, and the table of its trainings."""
    if status.follow_up is None:
        return
    st.caption(PURPOSES[status.follow_up].format(escape(status.follows)))
    if _is_there(status.follows):
        link("results", f"Go to {escape(status.follows)}", search=status.follows)
    if status.follow_up == "repeats":
        show_repeatability_result(repeatability(status.search))
    else:
        show_curve(learning_curve(status.search))
    _show_trainings(status)


def _is_there(search: str) -> bool:
    try:
        return find_only_search(search).id == search
    except NotFoundError:  # deleted
        return False


def _show_trainings(status: SearchStatus) -> None:
    follow_up = find_only_search(status.search).spec().follow_up
    if follow_up is None or not status.trials:
        return
    quality = Objective.parse(status.objective).quality_title
    rows = [_row(follow_up.trials[trial.number], trial, quality, status) for trial in status.trials]
    number = st.column_config.NumberColumn
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        placeholder="–",
        column_config={quality: number(format="%.3f"), "mAP@0.5": number(format="%.3f")},
        alt="Trainings",
    )
    for trial in status.trials:
        if trial.error:
            st.caption(f":material/error: Training {trial.number}: {escape(trial.error)}")


def _row(planned: PlannedTrial, trial: TrialStatus, quality: str, status: SearchStatus) -> dict[str, object]:
    epoch = trial.best_epoch
    return {
        "training": trial.number,
        "state": status.state if trial.state == "running" and not status.active else trial.state,
        "settings of": "defaults" if planned.repeats == 0 else f"trial {planned.repeats}",
        "seed": planned.seed,
        "photos": planned.photos,
        "epochs": f"{len(trial.epochs)}/{trial.planned_epochs}",
        quality: epoch.score if epoch else None,
        "mAP@0.5": epoch.map50 if epoch else None,
    }
