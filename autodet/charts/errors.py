"""Charts of a detector's errors: confusion matrix, kinds of errors, and groups of objects.

A mark carries its key as custom data, so that a page can tell which one was clicked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from autodet.charts.layout import GRID, label, name_rows, plotly_text, styled
from autodet.records import Confusion, GroupCounts

FOUND_COLOUR, WRONG_COLOUR, MISSED_COLOUR = "#2a9d6f", "#e4572e", "#e0a30b"
RIGHT_SHADE, WRONG_SHADE = "rgba(42, 157, 111, {:.2f})", "rgba(228, 87, 46, {:.2f})"
FAINTEST, STRONG = 0.08, 0.55  # opacities of an empty cell, and from which white text is readable
CELL_PIXELS, BAR_PIXELS = 46, 44
TEXT_ROOM = 2.2  # length of the axis, in lengths of the longest bar
MAX_CELLS_NAME = 16  # letters of a class below a column


def cell_key(row: int, column: int) -> str:
    """Return the key of a cell of the confusion matrix."""
    return f"{row} {column}"


def confusion_figure(confusion: Confusion, shown: Sequence[int], row_titles: Sequence[str]) -> go.Figure:
    """Plot a confusion matrix, ground truth down and detections across; a cell's shade is its share of the row.

    Cells are bars, because Plotly tells which bar was clicked, but not which cell of a heat map.

    Args:
        confusion: The matrix; background is last.
        shown: Indices of the classes to show.
        row_titles: What the last row and the last column are called on the page: objects that are not labelled, and
            missed objects.
    """
    background = len(confusion.labels) - 1
    names = [confusion.labels[index] for index in shown]
    rows, columns = [*names, row_titles[0]], [*names, row_titles[1]]
    cells = _cells(confusion, [*shown, background])
    figure = go.Figure(
        go.Bar(
            orientation="h",
            base=[cell.across - 0.5 for cell in cells],
            x=[1] * len(cells),
            y=[cell.down for cell in cells],
            width=1,
            marker={"color": [cell.colour for cell in cells], "line": {"width": 1, "color": GRID}},
            customdata=[cell_key(cell.row, cell.column) for cell in cells],
            hovertext=[f"{label(rows[cell.down])} → {label(columns[cell.across])}: {cell.count:,}" for cell in cells],
            hovertemplate="%{hovertext}<extra></extra>",
            unselected={"marker": {"opacity": 1}},
        )
    )
    name_rows(figure, rows)
    styled(figure, height=90 + CELL_PIXELS * len(rows), x_title="Detected as", y_title="Labelled")
    texts = [cell.text for cell in cells if cell.count]
    figure.update_layout(showlegend=False, bargap=0, hovermode="closest", annotations=texts)
    ticks = {"tickvals": list(range(len(columns))), "ticktext": [_short(name) for name in columns]}
    figure.update_xaxes(range=[-0.5, len(columns) - 0.5], showgrid=False, fixedrange=True, **ticks)
    figure.update_yaxes(showgrid=False, fixedrange=True)
    return figure


@dataclass(frozen=True)
class _Cell:
    """A cell at a place of the chart: its indices in the matrix, its count and its share of the row."""

    down: int
    across: int
    row: int
    column: int
    count: int
    share: float

    @property
    def opacity(self) -> float:
        return FAINTEST + (0.9 - FAINTEST) * self.share if self.count else FAINTEST / 2

    @property
    def colour(self) -> str:
        return (RIGHT_SHADE if self.row == self.column else WRONG_SHADE).format(self.opacity)

    @property
    def text(self) -> dict[str, Any]:
        font = {"color": "white"} if self.opacity > STRONG else {}
        return {"x": self.across, "y": self.down, "text": f"{self.count:,}", "showarrow": False, "font": font}


def _cells(confusion: Confusion, indices: Sequence[int]) -> list[_Cell]:
    """Return the cells of some rows and columns, row by row, without the corner of background."""
    totals = {row: max(1, sum(confusion.matrix[row])) for row in indices}
    return [
        _Cell(down, across, row, column, confusion.matrix[row][column], confusion.matrix[row][column] / totals[row])
        for down, row in enumerate(indices)
        for across, column in enumerate(indices)
        if not row == column == indices[-1]
    ]


def _short(name: str) -> str:
    return plotly_text(name if len(name) <= MAX_CELLS_NAME else f"{name[: MAX_CELLS_NAME - 1]}…")


def error_kinds_figure(titles: Mapping[str, str], counts: Mapping[str, int], gains: Mapping[str, float]) -> go.Figure:
    """Plot the number of errors of each kind, with the mAP that mending them would add.

    Args:
        titles: Title of each kind, by its key.
        counts: Errors at the thresholds.
        gains: What mending all errors of a kind would add to mAP50; a kind may be absent.
    """
    colours = {"missed": MISSED_COLOUR}
    figure = go.Figure(
        go.Bar(
            orientation="h",
            x=[counts[kind] for kind in titles],
            y=list(range(len(titles))),
            marker_color=[colours.get(kind, WRONG_COLOUR) for kind in titles],
            customdata=list(titles),
            text=[f"{counts[kind]:,}{_gain_text(gains.get(kind))}" for kind in titles],
            textposition="outside",
            cliponaxis=False,
            hovertext=[f"{title}: {counts[kind]:,}" for kind, title in titles.items()],
            hovertemplate="%{hovertext}<extra></extra>",
            unselected={"marker": {"opacity": 0.45}},
        )
    )
    name_rows(figure, list(titles.values()))
    styled(figure, height=70 + BAR_PIXELS * len(titles), x_title="Errors at the thresholds")
    figure.update_layout(bargap=0.35, hovermode="closest")
    figure.update_yaxes(showgrid=False)
    figure.update_xaxes(fixedrange=True, showgrid=False, range=[0, TEXT_ROOM * max(1, *counts.values())])
    figure.update_yaxes(fixedrange=True)
    return figure


def _gain_text(gain: float | None) -> str:
    return "" if gain is None else f" · mAP +{gain:.3f}"


def groups_figure(counts: Sequence[GroupCounts], titles: Sequence[str], texts: Sequence[str], kind: str) -> go.Figure:
    """Plot the shares of found and of missed objects of each group.

    The key of a mark is ``<kind> <group> found`` or ``... missed``.

    Args:
        counts: Counts of each group that has boxes.
        titles: Title of each group.
        texts: Text beside each title.
        kind: What the groups differ in.
    """
    rows = list(range(len(counts)))
    figure = go.Figure()
    for state, colour in (("found", FOUND_COLOUR), ("missed", MISSED_COLOUR)):
        numbers = [group.found if state == "found" else group.missed for group in counts]
        figure.add_trace(
            go.Bar(
                orientation="h",
                name=state.capitalize(),
                x=[100 * number / group.boxes for number, group in zip(numbers, counts, strict=True)],
                y=rows,
                marker_color=colour,
                customdata=[f"{kind} {group.name} {state}" for group in counts],
                hovertext=[
                    f"{label(title)}: {number:,} of {group.boxes:,} {state}"
                    for title, number, group in zip(titles, numbers, counts, strict=True)
                ],
                hovertemplate="%{hovertext}<extra></extra>",
                unselected={"marker": {"opacity": 0.45}},
            )
        )
    place = {"x": 0, "showarrow": False, "xanchor": "left", "yanchor": "bottom", "font": {"size": 12}}
    notes = [
        place | {"y": row - 0.27, "text": f"<b>{label(title)}</b>: {text}"}
        for row, title, text in zip(rows, titles, texts, strict=True)
    ]
    styled(figure, height=80 + 52 * len(rows))
    figure.update_layout(barmode="stack", bargap=0.5, hovermode="closest", annotations=notes)
    figure.update_yaxes(showgrid=False, showticklabels=False, range=[len(rows) - 0.5, -0.8])
    ends = {"tickvals": [0, 25, 50, 75, 100], "range": [0, 101]}  # the last label needs a little more than the end
    figure.update_xaxes(**ends, ticksuffix=" %", fixedrange=True)
    figure.update_yaxes(fixedrange=True)
    return figure
