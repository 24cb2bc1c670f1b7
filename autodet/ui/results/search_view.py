"""Live view of a search: state, metrics, charts and trials."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pandas as pd
import streamlit as st

from autodet.charts.pareto import pareto_figure
from autodet.charts.timeline import timeline_figure
from autodet.charts.trials import loss_figure, map_figure, most_telling
from autodet.errors import SearchError
from autodet.evaluation.objective import OBJECTIVES, Objective
from autodet.messages.plans import plan_text
from autodet.models.registry import ARCHITECTURES
from autodet.records import SearchState, SearchStatus, TrialStatus
from autodet.search.api import find_only_search
from autodet.search.order.space import PARAMETERS
from autodet.text_format import duration
from autodet.ui.common.choice import dataset_names
from autodet.ui.common.confirm_deletion import offer_deletion, show_size
from autodet.ui.common.frame import link, sentences_for_errors
from autodet.ui.common.markdown import escape, score
from autodet.ui.common.search_progress import progress_text
from autodet.ui.results.trial_models_form import marked, offer_trials_to_keep

REFRESH_SECONDS = 2
PER_PAGE = 100
TIMELINE_SECONDS = 15
PREDICTION = "one prediction"
MEGABYTES = "%.0f MB"  # Streamlit's own format for bytes writes mB
NEEDS = {"peak memory": "memory_bytes", "peak GPU memory": "gpu_memory_bytes", "GPU busy": "gpu_utilisation"}
BADGES = {
    "queued": (":material/hourglass_top:", "gray"),
    "running": (":material/autorenew:", "blue"),
    "stopping": (":material/hourglass_bottom:", "orange"),
    "finished": (":material/check_circle:", "green"),
    "stopped": (":material/stop_circle:", "orange"),
    "interrupted": (":material/warning:", "orange"),
    "failed": (":material/error:", "red"),
}


def watch(status: SearchStatus) -> None:
    """Show a search, refreshed while it is active."""
    st.fragment(_show, run_every=REFRESH_SECONDS if status.active else None)(status.search, status.state)


def _show(search: str, shown_state: SearchState) -> None:
    with sentences_for_errors("Results"):
        _show_search(search, shown_state)


def _show_search(search: str, shown_state: SearchState) -> None:
    status = find_only_search(search).status()
    if status.state != shown_state:
        st.rerun()  # rerun the whole page, because the list of searches has changed too
    _show_state(status)
    _show_figures(status)
    shown = most_telling(status)
    timed = Objective.parse(status.objective).latency
    *places, curves, losses, devices = st.tabs([*(["Quality and time"] if timed else []), "mAP", "Loss", "Devices"])
    for place in places:
        with place:
            _show_front(status)
    curves.plotly_chart(
        map_figure(shown), key=f"map {search}", alt="The objective against the epoch, one line per trial"
    )
    losses.plotly_chart(
        loss_figure(shown), key=f"loss {search}", alt="Training loss against the epoch, one line per trial"
    )
    devices.plotly_chart(
        timeline_figure(shown, _now(), _visitors_zone()),
        key=f"devices {search}",
        alt="The trials of each device over time",
    )
    if shown is not status:
        st.caption(f"The charts show {len(shown.trials)} of {len(status.trials):,} trials: the best and the newest.")
    _show_trials(status)
    offer_trials_to_keep(status)


def _show_front(status: SearchStatus) -> None:
    st.plotly_chart(
        pareto_figure(status),
        key=f"front {status.search}",
        alt="Quality against the time of a prediction, one point per trial",
    )
    st.caption(
        "Trials on the line are the Pareto front: no other trial is better and faster. The time (latency) is that of "
        "one prediction on the device that trained the model (on a CPU, on one core), without reading the file. The "
        "star is the search's own model; you can keep others below."
    )


def _show_trials(status: SearchStatus) -> None:
    """Show a paginated table of trials, with the errors of the trials on the page."""
    pages = -(-len(status.trials) // PER_PAGE)
    page = st.pagination(pages, key=f"trials {status.search}") if pages > 1 else 1
    shown = status.trials[(page - 1) * PER_PAGE : page * PER_PAGE]
    if shown:
        st.dataframe(_trial_table(status, shown), hide_index=True, placeholder="–", column_config=_columns())
    for trial in shown:
        if trial.error:
            st.caption(f":material/error: Trial {trial.number}: {escape(trial.error)}")


def _now() -> datetime:
    """Return the time in steps of ``TIMELINE_SECONDS``: each change remounts the chart and interrupts hovering."""
    return datetime.fromtimestamp(time.time() // TIMELINE_SECONDS * TIMELINE_SECONDS, UTC)


def _visitors_zone() -> ZoneInfo | None:
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):  # the browser sent an unknown time zone
        return None


def _show_state(status: SearchStatus) -> None:
    icon, colour = BADGES[status.state]
    lost = find_only_search(status.search).lost_data() if status.unfinished else ""
    left, right = st.columns([2, 3], vertical_alignment="center")
    left.badge(status.state, icon=icon, color=colour)  # type: ignore[arg-type]
    with right.container(horizontal=True, horizontal_alignment="right"):
        _offer_actions(status, lost)
    if status.active:
        st.progress(status.progress, progress_text(status))
    st.caption(_described(status))
    if status.message:
        (st.error if status.state == "failed" else st.info)(escape(status.message))
    if status.start_from:
        st.caption(f"Started from the weights of {escape(status.start_from.model)}.")
    if status.caution:
        st.warning(escape(status.caution), icon=":material/warning:")
    if status.diagnosis:
        st.info(escape(status.diagnosis), icon=":material/troubleshoot:")
    if reasons := _reasons(status):
        with st.expander("Why these settings", icon=":material/help:"):
            st.markdown(escape(reasons))
    if lost:
        st.warning(f"It cannot be resumed. {escape(lost)}", icon=":material/block:")
    elif status.state == "interrupted":
        st.warning("Its process has ended. Every finished epoch is kept; Resume continues from there.")


def _reasons(status: SearchStatus) -> str:
    """Return the reasons for the plan of a search; empty if there are none, or its specification is damaged."""
    try:
        return plan_text(find_only_search(status.search).spec().why)
    except SearchError:
        return ""


def _described(status: SearchStatus) -> str:
    """Describe the data set of a search, and the network and photo size if all trials share them; as Markdown."""
    names = {str(trial.params["architecture"]) for trial in status.trials if "architecture" in trial.params}
    sizes = {trial.params["image_size"] for trial in status.trials if "image_size" in trial.params}
    titles = [ARCHITECTURES[name].title if name in ARCHITECTURES else name for name in names]
    parts = [f"Data set {dataset_names().get(status.dataset, status.dataset)}"]
    parts += titles if len(titles) == 1 else []
    parts += [f"photos at {size} px" for size in sizes] if len(sizes) == 1 else []
    return escape(" · ".join(parts))


def _offer_actions(status: SearchStatus, lost: str) -> None:
    search = find_only_search(status.search)
    try:
        if status.state in ("queued", "running") and st.button(
            "Stop, keep the best", icon=":material/stop:", help="Ends within seconds; the best epoch so far is kept."
        ):
            search.stop()
            st.rerun()
        if status.unfinished and not lost and st.button("Resume", type="primary", icon=":material/play_arrow:"):
            search.resume()
            st.rerun()
    except SearchError as error:
        st.toast(escape(str(error)))
    if status.model:
        link("evaluate", "Evaluate", model=status.model, dataset=status.dataset)
        link("predict", "Try a photo", primary=True, model=status.model)
    if not status.active:
        offer_deletion(status)


def _show_figures(status: SearchStatus) -> None:
    best = status.best_trial
    epoch = best.best_epoch if best else None
    figures = st.container(horizontal=True, gap="medium")
    figures.metric(
        f"Best {Objective.parse(status.objective).quality_title}",
        score(epoch.score if epoch else None),
        f"trial {best.number}, epoch {epoch.epoch}" if best and epoch else None,
        delta_color="off",
        delta_arrow="off",
        help="On the validation photos; 1 is perfect. Each trial keeps its latest epoch with about the highest value, "
        "because on few photos the very highest is partly luck.",
        width="content",
    )
    figures.metric("Trials done", f"{status.trials_over} of {status.planned_trials}", width="content")
    figures.metric(
        "Time so far" if status.active else "Took at least" if status.state == "interrupted" else "Took",
        duration(status.seconds),
        help="Until its last record; the time after that is unknown." * (status.state == "interrupted") or None,
        width="content",
    )
    if not status.active:
        show_size(status, figures)


def _trial_table(status: SearchStatus, trials: Sequence[TrialStatus]) -> pd.DataFrame:
    varied, objective = _varied(status), Objective.parse(status.objective)
    rows = []
    for trial in trials:
        epoch = trial.best_epoch
        rows.append(
            {
                "trial": marked(status, trial),
                "state": status.state if trial.state == "running" and not status.active else trial.state,
                "epochs": f"{len(trial.epochs)}/{trial.planned_epochs}",
                objective.quality_title: epoch.score if epoch else None,
                "mAP@0.5": epoch.map50 if epoch else None,
                "mAP@0.5–0.95": epoch.map50_95 if epoch else None,
                "at epoch": epoch.epoch if epoch else None,
                **({PREDICTION: trial.latency_ms} if objective.latency else {}),
                **{PARAMETERS[name].title.lower(): trial.params.get(name) for name in varied},
                **({"seed": trial.effective.get("seed")} if _repeats(status) else {}),
                "learning rate": trial.params.get("lr"),
                "backbone ×": trial.params.get("backbone_lr_factor"),
                "weight decay": trial.params.get("weight_decay"),
                **_needs(trial),
            }
        )
    table = pd.DataFrame(rows)
    return table.drop(columns=[name for name in NEEDS if table[name].isna().all()])


def _repeats(status: SearchStatus) -> bool:
    """Return whether trials repeat the parameters of others with different seeds."""
    return any("seed" in trial.effective for trial in status.trials)


def _varied(status: SearchStatus) -> list[str]:
    """Return the parameters that differ between trials, without those that always have a column."""
    others = PARAMETERS.keys() - {"lr", "backbone_lr_factor", "weight_decay", "epochs"}
    return [
        name for name in PARAMETERS if name in others and len({trial.params.get(name) for trial in status.trials}) > 1
    ]


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
        **{Objective.parse(text).quality_title: number(format="%.3f") for text in OBJECTIVES},
        PREDICTION: number(format="%g ms", help="On the device that trained it; on a CPU, on one core."),
        "learning rate": number(format="%.2g"),
        "backbone ×": number(
            format="%.2f", help="Learning rate of the pretrained layers, as a multiple of the learning rate."
        ),
        "weight decay": number(format="%.1g"),
        "peak memory": number(format=MEGABYTES, help="Peak memory of its process."),
        "peak GPU memory": number(format=MEGABYTES, help="Peak use of its GPU, by all processes."),
        "GPU busy": number(format="percent", help="Share of the time in which its GPU was busy."),
    }
