"""Outcomes of follow-ups as text and JSON for the command line."""

from typing import Any

from autodet.messages.follow_ups import (
    caveat_text,
    curve_sentences,
    pooled_sentence,
    repeatability_sentences,
    searched_sentence,
)
from autodet.records import LearningCurve, Repeatability, SearchStatus
from autodet.search.follow_ups.results import learning_curve, repeatability


def outcome_of(status: SearchStatus) -> Repeatability | LearningCurve | None:
    """Return the result of a follow-up so far; None for any other search."""
    if status.follow_up is None:
        return None
    return repeatability(status.search) if status.follow_up == "repeats" else learning_curve(status.search)


def outcome_entry(outcome: Repeatability | LearningCurve | None) -> dict[str, Any]:
    """Return the entry of a follow-up's outcome in JSON; empty without one."""
    return {"outcome": outcome.to_json()} if outcome else {}


def outcome_text(outcome: Repeatability | LearningCurve | None) -> str:
    """Describe the outcome of a follow-up in sentences, one a line; empty without one."""
    if outcome is None:
        return ""
    if isinstance(outcome, Repeatability):
        lines = [*repeatability_sentences(outcome), searched_sentence(outcome)]
    else:
        lines = [*curve_sentences(outcome), *([caveat_text(outcome)] if outcome.law else [])]
    return "\n".join(filter(None, [*lines, pooled_sentence(outcome)]))
