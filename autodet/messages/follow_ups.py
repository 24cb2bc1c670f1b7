"""Sentences about follow-ups of a search: whether its gain is real, and whether more photos would help."""

from collections.abc import Iterator

from autodet.records import Interval, LearningCurve, PowerLaw, Repeatability, SeedScores
from autodet.text_format import counted

DEFAULTS = "the defaults"


def repeatability_sentences(result: Repeatability) -> list[str]:
    """Say of each configuration whether its difference from the defaults is real."""
    defaults, *others = result.configurations
    return [_gain_sentence(other, defaults) for other in others]


def searched_sentence(result: Repeatability) -> str:
    """Name configurations with a lower mean than their score in the search; empty if there are none."""
    lucky = [
        f"trial {one.trial} at {one.searched:.3f}, {points(one.searched - one.mean)} above this mean"
        for one in result.configurations[1:]
        if one.searched is not None and one.mean is not None and one.searched > one.mean
    ]
    return f"The search measured {'; '.join(lucky)}: the best of several trials is partly luck." if lucky else ""


def pooled_sentence(result: Repeatability | LearningCurve) -> str:
    """Name the earlier trainings that count; empty if there are none."""
    earlier = len(result.pooled) - 1
    return (
        f"This includes {counted(earlier, 'earlier run')} of the same settings, with other seeds."
        if earlier > 0
        else ""
    )


def _gain_sentence(one: SeedScores, defaults: SeedScores) -> str:
    if one.difference is None or one.mean is None or defaults.mean is None:
        return f"Trial {one.trial} and {DEFAULTS} cannot be compared yet: no repetition of either has finished."
    measured = f"trial {one.trial} reaches {one.mean:.3f} on average, {DEFAULTS} {defaults.mean:.3f}"
    fewest, seeds = min(len(one.scores), len(defaults.scores)), min(one.planned, defaults.planned)
    with_seeds = f"With {seeds} other seeds" if fewest == seeds else f"With {fewest} of {seeds} other seeds so far"
    if one.interval is None:
        return f"{with_seeds}, {measured}. Two finished seeds of each are needed to tell whether that is real."
    interval = f"(95 % interval {_signed(one.interval)})"
    if not one.significant:
        return (
            f"Trial {one.trial} against {DEFAULTS}: within noise. {with_seeds}, {measured}. Chance alone can explain a "
            f"difference of {points(one.difference)} {interval}; more seeds would narrow the interval."
        )
    verdict = f"The gain of trial {one.trial} is real" if one.difference > 0 else f"Trial {one.trial} is really worse"
    return f"{verdict}. {with_seeds}, {measured}: {points(one.difference)} {interval}."


def curve_sentence(law: PowerLaw, of: str = "mAP@0.5") -> str:
    """Extrapolate a metric to twice the training photos: ``... would rise by about 2.0 points (0.1 to 4.9)``."""
    photos = f"With {counted(2 * law.photos, 'training photo')} instead of {law.photos:,}, {of} would"
    low, high = law.gain_interval
    if low > 0:
        return f"{photos} rise by about {points(law.gain)} ({100 * low:.1f} to {100 * high:.1f})."
    if high < 0:
        return f"{photos} fall by about {points(-law.gain)} ({-100 * high:.1f} to {-100 * low:.1f})."
    change = f"change by about {100 * law.gain:+.1f} points ({_signed(law.gain_interval)})"
    return f"{photos} {change}: whether more photos help is not clear."


def curve_sentences(curve: LearningCurve) -> Iterator[str]:
    """Extrapolate mAP and the AP of each class, the class with the largest gain first."""
    if curve.law is None:
        yield "There are too few finished trainings for a curve: it needs three."
        return
    yield curve_sentence(curve.law)
    for name, law in sorted(curve.class_laws.items(), key=lambda one: -one[1].gain):
        yield curve_sentence(law, f"AP@0.5 of {name}")


def caveat_text(curve: LearningCurve) -> str:
    """Name the trainings behind the extrapolation, and its limits."""
    parts = len({point.photos for point in curve.points})
    return (
        f"An extrapolation from {counted(len(curve.points), 'training')} on {parts} parts of the "
        f"{counted(curve.photos, 'photo')}, measured on the same validation photos. It assumes that new photos are "
        "like these. The interval (95 %) covers chance in the training and in the choice of the photos, not in the "
        "validation photos."
    )


def points(share: float) -> str:
    """Format a difference of shares in points of a hundred: ``2.0 points``."""
    return f"{100 * share:.1f} points"


def _signed(interval: Interval) -> str:
    return " to ".join(f"{100 * end:+.1f}" for end in interval)
