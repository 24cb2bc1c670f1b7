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
    "looking": "{megabytes:.0f} MB, asking the server",
    "missing": "cannot be had here",
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
        f"{chosen.good_for} It begins with weights that know {chosen.weights.trained_on} "
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
            "Learning": number("Learning, s", width=76, format="%.2f", help="Seconds to learn from one photo, once."),
            "Finding": number("Finding, s", width=72, format="%.2f", help="Seconds for one prediction."),
            "Fruit mAP": number(
                "Fruit mAP, %", width=84, format="%.0f", help="mAP@0.5 after 8 epochs of 180 photos of fruit."
            ),
            "COCO AP": number(
                "COCO AP, %", width=80, format="%.1f", help="How well the weights know COCO's 80 classes."
            ),
            "Parameters": number(
                "Params, M", width=76, format="%.1f", help="Parameters, that is weights, in millions."
            ),
            "Photos": number("Photos, px", width=76, format="%d", help="Side of the square that photos are scaled to."),
        },
    )
    st.caption(
        "Seconds were measured on one core of a CPU, with photos at the size that each network is given; a GPU is many "
        "times faster. Fruit mAP is the mean of three runs on 90 other photos; longer trials reach more. COCO AP "
        "is what torchvision publishes for weights that know COCO's everyday objects, often at larger sizes; those of "
        "ImageNet know no boxes. The two cannot be compared; only trials show which network suits your photos."
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
    return architecture.title + " (weights cannot be had here)" * (state == "missing")


def _where(architecture: Architecture, state: State) -> str:
    return WHERE[state].format(megabytes=architecture.weights.megabytes)
