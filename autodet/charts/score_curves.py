"""Charts of scores: precision-recall and F1 curves of classes, and calibration.

A point carries its key as custom data, so that a page can tell which one was clicked.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from autodet.charts.layout import GRID, label, styled
from autodet.charts.palette import CLASS_COLOURS, GREY, class_colour
from autodet.evaluation.calibration import ReliabilityRow
from autodet.evaluation.curves import ClassCurve

POINTS = 80  # of a curve, few enough to aim at one
HEIGHT = 380


def point_key(class_id: int, threshold: float) -> str:
    """Return the key of a point on a curve."""
    return f"{class_id} {threshold:.6f}"


def precision_recall_figure(
    curves: Sequence[ClassCurve], classes: Sequence[str], thresholds: Mapping[str, float]
) -> go.Figure:
    """Plot precision against recall of classes, with a diamond at each class's threshold."""
    figure = go.Figure()
    for curve in curves:
        _add_curve(figure, curve, curve.thinned(POINTS), classes, thresholds, ("recall", "precision"))
    styled(figure, height=HEIGHT, x_title="Recall", y_title="Precision")
    return _on_unit_square(figure)


def f1_figure(curves: Sequence[ClassCurve], classes: Sequence[str], thresholds: Mapping[str, float]) -> go.Figure:
    """Plot F1 against the confidence threshold of classes, with a diamond at each class's threshold."""
    figure = go.Figure()
    for curve in curves:
        _add_curve(figure, curve, _by_threshold(curve), classes, thresholds, ("thresholds", "f1"))
    styled(figure, height=HEIGHT, x_title="Confidence threshold", y_title="F1")
    return _on_unit_square(figure)


def _by_threshold(curve: ClassCurve) -> ClassCurve:
    """Return points of a curve at about equal steps of the threshold."""
    places = np.searchsorted(-curve.thresholds, -np.linspace(1, 0, POINTS)).clip(0, len(curve.thresholds) - 1)
    return curve.at(np.unique(places)) if len(curve.thresholds) else curve


def _add_curve(
    figure: go.Figure,
    curve: ClassCurve,
    few: ClassCurve,
    classes: Sequence[str],
    thresholds: Mapping[str, float],
    axes: tuple[str, str],
) -> None:
    (x, y), name, colour = axes, classes[curve.class_id], class_colour(curve.class_id)
    keys = [point_key(curve.class_id, threshold) for threshold in few.thresholds.tolist()]
    figures = list(zip(few.thresholds, few.precision, few.recall, few.f1, strict=True))
    common = {
        "hovertemplate": "%{hovertext}<extra></extra>",
        "unselected": {"marker": {"opacity": 1}},
        "legendgroup": name,
    }
    figure.add_trace(
        go.Scatter(
            x=getattr(few, x),
            y=getattr(few, y),
            name=label(name),
            mode="lines+markers",
            line={"color": colour, "width": 2},
            marker={"size": 4, "color": colour},
            customdata=keys,
            hovertext=[_point_text(name, *values) for values in figures],
            **common,
        )
    )
    place = curve.place_of(thresholds[name])
    if place < 0:
        return
    at = (curve.thresholds[place], curve.precision[place], curve.recall[place], curve.f1[place])
    figure.add_trace(
        go.Scatter(
            x=[thresholds[name] if x == "thresholds" else getattr(curve, x)[place]],
            y=[getattr(curve, y)[place]],
            mode="markers",
            showlegend=False,
            marker={"size": 13, "color": colour, "symbol": "diamond", "line": {"width": 2, "color": "white"}},
            customdata=[point_key(curve.class_id, thresholds[name])],
            hovertext=[_point_text(name, thresholds[name], *at[1:])],
            **common,
        )
    )


def _point_text(name: str, threshold: float, precision: float, recall: float, f1: float) -> str:
    figures = f"precision {precision:.2f}, recall {recall:.2f}, F1 {f1:.2f}"
    return f"{label(name)} at a threshold of {threshold:.2f}<br>{figures}"


def _on_unit_square(figure: go.Figure) -> go.Figure:
    figure.update_layout(hovermode="closest")
    figure.update_xaxes(range=[-0.01, 1.02], fixedrange=True)
    figure.update_yaxes(range=[0, 1.03], fixedrange=True)
    return figure


def reliability_figure(rows: Sequence[ReliabilityRow]) -> go.Figure:
    """Plot the share of right detections in each range of scores; the key of a bar is its number."""
    full = [(number, row) for number, row in enumerate(rows) if row.detections]
    figure = go.Figure(
        go.Bar(
            x=[(row.low + row.high) / 2 for _, row in full],
            y=[max(row.right, 0.004) for _, row in full],  # a bar of height 0 could not be clicked
            width=0.9 / len(rows),
            name="Right",
            marker_color=CLASS_COLOURS[1],
            customdata=[str(number) for number, _ in full],
            hovertext=[
                f"Scores {row.low:.1f} to {row.high:.1f}: {100 * row.right:.0f} % of {row.detections:,} right"
                for _, row in full
            ],
            hovertemplate="%{hovertext}<extra></extra>",
            unselected={"marker": {"opacity": 0.45}},
        )
    )
    figure.add_trace(
        go.Scatter(x=[0, 1], y=[0, 1], mode="lines", name="Perfect scores", line={"dash": "dash", "color": GREY})
    )
    styled(figure, height=HEIGHT, x_title="Score", y_title="Share that is right")
    figure.update_layout(hovermode="closest")
    figure.update_xaxes(range=[0, 1], fixedrange=True, gridcolor=GRID)
    figure.update_yaxes(range=[0, 1.02], fixedrange=True)
    return figure
