"""What all charts look alike in."""

from collections.abc import Sequence
from html import escape

import plotly.graph_objects as go

from autodet.charts.palette import GREY
from autodet.records import SearchStatus

# One half-transparent grey reads as a faint line on white and on black.
GRID = "rgba(138, 143, 152, 0.25)"
MAX_NAME_LENGTH = 40
NEEDLESS_TOOLS = ["zoom", "pan", "zoomin", "zoomout", "autoscale"]  # a frame zooms in, a double click out
TOOLS_PIXELS = 32  # of height, at the top
LEGEND_ABOVE = {"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0, "title": None, "traceorder": "normal"}
LEGEND_BESIDE = {"orientation": "v", "yanchor": "top", "y": 1, "x": 1.01, "title": None}  # it scrolls
MAX_NAMES_ABOVE = 10  # a longer legend above a chart would leave it no room


def styled(figure: go.Figure, *, height: int, x_title: str = "", y_title: str = "", tools: bool = False) -> go.Figure:
    """Give a figure the common look: no background of its own, faint grid, the legend out of the way.

    Args:
        figure: The figure, changed in place.
        height: In pixels.
        x_title: What is along x.
        y_title: What is along y.
        tools: Whether the page shows the chart's tools; they get a row of their own, above the legend.
    """
    top = TOOLS_PIXELS if tools else 0
    legend = LEGEND_ABOVE if len(figure.data) <= MAX_NAMES_ABOVE else LEGEND_BESIDE
    if tools and legend is LEGEND_ABOVE:
        legend = legend | {"yref": "container", "yanchor": "top", "y": 1 - top / height}
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 8 + top, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        legend=legend,
        hoverlabel={"align": "left"},
        # Plotly takes the page for a dark one, because charts have no background of their own.
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": GREY, "activecolor": GREY, "remove": NEEDLESS_TOOLS},
        # A chart that is updated in place keeps its zoom and its hidden lines. Streamlit 1.67 does so only while
        # nothing has changed: it mounts a changed chart anew.
        uirevision="kept",
    )
    figure.update_xaxes(title=x_title, gridcolor=GRID, zeroline=False, automargin=True)
    figure.update_yaxes(title=y_title, gridcolor=GRID, zeroline=False, automargin=True)
    return figure


def label(name: str) -> str:
    """A name from a user as Plotly text: no markup, and not too long for a legend."""
    return escape(name if len(name) <= MAX_NAME_LENGTH else f"{name[: MAX_NAME_LENGTH - 1]}…")


def name_rows(figure: go.Figure, names: Sequence[str]) -> None:
    """Give row ``i`` of a chart of horizontal bars the name ``names[i]``, the first at the top.

    Bars stand at numbers, for names that are cut to the same letters would share one bar.
    """
    rows = list(range(len(names)))
    figure.update_yaxes(tickvals=rows, ticktext=[label(name) for name in names], range=[len(names) - 0.5, -0.5])


def note_before_first_epoch(figure: go.Figure, status: SearchStatus) -> None:
    """Say why a chart of epochs is empty."""
    if not status.active:
        note(figure, "No epoch was finished")
    else:
        under_way = status.trials and status.state != "queued"
        note(figure, "The first epoch is under way" if under_way else "No trial has started yet")


def note(figure: go.Figure, text: str) -> None:
    """Say something in the middle of an empty chart."""
    figure.add_annotation(text=text, showarrow=False, font={"color": GREY, "size": 15}, xref="paper", yref="paper")
