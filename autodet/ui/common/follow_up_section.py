"""The newest follow-up of a search, refreshed while it runs, and a button that starts another one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from autodet.errors import SearchError
from autodet.records import FollowUpKind, SearchState, SearchStatus
from autodet.search.api import find_only_search
from autodet.search.follow_ups.results import newest_follow_up
from autodet.search.follow_ups.start import FollowUpPlan, start_follow_up
from autodet.ui.common.editors import editors_only
from autodet.ui.common.follow_ups import plan_sentence, show_follow_up_progress
from autodet.ui.common.frame import sentences_for_errors
from autodet.ui.common.markdown import escape

REFRESH_SECONDS = 2
SAME_ORDER_SECONDS = 5.0  # a double click starts one follow-up


@dataclass(frozen=True)
class FollowUpSection:
    """The differences between kinds of follow-ups.

    Attributes:
        page: Title of the page.
        kind: The kind.
        title: Title of the section.
        icon: Its icon.
        show: Shows the result of a follow-up with this id.
        choose: Shows the choices and returns the plan; it may raise ``SearchError``.
        labels: Of the button that starts the first one, and a further one.
    """

    page: str
    kind: FollowUpKind
    title: str
    icon: str
    show: Callable[[str], None]
    choose: Callable[[SearchStatus], FollowUpPlan]
    labels: Sequence[str]


def show_section(section: FollowUpSection, status: SearchStatus) -> None:
    """Show the newest follow-up of a search that is over, and offer another one unless it runs."""
    found = newest_follow_up(status, section.kind)
    with st.expander(section.title, icon=section.icon, expanded=found is not None):
        follow_up = find_only_search(found).status() if found else None
        if follow_up:
            seconds = REFRESH_SECONDS if follow_up.active else None
            st.fragment(_show_result, run_every=seconds)(section, follow_up.search, follow_up.state)
        if not (follow_up and follow_up.active):
            _offer(section, status, again=follow_up is not None)


def _show_result(section: FollowUpSection, follow_up: str, shown_state: SearchState) -> None:
    with sentences_for_errors(section.page):
        status = find_only_search(follow_up).status()
        if status.state != shown_state:
            st.rerun()
        show_follow_up_progress(status)
        if status.trials_over:
            section.show(follow_up)


@editors_only("start search")
def _offer(section: FollowUpSection, status: SearchStatus, *, again: bool) -> None:
    try:
        plan = section.choose(status)
    except SearchError as error:
        st.caption(escape(str(error)))
        return
    st.caption(plan_sentence(plan))
    if st.button(section.labels[again], icon=section.icon, key=f"{section.kind} {status.search}"):
        start_follow_up(plan, once_within=SAME_ORDER_SECONDS)
        st.rerun()
