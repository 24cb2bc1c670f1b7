"""Light and sharpness of the photos of a split; an evaluation that is older than they are asks for them."""

import streamlit as st

from autodet.evaluation.groupings import Grouping, photo_grouping
from autodet.inference.conditions import kept_groups, measure_groups
from autodet.text_format import counted
from autodet.ui.evaluate.evaluation import MAX_KEPT, Evaluated


def condition_groupings(evaluated: Evaluated) -> dict[str, Grouping]:
    """Return the groupings by light and by sharpness; nothing until the photos are measured."""
    groupings = _kept(evaluated.key, evaluated)
    if groupings:
        return groupings
    photos = counted(len(evaluated.records), "photo")
    place = st.empty()
    if not place.button(f"Measure light and sharpness of {photos}", icon=":material/contrast:"):
        return {}
    bar = place.progress(0.0)

    def report(done: int, total: int) -> None:
        bar.progress(done / total, f"Photo {done:,} of {total:,}")

    measure_groups(evaluated.dataset, evaluated.split, report)
    place.empty()
    _kept.clear()
    return _kept(evaluated.key, evaluated)


@st.cache_resource(max_entries=MAX_KEPT, show_spinner=False)
def _kept(key: str, _evaluated: Evaluated) -> dict[str, Grouping]:
    del key  # only the cache key
    groups = kept_groups(_evaluated.dataset, _evaluated.split)
    return {kind: photo_grouping(_evaluated.outcomes, *named) for kind, named in groups.items()}
