"""Whether the gain of a search is real: its best trials and the defaults, trained with other seeds."""

import streamlit as st

from autodet.errors import SearchError
from autodet.records import SearchState, SearchStatus
from autodet.search.api import find_only_search
from autodet.search.follow_ups.results import newest_follow_up, repeatability
from autodet.search.follow_ups.start import DEFAULT_BEST, DEFAULT_SEEDS, plan_repeats, start_follow_up
from autodet.ui.common.editors import editors_only
from autodet.ui.common.follow_ups import plan_sentence, show_follow_up_progress, show_repeatability_result
from autodet.ui.common.frame import sentences_for_errors
from autodet.ui.common.markdown import escape

REFRESH_SECONDS = 2
SAME_ORDER_SECONDS = 5.0  # a double click starts one follow-up
BEST, SEEDS = (1, 2, 3), (2, 3, 5, 10)


def show_repeatability(status: SearchStatus) -> None:
    """Show the result of repeated trials of a search, and offer to repeat them; nothing while the search runs."""
    if status.active or len(status.trials) < 2:
        return
    found = newest_follow_up(status, "repeats")
    with st.expander("Is the gain real?", icon=":material/casino:", expanded=found is not None):
        follow_up = find_only_search(found).status() if found else None
        if follow_up:
            seconds = REFRESH_SECONDS if follow_up.active else None
            st.fragment(_show_result, run_every=seconds)(follow_up.search, follow_up.state)
        if not (follow_up and follow_up.active):
            _offer_repeats(status, again=follow_up is not None)


def _show_result(follow_up: str, shown_state: SearchState) -> None:
    with sentences_for_errors("Results"):
        status = find_only_search(follow_up).status()
        if status.state != shown_state:
            st.rerun()
        show_follow_up_progress(status)
        if status.trials_over:
            show_repeatability_result(repeatability(follow_up))


@editors_only("start search")
def _offer_repeats(status: SearchStatus, *, again: bool) -> None:
    st.markdown(
        "A better score can be luck. Train the best trials and the defaults again with other seeds, and compare the "
        "means."
    )
    with st.container(horizontal=True):
        best = st.segmented_control(
            "Best trials", BEST, default=DEFAULT_BEST, required=True, key=f"best repeated {status.search}"
        )
        seeds = st.segmented_control(
            "Seeds of each", SEEDS, default=DEFAULT_SEEDS, required=True, key=f"seeds repeated {status.search}"
        )
    try:
        plan = plan_repeats(status.search, best=best or DEFAULT_BEST, seeds=seeds or DEFAULT_SEEDS)
    except SearchError as error:
        st.caption(escape(str(error)))
        return
    st.caption(plan_sentence(plan))
    label = "Train again with other seeds" if again else "Train with other seeds"
    if st.button(label, icon=":material/replay:", key=f"repeat {status.search}"):
        start_follow_up(plan, once_within=SAME_ORDER_SECONDS)
        st.rerun()
