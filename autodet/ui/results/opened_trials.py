"""The trials that a visitor has opened: one in detail, or several side by side."""

import json
from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from autodet.charts.trials import trial_figure
from autodet.errors import SearchError
from autodet.evaluation.objective import Objective
from autodet.models.registry import architecture_title
from autodet.records import SearchStatus, TrialStatus
from autodet.search.api import find_only_search
from autodet.search.order.recipe import python_of
from autodet.search.order.space import PARAMETERS
from autodet.text_format import counted, duration, listed
from autodet.ui.common.address import named_in_address, write_address, written_address
from autodet.ui.common.markdown import escape, score
from autodet.ui.common.scroll import count_opening, scroll_here
from autodet.ui.results.trial_models_form import marked, offer_first
from autodet.ui.results.trial_outcomes import show_trial_outcomes

MAX_OPENED = 4


def opened_trials(search: str) -> tuple[int, ...]:
    """Return the numbers of the opened trials of a search."""
    numbers: tuple[int, ...] = st.session_state.get(f"opened {search}", ())
    return numbers


def open_linked_trials(status: SearchStatus) -> None:
    """Open the trials that a newly opened link names; call it in every run of the page, but not of its fragment."""
    if (named := named_in_address("trials")) is not None:
        known = {str(trial.number): trial.number for trial in status.trials}
        asked = named.split(",")
        if missing := [number for number in asked if number not in known]:
            st.warning(f"This search has no trial {escape(missing[0])}.", icon=":material/search_off:")
        open_trials(status.search, [known[number] for number in asked if number in known])
    if opened := opened_trials(status.search):
        write_address("trials", _address(opened))


def refresh_address(search: str) -> None:
    """Rerun the whole page if other trials are open than its address names; only the page can write its address."""
    if _address(opened_trials(search)) != written_address("trials"):
        st.rerun()


def _address(opened: Sequence[int]) -> str:
    return ",".join(map(str, opened))


def open_trials(search: str, numbers: Sequence[int]) -> None:
    """Open trials, in place of those that are open; at most ``MAX_OPENED``, the last ones."""
    st.session_state[f"opened {search}"] = tuple(numbers[-MAX_OPENED:])
    if len(numbers) == 1:
        offer_first(search, numbers[0])
    count_opening(search)


def show_opened_trials(status: SearchStatus) -> None:
    """Show the opened trials of a search, if there are any."""
    opened = opened_trials(status.search)
    trials = [trial for trial in status.trials if trial.number in opened]
    if not trials:
        return
    with st.container(border=True, key="opened trials"):
        _show_heading(status, trials)
        if len(trials) == 1:
            _show_trial(status, trials[0])
        else:
            _show_differences(status, trials)
        _show_curves(status, trials)
        show_trial_outcomes(status, trials)
        if len(trials) == 1:
            _show_recipe(status, trials[0])


def _show_heading(status: SearchStatus, trials: Sequence[TrialStatus]) -> None:
    scroll_here(status.search)
    with st.container(horizontal=True, vertical_alignment="center"):
        title = "Trial" if len(trials) == 1 else "Trials"
        st.subheader(f"{title} {listed([marked(status, trial) for trial in trials])}", anchor=False, width="stretch")
        st.button("Close", icon=":material/close:", on_click=open_trials, args=(status.search, ()))


def _show_trial(status: SearchStatus, trial: TrialStatus) -> None:
    epoch, objective = trial.best_epoch, Objective.parse(status.objective)
    figures = st.container(horizontal=True, gap="medium")
    figures.metric("State", _state(status, trial), width="content")
    figures.metric(objective.quality_title, score(epoch.score if epoch else None), width="content")
    figures.metric("mAP@0.5–0.95", score(epoch.map50_95 if epoch else None), width="content")
    best = f"best: {epoch.epoch}" if epoch else None
    figures.metric(
        "Epochs",
        f"{len(trial.epochs)} of {trial.planned_epochs}",
        best,
        delta_color="off",
        delta_arrow="off",
        width="content",
    )
    figures.metric("Training time", duration(sum(result.seconds for result in trial.epochs)), width="content")
    if trial.error:
        st.error(escape(trial.error), icon=":material/error:")
    first = status.trials[0]
    if trial.number == first.number:
        st.caption("Trial 0 has the default settings; all other trials are compared with it.")
        st.dataframe(_settings([trial]), hide_index=True, height="content", placeholder="–")
        return
    changed = [title for title, _, differs in _rows([trial, first]) if differs]
    said = f"Differs from the defaults in {listed([title.lower() for title in changed])}." if changed else ""
    st.caption(said or "Has the default settings.")
    st.dataframe(_settings([trial, first], default=first), hide_index=True, height="content", placeholder="–")


def _show_differences(status: SearchStatus, trials: Sequence[TrialStatus]) -> None:
    objective = Objective.parse(status.objective)
    facts: dict[str, list[Any]] = {
        "State": [_state(status, trial) for trial in trials],
        objective.quality_title: [score(trial.best_epoch.score if trial.best_epoch else None) for trial in trials],
        "mAP@0.5–0.95": [score(trial.best_epoch.map50_95 if trial.best_epoch else None) for trial in trials],
        "At epoch": [str(trial.best_epoch.epoch) if trial.best_epoch else "–" for trial in trials],
        "Epochs": [f"{len(trial.epochs)} of {trial.planned_epochs}" for trial in trials],
        "Training time": [duration(sum(result.seconds for result in trial.epochs)) for trial in trials],
        "Seed": [str(trial.effective["seed"]) if "seed" in trial.effective else "as the search" for trial in trials],
    }
    rows = [[title, *values] for title, values in facts.items() if len(set(values)) > 1]
    differing = [[title, *values] for title, values, differs in _rows(trials) if differs]
    same = len(_rows(trials)) - len(differing)
    columns = ["", *(f"trial {trial.number}" for trial in trials)]
    st.dataframe(pd.DataFrame([*rows, *differing], columns=columns), hide_index=True, height="content")
    st.caption(
        f"{counted(same, 'other setting')} {'is' if same == 1 else 'are'} the same."
        if differing
        else "The trials have the same settings, so their difference is chance (the seed)."
    )


def _show_curves(status: SearchStatus, trials: Sequence[TrialStatus]) -> None:
    if not any(trial.epochs for trial in trials):
        return
    st.plotly_chart(
        trial_figure(trials, Objective.parse(status.objective)),
        key=f"detail {status.search} {' '.join(str(trial.number) for trial in trials)}",
        alt="Quality, training loss and learning rate of the opened trials against the epoch",
    )


def _show_recipe(status: SearchStatus, trial: TrialStatus) -> None:
    with st.expander("Train it again", icon=":material/replay:"):
        try:
            recipe = find_only_search(status.search).recipe(trial.number)
        except SearchError as error:
            st.warning(escape(str(error)))
            return
        st.caption("In Python. On a CPU with as many cores, the training repeats exactly.")
        st.code(python_of(recipe), language="python", wrap_lines=True)
        st.caption("The configuration as JSON")
        st.code(json.dumps(recipe, indent=2, ensure_ascii=False), language="json")


def _state(status: SearchStatus, trial: TrialStatus) -> str:
    return status.state if trial.state == "running" and not status.active else trial.state


def _rows(trials: Sequence[TrialStatus]) -> list[tuple[str, list[str], bool]]:
    """Return title, values and whether these differ, of each setting of the trials."""
    rows = []
    for name, parameter in PARAMETERS.items():
        values = [_shown(trial, name) for trial in trials]
        if any(value != "–" for value in values):
            rows.append((parameter.title, values, len(set(values)) > 1))
    return rows


def _shown(trial: TrialStatus, name: str) -> str:
    value = trial.planned_epochs if name == "epochs" else trial.params.get(name)
    if value is None:
        return "–"
    if name == "architecture":
        return architecture_title(str(value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _settings(trials: Sequence[TrialStatus], default: TrialStatus | None = None) -> pd.DataFrame:
    """Return a table of settings, those that differ first."""
    rows = sorted(_rows(trials), key=lambda row: not row[2])
    columns = ["setting", *("default" if trial is default else f"trial {trial.number}" for trial in trials)]
    return pd.DataFrame([[title, *values] for title, values, _ in rows], columns=columns)
