"""Charts of the contents of a data set."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from autodet.charts.layout import label, name_rows, note, styled
from autodet.charts.palette import BLUE_SHADES, SIZE_COLOURS, SPLIT_COLOURS, class_colour
from autodet.datasets.manifest import Dataset
from autodet.datasets.statistics import (
    BOX_SIZES,
    CELLS,
    LARGE_SIDE,
    RATIO_EDGES,
    SIDE_EDGES,
    SMALL_SIDE,
    columns_of,
    count_classes,
    count_photo_sizes,
    count_ratios,
    count_sides,
    map_places,
)
from autodet.records import SPLITS

HEIGHT = 320
MAX_CLASSES = 30  # maximum rows per chart
MIN_ROW_HEIGHT, MAX_ROW_HEIGHT = 22, 34  # pixels
SIZE_NAMES = {
    "small": f"small: below {SMALL_SIDE} px",
    "medium": "medium",
    "large": f"large: from {LARGE_SIDE} px",
}
SIDE_TICKS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
RATIO_TICKS = {1 / 8: "1:8", 1 / 4: "1:4", 1 / 2: "1:2", 1.0: "square", 2.0: "2:1", 4.0: "4:1", 8.0: "8:1"}
MAX_BUBBLE_SIZE = 34  # pixels in diameter


def class_counts_figure(dataset: Dataset) -> go.Figure:
    """Plot boxes per class, stacked by split, most frequent class first; at most ``MAX_CLASSES`` classes."""
    counts = count_classes(columns_of(dataset), len(dataset.classes))
    shown = np.argsort(-counts.sum(axis=0), kind="stable")[:MAX_CLASSES]
    names = [dataset.classes[index] for index in shown]
    figure = go.Figure()
    for split in dataset.splits:
        figure.add_trace(
            go.Bar(
                x=counts[SPLITS.index(split), shown].tolist(),
                hovertext=[label(name) for name in names],
                orientation="h",
                name=split,
                marker_color=SPLIT_COLOURS[split],
                hovertemplate=f"%{{hovertext}}, {split}: %{{x:,}} boxes<extra></extra>",
            )
        )
    figure.update_layout(barmode="stack", bargap=0.35)
    name_rows(figure, names)
    row = MAX_ROW_HEIGHT if len(names) <= MAX_CLASSES / 2 else MIN_ROW_HEIGHT
    return styled(figure, height=110 + row * len(names), x_title="boxes")


def box_sides_figure(dataset: Dataset) -> go.Figure:
    """Plot a histogram of box sides in pixels at the training size, on a logarithmic axis, coloured by size."""
    counts = count_sides(columns_of(dataset))
    sizes = np.searchsorted([SMALL_SIDE, LARGE_SIDE], SIDE_EDGES[:-1] + 1e-6, side="right")
    figure = go.Figure()
    for index, size in enumerate(BOX_SIZES):
        bars = _bars(counts, SIDE_EDGES, sizes == index, [f"{edge:.3g}" for edge in SIDE_EDGES], " px")
        figure.add_trace(bars.update(name=SIZE_NAMES[size], marker_color=SIZE_COLOURS[size]))
    _label_log_axis(figure, {float(tick): str(tick) for tick in SIDE_TICKS}, SIDE_EDGES)
    return styled(figure, height=HEIGHT, x_title="side of the box in pixels, at the training size", y_title="boxes")


def box_ratios_figure(dataset: Dataset) -> go.Figure:
    """Plot a histogram of box width to height, on a logarithmic axis."""
    counts = count_ratios(columns_of(dataset))
    texts = [f"{edge:.2g}:1" if edge >= 1 else f"1:{1 / edge:.2g}" for edge in RATIO_EDGES]
    bars = _bars(counts, RATIO_EDGES, np.ones(len(counts), bool), texts, "")
    figure = go.Figure(bars.update(marker_color=class_colour(1), showlegend=False))
    _label_log_axis(figure, RATIO_TICKS, RATIO_EDGES)
    return styled(figure, height=HEIGHT, x_title="width to height of the box", y_title="boxes")


def places_figure(dataset: Dataset) -> go.Figure:
    """Plot a heatmap of the share of boxes that cover each part of a photo; every photo is drawn as a square."""
    shares = 100 * map_places(columns_of(dataset))
    middles = (np.arange(CELLS) + 0.5) / CELLS * 100
    figure = go.Figure(
        go.Heatmap(
            z=shares.round(1).tolist(),
            x=middles.tolist(),
            y=middles.tolist(),
            zmin=0,
            colorscale=BLUE_SHADES,
            colorbar={"ticksuffix": " %", "thickness": 12, "outlinewidth": 0},
            hovertemplate="%{z:.1f} % of the boxes cover this place<extra></extra>",
        )
    )
    if not shares.any():
        note(figure, "No boxes")
    styled(figure, height=HEIGHT, x_title="from left to right", y_title="from top to bottom")
    figure.update_xaxes(range=[0, 100], ticksuffix=" %", showgrid=False, constrain="domain")
    figure.update_yaxes(range=[100, 0], ticksuffix=" %", showgrid=False, scaleanchor="x", constrain="domain")
    return figure


def photo_sizes_figure(dataset: Dataset) -> go.Figure:
    """Plot widths and heights of photos, one bubble per size, with an area proportional to its number of photos."""
    sizes_wh, photos, step = count_photo_sizes(columns_of(dataset))
    about = "" if step == 1 else "about "
    figure = go.Figure(
        go.Scatter(
            x=sizes_wh[:, 0].tolist(),
            y=sizes_wh[:, 1].tolist(),
            mode="markers",
            cliponaxis=False,
            customdata=photos.tolist(),
            marker={
                "size": photos.tolist(),
                "sizemode": "area",
                "sizeref": 2 * int(photos.max(initial=1)) / MAX_BUBBLE_SIZE**2,
                "sizemin": 3,
                "color": class_colour(1),
                "opacity": 0.6,
                "line": {"width": 1, "color": class_colour(1)},
            },
            hovertemplate=f"{about}%{{x}} × %{{y}}: %{{customdata:,}} photos<extra></extra>",
        )
    )
    figure.update_xaxes(rangemode="tozero")
    figure.update_yaxes(rangemode="tozero")
    return styled(figure, height=HEIGHT, x_title="width in pixels", y_title="height in pixels")


def _bars(
    counts: NDArray[np.int64], edges: NDArray[np.float64], shown: NDArray[np.bool_], texts: Sequence[str], unit: str
) -> go.Bar:
    """Build the ``shown`` bars of a histogram whose bins are equally wide on a logarithmic axis."""
    at = np.log2(edges)
    between = [f"{low} to {high}{unit}" for low, high in pairwise(texts)]
    return go.Bar(
        x=((at[:-1] + at[1:]) / 2)[shown].tolist(),
        y=counts[shown].tolist(),
        width=float(at[1] - at[0]),
        hovertext=np.array(between)[shown].tolist(),
        marker_line_width=0,
        hovertemplate="%{hovertext}: %{y:,} boxes<extra></extra>",
    )


def _label_log_axis(figure: go.Figure, ticks: dict[float, str], edges: NDArray[np.float64]) -> None:
    """Label ticks along an axis that holds binary logarithms."""
    places = np.log2(list(ticks)).tolist()
    figure.update_xaxes(tickvals=places, ticktext=list(ticks.values()), range=np.log2(edges[[0, -1]]).tolist())
    figure.update_layout(bargap=0)
