"""Charts of trials over epochs, as in the tutorial."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from heapq import nlargest

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from autodet.charts.layout import note_before_first_epoch, styled
from autodet.charts.palette import class_colour
from autodet.evaluation.objective import Objective
from autodet.records import EpochResult, Hyperparameters, SearchStatus, TrialStatus
from autodet.records.learning_rate import lr_factor

HEIGHT = 420
DETAIL_HEIGHT = 560
LR_STEPS = 200  # points of a learning rate curve
MAX_LINES = 60
DIVERGED = 3.0  # times the highest first-epoch loss; higher losses would flatten everything else


def most_telling(status: SearchStatus) -> SearchStatus:
    """Limit a search to the trials that a chart can show: the best and the newest."""
    return replace(status, trials=tuple(telling_trials(status.trials, MAX_LINES)))


def telling_trials(trials: Sequence[TrialStatus], most: int) -> Sequence[TrialStatus]:
    """Return at most ``most`` trials, in their order: the best two thirds and the newest third."""
    if len(trials) <= most:
        return trials
    newest = trials[-most // 3 :]
    return sorted((*best_trials(trials[: -most // 3], most - len(newest)), *newest), key=lambda trial: trial.number)


def best_trials(trials: Iterable[TrialStatus], count: int) -> list[TrialStatus]:
    """Return the trials with the highest scores, the best first."""
    measured = [trial for trial in trials if trial.best_epoch]
    return nlargest(count, measured, key=lambda trial: trial.best_epoch.score if trial.best_epoch else 0)


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
                name=f"best trial: {epoch.score:.3f}",
                customdata=[best.number],
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


def first_epoch_figure(status: SearchStatus, height: int = HEIGHT) -> go.Figure:
    """Plot training loss within the first epoch, one line per running trial, before there is a score."""
    figure = go.Figure()
    for trial in status.trials:
        shares, losses = zip(*trial.epoch_losses, strict=True) if trial.epoch_losses else ((), ())
        figure.add_trace(
            go.Scatter(
                x=shares,
                y=losses,
                mode="lines+markers",
                name=f"trial {trial.number}",
                line={"color": _colour(trial), "width": 2.5},
                marker={"size": 6},
                customdata=[trial.number] * len(shares),
                hovertemplate=f"trial {trial.number}, %{{x:.0%}} of epoch 1<br>loss %{{y:.3f}}<extra></extra>",
            )
        )
    figure.update_xaxes(range=[0, 1.02], tickformat=".0%")
    figure.update_yaxes(rangemode="tozero")
    return styled(figure, height=height, x_title="share of the first epoch", y_title="training loss", tools=True)


def is_in_first_epoch(status: SearchStatus) -> bool:
    """Return whether no trial has an epoch, and one has losses within its first."""
    return not any(trial.epochs for trial in status.trials) and any(trial.epoch_losses for trial in status.trials)


def _trial_lines(status: SearchStatus, value: Callable[[EpochResult], float], hover: str) -> go.Figure:
    figure = go.Figure()
    for trial in status.trials:
        if trial.epochs:
            figure.add_trace(_trial_line(trial, value, hover))
    if not figure.data:
        note_before_first_epoch(figure, status)
    last = max(status.planned_epochs, 2)
    figure.update_xaxes(range=[0.7, last + 0.3], tickformat="d", dtick=1 if last <= 10 else None)
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
        customdata=[trial.number] * len(trial.epochs),
        hovertemplate=f"trial {trial.number}, epoch %{{x}}<br>{hover}<extra></extra>",
    )


def _colour(trial: TrialStatus) -> str:
    return class_colour(trial.number + 1)  # blue first, because red would suggest a problem with trial 0


def trial_figure(trials: Sequence[TrialStatus], objective: Objective) -> go.Figure:
    """Plot quality, training loss and learning rate of a few trials over epochs, one above the other.

    The learning rate is that of the new layers, up to the last finished epoch.
    """
    figure = make_subplots(rows=3, cols=1, shared_xaxes=True, vertical_spacing=0.06)
    for place, trial in enumerate(trials, start=1):
        lines = (
            _trial_line(trial, lambda result: result.score, f"{objective.quality_title} %{{y:.3f}}"),
            _trial_line(trial, lambda result: result.loss, "loss %{y:.3f}"),
            _learning_rate_line(trial),
        )
        for row, line in enumerate(lines, start=1):
            # Colours by place, because two trials of a search may share one.
            line.update(showlegend=row == 1, legendgroup=trial.number, line={"color": class_colour(place)})
            figure.add_trace(line, row=row, col=1)
    styled(figure, height=DETAIL_HEIGHT, tools=True)
    for row, title in enumerate((objective.quality_title, "training loss", "learning rate"), start=1):
        figure.update_yaxes(title_text=title, rangemode="tozero", row=row, col=1)
    figure.update_yaxes(tickformat=".1e", row=3, col=1)
    last = max((trial.planned_epochs for trial in trials), default=0)
    figure.update_xaxes(tickformat="d", dtick=1 if last <= 10 else None)
    figure.update_xaxes(title_text="epoch", row=3, col=1)
    return figure


def _learning_rate_line(trial: TrialStatus) -> go.Scatter:
    peak, scheduler = trial.params.get("lr", 0.0), trial.params.get("scheduler", Hyperparameters().scheduler)
    done, planned = len(trial.epochs), max(trial.planned_epochs, len(trial.epochs), 1)
    epochs = [done * step / LR_STEPS for step in range(LR_STEPS + 1)]
    return go.Scatter(
        x=epochs,
        y=[peak * lr_factor(epoch / planned, scheduler) for epoch in epochs],
        mode="lines",
        name=f"trial {trial.number}",
        line={"width": 2.5},
        hovertemplate=f"trial {trial.number}, epoch %{{x:.1f}}<br>learning rate %{{y:.2e}}<extra></extra>",
    )
