"""Comparison of two models of the leaderboard."""

import streamlit as st

from autodet.datasets.manifest import Dataset
from autodet.inference.comparison import ComparedModels, compare_models
from autodet.models.store import StoredModel, read_model
from autodet.records import Leaderboard
from autodet.ui.common.comparison_view import show_comparison
from autodet.ui.common.frame import link, sentences_for_errors
from autodet.ui.common.markdown import escape, shortened
from autodet.ui.compare.leaderboard_view import display_names

MAX_KEPT = 3  # comparisons in memory


@st.fragment
def show_pair(leaderboard: Leaderboard, dataset: Dataset, chosen: tuple[str, str]) -> None:
    """Show how two models differ, once both are evaluated."""
    with sentences_for_errors("Compare"):
        a, b = (read_model(model) for model in chosen)
        names = display_names(leaderboard)
        evaluated = {standing.model for standing in leaderboard.standings if standing.is_evaluated}
        if missing := [escape(names[model]) for model in chosen if model not in evaluated]:
            st.info(f"Evaluate {' and '.join(missing)} on these photos first.", icon=":material/fact_check:")
            return
        compared = _compared(a, b, dataset, leaderboard.split)
        key = " ".join([a.id, b.id, dataset.id, leaderboard.split])
        show_comparison("Compare", compared, dataset, (names[a.id], names[b.id]), key)
        with st.container(horizontal=True):
            for model in (a, b):
                link(
                    "evaluate",
                    f"Evaluate {escape(shortened(names[model.id], 30))}",
                    model=model.id,
                    dataset=dataset.id,
                    split=leaderboard.split,
                )


def _compared(a: StoredModel, b: StoredModel, dataset: Dataset, split: str) -> ComparedModels:
    identities = tuple(f"{model.id} {model.name} {model.card.weights_sha256}" for model in (a, b))
    return _kept_comparison(identities, dataset.identity, split, a, b, dataset)


@st.cache_resource(max_entries=MAX_KEPT, show_spinner="Comparing the models")
def _kept_comparison(
    models: tuple[str, ...], data: str, split: str, _a: StoredModel, _b: StoredModel, _dataset: Dataset
) -> ComparedModels:
    del models, data  # only the cache key
    return compare_models(_a, _b, _dataset, split)
