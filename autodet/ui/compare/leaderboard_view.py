"""Leaderboard of a data set: a table whose ticked rows are compared."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from autodet.messages.leaderboards import split_note
from autodet.models.registry import architecture_title
from autodet.records import Interval, Leaderboard, Standing
from autodet.text_format import listed
from autodet.ui.common.address import named_in_address, write_address
from autodet.ui.common.markdown import escape, shortened
from autodet.workspace import slug

COMPARED = "compared models"  # session state: ids of the models to compare, at most two
MAX_COMPARED = 2
MAX_HEIGHT = 420  # pixels
ROW_HEIGHT = 35
INTERVAL_HELP = (
    "Drawn again, 95 % of such sets of photos would give a figure in this interval (bootstrap). To see whether two "
    "models differ, compare them: both are then measured on the same draws."
)


def compared_models(leaderboard: Leaderboard) -> tuple[str, ...]:
    """Return the ids of the models to compare: those of a new link, else those ticked, as far as they are listed."""
    listed = [standing.model for standing in leaderboard.standings]
    if (named := named_in_address("models")) is not None:
        wanted = named.split(",")
        if missing := [model for model in wanted if model not in listed]:
            st.warning(
                f"There is no model {escape(missing[0])} to choose here.",
                icon=":material/search_off:",
            )
        st.session_state[COMPARED] = tuple(wanted)
    chosen: tuple[str, ...] = st.session_state.get(COMPARED, ())
    return tuple(model for model in dict.fromkeys(chosen) if model in listed)[-MAX_COMPARED:]


def show_leaderboard(leaderboard: Leaderboard) -> tuple[str, ...]:
    """Show the table, and a list of the same models for the keyboard; return the ids of those to compare."""
    if note := split_note(leaderboard.split):
        st.caption(f":material/info: {note}")
    chosen = compared_models(leaderboard)
    _show_table(leaderboard, chosen)
    names = display_names(leaderboard)
    st.session_state["compare"] = list(chosen)  # in every run, because rows change it too
    st.multiselect(
        "Compare two models",
        list(names),
        format_func=names.__getitem__,
        key="compare",
        max_selections=MAX_COMPARED,
        placeholder="Tick two rows, or choose two models here",
        on_change=_choose_listed,
    )
    if chosen:
        write_address("models", ",".join(chosen))
    return chosen


def display_names(leaderboard: Leaderboard) -> dict[str, str]:
    """Return the names of the models by id; with the id if that is not the one made of the name."""
    return {
        standing.model: standing.name
        if slug(standing.name) == standing.model
        else f"{standing.name} ({standing.model})"
        for standing in leaderboard.standings
    }


def _choose_listed() -> None:
    st.session_state[COMPARED] = tuple(st.session_state["compare"])


def _show_table(leaderboard: Leaderboard, chosen: Sequence[str]) -> None:
    key = f"leaderboard {leaderboard.dataset} {leaderboard.split}"
    models = [standing.model for standing in leaderboard.standings]
    rows = [row for row, model in enumerate(models) if model in chosen]
    state = st.session_state.get(key)
    if sorted(state["selection"]["rows"] if state else []) != rows:
        st.session_state[key] = {"selection": {"rows": rows, "columns": [], "cells": []}}
    st.dataframe(
        _table(leaderboard),
        hide_index=True,
        placeholder="–",
        column_config=_columns(),
        height=min(MAX_HEIGHT, ROW_HEIGHT * (len(models) + 1) + 3),
        key=key,
        on_select=partial(_choose_ticked, key, tuple(models)),
        selection_mode="multi-row",
        alt="Leaderboard",
    )


def _choose_ticked(key: str, models: Sequence[str]) -> None:
    """Compare the models of the ticked rows; of three, the first ticked one is dropped."""
    ticked = [models[row] for row in st.session_state[key]["selection"]["rows"] if row < len(models)]
    before = [model for model in st.session_state.get(COMPARED, ()) if model in ticked]
    added = [model for model in ticked if model not in before]
    st.session_state[COMPARED] = tuple([*before, *added][-MAX_COMPARED:])


def _table(leaderboard: Leaderboard) -> pd.DataFrame:
    names = display_names(leaderboard)
    table = pd.DataFrame([_row(standing, names[standing.model]) for standing in leaderboard.standings])
    empty = [name for name in ("latency", "note") if not table[name].any()]
    return table.drop(columns=empty)


def _row(standing: Standing, name: str) -> dict[str, Any]:
    trial = "" if standing.trial is None else f", trial {standing.trial}"
    if standing.averaged:
        trial = f", average of {listed(standing.averaged)}"
    return {
        "model": shortened(name, 30),
        "mAP@0.5": standing.map50,
        "interval": _ends(standing.interval.get("map50")),
        "mAP@0.5–0.95": standing.map50_95,
        "its interval": _ends(standing.interval.get("map50_95")),
        "note": "trained on these photos" if standing.caution else "",
        "latency": standing.latency_ms,
        "size": standing.size_bytes / 1e6,
        "date": pd.Timestamp(standing.created),
        "network": architecture_title(standing.architecture),
        "search": f"{standing.search}{trial}" if standing.search else None,
        "trained on": standing.trained_on,
    }


def _ends(interval: Interval | None) -> str | None:
    return f"{interval[0]:.3f} to {interval[1]:.3f}" if interval else None


def _columns() -> dict[str, Any]:
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    return {
        "model": text(pinned=True),
        "mAP@0.5": number(format="%.3f", help="COCO average precision at an IoU of 0.5, averaged over the classes."),
        "mAP@0.5–0.95": number(format="%.3f", help="The same, averaged over IoU thresholds from 0.50 to 0.95."),
        "interval": text("95 % interval", help=INTERVAL_HELP),
        "its interval": text("95 % interval", help=INTERVAL_HELP),
        "note": text(help="The figures look better than they would on new photos (data leakage)."),
        "latency": number(
            format="%g ms", help="Time of one prediction on this machine, from a photo in memory to its boxes."
        ),
        "size": number(format="%.1f MB"),
        "search": text(
            help="The search with the model's trial, or with the trials whose average it is; empty if the model was "
            "uploaded, or its search was deleted."
        ),
        "date": st.column_config.DatetimeColumn(format="D MMM YYYY", help="When it was trained, or uploaded."),
    }
