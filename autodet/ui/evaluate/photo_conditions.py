"""Light and sharpness of the photos of a split, measured when the visitor asks for it."""

import numpy as np
import streamlit as st

from autodet.datasets.photo_conditions import Conditions, measure_conditions
from autodet.evaluation.groupings import Grouping, photo_grouping
from autodet.text_format import counted
from autodet.ui.evaluate.evaluation import Evaluated

DARK, BRIGHT = 0.3, 0.7  # limits of the mean brightness
BLURRED_SHARE = 20  # percent of the photos, the least sharp ones
MAX_KEPT = 8  # splits


def condition_groupings(evaluated: Evaluated) -> dict[str, Grouping]:
    """Return the groupings by light and by sharpness; nothing until the visitor has had the photos measured."""
    measured = _kept().get(f"{evaluated.dataset.fingerprint} {evaluated.split}")
    if measured is None:
        photos = counted(len(evaluated.records), "photo")
        place = st.empty()
        if not place.button(f"Measure light and sharpness of {photos}", icon=":material/contrast:"):
            return {}
        measured = _measure(evaluated)
        place.empty()
    brightness, sharpness = np.array(measured, np.float64).reshape(-1, 2).T
    light = np.digitize(brightness, [DARK, BRIGHT])
    blurred = sharpness <= np.percentile(sharpness, BLURRED_SHARE)
    outcomes = evaluated.outcomes
    return {
        "light": photo_grouping(outcomes, ("dark", "usual light", "bright"), light),
        "sharpness": photo_grouping(outcomes, ("blurred", "sharp"), np.where(blurred, 0, 1)),
    }


@st.cache_resource(show_spinner=False)
def _kept() -> dict[str, list[Conditions]]:
    return {}


def _measure(evaluated: Evaluated) -> list[Conditions]:
    measured, total = [], len(evaluated.records)
    bar = st.progress(0.0)
    for done, record in enumerate(evaluated.records, start=1):
        measured.append(measure_conditions(evaluated.dataset.photo(record), record.file))
        bar.progress(done / total, f"Photo {done:,} of {total:,}")
    bar.empty()
    kept = _kept()
    kept[f"{evaluated.dataset.fingerprint} {evaluated.split}"] = measured
    while len(kept) > MAX_KEPT:
        del kept[next(iter(kept))]
    return measured
