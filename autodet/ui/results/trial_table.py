"""Table of the trials of a search; selected rows are the opened trials."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from autodet.evaluation.objective import OBJECTIVES, Objective
from autodet.models.registry import architecture_title
from autodet.records import SearchStatus, TrialStatus
from autodet.search.order.space import PARAMETERS
from autodet.ui.common.markdown import escape
from autodet.ui.results.opened_trials import open_trials, opened_trials
from autodet.ui.results.trial_models_form import marked

PER_PAGE = 500
MAX_HEIGHT = 320  # pixels
ROW_HEIGHT = 35
MAX_ERRORS = 5
RATES = {"lr": "%.2g", "backbone_lr_factor": "%.2f", "weight_decay": "%.1g"}  # parameters that always have a column
CURVE = "curve"
PREDICTION = "one prediction"
MEGABYTES = "%.0f MB"  # Streamlit's own format for bytes writes mB
NEEDS = {"peak memory": "memory_bytes", "peak GPU memory": "gpu_memory_bytes", "GPU busy": "gpu_utilisation"}


def show_trials(status: SearchStatus) -> None:
    """Show a table of trials, in pages if there are many, with the errors of the trials on the page."""
    shown, page = _page_of(status)
    if not shown:
        return
    key = f"rows {status.search} {page}"
    _select_opened(status.search, key, shown)
    numbers = tuple(trial.number for trial in shown)
    st.dataframe(
        _trial_table(status, shown),
        hide_index=True,
        placeholder="–",
        column_config=_columns(),
        height=min(MAX_HEIGHT, ROW_HEIGHT * (len(shown) + 1) + 3),
        key=key,
        on_select=partial(_open_selected, status.search, key, numbers),
        selection_mode="multi-row",
        alt="Trials",
    )
    st.caption("Tick a row to open its trial, or several rows to compare trials. A column's heading sorts the table.")
    failed = [trial for trial in shown if trial.error]
    for trial in failed[:MAX_ERRORS]:
        st.caption(f":material/error: Trial {trial.number}: {escape(trial.error or '')}")
    if len(failed) > MAX_ERRORS:
        st.caption(f"{len(failed) - MAX_ERRORS} more trials failed; open one to see why.")


def _page_of(status: SearchStatus) -> tuple[Sequence[TrialStatus], str]:
    """Return the trials to list, and a name of the page that is part of the table's key."""
    pages = -(-len(status.trials) // PER_PAGE)
    if pages < 2:
        return status.trials, ""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        best_first = st.toggle("Best first", key=f"best first {status.search}", width="stretch")
        page = st.pagination(pages, key=f"trials {status.search}")
    trials = sorted(status.trials, key=_rank, reverse=True) if best_first else status.trials
    return trials[(page - 1) * PER_PAGE : page * PER_PAGE], f"{'best' if best_first else 'first'} {page}"


def _rank(trial: TrialStatus) -> tuple[float, int]:
    return trial.best_epoch.score if trial.best_epoch else -1.0, -trial.number


def _select_opened(search: str, key: str, shown: Sequence[TrialStatus]) -> None:
    """Tick the rows of the opened trials, which may have been opened in a chart."""
    opened = opened_trials(search)
    rows = [row for row, trial in enumerate(shown) if trial.number in opened]
    state = st.session_state.get(key)
    if sorted(state["selection"]["rows"] if state else []) != rows:
        st.session_state[key] = {"selection": {"rows": rows, "columns": [], "cells": []}}


def _open_selected(search: str, key: str, numbers: Sequence[int]) -> None:
    rows = st.session_state[key]["selection"]["rows"]
    open_trials(search, [numbers[row] for row in rows if row < len(numbers)])


def _trial_table(status: SearchStatus, trials: Sequence[TrialStatus]) -> pd.DataFrame:
    varied, objective = _varied(status), Objective.parse(status.objective)
    repeats = any("seed" in trial.effective for trial in status.trials)  # combinations, with seeds of their own
    rows = []
    for trial in trials:
        epoch = trial.best_epoch
        rows.append(
            {
                "trial": marked(status, trial),
                "state": status.state if trial.state == "running" and not status.active else trial.state,
                CURVE: [result.score for result in trial.epochs],
                objective.quality_title: epoch.score if epoch else None,
                "mAP@0.5": epoch.map50 if epoch else None,
                "mAP@0.5–0.95": epoch.map50_95 if epoch else None,
                "epochs": f"{len(trial.epochs)}/{trial.planned_epochs}",
                "at epoch": epoch.epoch if epoch else None,
                **({PREDICTION: trial.latency_ms} if objective.latency else {}),
                **{_title(name): _value(trial, name) for name in varied},
                **({"seed": trial.effective.get("seed")} if repeats else {}),
                **{_title(name): trial.params.get(name) for name in RATES},
                **_needs(trial),
            }
        )
    table = pd.DataFrame(rows)
    return table.drop(columns=[name for name in NEEDS if table[name].isna().all()])


def _varied(status: SearchStatus) -> list[str]:
    """Return the parameters that differ between trials, without those that always have a column."""
    others = PARAMETERS.keys() - {*RATES, "epochs"}
    return [
        name for name in PARAMETERS if name in others and len({trial.params.get(name) for trial in status.trials}) > 1
    ]


def _title(name: str) -> str:
    return PARAMETERS[name].title.lower()


def _value(trial: TrialStatus, name: str) -> Any:
    value = trial.params.get(name)
    return architecture_title(value) if name == "architecture" and value else value


def _needs(trial: TrialStatus) -> dict[str, float | None]:
    """Return the peak resource usage over all attempts of a trial, memory in MB; None if not measured."""
    measured = {name: [getattr(attempt, fact) for attempt in trial.attempts] for name, fact in NEEDS.items()}
    peaks = {
        name: max((value for value in values if value is not None), default=None) for name, values in measured.items()
    }
    return {name: value / 1e6 if value and "memory" in name else value for name, value in peaks.items()}


def _columns() -> dict[str, Any]:
    number = st.column_config.NumberColumn
    return {
        "trial": st.column_config.TextColumn(help="★ marks the best, ◆ those on the Pareto front"),
        CURVE: st.column_config.LineChartColumn(
            "mAP curve", width="small", y_min=0, y_max=1, help="The score after each epoch, from 0 to 1."
        ),
        **{Objective.parse(text).quality_title: number(format="%.3f") for text in OBJECTIVES},
        PREDICTION: number(format="%g ms", help="On the device that trained it; on a CPU, on one core."),
        **{_title(name): number(format=shape, help=PARAMETERS[name].help) for name, shape in RATES.items()},
        "peak memory": number(format=MEGABYTES, help="Peak memory of its process."),
        "peak GPU memory": number(format=MEGABYTES, help="Peak use of its GPU, by all processes."),
        "GPU busy": number(format="percent", help="Share of the time in which its GPU was busy."),
    }
