"""What a search is for: the figure by which epochs, trials and models are compared, or a pair of such.

A pair, ``map50+latency``, is a quality that is to be high and the time of a prediction, which is to be low. Neither can
be had without giving up some of the other, so the answer is not one model but a front of them; the best one, where one
has to be named, is that of the highest quality.
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
    """What is wrong with an objective, as a sentence; None if nothing is.

    Args:
        objective: ``map50``, ``map50_95``, or ``recall@P``: the highest recall at which precision is at least P. Or one
            of these with ``+latency`` behind it: the time of a prediction is to be low too.
    """
    quality = quality_of(objective)
    if (quality in OBJECTIVES and LATENCY not in quality) or _RECALL.fullmatch(quality):
        return None
    return (
        f"There is no objective {objective!r}; choose map50, map50_95, or recall@0.9 for the recall at a precision, "
        f"each with {LATENCY} behind it if predictions are to be quick too."
    )


def quality_of(objective: str) -> str:
    """What is to be high."""
    return objective.removesuffix(LATENCY)


def wants_speed(objective: str) -> bool:
    """Whether the time of a prediction counts too, and has to be measured."""
    return objective.endswith(LATENCY)


def objective_title(objective: str) -> str:
    """An objective as a page calls it."""
    return f"{quality_title(objective)}, in a short time" if wants_speed(objective) else quality_title(objective)


def quality_title(objective: str) -> str:
    """What is to be high, as a page calls it."""
    quality = quality_of(objective)
    return OBJECTIVES.get(quality) or f"Recall at a precision of {quality.partition('@')[2]}"
