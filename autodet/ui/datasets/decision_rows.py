"""Decisions of a review: a row for each kind of finding, with an example photo and the available actions."""

from collections.abc import Mapping, Sequence

import streamlit as st

from autodet.datasets.checks.kinds import KINDS, how_many
from autodet.messages.finding_kinds import KIND_TEXTS
from autodet.messages.findings import problem_sentence
from autodet.records import Action
from autodet.ui.common.frame import sentences_for_errors
from autodet.ui.common.markdown import escape
from autodet.ui.datasets.findings import Picture, enlarge_pictures, show_kind, show_picture
from autodet.ui.datasets.review_pictures import Reviewed, example_pictures, finding_pictures, reading_pictures

LOSS = "large_loss"  # a kind that is confirmed beside the import button, not in a row
PICTURE_PIXELS, READING_PIXELS = 88, 150  # displayed widths; two readings fit side by side on a phone
ROW, BESIDE, WITHOUT = (9, 15, 10), (1, 2), (24, 10)  # relative widths with pictures, readings, and neither
MAX_BESIDE = 3  # readings beside the text
MAX_PICTURES = 2
WHERE, WHICH = "boxes around the objects", "right names for the objects"  # what readings differ in


def decision_key(import_id: str, kind: str) -> str:
    """Return the key of a decision in the session state."""
    return f"decide {import_id} {kind}"


def needs_decision(reviewed: Reviewed, kind: str) -> bool:
    """Return whether the visitor should choose an action for a kind, or the import is blocked by it."""
    stops = any(finding.action == "stop" for finding in reviewed.findings.get(kind, ()))
    return stops or (KINDS[kind].asks and len(KINDS[kind].actions) > 1)


def show_decision(import_id: str, reviewed: Reviewed, kind: str) -> None:
    """Show a kind of finding with an example; where boxes would move, one picture for each action to choose."""
    readings = reading_pictures(reviewed, kind)
    with st.container(border=True, gap="xsmall", key=f"decision {import_id} {kind}"):
        if readings:
            beside = "stop" not in KINDS[kind].actions and len(readings) <= MAX_BESIDE
            words, pictures = st.columns(BESIDE) if beside else (st.container(), st.container())
            with words:
                _describe(import_id, reviewed, kind)
            with pictures:
                _choose_picture(import_id, kind, readings)
            return
        examples = example_pictures(reviewed, kind)[:MAX_PICTURES]
        *left, words, actions = st.columns(ROW if examples else WITHOUT, vertical_alignment="center")
        for room in left:
            with room.container(horizontal=True, gap="xsmall"):
                _show_pictures(examples, KIND_TEXTS[kind].title, f"{import_id} {kind}")
        with words:
            _describe(import_id, reviewed, kind)
        with actions:
            show_actions(import_id, kind)


def _show_pictures(pictures: Sequence[Picture], title: str, key: str) -> None:
    for place, picture in enumerate(pictures):
        caption = picture.caption if len(pictures) > 1 and not picture.names_photo else ""
        alt = f"{title}: {picture.caption or 'example'}"
        if show_picture(picture, PICTURE_PIXELS, f"example {key} {place}", caption, alt):
            enlarge_pictures(pictures, place)


def show_actions(import_id: str, kind: str) -> None:
    """Show the actions of a kind to choose from; only its label if there is one."""
    text = KIND_TEXTS[kind]
    labels = {str(action): text.actions[action] for action in KINDS[kind].actions}
    if len(labels) == 1:
        st.markdown(f":material/arrow_forward: {labels[KINDS[kind].default]}")
        return
    st.radio(
        f"What to do about: {text.title}",
        list(labels),
        format_func=labels.__getitem__,
        key=decision_key(import_id, kind),
        label_visibility="collapsed",
    )


def _describe(import_id: str, reviewed: Reviewed, kind: str) -> None:
    """Show title, count and reason of a kind, what makes it unclear, and a button that lists all findings."""
    text, findings = KIND_TEXTS[kind], reviewed.findings.get(kind, [])
    many = how_many(findings)
    with st.container(gap="xxsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            st.markdown(f"**{text.title}** · {many:,}", width="content")
            look = f"See {'it' if many == 1 else 'them'}"
            if findings and st.button(look, key=f"look {import_id} {kind}", type="tertiary"):
                st.dialog(text.title, width="large")(_show_all)(import_id, reviewed, kind)
        st.markdown(text.why)
        if findings and "stop" in KINDS[kind].actions:
            st.caption(escape(problem_sentence(findings[0], "page")))


def _show_all(import_id: str, reviewed: Reviewed, kind: str) -> None:
    with sentences_for_errors("Data sets"):
        st.caption(KIND_TEXTS[kind].why)
        pictures = lambda finding: finding_pictures(reviewed, finding)  # noqa: E731
        show_kind(reviewed.findings[kind], pictures, f"{import_id} {kind}", planned=True, in_dialog=True)


def _choose_picture(import_id: str, kind: str, readings: Mapping[Action, Picture]) -> None:
    """Show a picture for each reading of the labels, with a button that selects it.

    A second click on the selected action returns to the default.
    """
    text, key = KIND_TEXTS[kind], decision_key(import_id, kind)
    chosen = st.session_state.get(key) or KINDS[kind].default
    if "stop" in KINDS[kind].actions:
        right = WHICH if any(picture.legend for picture in readings.values()) else WHERE
        st.markdown(f"**Which picture has the {right}? Press the button below it.**")
    buttons_alone = "drop" in KINDS[kind].actions
    with st.container(horizontal=True, vertical_alignment="bottom" if buttons_alone else "top", gap="xsmall"):
        for action in KINDS[kind].actions:
            if action not in readings and action != "drop":
                continue
            with st.container(width=READING_PIXELS, gap="xxsmall"):
                if action in readings:
                    alt = text.actions[action]
                    if show_picture(readings[action], READING_PIXELS, f"reading {key} {action}", "", alt):
                        enlarge_pictures(list(readings.values()), list(readings).index(action))
                    if readings[action].legend:
                        st.html(readings[action].legend)
                st.button(
                    text.actions[action],
                    key=f"choose {action} {key}",
                    type="primary" if action == chosen else "secondary",
                    icon=":material/check:" if action == chosen else None,
                    on_click=_choose,
                    args=(key, KINDS[kind].default if action == chosen else action),
                    width="stretch",
                )


def _choose(key: str, action: Action) -> None:
    st.session_state[key] = action
