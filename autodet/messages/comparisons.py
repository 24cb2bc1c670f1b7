"""Sentences about two models that were compared."""

from autodet.messages.audience import Audience
from autodet.records import Comparison, Difference
from autodet.text_format import counted

FIGURES = {"terminal": "mAP50", "page": "mAP@0.5"}
DIFFERENCES = {"terminal": "B - A", "page": "the difference"}  # the page names models instead of A and B


def comparison_sentence(comparison: Comparison, audience: Audience = "terminal") -> str:
    """Say which of two models is better, or that the difference is within noise."""
    figure, photos, name = comparison.map50, counted(len(comparison.images), "photo"), FIGURES[audience]
    better, worse = (comparison.models[side] for side in ("ba" if figure.difference > 0 else "ab"))
    low, high = sorted(abs(bound) for bound in figure.interval)
    if figure.significant:
        return (
            f"{better} is better than {worse}: its {name} on {photos} is higher by {abs(figure.difference):.3f} "
            f"(95 % interval {low:.3f} to {high:.3f})."
        )
    lowest, highest = figure.interval
    if lowest == highest == 0:
        return f"Both models have the same {name} on these {photos}."
    return (
        f"The difference of {abs(figure.difference):.3f} in {name} is within noise: on {len(comparison.images):,} "
        f"other photos like these, {DIFFERENCES[audience]} could be anywhere between {lowest:+.3f} and {highest:+.3f}. "
        "Compare on more photos."
    )


def verdict_text(figure: Difference, a: str, b: str) -> str:
    """Say which model is better in a figure, or that the difference is within noise."""
    if not figure.significant:
        return "within noise"
    return f"{b if figure.difference > 0 else a} is better"
