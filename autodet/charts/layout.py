"""Layout shared by all charts."""

from collections.abc import Sequence
from html import escape

import pandas  # noqa: F401 - imported here, because Plotly could find it half loaded by another thread
import plotly.graph_objects as go

from autodet.charts.palette import GREY
from autodet.records import SearchStatus
from autodet.text_format import harmless

# One half-transparent grey reads as a faint line on white and on black.
GRID = "rgba(138, 143, 152, 0.25)"
MAX_NAME_LENGTH = 40
NEEDLESS_TOOLS = ["zoom", "pan", "zoomin", "zoomout", "autoscale"]  # a dragged frame zooms in, a double click zooms out
TOOLS_PIXELS = 32  # height of the toolbar, at the top
LEGEND_ABOVE = {"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0, "title": None, "traceorder": "normal"}
LEGEND_BESIDE = {"orientation": "v", "yanchor": "top", "y": 1, "x": 1.01, "title": None}  # a vertical legend scrolls
MAX_NAMES_ABOVE = 10  # a longer legend above a chart would leave no room for it


def styled(figure: go.Figure, *, height: int, x_title: str = "", y_title: str = "", tools: bool = False) -> go.Figure:
    """Apply the common style to a figure: transparent background, faint grid, legend outside the plot.

    Args:
        figure: The figure, changed in place.
        height: Height in pixels.
        x_title: Title of the x axis.
        y_title: Title of the y axis.
        tools: Whether the page shows the chart's toolbar, which gets a row of its own above the legend.
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
        # Plotly assumes a dark page, because charts have a transparent background.
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": GREY, "activecolor": GREY, "remove": NEEDLESS_TOOLS},
        # A chart that is updated in place keeps its zoom and its hidden lines. Streamlit 1.67 does so only while
        # nothing has changed: it remounts a changed chart.
        uirevision="kept",
    )
    figure.update_xaxes(title=x_title, gridcolor=GRID, zeroline=False, automargin=True)
    figure.update_yaxes(title=y_title, gridcolor=GRID, zeroline=False, automargin=True)
    return figure


def label(name: str) -> str:
    """Convert a user-given name to Plotly text: escaped, and short enough for a legend."""
    return plotly_text(name if len(name) <= MAX_NAME_LENGTH else f"{name[: MAX_NAME_LENGTH - 1]}…")


def plotly_text(text: str) -> str:
    """Escape a text for Plotly, which interprets some HTML, but shows the entities of quotation marks verbatim."""
    return escape(harmless(text), quote=False)


def name_rows(figure: go.Figure, names: Sequence[str]) -> None:
    """Label row ``i`` of a horizontal bar chart with ``names[i]``, the first at the top.

    Bars are placed at numbers, because names truncated to the same text would share one bar.
    """
    rows = list(range(len(names)))
    figure.update_yaxes(tickvals=rows, ticktext=[label(name) for name in names], range=[len(names) - 0.5, -0.5])


def note_before_first_epoch(figure: go.Figure, status: SearchStatus) -> None:
    """Explain why a chart of epochs is empty."""
    if not status.active:
        note(figure, "No epoch was finished")
    else:
        under_way = status.trials and status.state != "queued"
        note(figure, "The first epoch is under way" if under_way else "No trial has started yet")


def note(figure: go.Figure, text: str) -> None:
    """Show a text in the middle of an empty chart."""
    figure.add_annotation(text=text, showarrow=False, font={"color": GREY, "size": 15}, xref="paper", yref="paper")
