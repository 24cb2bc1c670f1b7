"""The map of a data set's photos: similar photos lie close together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from autodet.charts.layout import label, styled
from autodet.charts.palette import GREY
from autodet.records import FloatArray, IntArray

HEIGHT = 540
MARGIN = 0.04  # around the points, as a share of their spread
LARGE, SMALL, MANY = 8, 5, 2000  # pixels of a point, and photos from which on points are small
TOOLS = ["zoomin", "zoomout", "autoscale"]  # that the toolbar lacks


@dataclass(frozen=True, eq=False)
class MapGroup:
    """Photos of one colour.

    Attributes:
        name: Its name in the legend, as plain text.
        colour: Its colour, ``#rrggbb``.
        photos: Indices of its photos.
    """

    name: str
    colour: str
    photos: IntArray


def photo_map_figure(
    points: FloatArray,
    names: Sequence[str],
    groups: Sequence[MapGroup],
    ringed: Sequence[int] = (),
    selected: Sequence[int] = (),
) -> go.Figure:
    """Plot a point for each photo; the custom data of a point is the photo's index.

    Args:
        points: Coordinates, shape (N, 2).
        names: Names of the photos, shown when the pointer is over a point.
        groups: The groups, those in front last.
        ringed: Photos with a ring around their points.
        selected: Photos whose points stand out; the others are pale, unless there are none of these.
    """
    figure = go.Figure()
    size = SMALL if len(points) > MANY else LARGE
    for group in groups:
        chosen = points[group.photos]
        bright = np.flatnonzero(np.isin(group.photos, selected)).tolist() if len(selected) else None
        figure.add_trace(
            go.Scatter(
                x=chosen[:, 0].tolist(),
                y=chosen[:, 1].tolist(),
                mode="markers",
                name=label(group.name),
                customdata=group.photos.tolist(),
                hovertext=[label(names[photo]) for photo in group.photos.tolist()],
                hovertemplate=f"%{{hovertext}}<br>{label(group.name)}<extra></extra>",
                marker={"size": size, "color": group.colour, "opacity": 0.75},
                selectedpoints=bright,
            )
        )
    if len(ringed):
        chosen = points[list(ringed)]
        figure.add_trace(
            go.Scatter(
                x=chosen[:, 0].tolist(),
                y=chosen[:, 1].tolist(),
                mode="markers",
                name="listed below",
                hoverinfo="skip",
                marker={"size": 2 * size, "color": GREY, "symbol": "circle-open", "line": {"width": 2}},
            )
        )
    styled(figure, height=HEIGHT, tools=True)
    figure.update_layout(showlegend=True, dragmode="lasso", hovermode="closest", modebar={"remove": TOOLS})
    # The coordinates mean nothing by themselves, so that there are no numbers.
    bare = {"showticklabels": False, "showgrid": False, "automargin": False}
    figure.update_xaxes(range=_range(points[:, 0]), **bare)
    figure.update_yaxes(range=_range(points[:, 1]), **bare)
    return figure


def _range(coordinates: FloatArray) -> list[float]:
    low, high = float(coordinates.min(initial=0)), float(coordinates.max(initial=0))
    rim = MARGIN * max(high - low, 1e-6)
    return [low - rim, high + rim]
