"""The component that draws the map of a data set's photos, and tells which of them the visitor selects.

It draws on a canvas: SVG takes seconds for 10,000 points, and Plotly's WebGL needs ``unsafe-eval``, which the content
policy forbids.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import streamlit as st

from autodet.records import FloatArray, IntArray
from autodet.text_format import harmless
from autodet.ui.common.photo_viewer import read_assets

DIGITS = 4  # of a coordinate from 0 to 1, finer than a pixel

_component = st.components.v2.component(
    "autodet_photo_map",
    html=read_assets("photo_map.html"),
    css=read_assets("photo_map.css"),
    js=read_assets("photo_map.js"),
)


@dataclass(frozen=True, eq=False)
class MapGroup:
    """Photos of one colour.

    Attributes:
        name: Its name in the legend, as plain text.
        colour: Its colour, ``#rrggbb``.
        photos: Indices of its photos.
    """

    name: str
    colour: str
    photos: IntArray


def show_chart(
    key: str,
    points: FloatArray,
    names: Sequence[str],
    groups: Sequence[MapGroup],
    ringed: Sequence[int],
    *,
    selecting: bool,
) -> list[int]:
    """Show a point for each photo, and return the indices of the selected photos.

    The selection is kept while other tabs are open.

    Args:
        key: Identifies the photos.
        points: Coordinates, shape (N, 2).
        names: Names of the photos, shown when the pointer is over a point.
        groups: The groups, which have each photo once; those in front last.
        ringed: Photos with a ring around their points.
        selecting: Whether the points of the selected photos stand out.
    """
    kept = f"{key} selected"
    selected: list[int] = st.session_state.get(kept, [])
    members = np.zeros(len(points), np.int64)
    for place, group in enumerate(groups):
        members[group.photos] = place
    xs, ys = _from_zero_to_one(points).round(DIGITS).T.tolist()
    data = {
        "identity": key,
        "xs": xs,
        "ys": ys,
        "names": list(map(harmless, names)),
        "groups": [[harmless(group.name), group.colour] for group in groups],
        "members": members.tolist(),
        "ringed": list(ringed),
        "selecting": selecting,
        "selected": [] if key in st.session_state else selected,  # the chart that is there has its own
    }
    _component(key=key, data=data, on_selection_change=partial(_keep, key, kept, len(points)))
    return selected


def _keep(key: str, kept: str, count: int) -> None:
    """Keep the selection that the browser reported."""
    reported = st.session_state[key].get("selection") or {}
    photos = reported.get("photos") if isinstance(reported, dict) else None
    if isinstance(photos, list):
        known = {photo for photo in photos if isinstance(photo, int) and 0 <= photo < count}
        st.session_state[kept] = sorted(known)


def _from_zero_to_one(points: FloatArray) -> FloatArray:
    low = points.min(axis=0, initial=np.inf)
    spread = points.max(axis=0, initial=-np.inf) - low
    return np.asarray((points - low) / np.where(spread > 0, spread, 1), np.float64)
