"""What a search is for: the one figure by which epochs, trials and models are compared."""

import re

DEFAULT_OBJECTIVE = "map50"
OBJECTIVES = {
    "map50": "mAP@0.5",
    "map50_95": "mAP@0.5–0.95",
    "recall@0.9": "Recall at a precision of 0.9",
}
_RECALL = re.compile(r"recall@(0?\.\d+|1(?:\.0*)?)")


def objective_problem(objective: str) -> str | None:
    """What is wrong with an objective, as a sentence; None if nothing is.

    Args:
        objective: ``map50``, ``map50_95``, or ``recall@P``: the highest recall at which precision is at least P.
    """
    if objective in OBJECTIVES or _RECALL.fullmatch(objective):
        return None
    return f"There is no objective {objective!r}; choose map50, map50_95, or recall@0.9 for the recall at a precision."


def objective_title(objective: str) -> str:
    """An objective as a page calls it."""
    return OBJECTIVES.get(objective) or f"Recall at a precision of {objective.partition('@')[2]}"
