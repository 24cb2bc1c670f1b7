"""The tab Map of a data set: similar photos close together, and lists of unusual, similar and doubtful ones."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Literal

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from autodet.charts.palette import CLASS_COLOURS, GREY, SPLIT_COLOURS
from autodet.charts.photo_map import MapGroup, photo_map_figure
from autodet.datasets.drafts.journal import read_drafts
from autodet.datasets.manifest import Dataset
from autodet.evaluation.feature_space import near_duplicates, unusual_first
from autodet.inference.photo_groups import (
    NO_CLASS,
    PhotoGroups,
    class_groups,
    measured_splits,
    mistake_groups,
    split_groups,
    state_groups,
)
from autodet.text_format import counted
from autodet.ui.common.frame import sentences_for_errors
from autodet.ui.common.markdown import SPLIT_TITLES, escape
from autodet.ui.datasets.neighbour_labels import show_doubtful_labels
from autodet.ui.datasets.photo_comparison import Compared, compare_photos
from autodet.ui.datasets.photo_lists import show_pairs, show_photos

Colouring = Literal["class", "split", "state", "mistakes"]
COLOURINGS: dict[Colouring, str] = {
    "class": "Largest object",
    "split": "Split",
    "state": "Labels",
    "mistakes": "Mistakes of the model",
}
STATE_TITLES = {"unlabelled": "unlabelled", "proposed": "proposed", "labelled": "labelled", "empty": "no objects"}
STATE_COLOURS = {"unlabelled": GREY, "proposed": "#e0a30b", "labelled": "#2a9d6f", "empty": "#2f7fd6"}
MISTAKE_TITLES = {
    "missed": "misses an object",
    "confused": "confuses classes",
    "false_alarms": "false alarm",
    "none": "no mistake",
    "not_evaluated": "not evaluated",
}
MISTAKE_COLOURS = {
    "missed": "#e0a30b",
    "confused": "#a855c9",
    "false_alarms": "#e4572e",
    "none": "#2a9d6f",
    "not_evaluated": GREY,
}
List = Literal["selection", "unusual", "pairs", "labels"]
LISTS: dict[List, str] = {
    "selection": "My selection",
    "unusual": "Most unusual",
    "pairs": "Nearly the same",
    "labels": "Labels to check",
}
UNUSUAL = 12
SIMILAR = 11  # shown after a single selected photo
HELP = (
    "The map is a principal component analysis of each photo's features, averaged over the photo. Photos that are far "
    "apart in it differ; photos that are close to each other may still differ along other axes. The lists below "
    "compare all features."
)


@st.fragment
def show_map(dataset: Dataset) -> None:
    """Show the map of a data set's photos, and lists of photos beside it."""
    with sentences_for_errors("Data sets"):
        if compared := compare_photos(dataset):
            _show_map(compared)


def _show_map(compared: Compared) -> None:
    dataset = compared.dataset
    st.markdown(_about(compared), help=HELP)
    colouring = _ask_for_colouring(compared)
    chart = st.container()
    shown = st.segmented_control(
        "Photos below",
        list(LISTS) if len(dataset.classes) > 1 else [name for name in LISTS if name != "labels"],
        format_func=LISTS.__getitem__,
        default="selection",
        required=True,
        key=f"map list {dataset.id}",
    )
    with st.spinner("Comparing the photos", show_time=True):
        pairs = near_duplicates(compared.neighbours) if shown == "pairs" else []
        unusual = unusual_first(compared.neighbours)[:UNUSUAL].tolist() if shown == "unusual" else []
        in_issues = [compared.places[issue.file] for issue in compared.issues] if shown == "labels" else []
    ringed = dict.fromkeys([*unusual, *in_issues, *(photo for pair in pairs for photo in pair[:2])])
    with chart:
        selected = _show_chart(compared, colouring, shown, list(ringed))
    if shown == "selection":
        _show_selection(compared, selected)
    elif shown == "unusual":
        st.markdown(
            "These photos are the least similar to all others: rare scenes, which deserve more photos, or photos that "
            "do not belong here."
        )
        show_photos(compared.dataset, unusual, f"map unusual {dataset.id}")
    elif shown == "pairs":
        show_pairs(compared.dataset, pairs, f"map pairs {dataset.id}")
    else:
        show_doubtful_labels(compared)


def _about(compared: Compared) -> str:
    share = sum(compared.map.shares)
    return (
        f"Each point is a photo; photos that look alike to the model **{escape(compared.model.card.name)}** lie "
        f"close together. The two axes show {share:.0%} of the differences between the photos."
    )


def _ask_for_colouring(compared: Compared) -> Colouring:
    """Let the visitor choose the meaning of the colours."""
    dataset = compared.dataset
    offered = [name for name in COLOURINGS if name != "mistakes" or _measured(compared)]
    chosen: Colouring = st.segmented_control(
        "Colour",
        offered,
        format_func=COLOURINGS.__getitem__,
        default="class" if dataset.boxes else "split",
        required=True,
        key=f"map colour {dataset.id}",
    )
    return chosen


def _measured(compared: Compared) -> list[str]:
    """Return the splits on which the model has been evaluated."""
    return measured_splits(compared.model, compared.dataset) if compared.model.is_in_workspace else []


def _coloured(compared: Compared, colouring: Colouring) -> list[MapGroup]:
    dataset = compared.dataset
    if colouring == "mistakes":
        key = f"{compared.model.card.weights_sha256} {dataset.identity} {_measured(compared)}"
        return _groups(_mistakes(key, compared), MISTAKE_TITLES, MISTAKE_COLOURS)
    if colouring == "state":
        return _groups(state_groups(read_drafts(dataset)), STATE_TITLES, STATE_COLOURS)
    if colouring == "split":
        return _groups(split_groups(dataset), SPLIT_TITLES, SPLIT_COLOURS)
    return _class_groups(class_groups(dataset))


@st.cache_resource(max_entries=3, show_spinner="Matching detections with labels")
def _mistakes(key: str, _compared: Compared) -> PhotoGroups:
    del key  # only the cache key
    return mistake_groups(_compared.model, _compared.dataset)


def _groups(groups: PhotoGroups, titles: Mapping[str, str], colours: Mapping[str, str]) -> list[MapGroup]:
    found = ((name, np.flatnonzero(groups.members == place)) for place, name in enumerate(groups.names))
    return [MapGroup(titles[name], colours[name], photos) for name, photos in found if len(photos)]


def _class_groups(groups: PhotoGroups) -> list[MapGroup]:
    """Return the most frequent classes in colours of their own, which the other pages use too, and the rest in grey."""
    counts = np.bincount(groups.members[groups.members != NO_CLASS], minlength=len(groups.names))
    shown = [int(place) for place in np.argsort(-counts, kind="stable")[: len(CLASS_COLOURS)] if counts[place]]
    found = []
    rest = np.flatnonzero(~np.isin(groups.members, [NO_CLASS, *shown]))
    for name, photos in (("no object", np.flatnonzero(groups.members == NO_CLASS)), ("other classes", rest)):
        if len(photos):
            found.append(MapGroup(name, GREY, photos))
    for place in shown:
        colour = CLASS_COLOURS[place % len(CLASS_COLOURS)]
        found.append(MapGroup(groups.names[place], colour, np.flatnonzero(groups.members == place)))
    return found


def _show_chart(compared: Compared, colouring: Colouring, shown: List, ringed: Sequence[int]) -> list[int]:
    """Show the map, and return the selected photos.

    Streamlit remounts a changed chart without its selection, so the photos are kept, and the next chart marks them. A
    chart keeps its marks while the visitor selects in it: other marks would remount it.
    """
    key = f"map {compared.dataset.id}"
    kept, marks = f"{key} selected", f"{key} marks"
    selected: list[int] = st.session_state.get(kept, [])
    view = colouring, shown
    if key not in st.session_state or st.session_state[marks][0] != view:
        st.session_state[marks] = view, selected if shown == "selection" else []
    figure: go.Figure = photo_map_figure(
        compared.map.points,
        compared.features.files,
        _coloured(compared, colouring),
        ringed,
        st.session_state[marks][1],
    )
    st.plotly_chart(
        figure,
        key=key,
        alt="Map of the photos",
        on_select=partial(_keep_selection, key, kept, len(compared.features.files)),
        selection_mode=("points", "box", "lasso"),
        config={"displaylogo": False},
    )
    return selected


def _keep_selection(key: str, kept: str, count: int) -> None:
    """Keep the photos that the visitor selected in the chart; a selection of nothing ends the earlier one."""
    photos = {point.get("customdata") for point in st.session_state[key]["selection"]["points"]}
    st.session_state[kept] = sorted(photo for photo in photos if isinstance(photo, int) and 0 <= photo < count)


def _show_selection(compared: Compared, selected: Sequence[int]) -> None:
    key = f"map selection {compared.dataset.id} {hash(tuple(selected))}"
    if not selected:
        st.info(
            "Drag a line around points in the map to see their photos here; around one point, to see the photos most "
            "like it too. The other lists need no mouse.",
            icon=":material/lasso_select:",
        )
    elif len(selected) == 1:
        st.markdown("The photo that you selected, then those most like it.")
        show_photos(compared.dataset, [*selected, *compared.similar(selected[0], SIMILAR)], key)
    else:
        st.markdown(f"**{counted(len(selected), 'photo')}** in your selection.")
        show_photos(compared.dataset, selected, key)
