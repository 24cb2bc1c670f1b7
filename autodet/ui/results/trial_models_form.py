"""Form that keeps the model of a trial in addition to the search's own model."""

from heapq import nlargest

import streamlit as st

from autodet.evaluation.objective import Objective
from autodet.records import SearchStatus, TrialStatus
from autodet.search.api import find_only_search
from autodet.ui.common.editors import editors_only
from autodet.ui.common.frame import link
from autodet.ui.common.markdown import escape, score

MAX_OFFERED = 200


@editors_only()
def offer_trials_to_keep(status: SearchStatus) -> None:
    """Show a form that stores the best epoch of any trial as a model, beside the one that the search publishes."""
    trials = {trial.number: trial for trial in _offered(status)}
    if not trials:
        return
    key = _key(status.search)
    published = [] if status.best_result and status.best_result.is_average else [status.best_trial]
    others = [number for number, trial in trials.items() if trial not in published]
    default = others[0] if others else next(iter(trials))
    # Set in every run, or the browser keeps showing the trial's old star and score.
    chosen = st.session_state.get(key)
    st.session_state[key] = chosen if chosen in trials else default
    with st.expander("Keep the model of a trial", icon=":material/bookmark_add:"):
        which, called, act = st.columns([3, 3, 2], vertical_alignment="bottom")
        number = which.selectbox(
            "Trial",
            list(trials),
            format_func=lambda candidate: _described(status, trials[candidate]),
            key=key,
        )
        name = called.text_input("Name", f"{status.search} trial {number}", key=f"keep {status.search} {number}")
        kept = f"kept {status.search} {number}"
        if act.button("Keep this model", icon=":material/bookmark_add:", width="stretch"):
            st.session_state[kept] = find_only_search(status.search).keep(number, name.strip() or None).id
        _show_kept(st.session_state.get(kept))


def offer_first(search: str, number: int) -> None:
    """Select a trial in the form of its search, if it has a model."""
    st.session_state[_key(search)] = number


def _key(search: str) -> str:
    return f"keep {search}"


def _show_kept(model: str | None) -> None:
    if model is None:
        st.caption("It appears under Models, beside the search's own, with this trial's metrics.")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/check: It is kept as **{escape(model)}**.", width="content")
        link("predict", "Try it", model=model)


def marked(status: SearchStatus, trial: TrialStatus) -> str:
    """Format a trial's number, with a star for the best trial and a diamond for trials on the Pareto front."""
    star = " ★" if trial is status.best_trial else ""
    return f"{trial.number}{star}{' ◆' if trial in status.pareto_front else ''}"


def _offered(status: SearchStatus) -> list[TrialStatus]:
    """Return the trials with a model: the Pareto front, then up to ``MAX_OFFERED`` others, the best first."""
    front = {trial.number for trial in status.pareto_front}
    measured = [trial for trial in status.trials if trial.best_epoch and trial.number not in front]
    best = nlargest(MAX_OFFERED, measured, key=lambda trial: (_score(trial), -trial.number))
    return [*reversed(status.pareto_front), *best]


def _score(trial: TrialStatus) -> float:
    return trial.best_epoch.score if trial.best_epoch else 0.0


def _described(status: SearchStatus, trial: TrialStatus) -> str:
    time = f" · {trial.latency_ms:g} ms" if trial.latency_ms else ""
    return f"{marked(status, trial)} · {Objective.parse(status.objective).quality_title} {score(_score(trial))}{time}"
