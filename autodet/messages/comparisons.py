"""Sentences about two models that were compared."""

from autodet.records import Comparison
from autodet.text_format import counted


def comparison_sentence(comparison: Comparison) -> str:
    """Say which of two models is better, or that the difference is within noise."""
    figure, photos = comparison.map50, counted(len(comparison.images), "photo")
    better, worse = (comparison.models[name] for name in ("ba" if figure.difference > 0 else "ab"))
    low, high = sorted(abs(bound) for bound in figure.interval)
    if figure.significant:
        return (
            f"{better} is better than {worse}: its mAP50 on {photos} is higher by {abs(figure.difference):.3f} "
            f"(95 % interval {low:.3f} to {high:.3f})."
        )
    lowest, highest = figure.interval
    if lowest == highest == 0:
        return f"Both models have the same mAP50 on these {photos}."
    return (
        f"The difference of {abs(figure.difference):.3f} in mAP50 is within noise: on {len(comparison.images):,} other "
        f"photos like these, B - A could be anywhere between {lowest:+.3f} and {highest:+.3f}. Compare on more photos."
    )
