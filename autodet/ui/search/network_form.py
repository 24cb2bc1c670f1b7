"""Selection of the network, with a comparison of cost and accuracy."""

import pandas as pd
import streamlit as st

from autodet.models.registry import (
    ARCHITECTURES,
    DEFAULT_ARCHITECTURE,
    Architecture,
    find_architecture,
    weights_problem,
    weights_states,
)
from autodet.models.weights import State

NETWORK = "network"
PATIENCE_SECONDS = 0.5  # timeout for a server's answer; a later answer appears on the next run
WHERE = {
    "here": "installed",
    "to download": "{megabytes:.0f} MB to download",
    "looking": "{megabytes:.0f} MB, checking the server",
    "missing": "not available here",
}


def ask_for_architecture() -> str:
    """Let the visitor select a network, and show a comparison of all networks."""
    st.session_state.setdefault(NETWORK, DEFAULT_ARCHITECTURE)
    states = weights_states(PATIENCE_SECONDS)
    name = st.selectbox(
        "Network",
        list(ARCHITECTURES),
        format_func=lambda name: _title(ARCHITECTURES[name], states[name]),
        key=NETWORK,
        persist_state="session",
    )
    chosen = find_architecture(name)
    st.caption(
        f"{chosen.good_for} Its weights are pretrained on {chosen.weights.trained_on} "
        f"({chosen.weights.licence}): {_where(chosen, states[name])}."
    )
    number = st.column_config.NumberColumn
    st.dataframe(
        networks_table(states),
        hide_index=True,
        height="content",
        placeholder="–",
        column_config={
            "Network": st.column_config.TextColumn(width=225),
            "Weights": st.column_config.TextColumn(width=165),
            "Learning": number("Training, s", width=76, format="%.2f", help="Seconds to train on one photo, once."),
            "Finding": number("Predict, s", width=72, format="%.2f", help="Seconds for one prediction (latency)."),
            "Fruit mAP": number(
                "Fruit mAP, %", width=84, format="%.0f", help="mAP@0.5 after 8 epochs on 180 drawn photos of fruit."
            ),
            "COCO AP": number(
                "COCO AP, %", width=80, format="%.1f", help="Average precision of the pretrained weights on COCO."
            ),
            "Parameters": number(
                "Params, M", width=76, format="%.1f", help="Number of weights (parameters), in millions."
            ),
            "Photos": number("Photos, px", width=76, format="%d", help="Side of the square that photos are scaled to."),
        },
    )
    st.caption(
        "Seconds were measured on one CPU core, at the photo size in the table; a GPU is many times faster. Fruit mAP "
        "is the mean of three runs on 90 other photos; longer trials score higher. COCO AP is the publishers' figure "
        "for weights trained on COCO's everyday objects, often at larger sizes; ImageNet weights have none, because "
        "they were trained without boxes. The two cannot be compared; only trials show which network suits your photos."
    )
    return name


def networks_table(states: dict[str, State]) -> pd.DataFrame:
    """Return a table with one row per network, the fastest to train first."""
    rows = [
        {
            "Network": architecture.title,
            "Weights": f"{architecture.weights.trained_on}: {_where(architecture, states[name])}",
            "Learning": architecture.seconds_per_image_cpu,
            "Finding": architecture.seconds_per_prediction_cpu,
            "Fruit mAP": architecture.fruit_map50,
            "COCO AP": architecture.coco_map,
            "Photos": architecture.image_size,
            "Parameters": architecture.parameters_millions,
            "Licence": architecture.weights.licence,
            "Good for": architecture.good_for,
        }
        for name, architecture in ARCHITECTURES.items()
    ]
    return pd.DataFrame(rows).sort_values("Learning", kind="stable")


def network_problem(name: str) -> str | None:
    """Return why the pretrained weights of a network are unavailable, waiting at most ``PATIENCE_SECONDS``.

    Returns None if they are available or no answer arrives in time.
    """
    return weights_problem(name, PATIENCE_SECONDS)


def use_default_network() -> None:
    """Select the default network, whose weights are part of the installation."""
    st.session_state[NETWORK] = DEFAULT_ARCHITECTURE


def _title(architecture: Architecture, state: State) -> str:
    return architecture.title + " (weights not available here)" * (state == "missing")


def _where(architecture: Architecture, state: State) -> str:
    return WHERE[state].format(megabytes=architecture.weights.megabytes)
