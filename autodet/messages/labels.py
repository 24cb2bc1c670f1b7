"""Sentences about labels and the order of labelling."""

from collections.abc import Callable, Mapping

from autodet.records import LabelReason, LabelReasonKind
from autodet.text_format import counted

_REASONS: Mapping[LabelReasonKind, Callable[[LabelReason], str]] = {
    "unsure": lambda reason: f"The model is unsure about {counted(reason.count, 'object')}.",
    "disputed": lambda reason: f"Two models disagree about {counted(reason.count, 'object')}.",
    "rare": lambda reason: f"May show {reason.class_name!r}, which has few labels.",
    "unlike": lambda reason: f"Looks unlike any photo that is labelled or comes before{_others(reason.count)}.",
    "copy": lambda reason: "Looks nearly the same as a photo that is labelled or comes before.",
    "proposal": lambda reason: f"Has a proposal with a score of {reason.value:.0%}.",
}


def reason_text(reason: LabelReason) -> str:
    """Return the sentence for the reason of a photo's place in an order."""
    return _REASONS[reason.kind](reason)


def _others(count: int) -> str:
    return f", and like {counted(count, 'other')}" if count else ""
