"""Chart of quality against prediction time, with the Pareto front."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from autodet.charts.layout import label, note_before_first_epoch, styled
from autodet.charts.palette import CLASS_COLOURS, GREY
from autodet.evaluation.objective import Objective
from autodet.models.registry import architecture_title
from autodet.records import SearchStatus, TrialStatus

HEIGHT = 420
MAX_OTHERS = 1000
FRONT, DEFAULTS, BEST = CLASS_COLOURS[1], CLASS_COLOURS[2], CLASS_COLOURS[0]


def pareto_figure(status: SearchStatus) -> go.Figure:
    """Plot a point for each measured trial, milliseconds along x, quality along y, and the Pareto front as a line.

    Trial 0, the defaults, has a ring, and the best trial, whose model is the search's, a star. Of the trials that are
    not on the front, only the newest ``MAX_OTHERS`` are drawn.

    Args:
        status: A search whose objective includes prediction time.
    """
    title, front = Objective.parse(status.objective).quality_title, status.pareto_front
    measured = {trial.number: trial for trial in status.trials if trial.latency_ms}
    others = [measured[number] for number in measured.keys() - {trial.number for trial in front}]
    figure = go.Figure()

    def add(trials: Sequence[TrialStatus], name: str, **look: Any) -> None:
        if trials:
            figure.add_trace(_points(trials, title, name, look))

    add(
        sorted(others, key=lambda trial: trial.number)[-MAX_OTHERS:],
        "other trials",
        mode="markers",
        marker={"size": 9, "color": GREY},
        opacity=0.5,
    )
    add(
        front,
        "Pareto front",
        mode="lines+markers",
        line={"shape": "hv", "width": 2.5, "color": FRONT},
        marker={"size": 11, "color": FRONT},
    )
    ring = {"symbol": "circle-open", "size": 19, "color": DEFAULTS, "line": {"width": 2.5}}
    add([measured[0]] if 0 in measured else [], "trial 0: the defaults", mode="markers", marker=ring)
    star = {"symbol": "star", "size": 17, "color": BEST, "line": {"width": 1, "color": "white"}}
    best = status.best_trial
    name = "best trial" if status.best_result and status.best_result.is_average else "best: the search's model"
    add([best] if best and best.latency_ms else [], name, mode="markers", marker=star)
    if not measured:
        note_before_first_epoch(figure, status)
    figure.update_xaxes(rangemode="tozero", visible=bool(measured))
    figure.update_yaxes(tickformat=".2f", visible=bool(measured))
    return styled(
        figure,
        height=HEIGHT,
        x_title="one prediction, milliseconds",
        y_title=f"validation {title[0].lower()}{title[1:]}",
        tools=True,
    )


def _points(trials: Sequence[TrialStatus], title: str, name: str, look: dict[str, Any]) -> go.Scatter:
    return go.Scatter(
        x=[trial.latency_ms for trial in trials],
        y=[trial.best_epoch.score if trial.best_epoch else None for trial in trials],
        name=name,
        customdata=[trial.number for trial in trials],
        hovertext=[_about(trial) for trial in trials],
        hovertemplate=f"%{{hovertext}}<br>{title} %{{y:.3f}}<br>%{{x:~g}} ms per prediction<extra></extra>",
        **look,
    )


def _about(trial: TrialStatus) -> str:
    facts = [f"photos at {trial.params['image_size']} pixels"] if "image_size" in trial.params else []
    facts += [label(architecture_title(str(trial.params["architecture"])))] if "architecture" in trial.params else []
    return "<br>".join([f"<b>trial {trial.number}</b>, {trial.state}", *facts])
