"""Form for the objective and the search space."""

from typing import Any

import streamlit as st

from autodet.errors import SearchError
from autodet.evaluation.objective import DEFAULT_OBJECTIVE, OBJECTIVES, Objective
from autodet.search.order.options import MAX_EPOCHS, OPTIONS
from autodet.search.order.space import PARAMETERS, Parameter, Range, changes_latency, make_space, parse_tried
from autodet.search.planning.plan import Plan
from autodet.ui.common.number_input import ask_for_number
from autodet.ui.search.option_fields import ask_for_option

SPEED_SENTENCE = (
    "Results shows the Pareto front: the trials that no other trial beats in both quality and time. You can keep any "
    "of their models; the search's own model is the most accurate one. No trial is pruned then, so the search takes "
    "longer."
)
NOTHING_QUICKER = "nothing else that varies here changes the time of a prediction."
ASKED_ELSEWHERE = ("lr", "architecture", "epochs")
STEP_SHARE = 0.01  # step of the + and - buttons, as a fraction of the highest value
OBJECTIVE = "objective"  # session state: the selected objective


def chosen_objective() -> Objective:
    """Return the objective selected further down the page, or the default."""
    return Objective.parse(st.session_state.get(OBJECTIVE, DEFAULT_OBJECTIVE))


def ask_what_to_try(plan: Plan, problems: list[str]) -> dict[str, Any]:
    """Show the form, and return arguments of ``start_search``: objective, sampler, pruner, patience and search space.

    Args:
        plan: Plan of the preset, which provides the initial values.
        problems: List that receives an error message for each invalid value.
    """
    first, second = st.columns(2)
    objective = first.selectbox(
        OPTIONS["objective"].label,
        list(OBJECTIVES),
        format_func=lambda text: Objective.parse(text).title,
        help=OPTIONS["objective"].hint,
        key=OBJECTIVE,
        persist_state="session",
    )
    # The key includes the preset's choice, so that another preset resets the field.
    sampler = ask_for_option("sampler", plan.sampler, problems, place=second, key=f"sampler {plan.sampler}")
    quick = Objective.parse(objective).latency
    pruners = ["none"] if quick else list(OPTIONS["pruner"].choices)
    first, second = st.columns(2)  # a separate row, so that the two stay together on a narrow page
    key = f"pruner {quick} {plan.pruner}"
    pruner = ask_for_option("pruner", plan.pruner, problems, place=first, choices=pruners, key=key)
    patience = ask_for_number(
        second.container(),
        OPTIONS["patience"].label,
        (1, MAX_EPOCHS),
        plan.patience,
        problems,
        placeholder="never",
        key=f"patience {plan.patience}",
    )
    names = [name for name in PARAMETERS if name not in ASKED_ELSEWHERE]
    planned = [name for name in plan.space if name in names]
    chosen = st.multiselect(
        "Other parameters to vary or fix",
        names,
        planned,
        format_func=lambda name: PARAMETERS[name].title,
        placeholder="Add a parameter",
        help="One value fixes the parameter; with several values or a range, each trial tries one of them.",
        key=f"varied {planned}",
        persist_state="session",
    )
    asked = {name: _ask_for_values(PARAMETERS[name], plan.space.get(name, True), problems) for name in chosen}
    space = {name: value for name, value in asked.items() if _is_valid(name, value, problems)}
    elsewhere = {name: values for name, values in plan.space.items() if name in ASKED_ELSEWHERE}
    tried = make_space({**elsewhere, **space})
    if quick:
        st.info(SPEED_SENTENCE, icon=":material/speed:")
    if quick and not changes_latency(tried):
        st.warning(f"Vary the {PARAMETERS['image_size'].title.lower()}: {NOTHING_QUICKER}")
    return {
        "objective": objective,
        "sampler": sampler,
        "pruner": pruner,
        "patience": patience,
        "space": space,
    }


def _is_valid(name: str, value: Any, problems: list[str]) -> bool:
    try:
        make_space({name: value})
    except SearchError as error:
        problems.append(str(error))
        return False
    return True


def _ask_for_values(parameter: Parameter, planned: Any, problems: list[str]) -> Any:
    """Ask for a range, initially the usual one, or for values, initially the plan's, otherwise the usual ones."""
    if isinstance(parameter.prior, Range):
        ends = zip(st.columns(2), ("from", "to"), (parameter.prior.low, parameter.prior.high), strict=True)
        return tuple(
            ask_for_number(
                place.container(),
                f"{parameter.title}, {word}",
                (parameter.least, parameter.most),
                usual,
                problems,
                whole=False,
                step=STEP_SHARE * parameter.most,
                key=f"{parameter.name} {word}",
                help=parameter.help,
            )
            for place, word, usual in ends
        )
    usual = [f"{value:g}" if isinstance(value, float) else str(value) for value in parameter.prior.values]
    filled_in = usual if planned is True else list(map(str, planned))
    values = st.multiselect(
        parameter.title,
        list(dict.fromkeys([*usual, *filled_in])),
        filled_in,
        key=f"{parameter.name} values {planned}",
        persist_state="session",
        accept_new_options=not parameter.words,
        help=f"{parameter.help} It can be {parameter.bounds}.",
    )
    return parse_tried(",".join(values)) if values else False
