"""Search form: configuration, forecast of the duration, and start."""

from dataclasses import dataclass, field, replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from autodet.datasets.manifest import Dataset
from autodet.messages.plans import forecast_text, hardware_text, plan_text
from autodet.models.registry import DEFAULT_ARCHITECTURE, find_architecture
from autodet.records import Notice
from autodet.search.order.combinations import Combinations
from autodet.search.order.options import OPTIONS, SearchOptions
from autodet.search.order.space import PARAMETERS, Range, Space, architectures, make_space
from autodet.search.planning.dataset_profile import facts_of, unjudged_classes
from autodet.search.planning.epoch_times import measured_hardware
from autodet.search.planning.forecast import forecast_search
from autodet.search.planning.networks import usable_networks
from autodet.search.planning.plan import Plan, explain_entries
from autodet.search.planning.presets import DEFAULT_PRESET, PRESETS, plan_search
from autodet.search.planning.resolve import asked_space
from autodet.search.start import start_search
from autodet.settings import load_settings
from autodet.text_format import counted, duration
from autodet.training.hardware import Hardware, find_hardware, hardware_of_cluster
from autodet.ui.common.address import take_form
from autodet.ui.common.choice import choose, forget
from autodet.ui.common.editors import editors_only
from autodet.ui.common.frame import emphasis, open_page
from autodet.ui.common.markdown import escape, shortened
from autodet.ui.common.number_input import ask_for_number
from autodet.ui.search.initial_weights_form import (
    ask_for_start,
    ask_for_warm_start,
    chosen_start,
    refuse_lost_start,
    warn_of_known_photos,
)
from autodet.ui.search.network_form import NETWORK, ask_for_architecture, network_problem, use_default_network
from autodet.ui.search.option_fields import ask_for_option
from autodet.ui.search.space_form import ask_what_to_try, chosen_objective

WHERE = "where to run"
EFFORT = "effort"  # session state: the preset
SAME_ORDER_SECONDS = 5.0  # identical requests within this time, such as double clicks, start one search
MINUTES = (0.1, 100_000)  # bounds of the time limit
LEARNING_RATES = (1e-5, 3e-5, 1e-4, 2e-4, 3e-4, 5e-4, 1e-3, 1.5e-3, 2e-3, 3e-3, 5e-3, 1e-2)
# Options with a place of their own in the form; it shows the other ones that have a label together.
PLACED = {
    *("preset", "trials", "epochs", "time_limit", "lr_range", "start_from", "refit", "executor"),
    *("objective", "sampler", "pruner", "patience", "warm_start"),
}


@dataclass(frozen=True, kw_only=True)
class Order(SearchOptions):
    """Options of a search as entered by the visitor, with the numbers and strategies that a preset leaves open."""

    trials: int = field()
    epochs: int = field()
    sampler: str = field()
    pruner: str = field()
    problems: tuple[str, ...] = ()  # validation errors that prevent the start

    @property
    def tried(self) -> Space:
        """Search space, including the learning rate and the network."""
        return make_space(asked_space(self))

    @property
    def planned_trials(self) -> int:
        """Number of trials that will run: without repeats, at most the number of parameter combinations."""
        return self.trials if self.repeat else int(min(self.trials, Combinations(self.tried).count))


def ask_for_search(dataset: Dataset) -> Order:
    """Show the search form, prefilled with the plan of the selected preset, and return the request.

    A link to the page may select the preset, as the form to open.
    """
    named = take_form()
    if named in PRESETS:
        st.session_state[EFFORT] = named
    chosen = st.segmented_control(
        OPTIONS["preset"].label,
        list(PRESETS),
        default=None if named in PRESETS else DEFAULT_PRESET,
        required=True,
        format_func=OPTIONS["preset"].choices.__getitem__,
        key=EFFORT,
        persist_state="session",
    )
    preset = chosen or DEFAULT_PRESET
    plan = _plan(dataset, preset)
    reasons = st.empty()
    problems: list[str] = []
    with st.expander("Trials, epochs and learning rate", icon=":material/timer:"):
        trials, epochs, time_limit = _ask_for_amounts(plan, preset, problems)
        lowest, highest = _ask_for_learning_rates()
        refit = ask_for_option("refit", OPTIONS["refit"].default, problems)
    with st.expander("Model and starting weights", icon=":material/lan:"):
        model = ask_for_start(dataset)
        architecture = model.card.architecture if model else ask_for_architecture()
        others = _ask_for_others(plan)
    with st.expander("Search space and objective", icon=":material/tune:"):
        tried = ask_what_to_try(plan, problems)
        tried["warm_start"] = ask_for_warm_start()
        tried |= {
            name: ask_for_option(name, option.default, problems)
            for name, option in OPTIONS.items()
            if option.label and name not in PLACED
        }
    where = _ask_where_to_run()
    if others:
        tried["space"] = {**tried["space"], "architecture": others}
    changed = _changed(
        plan, Plan(trials, epochs, **{name: tried[name] for name in ("space", "sampler", "pruner", "patience")})
    )
    if model:
        tried |= {"start_from": model.id, "space": {"image_size": model.card.image_size, **tried["space"]}}
    order = Order(
        trials=trials,
        epochs=epochs,
        time_limit=time_limit,
        lr_range=(lowest, highest),
        architecture=None if others else architecture,
        executor=where,
        **tried,
        refit=refit,
        problems=tuple(problems),
    )
    if not problems:
        order = replace(order, repeat=_ask_for_repeats(order))
        reasons.caption(escape(plan_text(_reasons(dataset, order) if changed else plan.why)))
    return order


def _ask_for_learning_rates() -> tuple[float, float]:
    usual = PARAMETERS["lr"].prior
    lowest, highest = st.select_slider(
        OPTIONS["lr_range"].label,
        LEARNING_RATES,
        (usual.low, usual.high) if isinstance(usual, Range) else (LEARNING_RATES[0], LEARNING_RATES[-1]),
        format_func=lambda rate: f"{rate:g}",
        help=OPTIONS["lr_range"].hint,
        key="learning rates",
        persist_state="session",
    )
    return lowest, highest


def _ask_for_repeats(order: Order) -> bool:
    """Ask whether to repeat parameter combinations, if there are fewer combinations than trials."""
    count = order.planned_trials
    if count == order.trials:
        return False
    return st.checkbox(
        f"Repeat: train {'the same combination' if count == 1 else 'combinations'} again, with other seeds",
        help=f"Without repeats, this search has {counted(count, 'trial')}: there are no more combinations to try. "
        "Repeats show how much scores vary by chance.",
        key="repeat",
        persist_state="session",
    )


def _ask_for_amounts(plan: Plan, preset: str, problems: list[str]) -> tuple[int, int, float | None]:
    """Ask for the number of trials, epochs per trial, and the time limit; the limit is returned in seconds."""
    first, second, third = (column.container() for column in st.columns(3))

    def ask_for_count(place: DeltaGenerator, name: str, planned: int) -> int:
        # The key includes preset and number, so that another preset or data set resets the field.
        key = f"{OPTIONS[name].label} {preset} {planned}"
        given: int | None = ask_for_option(name, planned, problems, place=place, key=key)
        return given or planned  # an emptied field falls back to the plan

    trials = ask_for_count(first, "trials", plan.trials)
    epochs = ask_for_count(second, "epochs", plan.epochs)
    minutes = ask_for_number(
        third,
        OPTIONS["time_limit"].label,
        MINUTES,
        None,
        problems,
        whole=False,
        key="time limit",
        placeholder="none",
        help=OPTIONS["time_limit"].hint,
    )
    return trials, epochs, None if minutes is None else minutes * 60


def _changed(plan: Plan, entered: Plan) -> bool:
    """Return whether the entries differ from the preset's plan; ``image_size`` and ``why`` are ignored."""
    proposed = replace(plan, space=make_space(plan.space), image_size=entered.image_size, why=())
    return replace(entered, space=make_space(entered.space)) != proposed


def _reasons(dataset: Dataset, order: Order) -> tuple[Notice, ...]:
    entered = Plan(order.trials, order.epochs, order.tried, order.sampler, order.pruner, order.patience)
    hardware = _hardware(dataset, order.executor)
    return explain_entries(entered, facts_of(dataset), hardware, pretrained=order.start_from is None)


def _plan(dataset: Dataset, preset: str) -> Plan:
    """Plan a preset for the data set, the hardware, and the network or model selected further down the page."""
    hardware = _hardware(dataset, st.session_state.get(WHERE, "local"))
    objective = chosen_objective()
    if model := chosen_start():
        size = model.card.image_size
        return plan_search(
            preset,
            facts_of(dataset),
            hardware,
            (model.card.architecture,),
            objective=objective,
            image_size=size,
            asked={} if objective.latency else {"image_size": size},
        )
    chosen = st.session_state.get(NETWORK, DEFAULT_ARCHITECTURE)
    networks = _usable_networks(preset, hardware.on_gpus) if chosen == DEFAULT_ARCHITECTURE else (chosen,)
    return plan_search(preset, facts_of(dataset), hardware, networks, objective=objective)


def _hardware(dataset: Dataset, where: str) -> Hardware:
    settings = load_settings()
    return hardware_of_cluster(settings) if where == "ray" else measured_hardware(find_hardware(settings), dataset)


@st.cache_data(ttl=60, show_spinner="Checking for pretrained weights")
def _usable_networks(preset: str, on_gpus: bool) -> tuple[str, ...]:
    return usable_networks(preset, on_gpus=on_gpus)


def _ask_for_others(plan: Plan) -> list[str]:
    """Ask whether trials choose among the networks of the plan; an empty list means the selected network only."""
    names: list[str] = plan.space.get("architecture", [])
    titles = ", ".join(find_architecture(name).title for name in names)
    if not names:
        return []
    label = "Let trials choose among the networks"
    return names if st.checkbox(label, value=True, help=titles, key="networks", persist_state="session") else []


def _ask_where_to_run() -> str:
    """Ask where to run, if the settings name a Ray cluster; visitors cannot enter an address."""
    if not load_settings().ray_address:
        return "local"
    option = OPTIONS["executor"]
    chosen = st.segmented_control(
        option.label,
        list(option.choices),
        default=option.default,
        required=True,
        format_func=option.choices.__getitem__,
        key=WHERE,
        persist_state="session",
    )
    return chosen or "local"


def show_forecast(dataset: Dataset, order: Order) -> None:
    """Show the forecast duration of a search; on a cluster it is available only after the first epoch."""
    if order.problems:
        return
    if order.executor == "ray":
        st.markdown(
            f"{counted(order.planned_trials, 'trial')} of {counted(order.epochs, 'epoch')} on the Ray cluster, as many "
            "at a time as it has room for. The duration is forecast after the first epoch."
        )
        return
    hardware = _hardware(dataset, order.executor)
    photos = len(dataset.split("train")), len(dataset.split("val"))
    trials = order.planned_trials
    forecast = forecast_search(photos, trials, order.epochs, order.tried, hardware, refit=order.refit)
    cut = order.time_limit is not None and order.time_limit < forecast.most_seconds
    whole = forecast_text(forecast.least_seconds, forecast.most_seconds)
    expected = f"**{whole.capitalize()}**"
    if cut and order.time_limit:
        expected = f"The time limit ends it after **{duration(order.time_limit)}** at the latest"
    st.markdown(
        f"{expected} for {counted(trials, 'trial')} of {counted(order.epochs, 'epoch')} on "
        f"{counted(photos[0], 'training photo')}{' and a final retraining' * order.refit}, "
        f"on {hardware_text(hardware.slots)}."
        + f" Without the limit it would take {whole}." * cut
        + " A trial that falls behind is pruned: it ends early." * (order.pruner != "none" and not cut)
        + " No GPU has been measured yet, so this is a guess." * hardware.is_guess
        + f" Only {counted(trials, 'combination')} can be tried." * (trials < order.trials)
    )


def _warn_of_unjudged_classes(dataset: Dataset) -> None:
    """Warn if some classes lack validation boxes; if all do, ``start_search`` reports it."""
    missing = unjudged_classes(dataset)
    if 0 < len(missing) < len(dataset.classes):
        st.warning(
            "Trials are compared without the classes that no validation photo shows: "
            f"{escape(shortened(', '.join(missing), 80))}. To include them, redraw the splits on Data sets.",
            icon=":material/warning:",
        )


@editors_only("start search")
def offer_start(dataset: Dataset, order: Order) -> None:
    """Show the start button, with the problems that prevent a start and a working alternative."""
    networks = architectures(order.tried)
    refused = bool(order.problems)
    if refused:
        st.error(f"The search cannot start yet. {' '.join(map(escape, order.problems))}", icon=":material/edit:")
    problem = None if order.start_from else next(filter(None, map(network_problem, networks)), None)
    warn_of_known_photos(dataset)
    _warn_of_unjudged_classes(dataset)
    if problem:
        st.warning(escape(problem), icon=":material/cloud_off:")
    if problem and networks != (DEFAULT_ARCHITECTURE,):
        title = find_architecture(DEFAULT_ARCHITECTURE).title
        st.button(f"Use {title}", icon=":material/undo:", on_click=use_default_network)
    refused = refused or problem is not None
    kind = emphasis(disabled=refused)
    pressed = st.button("Start training", type=kind, icon=":material/play_arrow:", disabled=refused)
    if pressed and not refused:  # a click that races with disabling still counts as pressed
        refuse_lost_start()
        with st.spinner("Starting"):  # checks the starting weights first, if a model provides them
            search = start_search(dataset, order, once_within=SAME_ORDER_SECONDS)
        choose(dataset=dataset.id)
        forget("model")  # so that the model of this search becomes the default
        open_page("results", search=search.id)
