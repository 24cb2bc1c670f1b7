"""Selection of a data set, search, model or split; selections apply to every page."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from autodet.datasets.imports.import_job import import_asks
from autodet.datasets.manifest import Dataset, DatasetSummary, list_datasets, read_dataset
from autodet.datasets.versions.waiting_photos import waiting_photos
from autodet.inference.demo import demo_model
from autodet.models.matching_weights import match_classes
from autodet.models.store import StoredModel, list_models
from autodet.records import SearchStatus
from autodet.search.api import list_searches
from autodet.text_format import counted, listed
from autodet.ui.common.address import named_in_address, write_address
from autodet.ui.common.empty_state import show_empty
from autodet.ui.common.frame import link
from autodet.ui.common.markdown import SPLIT_TITLES, ago, escape, score, shortened
from autodet.workspace import open_workspace, slug

Thing = TypeVar("Thing")
TITLES = {"dataset": "data set", "model": "model", "search": "search", "split": "split"}
MAX_CLASSES = 8  # named of a model
EVERYDAY = "Everyday objects · 80 classes of COCO"
WIDGET = "choose_"  # prefix of a widget's key; the session state key without it holds an explicit choice


def choose(**chosen: str) -> None:
    """Select things for every page, by their ids (``dataset``, ``model``, ``search``)."""
    for kind, identity in chosen.items():
        st.session_state[kind] = identity
        st.session_state.pop(f"{WIDGET}{kind}", None)


def forget(kind: str) -> None:
    """Reset the selection of a kind to its default."""
    st.session_state.pop(kind, None)
    st.session_state.pop(f"{WIDGET}{kind}", None)


def choose_dataset() -> Dataset | None:
    """Let the visitor select a data set, by default the newest; show next steps and return None if there is none."""
    summaries = list_datasets()
    if not summaries:
        _show_none()
        return None
    return read_dataset(open_workspace().datasets / _choose_summary(summaries, summaries[0]).id)


def _show_none() -> None:
    if import_asks():
        text = "An import waits for your decision. Its photos become a data set after that."
        show_empty("photos", text, [("datasets", "Review the import")])
    else:
        text = "There is no data set yet. Import photos, with labels or to label them here, or use the sample."
        show_empty("photos", text, [("datasets", "Go to Data sets")])


def choose_labelled_dataset(
    consequence: str = "there is nothing to learn from", *, trains: bool = True
) -> Dataset | None:
    """Let the visitor select a data set as ``choose_dataset``; show next steps and return None if labels are missing.

    Args:
        consequence: Consequence of missing labels for the page.
        trains: Whether the page trains on all of its photos, so that none may wait to be labelled.
    """
    dataset = choose_dataset()
    if dataset and (waiting := waiting_photos(dataset)) and (trains or not dataset.boxes):
        _refuse_unlabelled(dataset, consequence, len(waiting))
        return None
    return dataset


def _refuse_unlabelled(dataset: Dataset, consequence: str, waiting: int = 0) -> None:
    name = escape(dataset.name)
    if dataset.boxes:
        problem = (
            f"{counted(waiting, 'photo')} of {name} {'waits' if waiting == 1 else 'wait'} to be labelled; a training "
            "would take them for photos without objects. Label them"
        )
    else:
        problem = f"{name} has no labels yet, so {consequence}. Label some of its photos"
    st.info(f"{problem}, and make a version of the labels.", icon=":material/select:")
    with st.container(horizontal=True):
        link("label", "Label its photos", primary=True, dataset=dataset.id)
        link("predict", "Predict on its photos", dataset=dataset.id)


def choose_model(place: DeltaGenerator | None = None, *, best: bool = False) -> StoredModel | None:
    """Let the visitor select a model; show next steps and return None if there is none.

    The default is the best model trained on the currently selected data set, otherwise the newest. Metrics on different
    data sets are not comparable.

    Args:
        place: Where the select box is shown, if not here; the next steps are always shown here.
        best: Whether the default, without a selected data set, is the best model trained on that of the newest model.
    """
    models = list_models()
    if not models:
        text = "There is no model yet. Train one, or upload one."
        show_empty("model", text, [("search", "Train a detector"), ("models", "Go to Models")])
        return None
    default = _best_at_hand(models) or (_best(_trained_alike(models[0], models)) if best else models[0])
    with place or st.container():
        chosen = _choose("Model", models, lambda model: model.id, describe_model, "model", default)
    measured = [model for model in _trained_alike(chosen, models) if "map50" in model.card.metrics]
    if best and len(measured) > 1 and chosen == _best(measured):
        many = f"{len(measured)} models that were trained on {escape(chosen.card.dataset)}"
        st.caption(f"The best of {many}, by mAP@0.5.")
    return chosen


def choose_fitting_dataset(model: StoredModel, place: DeltaGenerator | None = None) -> Dataset | None:
    """Let the visitor select a data set with classes that the model knows, by default the model's own.

    Shows next steps and returns None if there is none, or if the selected one has no boxes.

    Args:
        model: The model.
        place: Where the select box is shown, if not here; the next steps are always shown here.
    """
    known = [summary for summary in list_datasets() if not match_classes(model.card.classes, summary.classes).fresh]
    fitting = [summary for summary in known if summary.boxes]
    unlabelled = [summary for summary in known if not summary.boxes]
    if not fitting:
        text = (
            "There is no data set here with the classes of this model: "
            f"{escape(listed(map(shortened, model.card.classes), most=MAX_CLASSES))}. Import one, or choose another "
            "model."
        )
        show_empty("photos", text, [("datasets", "Go to Data sets")])
        return None
    own = next((summary for summary in fitting if is_trained_on(model, summary)), fitting[0])
    with place or st.container():
        chosen = _choose_summary([*fitting, *unlabelled], own)
    dataset = read_dataset(open_workspace().datasets / chosen.id)
    if not dataset.boxes:
        _refuse_unlabelled(dataset, "there is nothing to compare detections with")
        return None
    return dataset


def choose_split(dataset: Dataset) -> str:
    """Let the visitor select a split, by default ``test`` if it exists."""
    splits = [split for split in ("test", "val", "train") if split in dataset.splits]
    chosen = st.segmented_control(
        "Photos",
        splits,
        required=True,
        format_func=lambda split: f"{SPLIT_TITLES[split]} ({dataset.splits[split]:,})",
        help="No search uses the test photos, so their metrics tell how the model does on new photos.",
        key=_settle("split", splits, splits[0]),
        on_change=_remember,
        args=("split",),
    )
    write_address("split", chosen or splits[0])
    return chosen or splits[0]


def choose_search() -> SearchStatus | None:
    """Let the visitor select a search, active ones first and follow-ups last.

    Shows next steps and returns None if there is none.
    """
    searches = sorted(list_searches(), key=lambda status: (status.follow_up is not None, not status.active))
    if not searches:
        text = "Nothing has been trained yet. Start a training, and watch its curves here."
        show_empty("curve", text, [("search", "Train a detector")])
        return None
    names = dataset_names()
    return _choose(
        "Search",
        searches,
        lambda status: status.search,
        lambda status: describe_search(status, names),
        "search",
        searches[0],
    )


def is_trained_on(model: StoredModel, dataset: DatasetSummary) -> bool:
    """Return whether a model was trained on a data set, compared by name and classes."""
    return (model.card.dataset, model.card.classes) == (dataset.name, dataset.classes)


def _best_at_hand(models: Sequence[StoredModel]) -> StoredModel | None:
    """Return the model with the highest mAP@0.5 among those trained on the currently selected data set, if any."""
    at_hand = next((summary for summary in list_datasets() if summary.id == st.session_state.get("dataset")), None)
    trained = [model for model in models if at_hand and is_trained_on(model, at_hand)]
    return _best(trained) if trained else None


def _trained_alike(model: StoredModel, models: Sequence[StoredModel]) -> list[StoredModel]:
    """Return the models that were trained on the data set of a model, compared by name and classes."""
    facts = model.card.dataset, model.card.classes
    return [other for other in models if (other.card.dataset, other.card.classes) == facts]


def _best(models: Sequence[StoredModel]) -> StoredModel:
    """Return the model with the highest mAP@0.5; the newest of equal ones."""
    return max(models, key=lambda model: model.card.metrics.get("map50", 0.0))


def _choose_summary(summaries: Sequence[DatasetSummary], default: DatasetSummary) -> DatasetSummary:
    return _choose(
        "Data set",
        summaries,
        lambda summary: summary.id,
        lambda summary: _named(summary.name, summary.id),
        "dataset",
        default,
    )


def dataset_names() -> dict[str, str]:
    """Return the display names of all data sets, by id."""
    return {summary.id: summary.name for summary in list_datasets()}


def describe_search(status: SearchStatus, names: Mapping[str, str]) -> str:
    """Describe a search for a select box.

    An active search shows neither score nor age, because the page redraws only when the state changes.

    Args:
        status: The search.
        names: Display names of the data sets, by id.
    """
    name = names.get(status.dataset, "")
    known = name if name.casefold() not in status.search.casefold() else ""
    asked = f"{counted(status.planned_trials, 'trial')} of {counted(status.planned_epochs, 'epoch')}"
    best = status.best_result
    so_far = [] if status.active else [*([score(best.score)] if best else []), ago(status.created)]
    return " · ".join([f"{known} ({status.search})" if known else status.search, status.state, *so_far, asked])


def _choose(
    label: str,
    things: Sequence[Thing],
    identify: Callable[[Thing], str],
    describe: Callable[[Thing], str],
    kind: str,
    default: Thing,
) -> Thing:
    """Show a select box and apply the selection, or the one named in the link, to every page.

    Streamlit drops a widget's value when the visitor leaves its page, so explicit selections are kept in the session
    state. Defaults are not, because there may be something newer on the next visit.
    """
    by_id = {identify(thing): thing for thing in things}
    chosen = st.selectbox(
        label,
        list(by_id),
        format_func=lambda identity: describe(by_id[identity]),
        key=_settle(kind, by_id, identify(default)),
        filter_mode="contains",
        on_change=_remember,
        args=(kind,),
    )
    write_address(kind, chosen)
    return by_id[chosen]


def _settle(kind: str, options: Collection[str], default: str) -> str:
    """Set the value of the widget of a kind, and return the widget's key."""
    widget = f"{WIDGET}{kind}"
    if (named := named_in_address(kind)) is not None:
        if named in options:
            choose(**{kind: named})
        else:
            st.warning(f"There is no {TITLES[kind]} {escape(named)} to choose here.", icon=":material/search_off:")
    candidates = (st.session_state.get(widget), st.session_state.get(kind), default)
    # Always set: the browser keeps showing an option's old text until it receives a value again.
    st.session_state[widget] = next(candidate for candidate in candidates if candidate in options)
    return widget


def _remember(kind: str) -> None:
    if (chosen := st.session_state.get(f"{WIDGET}{kind}")) is not None:  # a second click may follow ``choose``
        st.session_state[kind] = chosen


def describe_model(model: StoredModel) -> str:
    """Describe a model for a select box: its name, its data set and its mAP@0.5; the COCO model by its objects."""
    if model == demo_model():
        return EVERYDAY
    map50 = model.card.metrics.get("map50")
    figure = "" if map50 is None else f" · mAP@0.5 {score(map50, model.card.measured_photos)}"
    return f"{_named(model.card.name, model.id)} · trained on {model.card.dataset}{figure}"


def _named(name: str, identity: str) -> str:
    """Return a name; with the identity if that is not the one made of the name, as for a second thing of one name."""
    return name if slug(name) == identity else f"{name} ({identity})"
