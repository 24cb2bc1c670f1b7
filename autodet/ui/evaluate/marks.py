"""The clicked mark of a figure: a sentence that names it, and its boxes as crops that open their photos."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from autodet.errors import PhotoError
from autodet.evaluation.coco_matches import NO_PARTNER
from autodet.evaluation.examples import Examples
from autodet.evaluation.outcomes import ShownOutcomes
from autodet.text_format import counted
from autodet.ui.common.frame import sentences_for_errors
from autodet.ui.common.markdown import escape, shortened
from autodet.ui.common.outcome_drawings import outlines_of, show_legend
from autodet.ui.common.photo_viewer import thumbnail_button
from autodet.ui.common.scroll import count_opening, scroll_here
from autodet.ui.evaluate.evaluation import Evaluated
from autodet.ui.evaluate.outcome_photos import Example, crop, enlarge

PER_PAGE = 12
TILE_PIXELS = 176  # four side by side, two on a phone


@dataclass(frozen=True)
class Mark:
    """A mark of a figure.

    Attributes:
        title: What its boxes have in common; plain text.
        examples: Returns its boxes.
    """

    title: str
    examples: Callable[[], Examples]


def clickable_chart(figure: go.Figure, section: str, alt: str) -> None:
    """Show a chart whose clicked marks ``show_marked`` of the same section opens.

    Args:
        figure: The chart; the custom data of a point is the key of its mark.
        section: Key of the section; several charts may share one.
        alt: Description of the chart.
    """
    key = f"{section} {alt} {st.session_state.get(f'{section} cleared', 0)}"
    st.plotly_chart(
        figure,
        key=key,
        alt=alt,
        on_select=partial(_choose_clicked, section, key),
        selection_mode="points",
        config={"displayModeBar": False},
    )


def _choose_clicked(section: str, key: str) -> None:
    """Choose the clicked mark; a click beside all marks changes nothing."""
    for point in st.session_state[key]["selection"]["points"][:1]:
        if clicked := _text(point.get("customdata")):
            st.session_state[_choice(section)] = clicked
            count_opening(section)


def _choice(section: str) -> str:
    """Return the key of the chosen mark; the list forgets its own when its titles change with the thresholds."""
    return f"{section} choice"


def _text(custom: Any) -> str:
    """Return the custom data of a point, which some kinds of charts wrap in a list."""
    return str(custom[0] if isinstance(custom, list) and custom else custom or "")


def show_marked(
    evaluated: Evaluated,
    shown: ShownOutcomes,
    section: str,
    marks: Mapping[str, Mark],
    beside: Callable[[str], None] | None = None,
) -> None:
    """Let the visitor choose a mark by a click or from a list, and show its boxes.

    Args:
        evaluated: The evaluation.
        shown: The outcomes at the thresholds.
        section: Key of the section, that of its charts.
        marks: The marks by their keys.
        beside: Shows something beside the choice; receives the key of the chosen mark.
    """
    if st.session_state.get(_choice(section)) not in (None, *marks):
        _clear(section)  # nothing is left of it at these thresholds
    st.session_state[section] = st.session_state.get(_choice(section))
    scroll_here(section)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            "Boxes",
            list(marks),
            index=None,
            format_func=lambda key: marks[key].title,
            placeholder="Click a mark in a chart, or choose one here",
            key=section,
            on_change=_choose_listed,
            args=(section,),
            width=460,
        )
        if chosen:
            st.button("Clear", icon=":material/close:", key=f"{section} clear", on_click=_clear, args=(section,))
            if beside:
                beside(chosen)
    if chosen:
        st.markdown(f"Shown below: **{escape(marks[chosen].title)}**.")
        _show_crops(evaluated, shown, f"{section} {chosen}", marks[chosen].examples())


def _choose_listed(section: str) -> None:
    st.session_state[_choice(section)] = st.session_state[section]


def _clear(section: str) -> None:
    """Forget the mark; the charts get new keys, so that the same mark can be clicked again."""
    st.session_state[_choice(section)] = None
    st.session_state[f"{section} cleared"] = st.session_state.get(f"{section} cleared", 0) + 1


@st.fragment
def _show_crops(evaluated: Evaluated, shown: ShownOutcomes, key: str, examples: Examples) -> None:
    with sentences_for_errors("Evaluate"):
        if not len(examples):
            st.info("No box is left at these thresholds.", icon=":material/search_off:")
            return
        photos = _photos(shown, examples)
        pairs = list(zip(examples.detections.tolist(), examples.boxes.tolist(), strict=True))
        order = list(dict.fromkeys(photos))
        pages = -(-len(examples) // PER_PAGE)
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.caption(f"{counted(len(examples), 'box', 'boxes')} on {counted(len(order), 'photo')}", width="content")
            page = st.pagination(pages, key=f"pages {key} {len(examples)}") if pages > 1 else 1
        show_legend()
        on_page = range(len(examples))[(page - 1) * PER_PAGE : page * PER_PAGE]
        with st.container(horizontal=True, gap="small"):
            for place in on_page:
                with st.container(width=TILE_PIXELS, gap="xxsmall", key=f"tile {key} {place}"):
                    if _show_tile(evaluated, shown, photos[place], pairs[place], f"enlarge {key} {place}"):
                        first = dict(zip(reversed(photos), reversed(pairs), strict=True))
                        examples_of = first | {photos[place]: pairs[place]}
                        enlarge(evaluated, shown, order, order.index(photos[place]), examples_of)


def _photos(shown: ShownOutcomes, examples: Examples) -> list[int]:
    truth, detections = shown.outcomes.truth, shown.outcomes.detections
    return [
        int(truth.photos[box] if box != NO_PARTNER else detections.photos[detection])
        for detection, box in zip(examples.detections.tolist(), examples.boxes.tolist(), strict=True)
    ]


def _show_tile(evaluated: Evaluated, shown: ShownOutcomes, photo: int, example: Example, key: str) -> bool:
    """Show a crop with a button that opens its photo; return whether it was pressed."""
    caption = _caption(shown, *example)
    file = evaluated.records[photo].file
    try:
        st.image(crop(evaluated, photo, outlines_of(shown, *example)), width="stretch", alt=f"{file}: {caption}")
    except PhotoError as error:
        st.caption(f":material/broken_image: {escape(str(error))}")
        return False
    return thumbnail_button(f":small[{escape(caption)}]", key)


def _caption(shown: ShownOutcomes, detection: int, box: int) -> str:
    """Name the class and the score of a detection, or the missed class."""
    outcomes = shown.outcomes
    classes, scores = outcomes.classes, outcomes.detections.scores
    if detection == NO_PARTNER:
        return f"{shortened(classes[outcomes.truth.class_ids[box]], 18)}, missed"
    name = shortened(classes[outcomes.detections.class_ids[detection]], 18)
    if not shown.shown[detection]:
        return f"{name}, scores only {scores[detection]:.2f}"
    return f"{name} {scores[detection]:.2f}"
