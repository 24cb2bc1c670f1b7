import numpy as np
import pytest

from autodet.evaluation.learning_curve import fit_power_law
from autodet.messages.follow_ups import curve_sentence

PHOTOS = [25, 50, 100]


def scores_of(photos, at_100, exponent):
    return [1 - (1 - at_100) * (number / 100) ** -exponent for number in photos]


def test_a_power_law_is_found_and_extrapolated():
    law = fit_power_law(PHOTOS, scores_of(PHOTOS, 0.8, 0.5), [1, 1, 1], 100)
    assert [law.score(number) for number in (25, 100, 400)] == pytest.approx(scores_of((25, 100, 400), 0.8, 0.5))
    assert law.gain == pytest.approx(0.2 * (1 - 2**-0.5))
    assert law.gain_interval == pytest.approx((law.gain, law.gain), abs=1e-6)
    assert curve_sentence(law) == (
        "With 200 training photos instead of 100, mAP@0.5 would rise by about 5.9 points (5.9 to 5.9)."
    )


@pytest.mark.parametrize(("seeds", "luck"), [(1, 0.0), (2, 0.0), (2, 0.1), (5, 0.1)])
def test_the_interval_holds_the_true_gain_in_about_95_of_100_cases(seeds, luck):
    """Also if the luck of a seed moves its whole curve."""
    random, hits = np.random.default_rng(0), 0
    numbers, names = np.array(PHOTOS * seeds), np.repeat(np.arange(seeds), 3)
    for _ in range(300):
        noise = random.normal(0, 0.05, len(numbers)) + random.normal(0, luck, seeds)[names]
        errors = 0.3 * (numbers / 100) ** -0.4 * np.exp(noise)
        low, high = fit_power_law(numbers, (1 - errors).tolist(), names.tolist(), 100).gain_interval
        hits += low <= 0.3 * (1 - 2**-0.4) <= high
    assert 0.9 <= hits / 300 <= 0.99


def test_the_luck_of_seeds_does_not_hide_a_slope():
    scores = [*scores_of(PHOTOS, 0.8, 0.5), *scores_of(PHOTOS, 0.7, 0.49)]
    low, high = fit_power_law(PHOTOS * 2, scores, [1, 1, 1, 2, 2, 2], 100).gain_interval
    assert 0.03 < low < high < 0.12


def test_scatter_makes_the_interval_wide_and_words_say_so():
    law = fit_power_law(PHOTOS * 2, [0.5, 0.6, 0.55, 0.6, 0.5, 0.62], [1, 1, 1, 2, 2, 2], 100)
    low, high = law.gain_interval
    assert low < 0 < law.gain < high
    assert "would change by about +" in curve_sentence(law) and "not clear" in curve_sentence(law)
    falling = fit_power_law(PHOTOS, scores_of(PHOTOS, 0.5, -0.2), [1, 1, 1], 100)
    assert falling.gain < 0 and "would fall by about 7.4 points (7.4 to 7.4)" in curve_sentence(falling)


def test_scores_stay_between_0_and_1():
    law = fit_power_law(PHOTOS, [0.2, 1.0, 0.9], [1, 1, 1], 100)
    for photos in (25, 100, 200):
        low, high = law.interval(photos)
        assert 0 <= low <= high <= 1
    low, high = law.gain_interval
    assert -1 <= low <= high <= 1
    assert fit_power_law(PHOTOS, [1.0, 1.0, 1.0], [1, 1, 1], 100).gain == pytest.approx(0)


def test_too_few_points_are_no_curve():
    assert fit_power_law([], [], [], 100) is None
    assert fit_power_law([10, 20], [0.5, 0.6], [1, 1], 20) is None
    assert fit_power_law([10, 10, 10], [0.5, 0.6, 0.5], [1, 1, 1], 10) is None
    assert fit_power_law(PHOTOS, [0.5, 0.6, 0.7], [1, 2, 3], 100) is None
    assert fit_power_law([*PHOTOS, 25], [0.5, 0.6, 0.7, 0.4], [1, 1, 1, 2], 100) is not None
