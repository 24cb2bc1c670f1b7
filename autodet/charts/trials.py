"""Charts of trials over epochs, as in the tutorial."""

from collections.abc import Callable
from dataclasses import replace
from heapq import nlargest

import plotly.graph_objects as go

from autodet.charts.layout import note_before_first_epoch, styled
from autodet.charts.palette import class_colour
from autodet.evaluation.objective import Objective
from autodet.records import EpochResult, SearchStatus, TrialStatus

HEIGHT = 420
MAX_LINES = 60
DIVERGED = 3.0  # times the highest first-epoch loss; higher losses would flatten everything else


def most_telling(status: SearchStatus) -> SearchStatus:
    """Limit a search to the trials that a chart can show: the best and the newest."""
    if len(status.trials) <= MAX_LINES:
        return status
    newest = status.trials[-MAX_LINES // 3 :]
    measured = [trial for trial in status.trials[: -MAX_LINES // 3] if trial.best_epoch]
    best = nlargest(
        MAX_LINES - len(newest), measured, key=lambda trial: trial.best_epoch.score if trial.best_epoch else 0
    )
    return replace(status, trials=tuple(sorted((*best, *newest), key=lambda trial: trial.number)))


def map_figure(status: SearchStatus) -> go.Figure:
    """Plot the quality metric over epochs, one line per trial, with a star at the best epoch of all.

    Args:
        status: The search; trials without an epoch have no line yet.
    """
    title = Objective.parse(status.objective).quality_title
    figure = _trial_lines(status, lambda result: result.score, f"{title} %{{y:.3f}}")
    best = status.best_trial
    epoch = best.best_epoch if best else None
    if best and epoch:
        figure.add_trace(
            go.Scatter(
                x=[epoch.epoch],
                y=[epoch.score],
                mode="markers",
                name=f"best: {epoch.score:.3f}",
                marker={"symbol": "star", "size": 17, "color": _colour(best), "line": {"width": 1, "color": "white"}},
                hovertemplate=f"best: trial {best.number}, epoch {epoch.epoch}<br>{title} %{{y:.3f}}<extra></extra>",
            )
        )
    figure.update_yaxes(range=[0, 1.02], tickformat=".1f")
    y_title = f"validation {title[0].lower()}{title[1:]}"
    return styled(figure, height=HEIGHT, x_title="epoch", y_title=y_title, tools=True)


def loss_figure(status: SearchStatus) -> go.Figure:
    """Plot training loss over epochs, one line per trial; a diverging loss leaves the chart at the top."""
    figure = _trial_lines(status, lambda result: result.loss, "loss %{y:.3f}")
    figure.update_yaxes(rangemode="tozero")
    highest = DIVERGED * max((trial.epochs[0].loss for trial in status.trials if trial.epochs), default=0.0)
    if highest and any(result.loss > highest for trial in status.trials for result in trial.epochs):
        figure.update_yaxes(range=[0, highest])
    return styled(figure, height=HEIGHT, x_title="epoch", y_title="training loss", tools=True)


def _trial_lines(status: SearchStatus, value: Callable[[EpochResult], float], hover: str) -> go.Figure:
    figure = go.Figure()
    for trial in status.trials:
        if trial.epochs:
            figure.add_trace(_trial_line(trial, value, hover))
    if not figure.data:
        note_before_first_epoch(figure, status)
    last = max(status.planned_epochs, 2)
    figure.update_xaxes(range=[0.7, last + 0.3], tickformat="d", dtick=1 if last <= 24 else None)
    return figure


def _trial_line(trial: TrialStatus, value: Callable[[EpochResult], float], hover: str) -> go.Scatter:
    given_up = trial.state in ("pruned", "failed")
    suffix = "" if trial.state in ("running", "finished") else f" ({trial.state})"
    return go.Scatter(
        x=[result.epoch for result in trial.epochs],
        y=[value(result) for result in trial.epochs],
        mode="lines+markers",
        name=f"trial {trial.number}{suffix}",
        opacity=0.55 if given_up else 1.0,
        line={
            "color": _colour(trial),
            "width": 2.5,
            "dash": "dot" if given_up else "solid",
        },
        marker={"size": 6},
        hovertemplate=f"trial {trial.number}, epoch %{{x}}<br>{hover}<extra></extra>",
    )


def _colour(trial: TrialStatus) -> str:
    return class_colour(trial.number + 1)  # blue first, because red would suggest a problem with trial 0
