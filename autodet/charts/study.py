"""Optuna's figures in the style of the other charts; the last ``customdata`` of a point is its trial's number."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.colors import sample_colorscale

from autodet.charts.layout import GRID, name_rows, styled
from autodet.charts.palette import CLASS_COLOURS, GREY
from autodet.text_format import shortened

HEIGHT = 420
FEW_POINTS, MANY_POINTS = 10, 500  # few have a tick each, many are drawn smaller
BLUE, AMBER = CLASS_COLOURS[1], CLASS_COLOURS[2]
QUALITY_SCALE = [[0.0, GREY], [0.5, BLUE], [1.0, AMBER]]  # the best in amber; each is visible on white and on black
AGE_SCALE = [[0.0, GREY], [1.0, BLUE]]
MAX_TICK_LENGTH = 18  # of parallel coordinates, whose ticks lie between the axes
BAR = {"thickness": 12, "outlinewidth": 0}


def history_figure(figure: go.Figure, numbers: Sequence[int], quality: str) -> go.Figure:
    """Style Optuna's optimization history.

    Args:
        figure: The figure of a study whose trial ``i`` has the number ``numbers[i]``; changed in place.
        numbers: Trial numbers.
        quality: Title of the score.
    """
    points, best = figure.data[:2]
    marker = {"size": 8 if len(numbers) <= MANY_POINTS else 4, "color": GREY}
    points.update(name="trial", marker=marker, customdata=numbers, x=numbers)
    points.hovertemplate = f"trial %{{x}}<br>{quality} %{{y:.3f}}<extra></extra>"
    best.update(name="best so far", x=numbers, line={"color": BLUE, "width": 2.5, "shape": "hv"}, hoverinfo="skip")
    figure.data = [best, points]
    figure.update_xaxes(tickformat="d", dtick=1 if len(numbers) <= FEW_POINTS else None)
    figure.update_yaxes(tickformat=".2f")
    return _themed(figure, "trial", _validation(quality))


def importance_figure(figure: go.Figure) -> go.Figure:
    """Style Optuna's parameter importances: the most important on top."""
    (bars,) = figure.data
    names = list(reversed(bars.y))
    bars.update(
        x=list(reversed(bars.x)),
        y=list(range(len(names))),
        text=list(reversed(bars.text)),
        hovertemplate="%{text}<extra></extra>",
        marker={"color": BLUE},
        showlegend=False,
    )
    name_rows(figure, names)
    figure.update_xaxes(range=[0, 1.1])
    return _themed(figure, "importance", "", height=120 + 44 * len(names))


def slice_figure(figure: go.Figure, numbers: Sequence[int], quality: str) -> go.Figure:
    """Style Optuna's slice plot of one parameter; the arguments are those of ``history_figure``."""
    points = figure.data[0]
    own = [numbers[index] for index in points.marker.color]
    points.customdata = own
    points.marker.update(size=9, color=own, colorscale=AGE_SCALE, colorbar=BAR | {"title": "trial"})
    title = figure.layout.xaxis.title.text
    points.hovertemplate = f"trial %{{customdata}}<br>{title} %{{x}}<br>{quality} %{{y:.3f}}<extra></extra>"
    figure.update_yaxes(tickformat=".2f")
    return _themed(figure, title, _validation(quality))


def contour_figure(figure: go.Figure, numbers: Sequence[int], scores: Sequence[float], quality: str) -> go.Figure:
    """Style Optuna's contour plot of two parameters.

    Args:
        figure: The figure of a study whose trial ``i`` has the number ``numbers[i]`` and the score ``scores[i]``.
        numbers: Trial numbers.
        scores: Their scores.
        quality: Title of the score.
    """
    surface, points = figure.data[:2]
    surface.update(colorscale=QUALITY_SCALE, opacity=0.75, colorbar=BAR | {"title": quality}, line={"width": 0})
    points.update(customdata=list(zip(scores, numbers, strict=True)))
    points.marker.update(size=8, color="white", line={"width": 1.5, "color": "black"})
    x, y = figure.layout.xaxis.title.text, figure.layout.yaxis.title.text
    points.hovertemplate = (
        f"trial %{{customdata[1]}}<br>{x} %{{x}}<br>{y} %{{y}}<br>{quality} %{{customdata[0]:.3f}}<extra></extra>"
    )
    return _themed(figure, x, y)


def parallel_figure(figure: go.Figure, numbers: Sequence[int], scores: Sequence[float], quality: str) -> go.Figure:
    """Style Optuna's parallel coordinates, the best trials on top; the arguments are those of ``contour_figure``."""
    *lines, scale = figure.data
    low, high = min(scores), max(scores)
    shares = [(score - low) / (high - low) if high > low else 0.5 for score in scores]
    for line, number, colour in zip(lines, numbers, sample_colorscale(QUALITY_SCALE, shares), strict=True):
        line.customdata = [[label, text, number] for label, text in line.customdata]
        line.hovertemplate = "trial %{customdata[2]}<br>%{customdata[0]}: %{customdata[1]}<extra></extra>"
        line.update(mode="lines+markers", marker={"size": 5, "color": colour}, line={"color": colour}, opacity=0.7)
    scale.marker.update(colorscale=QUALITY_SCALE, colorbar=BAR | {"title": quality})
    figure.data = [lines[index] for index in sorted(range(len(lines)), key=scores.__getitem__)] + [scale]
    for tick in figure.layout.annotations:
        tick.update(text=_in_lines(tick.text), font={"size": 11, "color": GREY})
    figure.update_shapes(line={"color": GRID, "width": 1})
    return _themed(figure, "", "")


def _in_lines(tick: str) -> str:
    """Put the detector and the backbone of a network on lines of their own: ``Faster R-CNN on ResNet-50``."""
    return "<br>".join(shortened(part, MAX_TICK_LENGTH) for part in tick.split(" on "))


def edf_figure(figure: go.Figure, quality: str) -> go.Figure:
    """Style Optuna's empirical distribution function."""
    figure.update_traces(
        line={"color": BLUE, "width": 2.5},
        showlegend=False,
        hovertemplate=f"%{{y:.0%}} of the trials have at most<br>{quality} %{{x:.3f}}<extra></extra>",
    )
    figure.update_yaxes(tickformat=".0%")
    return _themed(figure, _validation(quality), "share of the trials")


def _validation(quality: str) -> str:
    return f"validation {quality[0].lower()}{quality[1:]}"


def _themed(figure: go.Figure, x_title: str, y_title: str, height: int = HEIGHT) -> go.Figure:
    untitled: Any = {"title": None, "width": None}
    figure.update_layout(untitled)
    figure.update_layout(template=None)
    return styled(figure, height=height, x_title=x_title, y_title=y_title, tools=True)
