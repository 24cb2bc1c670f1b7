"""Whether more photos would help: the learning curve of the model's search."""

import streamlit as st

from autodet.errors import NotFoundError, SearchError
from autodet.models.store import StoredModel
from autodet.records import LearningCurve, SearchState, SearchStatus
from autodet.search.api import find_only_search
from autodet.search.follow_ups.results import known_curve as curve_of_search
from autodet.search.follow_ups.results import learning_curve, newest_follow_up
from autodet.search.follow_ups.start import DEFAULT_CURVE_SEEDS, plan_learning_curve, start_follow_up
from autodet.search.run.best_model import BEFORE
from autodet.ui.common.editors import editors_only
from autodet.ui.common.follow_ups import plan_sentence, show_curve, show_follow_up_progress
from autodet.ui.common.frame import sentences_for_errors
from autodet.ui.common.markdown import escape
from autodet.ui.evaluate.evaluation import Evaluated

REFRESH_SECONDS = 2
SAME_ORDER_SECONDS = 5.0  # a double click starts one follow-up
SEEDS = (1, 2, 3, 5)


def known_curve(evaluated: Evaluated) -> LearningCurve | None:
    """Return the learning curve of the model's search on the evaluated data set; None if there is none."""
    status = _search_of(evaluated.model, evaluated.dataset.id)
    return curve_of_search(status) if status else None


def show_learning_curve(evaluated: Evaluated) -> None:
    """Show the learning curve, and offer to measure it; nothing without the search of the model."""
    status = _search_of(evaluated.model, evaluated.dataset.id)
    if status is None or status.active:
        return
    found = newest_follow_up(status, "learning_curve")
    with st.expander("Would more photos help?", icon=":material/trending_up:", expanded=found is not None):
        follow_up = find_only_search(found).status() if found else None
        if follow_up:
            seconds = REFRESH_SECONDS if follow_up.active else None
            st.fragment(_show_result, run_every=seconds)(follow_up.search, follow_up.state)
        if not (follow_up and follow_up.active):
            _offer_curve(status, again=follow_up is not None)


def _search_of(model: StoredModel, dataset: str) -> SearchStatus | None:
    """Return the search that made a model, if it searched on this data set."""
    id = model.id.removesuffix(BEFORE)
    try:
        status = find_only_search(id).status()
    except (NotFoundError, SearchError):
        return None
    is_its_own = model.is_in_workspace and status.search == id and status.dataset == dataset
    return status if is_its_own and not status.follow_up else None


def _show_result(follow_up: str, shown_state: SearchState) -> None:
    with sentences_for_errors("Evaluate"):
        status = find_only_search(follow_up).status()
        if status.state != shown_state:
            st.rerun()
        show_follow_up_progress(status)
        if status.trials_over:
            show_curve(learning_curve(follow_up))


@editors_only("start search")
def _offer_curve(status: SearchStatus, *, again: bool) -> None:
    st.markdown(
        "The learning curve tells: autodet trains the best settings on a quarter, a half and all of the training "
        "photos, with as many steps, and extrapolates to twice the photos. It keeps photos of every class."
    )
    seeds = st.segmented_control(
        "Draws of the photos",
        SEEDS,
        default=DEFAULT_CURVE_SEEDS,
        required=True,
        key=f"curve seeds {status.search}",
        help="Each draws other photos and has another seed. More draws narrow the interval; with one, it is very wide.",
    )
    try:
        plan = plan_learning_curve(status.search, seeds=seeds or DEFAULT_CURVE_SEEDS)
    except SearchError as error:
        st.caption(escape(str(error)))
        return
    st.caption(plan_sentence(plan))
    label = "Measure the learning curve again" if again else "Measure the learning curve"
    if st.button(label, icon=":material/trending_up:", key=f"learning curve {status.search}"):
        start_follow_up(plan, once_within=SAME_ORDER_SECONDS)
        st.rerun()
