"""Whether more photos would help: the learning curve of the model's search."""

import streamlit as st

from autodet.errors import NotFoundError, SearchError
from autodet.models.store import StoredModel
from autodet.records import LearningCurve, SearchStatus
from autodet.search.api import find_only_search
from autodet.search.follow_ups.results import known_curve as curve_of_search
from autodet.search.follow_ups.results import learning_curve
from autodet.search.follow_ups.start import DEFAULT_CURVE_SEEDS, FollowUpPlan, plan_learning_curve
from autodet.search.run.best_model import BEFORE
from autodet.ui.common.follow_up_section import FollowUpSection, show_section
from autodet.ui.common.follow_ups import show_curve
from autodet.ui.evaluate.evaluation import Evaluated

SEEDS = (1, 2, 3, 5)


def known_curve(evaluated: Evaluated) -> LearningCurve | None:
    """Return the learning curve of the model's search on the evaluated data set; None if there is none."""
    status = _search_of(evaluated.model, evaluated.dataset.id)
    return curve_of_search(status) if status else None


def show_learning_curve(evaluated: Evaluated) -> None:
    """Show the learning curve, and offer to measure it; nothing without the search of the model."""
    status = _search_of(evaluated.model, evaluated.dataset.id)
    if status and not status.active:
        show_section(SECTION, status)


def _search_of(model: StoredModel, dataset: str) -> SearchStatus | None:
    """Return the search that made a model, if it searched on this data set."""
    id = model.id.removesuffix(BEFORE)
    try:
        status = find_only_search(id).status()
    except (NotFoundError, SearchError):
        return None
    is_its_own = model.is_in_workspace and status.search == id and status.dataset == dataset
    return status if is_its_own and not status.follow_up else None


def _plan(status: SearchStatus) -> FollowUpPlan:
    st.markdown(
        "The learning curve tells: autodet trains the best settings on a quarter, a half and all of the training "
        "photos, with as many steps, and extrapolates to twice the photos. It keeps photos of every class. Further "
        "draws with the same settings are added to the earlier ones."
    )
    seeds = st.segmented_control(
        "Draws of the photos",
        SEEDS,
        default=DEFAULT_CURVE_SEEDS,
        required=True,
        key=f"curve seeds {status.search}",
        help="Each draws other photos and has another seed. More draws narrow the interval; with one, it is very wide.",
    )
    return plan_learning_curve(status.search, seeds=seeds or DEFAULT_CURVE_SEEDS)


SECTION = FollowUpSection(
    "Evaluate",
    "learning_curve",
    "Would more photos help?",
    ":material/trending_up:",
    lambda follow_up: show_curve(learning_curve(follow_up)),
    _plan,
    ("Measure the learning curve", "Add further draws"),
)
