"""Selection of starting weights (the network's or a model's), and of an earlier search for a warm start."""

import streamlit as st

from autodet.datasets.manifest import Dataset
from autodet.errors import SearchError
from autodet.inference.leakage import start_leakage
from autodet.messages.cautions import caution_text
from autodet.models.matching_weights import match_classes
from autodet.models.registry import ARCHITECTURES
from autodet.models.store import StoredModel, list_models
from autodet.search.api import list_searches
from autodet.search.order.options import OPTIONS
from autodet.text_format import counted
from autodet.ui.common.choice import dataset_names, describe_search
from autodet.ui.common.markdown import escape, shortened

START = "begin with"  # session state: a model's id, or empty for pretrained weights
LOST = "begin with, deleted"  # session state: the selected model in the run that finds it deleted, otherwise empty
PRETRAINED = "The network's own pretrained weights"


def chosen_start() -> StoredModel | None:
    """Return the model selected for starting weights, before its widget further down the page runs."""
    chosen = st.session_state.get(START)
    return _models().get(chosen) if chosen else None


def _models() -> dict[str, StoredModel]:
    usable = (model for model in list_models() if not model.card.only_predicts)
    return {model.id: model for model in usable if model.card.architecture in ARCHITECTURES}


def ask_for_start(dataset: Dataset) -> StoredModel | None:
    """Let the visitor select a model for starting weights; None means pretrained weights of a network."""
    models = _models()
    chosen = st.session_state.get(START) or ""
    st.session_state[LOST] = "" if chosen in models else chosen  # for this run only
    if chosen not in models:
        st.session_state[START] = ""
    if not models:
        return None
    chosen = st.selectbox(
        OPTIONS["start_from"].label,
        ["", *models],
        format_func=lambda model: _described(models[model]) if model else PRETRAINED,
        key=START,
        persist_state="session",
        help=OPTIONS["start_from"].hint,
    )
    if not chosen:
        return None
    card = models[chosen].card
    title = ARCHITECTURES[card.architecture].title
    st.caption(
        f"The network is {title}, and the model was trained at {card.image_size} pixels. "
        f"{_known_classes(models[chosen], dataset)}"
    )
    return models[chosen]


def refuse_lost_start() -> None:
    """Check that the model selected for starting weights still exists.

    Raises:
        SearchError: The model has been deleted.
    """
    if lost := st.session_state.get(LOST):
        raise SearchError(
            f"The model {lost}, whose weights the search was to start from, has been deleted. Nothing was started; "
            "choose another one, or start again to use the network's pretrained weights."
        )


def _described(model: StoredModel) -> str:
    name = model.id if model.id == model.card.name else f"{model.card.name} ({model.id})"
    return f"The model {name} · trained on {model.card.dataset}"


def _known_classes(model: StoredModel, dataset: Dataset) -> str:
    matched = match_classes(model.card.classes, dataset.classes)
    if not matched.kept:
        return "It knows none of this data set's classes, which start untrained."
    if not matched.fresh:
        return f"It knows {'all classes' if len(matched.kept) > 1 else 'the class'} of this data set."
    fresh = escape(shortened(", ".join(matched.fresh), 80))
    classes = counted(len(dataset.classes), "class", "classes")
    return f"It knows {len(matched.kept)} of {classes}; untrained at the start: {fresh}."


def warn_of_known_photos(dataset: Dataset) -> None:
    """Warn about data leakage if the starting weights were trained on validation or test photos of the data set."""
    model = chosen_start()
    if model and (caution := start_leakage(model.card.as_origin(model.id), dataset)):
        st.warning(escape(caution_text(caution)), icon=":material/warning:")


def ask_for_warm_start() -> str | None:
    """Let the visitor select an earlier search whose best parameters to try; None for no warm start."""
    searches = {status.search: status for status in list_searches() if status.best_trial and not status.follow_up}
    if not searches:
        return None
    names = dataset_names()
    return st.selectbox(
        OPTIONS["warm_start"].label,
        list(searches),
        None,
        format_func=lambda search: describe_search(searches[search], names),
        placeholder="no earlier search",
        key="warm start",
        persist_state="session",
        help=OPTIONS["warm_start"].hint,
    )
