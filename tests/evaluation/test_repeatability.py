import numpy as np
import pytest
from scipy import stats

from autodet.evaluation.repeatability import compared, seed_scores, welch_interval
from autodet.evaluation.student_t import t_quantile
from autodet.messages.follow_ups import repeatability_sentences, searched_sentence
from autodet.records import Repeatability


@pytest.mark.parametrize("freedom", [1, 1.7, 2, 4, 9.3, 50, 1000])
def test_quantiles_are_those_of_scipy(freedom):
    assert t_quantile(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=1e-6)


@pytest.mark.parametrize("sizes", [(2, 2), (3, 3), (3, 5), (10, 4)])
def test_the_interval_is_that_of_welchs_test(sizes):
    random = np.random.default_rng(sum(sizes))
    scores, others = random.normal(0.6, 0.01, sizes[0]), random.normal(0.58, 0.03, sizes[1])
    expected = stats.ttest_ind(scores, others, equal_var=False).confidence_interval(0.95)
    assert welch_interval(scores.tolist(), others.tolist()) == pytest.approx(tuple(expected), rel=1e-5)


def test_equal_scores_have_an_interval_without_width_and_one_seed_has_none():
    assert welch_interval([0.5, 0.5], [0.5, 0.5]) == (0, 0)
    assert welch_interval([0.5], [0.5, 0.6]) is None


def result(defaults, scores, seeds=3, searched=0.66):
    base = seed_scores(0, 0.6, defaults, seeds)
    other = compared(seed_scores(4, searched, scores, seeds), base)
    return Repeatability("fruit", "fruit-repeated", "map50", (base, other))


def test_words_tell_a_gain_from_noise():
    real, noise = result([0.600, 0.602, 0.598], [0.640, 0.641, 0.639]), result([0.59, 0.63, 0.6], [0.60, 0.64, 0.62])
    worse, few = result([0.600, 0.602, 0.598], [0.5, 0.501, 0.499]), result([0.6, 0.61], [0.63])
    assert [one.configurations[1].significant for one in (real, noise, worse, few)] == [True, False, True, None]
    (sentence,) = repeatability_sentences(real)
    assert sentence.startswith("The gain of trial 4 is real. With 3 other seeds, trial 4 reaches 0.640 on average, the")
    assert "4.0 points" in sentence
    assert "within noise" in repeatability_sentences(noise)[0]
    assert "really worse" in repeatability_sentences(worse)[0]
    assert "With 1 of 3 other seeds so far" in repeatability_sentences(few)[0]
    assert "cannot be compared yet" in repeatability_sentences(result([], []))[0]
    assert "0.660, 2.0 points above" in searched_sentence(real)
    assert searched_sentence(result([0.6], [0.7])) == ""


def test_a_result_becomes_json():
    document = result([0.600, 0.602], [0.640, 0.641]).to_json()
    assert document["configurations"][1]["significant"] is True
    assert document["configurations"][0]["difference"] is None
