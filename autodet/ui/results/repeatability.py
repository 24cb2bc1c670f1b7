"""Whether the gain of a search is real: its best trials and the defaults, trained with other seeds."""

import streamlit as st

from autodet.records import SearchStatus
from autodet.search.follow_ups.results import repeatability
from autodet.search.follow_ups.start import (
    DEFAULT_BEST,
    DEFAULT_SEEDS,
    FollowUpPlan,
    best_configurations,
    plan_repeats,
)
from autodet.ui.common.follow_up_section import FollowUpSection, show_section
from autodet.ui.common.follow_ups import show_repeatability_result

BEST, SEEDS = (1, 2, 3), (2, 3, 5, 10)


def show_repeatability(status: SearchStatus) -> None:
    """Show the result of repeated trials of a search, and offer to repeat them; nothing while the search runs."""
    if not status.active and len(status.trials) > 1:
        show_section(SECTION, status)


def _plan(status: SearchStatus) -> FollowUpPlan:
    st.markdown(
        "A better score can be luck. Train the best trials and the defaults again with other seeds, and compare the "
        "means. Further seeds of the same settings are added to the earlier ones."
    )
    offered = BEST[: len(best_configurations(status))] or BEST[:1]
    with st.container(horizontal=True):
        best = st.segmented_control(
            "Best trials", offered, default=DEFAULT_BEST, required=True, key=f"best repeated {status.search}"
        )
        seeds = st.segmented_control(
            "Seeds of each", SEEDS, default=DEFAULT_SEEDS, required=True, key=f"seeds repeated {status.search}"
        )
    return plan_repeats(status.search, best=best or DEFAULT_BEST, seeds=seeds or DEFAULT_SEEDS)


SECTION = FollowUpSection(
    "Results",
    "repeats",
    "Is the gain real?",
    ":material/casino:",
    lambda follow_up: show_repeatability_result(repeatability(follow_up)),
    _plan,
    ("Train with other seeds", "Train with further seeds"),
)
