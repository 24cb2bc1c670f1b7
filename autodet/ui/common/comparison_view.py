"""Two models compared: difference, average precision per class, and the photos where exactly one makes errors."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import pandas as pd
import streamlit as st

from autodet.charts.comparison import compared_ap_figure
from autodet.datasets.manifest import Dataset
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
    _show_photos(page, compared, dataset, names, by_side[side].tolist(), side, key)


def _show_photos(
    page: str,
    compared: ComparedModels,
    dataset: Dataset,
    names: dict[Side, str],
    photos: Sequence[int],
    side: Side,
    key: str,
) -> None:
    other = names["b" if side == "a" else "a"]
    st.caption(
        f"The boxes are those of {escape(names[side])}; on these photos, {escape(other)} finds every object and raises "
        "no false alarm. A photo opens with both."
    )
    show_legend("Found", "False alarm", "Missed")
    shown = compared.a if side == "a" else compared.b
    counts = photo_errors(shown)
    captions = {photo: errors_text(*counts[:, photo].tolist()) for photo in photos}
    enlarge = partial(_enlarge, page, compared, dataset, names, photos, side)
    show_tiles(dataset, compared.records, shown, captions, enlarge, f"differing {key} {side}")


@st.dialog("Photo", width="large")
def _enlarge(
    page: str,
    compared: ComparedModels,
    dataset: Dataset,
    names: dict[Side, str],
    photos: Sequence[int],
    side: Side,
    start: int,
) -> None:
    with sentences_for_errors(page):
        photo_viewer(
            len(photos),
            lambda place: _view(compared, dataset, names, photos[place], side),
            key="compared photos",
            layers=(*ERROR_LAYERS, replace(OTHER_MODEL, shown=True)),
            identity=opening(),
            start=start,
        )


def _view(compared: ComparedModels, dataset: Dataset, names: dict[Side, str], photo: int, side: Side) -> ViewedPhoto:
    shown, other = (compared.a, compared.b) if side == "a" else (compared.b, compared.a)
    boxes = error_layers(shown, photo) | {OTHER_MODEL.key: shown_boxes(other, photo)}
    record = compared.records[photo]
    note = f"Found, false alarms and missed: {names[side]}. Other model: {names['b' if side == 'a' else 'a']}."
    return view_photo(photo_identity(dataset, record), dataset.photo(record), record.file, boxes, note)
