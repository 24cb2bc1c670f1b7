"""The search that starts from the last best model: offered wherever a new version of a data set may be."""

from contextlib import suppress

import streamlit as st

from autodet.access.change import may_change
from autodet.datasets.manifest import Dataset, list_datasets, read_dataset
from autodet.errors import AutodetError
from autodet.messages.cautions import caution_text
from autodet.messages.next_search import next_search_sentence
from autodet.messages.plans import forecast_text
from autodet.models.store import list_models
from autodet.search.api import list_searches
from autodet.search.next_search import NextSearch, plan_next_search
from autodet.search.order.options import OPTIONS
from autodet.search.start import start_search
from autodet.ui.common.choice import choose, forget
from autodet.ui.common.frame import emphasis, open_page
from autodet.ui.common.markdown import escape, shortened
from autodet.workspace import open_workspace

SAME_ORDER_SECONDS = 60.0  # two tabs get one search
MAX_PLANNED = 6  # versions without a search, the newest first
ICON = ":material/restart_alt:"


def next_search(dataset: Dataset) -> NextSearch | None:
    """Return the plan of a search from the last best model; None if there is no such model, or a search already."""
    searches = list_searches()
    if any(status.dataset == dataset.id for status in searches):
        return None
    weights = sorted(model.card.weights_sha256 for model in list_models())
    active = [status.search for status in searches if status.active]  # whose models do not count yet
    return _plan(f"{dataset.identity} {weights} {active}", dataset)


@st.cache_resource(max_entries=2 * MAX_PLANNED, show_spinner=False)
def _plan(key: str, _dataset: Dataset) -> NextSearch | None:
    del key
    return plan_next_search(_dataset)


def versions_to_search() -> list[NextSearch]:
    """Return the plans for the newest versions that have no search yet."""
    plans = []
    for summary in [one for one in list_datasets() if one.parent and one.boxes][:MAX_PLANNED]:
        with suppress(AutodetError):  # damaged, or deleted in the meantime
            plans.append(next_search(read_dataset(open_workspace().datasets / summary.id)))
    return list(filter(None, plans))


def show_next_search(dataset: Dataset, *, primary: bool) -> bool:
    """Offer a search from the last best model; return whether there is one.

    Args:
        dataset: The data set.
        primary: Whether it is the usual next step on the page.
    """
    plan = next_search(dataset)
    if plan is None or not may_change():
        return False
    show_plan(plan, primary=primary)
    return True


def show_plan(plan: NextSearch, *, primary: bool, on_results: bool = False) -> None:
    """Show a search from the last best model, with a button that starts it.

    Args:
        plan: The search.
        primary: Whether it is the usual next step on the page.
        on_results: Whether the page is Results, which shows another search, so that the text names the data set.
    """
    subject = f"**{escape(shortened(plan.dataset.name))}** is newer. " if on_results else ""
    with st.container(border=True):
        left, right = st.columns([3, 1], vertical_alignment="center")
        left.markdown(f"{subject}{_described(plan)}")
        for caution in plan.cautions:
            left.caption(f":material/warning: {escape(caution_text(caution))}")
        with right:
            offer_next_search(plan, primary=primary, on_results=on_results)


def offer_next_search(plan: NextSearch, *, primary: bool, on_results: bool = False) -> None:
    """Show the button that starts a search from the last best model; the arguments are those of ``show_plan``."""
    kind = emphasis(disabled=not primary)
    if st.button("Search again", key=f"search again {plan.dataset.id}", type=kind, icon=ICON, help=_described(plan)):
        with st.spinner("Starting"):  # checks the starting weights first
            search = start_search(plan.dataset, again=True, once_within=SAME_ORDER_SECONDS)
        choose(dataset=plan.dataset.id, search=search.id)
        forget("model")
        if on_results:
            st.rerun()
        open_page("results", search=search.id)


def _described(plan: NextSearch) -> str:
    """Describe a search's starting model, the data new to that model, and the time; as Markdown."""
    card, time = plan.model.card, plan.forecast
    sentence = next_search_sentence(card.name, card.dataset, plan.new_photos, plan.relabelled, plan.new_classes)
    effort = OPTIONS["preset"].choices[plan.options.preset or ""]
    takes = f", {forecast_text(time.least_seconds, time.most_seconds)}" if time else ""
    return f"{escape(sentence)} {effort}{takes}."
