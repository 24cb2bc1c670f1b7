"""Choosing one of the workspace's data sets, searches or models; what is chosen is chosen on every page."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeVar

import streamlit as st

from autodet.datasets.manifest import Dataset, DatasetSummary, list_datasets, load_dataset
from autodet.models.store import StoredModel, list_models
from autodet.records import SearchStatus
from autodet.search.control import list_searches
from autodet.ui.frame import CHOICE, choose, page_link
from autodet.ui.text import ago, escape, score
from autodet.words import counted

Thing = TypeVar("Thing")
MEASURED = "measured"  # session state: the model for which a data set was chosen last
ADDRESSED = "in the address"  # session state: the search that this session has written there


def choose_dataset(model: StoredModel | None = None) -> Dataset | None:
    """The data set that the visitor chooses; None, and what to do, where there is none.

    Args:
        model: A model that is to be measured; until the visitor chooses another data set for it, its own is chosen.
    """
    summaries = list_datasets()
    if not summaries:
        st.info("There is no data set yet. Import one, or draw the sample.", icon=":material/photo_library:")
        page_link("datasets", "Go to Data sets")
        return None
    if model and st.session_state.get(MEASURED) != model.id:
        st.session_state[MEASURED] = model.id
        _choose_own_dataset(model, summaries)
    chosen = _choose(
        "Data set", summaries, lambda summary: summary.id, lambda summary: _named(summary.name, summary.id), "dataset"
    )
    return load_dataset(chosen.id)


def _choose_own_dataset(model: StoredModel, summaries: Sequence[DatasetSummary]) -> None:
    for summary in summaries:
        if summary.name == model.card.dataset and summary.classes == model.card.classes:
            st.session_state["dataset"] = summary.id
            st.session_state.pop(f"{CHOICE}dataset", None)
            return


def choose_model() -> StoredModel | None:
    """The model that the visitor chooses, the best one first; None, and what to do, where there is none."""
    models = list_models()
    if not models:
        st.info("There is no model yet. Run a search, or upload a model.", icon=":material/deployed_code:")
        page_link("search", "Go to Search")
        page_link("models", "Go to Models")
        return None
    return _choose(
        "Model",
        models,
        lambda model: model.id,
        lambda model: f"{_named(model.card.name, model.id)} · mAP@0.5 {score(model.card.metrics.get('map50'))}",
        "model",
    )


def choose_search() -> SearchStatus | None:
    """The search that the visitor chooses, one at work first; None, and what to do, where there is none."""
    searches = sorted(list_searches(), key=lambda status: not status.active)
    if not searches:
        st.info("There is no search yet. Start one, and watch it here.", icon=":material/manage_search:")
        page_link("search", "Go to Search")
        return None
    _follow_address("search", {status.search for status in searches})
    names = dataset_names()
    chosen = _choose(
        "Search", searches, lambda status: status.search, lambda status: describe_search(status, names), "search"
    )
    st.query_params["search"] = st.session_state[ADDRESSED] = chosen.search
    return chosen


def dataset_names() -> dict[str, str]:
    """What people call the data sets, by their ids."""
    return {summary.id: summary.name for summary in list_datasets()}


def describe_search(status: SearchStatus, names: Mapping[str, str]) -> str:
    """A search in words that tell it from others, and stay true until its state changes, which draws the page anew.

    Args:
        status: The search.
        names: What people call the data sets, by their ids.
    """
    name = names.get(status.dataset, "")
    known = name if name.casefold() not in status.search.casefold() else ""
    asked = f"{counted(status.planned_trials, 'trial')} of {counted(status.planned_epochs, 'epoch')}"
    best = status.best_trial.best_epoch if status.best_trial else None
    so_far = [] if status.active else [*([score(best.score)] if best else []), ago(status.created)]
    return " · ".join([f"{known} ({status.search})" if known else status.search, status.state, *so_far, asked])


def _follow_address(key: str, known: Collection[str]) -> None:
    """Choose what the page's address names, where it was opened, or gone back to, by that address."""
    named = st.query_params.get(key)
    if named is None or named == st.session_state.get(ADDRESSED):
        return
    if named in known:
        choose(**{key: named})
    else:
        st.warning(f"There is no {key} {escape(named)}; this is another one.", icon=":material/search_off:")


def _choose(
    label: str,
    things: Sequence[Thing],
    identify: Callable[[Thing], str],
    describe: Callable[[Thing], str],
    key: str,
) -> Thing:
    """A select box that remembers across pages: widgets forget when their page is left, the session does not."""
    by_id = {identify(thing): thing for thing in things}
    widget = f"{CHOICE}{key}"
    chosen = st.session_state.get(widget)
    if chosen not in by_id:
        remembered = st.session_state.get(key)
        chosen = remembered if remembered in by_id else next(iter(by_id))
    st.session_state[widget] = chosen  # always: the browser shows the words it had until it is told a value anew
    chosen = st.selectbox(
        label, list(by_id), format_func=lambda identity: describe(by_id[identity]), key=widget, filter_mode="contains"
    )
    st.session_state[key] = chosen
    return by_id[chosen]


def _named(name: str, identity: str) -> str:
    return name if name == identity else f"{name} ({identity})"
