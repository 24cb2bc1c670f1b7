"""Fields of the page Train for options of a search, by their descriptions."""

from collections.abc import Sequence
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from autodet.search.order.options import OPTIONS
from autodet.ui.common.number_input import ask_for_number


def ask_for_option(
    name: str,
    value: Any,
    problems: list[str],
    *,
    place: DeltaGenerator | None = None,
    choices: Sequence[str] = (),
    key: str | None = None,
) -> Any:
    """Show the field of an option: a checkbox, a select box, a number field or a text field.

    Args:
        name: Name of the option.
        value: Initial value.
        problems: List that receives an error message if the value is invalid.
        place: Container of the field; by default, the next place on the page.
        choices: Choices to offer; all by default.
        key: Key of the field; by default the option's name.

    Returns:
        The value; None if a number or a text is empty.
    """
    option, place = OPTIONS[name], place or st.container()
    look: dict[str, Any] = {"help": option.hint or None, "key": key or name}
    if option.kind is bool:
        return place.checkbox(option.label, bool(value), persist_state="session", **look)
    if option.choices:
        names = list(choices or option.choices)
        first = names.index(value) if value in names else None
        titles = option.choices.__getitem__
        return place.selectbox(option.label, names, first, format_func=titles, persist_state="session", **look)
    if option.kind is str:
        return place.text_input(option.label, value or "", persist_state="session", **look) or None
    bounds, whole = (option.least, option.most), option.kind is int
    return ask_for_number(place, option.label, bounds, value, problems, whole=whole, **look)
