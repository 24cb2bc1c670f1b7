"""Figures of a search behind one selector; only the selected one is computed."""

import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from importlib.util import find_spec
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import plotly.graph_objects as go
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from autodet.charts.pareto import pareto_figure
from autodet.charts.timeline import timeline_figure
from autodet.charts.trials import (
    best_trials,
    first_epoch_figure,
    is_in_first_epoch,
    loss_figure,
    map_figure,
    most_telling,
)
from autodet.evaluation.objective import Objective
from autodet.messages.search_figures import CLICK, FIRST_EPOCH, READINGS, TITLES, reason_text, rough_text
from autodet.records import Notice, SearchStatus
from autodet.search.api import find_only_search
from autodet.search.order.space import PARAMETERS, Space
from autodet.ui.common.markdown import escape
from autodet.ui.results.opened_trials import open_trials, opened_trials

TIMELINE_SECONDS = 15
BEST = 5
ROUGH_TRIALS = 50  # importances from fewer trials are rough
EPOCH_FIGURES = ("curves", "loss")
WITHOUT_TRIALS = ("importance", "edf")  # no point of these belongs to one trial
WIDE_FIGURES, MIN_WIDE_PIXELS = ("parallel",), 720
SELECTIONS = {"all": "All", "best": f"Best {BEST}", "opened": "Opened"}


def show_figures(status: SearchStatus) -> None:
    """Show the selected figure of a search, with a sentence on how to read it."""
    if is_in_first_epoch(status):
        st.plotly_chart(first_epoch_figure(status), key=f"first epoch {status.search}", alt=FIRST_EPOCH)
        st.caption(FIRST_EPOCH)
        return
    with_front = Objective.parse(status.objective).latency
    kinds = [kind for kind in TITLES if kind != "front" or with_front]
    kind = st.selectbox(
        "Figure",
        kinds,
        index=kinds.index("front" if with_front else "curves"),
        format_func=TITLES.__getitem__,
        key=f"figure {status.search}",
    )
    figure = _epoch_figure(kind, status) if kind in EPOCH_FIGURES else _other_figure(kind, status)
    if isinstance(figure, Notice):
        st.info(escape(reason_text(figure)), icon=":material/bar_chart_off:")
        return
    key = f"{kind} {status.search}"
    clickable = kind not in WITHOUT_TRIALS
    with _wide() if kind in WIDE_FIGURES else nullcontext():
        st.plotly_chart(
            figure,
            key=key,
            alt=TITLES[kind],
            on_select=partial(_open_clicked, status.search, key) if clickable else "ignore",
            selection_mode="points",
        )
    st.caption(" ".join([READINGS[kind], *([CLICK] if clickable else [])]))


def _wide() -> DeltaGenerator:
    """Return a container whose chart keeps its labels apart on a phone: it scrolls sideways."""
    st.html(
        "<style>.st-key-wide-figure {overflow-x: auto}"
        f".st-key-wide-figure > * {{min-width: {MIN_WIDE_PIXELS}px}}</style>"
    )
    return st.container(key="wide-figure")


def _open_clicked(search: str, key: str) -> None:
    """Open the trial of the clicked point, whose number is the last of its custom data."""
    for point in st.session_state[key]["selection"]["points"][:1]:
        number = point.get("customdata")
        if isinstance(number, list):
            number = number[-1]
        if number is not None:
            open_trials(search, (int(number),))


def _epoch_figure(kind: str, status: SearchStatus) -> go.Figure:
    shown = _selected(status)
    if len(shown.trials) < len(status.trials):
        st.caption(f"{len(shown.trials)} of {len(status.trials):,} trials are shown.")
    return map_figure(shown) if kind == "curves" else loss_figure(shown)


def _selected(status: SearchStatus) -> SearchStatus:
    """Return the search with the trials that the visitor wants to see: all (at most those a chart can show), or few."""
    numbers = opened_trials(status.search)
    opened = [trial for trial in status.trials if trial.number in numbers]
    which = st.segmented_control(
        "Trials",
        [name for name in SELECTIONS if name != "opened" or opened],
        default="all",
        required=True,
        format_func=SELECTIONS.__getitem__,
        key=f"lines {status.search}",
        label_visibility="collapsed",
    )
    if which == "best":
        return replace(status, trials=tuple(best_trials(status.trials, BEST)))
    if which == "opened" and opened:
        return replace(status, trials=tuple(opened))
    return most_telling(status)


def _other_figure(kind: str, status: SearchStatus) -> go.Figure | Notice:
    if kind == "front":
        return pareto_figure(status)
    if kind == "timeline":
        return timeline_figure(most_telling(status), _now(), _visitors_zone())
    return _optuna_figure(kind, status)


def _optuna_figure(kind: str, status: SearchStatus) -> go.Figure | Notice:
    if find_spec("optuna") is None:  # a deployment that only predicts
        return Notice("figure_needs_optuna")
    from autodet.search.study.figures import KINDS, measured_trials, varied_parameters  # loads Optuna

    space, trials = find_only_search(status.search).spec().space, measured_trials(status)
    shown = _parameters(kind, varied_parameters(trials, space))
    if kind == "importance" and KINDS[kind].min_trials <= len(trials) < ROUGH_TRIALS:
        st.caption(rough_text(len(trials)))
    if KINDS[kind].max_trials < len(trials):
        st.caption(f"{KINDS[kind].max_trials:,} of {len(trials):,} trials are shown: the best and the newest.")
    ended = hash(tuple((trial.number, trial.state) for trial in trials))
    return _kept_figure(kind, status.search, status.created, ended, tuple(shown), status, space)


@st.cache_resource(max_entries=30, show_spinner=False)
def _kept_figure(
    kind: str, search: str, created: str, ended: int, shown: tuple[str, ...], _status: SearchStatus, _space: Space
) -> go.Figure | Notice:
    """Return a figure of Optuna; it changes only when a trial ends."""
    del search, created, ended
    from autodet.search.study.figures import study_figure

    return study_figure(kind, _status, _space, shown)


def _parameters(kind: str, varied: Sequence[str]) -> list[str]:
    """Let the visitor select the parameters of a slice plot or a contour plot."""
    if kind == "slice" and varied:
        return [_parameter("Setting", varied, "slice setting")]
    if kind == "contour" and len(varied) > 1:
        left, right = st.columns(2)
        with left:
            first = _parameter("One setting", varied, "contour one")
        with right:
            other = _parameter("Another setting", [name for name in varied if name != first], "contour other")
        return [first, other]
    return []


def _parameter(label: str, names: Sequence[str], key: str) -> str:
    if st.session_state.get(key) not in names:
        st.session_state[key] = names[0]
    return st.selectbox(label, names, format_func=lambda name: PARAMETERS[name].title, key=key)


def _now() -> datetime:
    """Return the time in steps of ``TIMELINE_SECONDS``: each change remounts the chart and interrupts hovering."""
    return datetime.fromtimestamp(time.time() // TIMELINE_SECONDS * TIMELINE_SECONDS, UTC)


def _visitors_zone() -> ZoneInfo | None:
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):  # the browser sent an unknown time zone
        return None
