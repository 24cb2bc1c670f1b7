"""What all charts look alike in."""

from html import escape

import plotly.graph_objects as go

from autodet.charts.palette import GREY

# One half-transparent grey reads as a faint line on white and on black.
GRID = "rgba(138, 143, 152, 0.25)"
LONGEST_NAME = 40


def styled(figure: go.Figure, *, height: int, x_title: str = "", y_title: str = "") -> go.Figure:
    """Give a figure the common look: no background of its own, faint grid, the legend above.

    Args:
        figure: The figure, changed in place.
        height: In pixels.
        x_title: What is along x.
        y_title: What is along y.
    """
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0, "title": None},
        hoverlabel={"align": "left"},
        uirevision="kept",  # a refresh keeps the zoom and the hidden lines
    )
    figure.update_xaxes(title=x_title, gridcolor=GRID, zeroline=False, automargin=True)
    figure.update_yaxes(title=y_title, gridcolor=GRID, zeroline=False, automargin=True)
    return figure


def label(name: str) -> str:
    """A name from a user as Plotly text: no markup, and not too long for a legend."""
    return escape(name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…")


def note(figure: go.Figure, text: str) -> None:
    """Say something in the middle of an empty chart."""
    figure.add_annotation(text=text, showarrow=False, font={"color": GREY, "size": 15}, xref="paper", yref="paper")
