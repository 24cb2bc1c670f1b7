"""The confidence threshold of every class: the model's own at first, then what the visitor sets."""

from collections.abc import Mapping
from statistics import median

import streamlit as st

from autodet.models.model_card import ModelCard
from autodet.ui.common.markdown import escape
from autodet.ui.common.threshold import HELP, HELP_OWN, HIGHEST, LOWEST, STEP
from autodet.ui.evaluate.evaluation import Evaluated

FIELD_PIXELS = 170


def choose_thresholds(evaluated: Evaluated) -> Mapping[str, float]:
    """Show one slider for all classes, and a field for each in a folded part; return the thresholds by class."""
    card = evaluated.model.card
    own, state = card.all_thresholds, _state(evaluated)
    current: dict[str, float] = st.session_state.setdefault(state, dict(own))
    st.session_state[f"{state} all"] = _within(median(current.values()))
    st.slider(
        "Confidence threshold",
        LOWEST,
        HIGHEST,
        step=STEP,
        key=f"{state} all",
        help=HELP_OWN if card.thresholds_chosen else HELP,
        on_change=_set_all,
        args=(state,),
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(_explanation(card, current))
        if current != own:
            st.button(
                "Back to the model's own", icon=":material/undo:", key=f"{state} undo", on_click=_reset, args=(state,)
            )
    if len(own) > 1:
        room = st.expander("A threshold for each class", type="compact", key="threshold fields", on_change="rerun")
        if room.open:
            with room, st.container(horizontal=True):
                for name in own:
                    _ask_for_one(state, current, name)
    return current


def set_threshold(evaluated: Evaluated, name: str, threshold: float) -> None:
    """Set the threshold of one class, as a callback."""
    current = st.session_state[_state(evaluated)]
    st.session_state[_state(evaluated)] = current | {name: threshold}


def _state(evaluated: Evaluated) -> str:
    return f"thresholds {evaluated.model.id} {evaluated.model.card.weights_sha256[:12]}"


def _ask_for_one(state: str, current: Mapping[str, float], name: str) -> None:
    # A value out of range stays in the browser's field, so a reset makes new fields.
    key = f"{state} of {name} {st.session_state.get(f'{state} resets', 0)}"
    st.session_state[key] = round(current[name], 3)
    st.number_input(
        escape(name),
        min_value=0.0,
        max_value=1.0,
        step=STEP,
        format="%.3f",
        key=key,
        width=FIELD_PIXELS,
        on_change=_set_one,
        args=(state, name, key),
    )


def _explanation(card: ModelCard, current: Mapping[str, float]) -> str:
    own = card.all_thresholds
    if current == own:
        several = ": each class has its own; the slider sets one for all" if len(set(own.values())) > 1 else ""
        return f"The model's own{', chosen on its validation photos' * card.thresholds_chosen}{several}."
    return "Set by you; everything below follows. The model keeps its own."


def _set_all(state: str) -> None:
    chosen = st.session_state[f"{state} all"]
    st.session_state[state] = dict.fromkeys(st.session_state[state], chosen)


def _set_one(state: str, name: str, key: str) -> None:
    st.session_state[state] = st.session_state[state] | {name: st.session_state[key]}


def _reset(state: str) -> None:
    st.session_state.pop(state, None)
    st.session_state[f"{state} resets"] = st.session_state.get(f"{state} resets", 0) + 1


def _within(value: float) -> float:
    return min(max(round(value, 2), LOWEST), HIGHEST)
