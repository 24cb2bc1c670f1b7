"""Search objectives: the metric, or pair of metrics, by which epochs, trials and models are compared.

A pair, ``map50+latency``, maximises quality and minimises prediction time. The two conflict, so the result is a Pareto
front of models; where a single best model is needed, it is the one with the highest quality.
"""

import re

DEFAULT_OBJECTIVE = "map50"
LATENCY = "+latency"
OBJECTIVES = {
    "map50": "mAP@0.5",
    "map50_95": "mAP@0.5–0.95",
    "recall@0.9": "Recall at a precision of 0.9",
    "map50+latency": "mAP@0.5, in a short time",
    "map50_95+latency": "mAP@0.5–0.95, in a short time",
}
_RECALL = re.compile(r"recall@(0?\.\d+|1(?:\.0*)?)")


def objective_problem(objective: str) -> str | None:
    """Return a sentence if an objective is invalid, else None.

    Args:
        objective: ``map50``, ``map50_95``, or ``recall@P``: the highest recall at which precision is at least P. A
            suffix ``+latency`` also minimises prediction time.
    """
    quality = quality_of(objective)
    if (quality in OBJECTIVES and LATENCY not in quality) or _RECALL.fullmatch(quality):
        return None
    return (
        f"There is no objective {objective!r}; choose map50, map50_95, or recall@0.9 for the recall at a precision, "
        f"each with {LATENCY} appended to optimize prediction time too."
    )


def quality_of(objective: str) -> str:
    """Return the metric to maximise."""
    return objective.removesuffix(LATENCY)


def wants_speed(objective: str) -> bool:
    """Return whether prediction time counts too, and has to be measured."""
    return objective.endswith(LATENCY)


def objective_title(objective: str) -> str:
    """Return an objective's name as shown on pages."""
    return f"{quality_title(objective)}, in a short time" if wants_speed(objective) else quality_title(objective)


def quality_title(objective: str) -> str:
    """Return the name of the metric to maximise, as shown on pages."""
    quality = quality_of(objective)
    return OBJECTIVES.get(quality) or f"Recall at a precision of {quality.partition('@')[2]}"
