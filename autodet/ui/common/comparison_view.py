"""Two models compared: difference, average precision per class, and the photos where exactly one makes errors."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import pandas as pd
import streamlit as st

from autodet.charts.evaluation import compared_ap_figure
from autodet.datasets.manifest import Dataset
from autodet.evaluation.outcomes import ShownOutcomes
from autodet.evaluation.photo_errors import Side, photo_errors, photos_where_one_errs
from autodet.inference.comparison import ComparedModels
from autodet.messages.comparisons import comparison_sentence, verdict_text
from autodet.messages.evaluation import errors_text
from autodet.records import Difference
from autodet.text_format import counted
from autodet.ui.common.frame import sentences_for_errors
from autodet.ui.common.markdown import escape, shortened
from autodet.ui.common.outcome_drawings import error_layers, photo_identity, show_legend, shown_boxes
from autodet.ui.common.outcome_tiles import show_tiles
from autodet.ui.common.photo_viewer import ERROR_LAYERS, OTHER_MODEL, ViewedPhoto, opening, photo_viewer, view_photo

MAX_BARS = 40  # classes in the chart; the table has all
SIDES: tuple[Side, Side] = ("a", "b")
DIFFERENCE_HELP = (
    "The second model minus the first. The interval is where 95 % of the differences would lie if the photos were "
    "drawn again: a bootstrap over photos, the same photos for both models (paired). An interval that contains 0 is "
    "within noise."
)


def show_comparison(page: str, compared: ComparedModels, dataset: Dataset, models: tuple[str, str], key: str) -> None:
    """Show two models on the same photos.

    Args:
        page: Title of the page.
        compared: The comparison.
        dataset: The data set.
        models: Display names of both models.
        key: Identifies the comparison in the keys of widgets.
    """
    comparison = replace(compared.comparison, models=dict(zip(SIDES, map(escape, models), strict=True)))
    for caution in comparison.cautions.values():
        st.warning(escape(caution), icon=":material/warning:")
    st.markdown(f"**{comparison_sentence(comparison, 'page')}**")
    figures = {"mAP@0.5": comparison.map50, "mAP@0.5–0.95": comparison.map50_95}
    classes = comparison.per_class if len(comparison.per_class) > 1 else {}
    _show_table(figures | {f"AP@0.5 of {name}": figure for name, figure in classes.items()}, models)
    if 1 < len(classes) <= MAX_BARS:
        chart = compared_ap_figure(classes, models)
        st.plotly_chart(
            chart, key=f"AP {key}", alt="Average precision of every class", config={"displayModeBar": False}
        )
    show_differing_photos(page, compared, dataset, models, key)


def _show_table(figures: dict[str, Difference], models: tuple[str, str]) -> None:
    a, b = (shortened(name, 30) for name in models)
    rows = [
        (
            name,
            figure.a,
            figure.b,
            _signed(figure.difference),
            " to ".join(map(_signed, figure.interval)),
            verdict_text(figure, a, b),
        )
        for name, figure in figures.items()
    ]
    titles = ["figure", a, b if b != a else f"{b} (second)", "difference", "95 % interval", "verdict"]
    number = st.column_config.NumberColumn(format="%.3f")
    columns = {titles[1]: number, titles[2]: number, "difference": st.column_config.TextColumn(help=DIFFERENCE_HELP)}
    st.dataframe(pd.DataFrame(rows, columns=titles), hide_index=True, column_config=columns, height="content")


def _signed(value: float) -> str:
    return f"{round(value, 3) + 0.0:+.3f}"  # no negative zero


def show_differing_photos(
    page: str, compared: ComparedModels, dataset: Dataset, models: tuple[str, str], key: str
) -> None:
    """Show the photos on which exactly one of two models makes errors; a click opens the viewer with both."""
    by_side = photos_where_one_errs(compared.a, compared.b)
    st.markdown("**Photos where exactly one makes errors**")
    sides = [side for side in SIDES if len(by_side[side])]
    if not sides:
        st.caption(f"There are none among these {counted(len(compared.records), 'photo')}.")
        return
    names = dict(zip(SIDES, models, strict=True))
    side = st.segmented_control(
        "Photos where exactly one makes errors",
        sides,
        default=sides[0],
        required=True,
        format_func=lambda side: f"Errors of {escape(shortened(names[side], 30))} ({len(by_side[side]):,})",
        key=f"differing {key}",
        label_visibility="collapsed",
    )
    chosen = _Photos(page, compared, dataset, names, side, by_side[side].tolist())
    chosen.show(f"differing {key} {side}")


@dataclass(frozen=True, eq=False)
class _Photos:
    """The photos on which one of two models makes errors and the other does not."""

    page: str
    compared: ComparedModels
    dataset: Dataset
    names: dict[Side, str]
    side: Side
    photos: Sequence[int]

    @property
    def other(self) -> Side:
        return "b" if self.side == "a" else "a"

    def outcomes(self, side: Side) -> ShownOutcomes:
        return self.compared.a if side == "a" else self.compared.b

    def show(self, key: str) -> None:
        st.caption(
            f"The boxes are those of {escape(self.names[self.side])}; on these photos, "
            f"{escape(self.names[self.other])} finds every object and raises no false alarm. A photo opens with both."
        )
        show_legend("Found", "False alarm", "Missed")
        shown = self.outcomes(self.side)
        counts = photo_errors(shown)
        captions = {photo: errors_text(*counts[:, photo].tolist()) for photo in self.photos}
        show_tiles(self.dataset, self.compared.records, shown, captions, partial(_enlarge, self), key)

    def view(self, place: int) -> ViewedPhoto:
        photo = self.photos[place]
        record = self.compared.records[photo]
        boxes = error_layers(self.outcomes(self.side), photo)
        boxes |= {OTHER_MODEL.key: shown_boxes(self.outcomes(self.other), photo)}
        note = f"Found, false alarms and missed: {self.names[self.side]}. Other model: {self.names[self.other]}."
        identity = photo_identity(self.dataset, record)
        return view_photo(identity, self.dataset.photo(record), record.file, boxes, note)


@st.dialog("Photo", width="large")
def _enlarge(photos: _Photos, start: int) -> None:
    with sentences_for_errors(photos.page):
        photo_viewer(
            len(photos.photos),
            photos.view,
            key="compared photos",
            layers=(*ERROR_LAYERS, replace(OTHER_MODEL, shown=True)),
            identity=opening(),
            start=start,
        )
