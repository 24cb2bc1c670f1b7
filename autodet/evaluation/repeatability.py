"""Differences between configurations that were trained with several seeds."""

from collections.abc import Sequence
from dataclasses import replace
from math import sqrt
from statistics import fmean, variance

from autodet.evaluation.student_t import t_quantile
from autodet.records import Interval, SeedScores


def seed_scores(trial: int, searched: float | None, scores: Sequence[float], planned: int) -> SeedScores:
    """Return the mean and the standard deviation of the scores of a configuration."""
    spread = sqrt(variance(scores)) if len(scores) > 1 else None
    return SeedScores(trial, searched, tuple(scores), fmean(scores) if scores else None, spread, planned)


def compared(configuration: SeedScores, defaults: SeedScores) -> SeedScores:
    """Return a configuration with its difference from the defaults."""
    if configuration.mean is None or defaults.mean is None:
        return configuration
    difference = configuration.mean - defaults.mean
    return replace(configuration, difference=difference, interval=welch_interval(configuration.scores, defaults.scores))


def welch_interval(scores: Sequence[float], others: Sequence[float]) -> Interval | None:
    """Return the 95 % interval of the difference of two means, scores minus others.

    The variances may differ (Welch 1947, with Satterthwaite's degrees of freedom). None for fewer than two on a side.
    """
    if min(len(scores), len(others)) < 2:
        return None
    difference = fmean(scores) - fmean(others)
    errors = [variance(side) / len(side) for side in (scores, others)]
    if not sum(errors):
        return difference, difference
    squares = [error**2 / (len(side) - 1) for error, side in zip(errors, (scores, others), strict=True)]
    width = t_quantile(sum(errors) ** 2 / sum(squares)) * sqrt(sum(errors))
    return difference - width, difference + width
