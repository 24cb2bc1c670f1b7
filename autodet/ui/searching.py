"""Asking for a search: what to try, how long that will take, and the start."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import streamlit as st

from autodet.datasets.manifest import Dataset
from autodet.evaluation.objective import DEFAULT_OBJECTIVE
from autodet.models.registry import ARCHITECTURES, DEFAULT_ARCHITECTURE, find_architecture, weights_problem
from autodet.records import Hyperparameters
from autodet.search.control import DEFAULT_PRESET, start_search
from autodet.search.space import PARAMETERS, Range
from autodet.search.spec import MOST_EPOCHS, MOST_TRIALS, PRESETS
from autodet.settings import load_settings
from autodet.training.device import device_slots
from autodet.training.forecast import forecast_seconds
from autodet.ui.frame import open_page
from autodet.ui.text import escape
from autodet.ui.trying import ask_what_to_try
from autodet.words import counted, duration

NETWORK = "network"
SAME_ORDER_SECONDS = 5.0  # two clicks, or two people, who want the same so close together want one search
LEARNING_RATES = (1e-5, 3e-5, 1e-4, 2e-4, 3e-4, 5e-4, 1e-3, 2e-3, 3e-3, 5e-3, 1e-2)


@dataclass(frozen=True)
class Order:
    """What the visitor asks for."""

    trials: int
    epochs: int
    time_limit: float | None
    lr_range: tuple[float, float]
    architecture: str
    executor: str = "local"
    space: Mapping[str, Any] = field(default_factory=dict)
    objective: str = DEFAULT_OBJECTIVE
    sampler: str = "tpe"
    pruner: str = "median"
    patience: int | None = None
    refit: bool = False


def ask_for_search() -> Order:
    """The choices, effort first."""
    preset = st.segmented_control(
        "How much effort",
        list(PRESETS),
        default=DEFAULT_PRESET,
        required=True,
        format_func=lambda name: PRESETS[name].title,
    )
    effort = PRESETS[preset or DEFAULT_PRESET]
    first, second, third = st.columns(3)
    # A key for each preset, so that choosing another brings its own numbers.
    trials = first.number_input(
        "Trials", 1, MOST_TRIALS, effort.trials, key=f"trials {preset}", help="The first has the defaults."
    )
    epochs = second.number_input(
        "Epochs a trial", 1, MOST_EPOCHS, effort.epochs, key=f"epochs {preset}", help="Times through all photos."
    )
    minutes = third.number_input(
        "Time limit in minutes", 1, 100_000, None, placeholder="none", help="What is best by then is kept."
    )
    usual = PARAMETERS["lr"].prior
    lowest, highest = st.select_slider(
        "Learning rate, from and to",
        LEARNING_RATES,
        (usual.low, usual.high) if isinstance(usual, Range) else (LEARNING_RATES[0], LEARNING_RATES[-1]),
        format_func=lambda rate: f"{rate:g}",
        help="How large the steps of training are. Every trial tries its own from this range.",
    )
    with st.expander("Network", icon=":material/lan:"):
        architecture = _ask_for_architecture()
    with st.expander("What to try, and what for", icon=":material/tune:"):
        tried = ask_what_to_try()
    refit = st.checkbox(
        "Train the best once more on all but the test photos",
        help="At the end, on training and validation photos, for as many epochs as the best trial took. No photos are "
        "left to judge that model by: it shows the best trial's figures, whose own model is kept beside it.",
    )
    limit = minutes * 60 if minutes else None
    where = _ask_where_to_run()
    return Order(trials, epochs, limit, (lowest, highest), architecture, where, **tried, refit=refit)


def _ask_where_to_run() -> str:
    """This machine, unless the settings name a cluster to choose instead; nobody types its address."""
    if not load_settings().ray_address:
        return "local"
    where = {"local": "This machine", "ray": "Ray cluster"}
    chosen = st.segmented_control(
        "Where to run", list(where), default="local", required=True, format_func=lambda one: where[one]
    )
    return chosen or "local"


def _ask_for_architecture() -> str:
    st.session_state.setdefault(NETWORK, DEFAULT_ARCHITECTURE)
    name = st.selectbox("Network", list(ARCHITECTURES), format_func=lambda name: ARCHITECTURES[name].title, key=NETWORK)
    chosen = find_architecture(name)
    st.caption(
        f"{chosen.good_for} {chosen.parameters_millions:g} million weights, photos at {chosen.image_size} pixels. "
        f"{chosen.weights} Licence of the weights: {chosen.licence}."
    )
    return name


@st.cache_data(ttl=60, show_spinner="Looking for the weights")
def _weights_problem(architecture: str) -> str | None:
    return weights_problem(architecture)


def show_forecast(dataset: Dataset, order: Order) -> None:
    """How long the search will take on this machine; on a cluster, the first epochs will tell."""
    if order.executor == "ray":
        st.markdown(
            f"{counted(order.trials, 'trial')} of {counted(order.epochs, 'epoch')} on the Ray cluster, as many side by "
            "side as it has room for. How long that takes is forecast when the first epoch is done."
        )
        return
    slots = device_slots(load_settings())
    seconds = forecast_seconds(
        len(dataset.split("train")),
        len(dataset.split("val")),
        order.trials,
        order.epochs,
        Hyperparameters(architecture=order.architecture, image_size=find_architecture(order.architecture).image_size),
        slots,
    )
    cut = order.time_limit is not None and order.time_limit < seconds
    expected = (
        f"The time limit ends it after **{duration(order.time_limit)}**"
        if cut and order.time_limit
        else (f"About **{duration(seconds)}**")
    )
    st.markdown(
        f"{expected} for {counted(order.trials, 'trial')} of {counted(order.epochs, 'epoch')} on "
        f"{counted(len(dataset.split('train')), 'training photo')}, on {_devices(slots)}."
        + (f" All of it would take about {duration(seconds)}." if cut else " A trial that falls behind ends earlier.")
    )


def _devices(slots: tuple[str, ...]) -> str:
    gpus = len([slot for slot in slots if slot != "cpu"])
    cpus = len(slots) - gpus
    named = [counted(gpus, "GPU")] if gpus else []
    named += ["the CPU" if cpus == 1 else f"{cpus} slots of the CPU"] if cpus else []
    return " and ".join(named)


def offer_start(dataset: Dataset, order: Order) -> None:
    """The button that starts a search; or why it cannot start, and what can."""
    problem = _weights_problem(order.architecture)
    if problem:
        st.warning(escape(problem), icon=":material/cloud_off:")
    if problem and order.architecture != DEFAULT_ARCHITECTURE:
        title = find_architecture(DEFAULT_ARCHITECTURE).title
        st.button(f"Use {title}", icon=":material/undo:", on_click=_use_default_architecture)
    if st.button("Start the search", type="primary", icon=":material/play_arrow:", disabled=problem is not None):
        search = start_search(dataset, **asdict(order), once_within=SAME_ORDER_SECONDS)
        open_page("results", search=search.id)


def _use_default_architecture() -> None:
    st.session_state[NETWORK] = DEFAULT_ARCHITECTURE
