"""Charts of follow-ups: scores of configurations with several seeds, and learning curves."""

import math
from collections.abc import Sequence

import plotly.graph_objects as go

from autodet.charts.layout import GRID, label, name_rows, note, styled
from autodet.charts.palette import CLASS_COLOURS, GREY, class_colour
from autodet.records import LearningCurve, PowerLaw, Repeatability

BLUE = CLASS_COLOURS[1]
BAND = "rgba(47, 127, 214, 0.18)"
CURVE_HEIGHT = 340
STEPS = 40  # of a fitted curve
MARGIN = 1.08  # beside the first and the last number of photos


def repeatability_figure(result: Repeatability, title: str) -> go.Figure:
    """Plot the scores of each configuration: a point per seed, the mean, and the spread as a bar.

    Args:
        result: The configurations.
        title: Name of the score.
    """
    figure = go.Figure()
    rows = list(enumerate(result.configurations))
    names = ["defaults (trial 0)" if row == 0 else f"trial {one.trial}" for row, one in rows]
    measured = [(row, one) for row, one in rows if one.mean is not None]
    figure.add_trace(
        go.Scatter(
            x=[one.mean for _, one in measured],
            y=[row for row, _ in measured],
            error_x={"array": [one.spread or 0 for _, one in measured], "color": BLUE, "thickness": 3, "width": 9},
            mode="markers",
            name="mean and standard deviation",
            marker={"size": 15, "color": BLUE, "symbol": "diamond"},
            hovertext=[f"{names[row]}<br>mean {one.mean:.3f}, spread {one.spread or 0:.3f}" for row, one in measured],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    )
    figure.add_trace(
        go.Scatter(
            x=[score for _, one in rows for score in one.scores],
            y=[row for row, one in rows for _ in one.scores],
            mode="markers",
            name="a seed",
            marker={"size": 9, "color": "rgba(138, 143, 152, 0.55)", "line": {"width": 1, "color": GREY}},
            hovertemplate="%{x:.3f}<extra></extra>",
        )
    )
    figure.add_trace(
        go.Scatter(
            x=[one.searched for _, one in rows if one.searched is not None],
            y=[row for row, one in rows if one.searched is not None],
            mode="markers",
            name="in the search",
            marker={"size": 12, "color": CLASS_COLOURS[0], "symbol": "x-thin", "line": {"width": 3}},
            hovertemplate="in the search: %{x:.3f}<extra></extra>",
        )
    )
    figure.data[-1].marker.line.color = CLASS_COLOURS[0]
    name_rows(figure, names)
    figure.update_layout(hovermode="closest")
    return styled(figure, height=140 + 56 * len(names), x_title=f"validation {title[0].lower()}{title[1:]}")


def learning_curve_figure(curve: LearningCurve, name: str | None = None) -> go.Figure:
    """Plot quality against the number of training photos, with its extrapolation to twice the photos.

    Args:
        curve: The learning curve.
        name: A class, whose AP is plotted; mAP of all classes if not given.
    """
    figure = go.Figure()
    law = curve.law if name is None else curve.class_laws.get(name)
    colour = BLUE if name is None else class_colour(sorted(curve.class_laws).index(name) if law else 0)
    if law:
        _add_fit(figure, law, min(point.photos for point in curve.points), colour)
    scores = [point.map50 if name is None else point.class_ap50.get(name) for point in curve.points]
    for seed in sorted({point.seed for point in curve.points}):
        of_seed = [(point.photos, at) for point, at in zip(curve.points, scores, strict=True) if point.seed == seed]
        figure.add_trace(_seed_line(of_seed))
    figure.add_trace(
        go.Scatter(
            x=[point.photos for point in curve.points],
            y=scores,
            mode="markers",
            name="a training",
            marker={"size": 10, "color": colour, "line": {"width": 1, "color": "white"}},
            customdata=[point.seed for point in curve.points],
            hovertemplate="%{x} photos, seed %{customdata}: %{y:.3f}<extra></extra>",
        )
    )
    if not curve.points:
        note(figure, "No training has finished yet")
    photos = sorted({point.photos for point in curve.points} | {curve.photos, 2 * curve.photos})
    ends = [math.log10(photos[0] / MARGIN), math.log10(photos[-1] * MARGIN)]
    figure.update_xaxes(type="log", range=ends, tickvals=photos, ticktext=[f"{number:,}" for number in photos])
    figure.update_layout(hovermode="closest")
    figure.add_vline(curve.photos, line={"color": GREY, "width": 1, "dash": "dot"})
    title = "validation mAP@0.5" if name is None else f"validation AP@0.5 of {label(name)}"
    return styled(figure, height=CURVE_HEIGHT, x_title="training photos", y_title=title)


def _seed_line(points: Sequence[tuple[int, float | None]]) -> go.Scatter:
    """Join the points of a seed, whose photos are parts of each other."""
    photos, scores = zip(*points, strict=True)
    line = {"color": GREY, "width": 1}
    return go.Scatter(x=photos, y=scores, mode="lines", line=line, hoverinfo="skip", showlegend=False)


def _add_fit(figure: go.Figure, law: PowerLaw, fewest: int, colour: str) -> None:
    span = 2 * law.photos / fewest
    photos = [fewest * span ** (step / STEPS) for step in range(STEPS + 1)]
    ends = [law.interval(number) for number in photos]
    figure.add_trace(
        go.Scatter(
            x=[*photos, *reversed(photos)],
            y=[*(high for _, high in ends), *reversed([low for low, _ in ends])],
            fill="toself",
            fillcolor=BAND if colour == BLUE else GRID,
            line={"width": 0},
            name="95 % interval",
            hoverinfo="skip",
        )
    )
    for title, part, dash in (
        ("fit", [number for number in photos if number <= law.photos] + [law.photos], "solid"),
        ("extrapolation", [law.photos] + [number for number in photos if number > law.photos], "dash"),
    ):
        figure.add_trace(
            go.Scatter(
                x=part,
                y=[law.score(number) for number in part],
                mode="lines",
                name=title,
                line={"color": colour, "width": 2.5, "dash": dash},
                hovertemplate="%{x:.0f} photos: %{y:.3f}<extra></extra>",
            )
        )
