"""How long a search will take, before it starts."""

import pytest

from autodet.messages.plans import forecast_text
from autodet.search.order.space import make_space
from autodet.search.planning.forecast import forecast_search
from autodet.training.hardware import Hardware

CPU = Hardware(("cpu",), cores=2)
USUAL = make_space()


def forecast(trials=3, epochs=20, space=USUAL, hardware=CPU, photos=(200, 50), **options):
    return forecast_search(photos, trials, epochs, space, hardware, **options)


def test_without_anything_costly_in_the_space_there_is_one_figure():
    whole = forecast()
    assert whole.least_seconds == whole.most_seconds
    assert forecast_text(whole.least_seconds, whole.most_seconds).startswith("about ")
    assert forecast(trials=6).most_seconds == pytest.approx(2 * whole.most_seconds)


def test_other_sizes_of_photos_and_numbers_of_epochs_count():
    usual = forecast().most_seconds
    assert forecast(space=make_space({"image_size": 832})).least_seconds > 3.5 * usual
    assert forecast(space=make_space({"epochs": 40})).least_seconds == pytest.approx(2 * usual, rel=0.05)


def test_what_is_tuned_is_a_range_from_the_first_trial_s_defaults():
    one = forecast(trials=1).most_seconds
    tuned = forecast(space=make_space({"image_size": [416, 832]}))
    assert tuned.least_seconds == pytest.approx(3 * one)
    assert 8 * one < tuned.most_seconds < 9 * one  # one small, two of four times the area
    assert tuned.most_seconds > 2 * tuned.least_seconds
    assert forecast(space=make_space({"epochs": (5, 20)})).least_seconds < 2 * one
    assert forecast(trials=1, space=make_space({"image_size": [416, 832]})).most_seconds == one


def test_a_refit_learns_from_the_validation_photos_too():
    one, three = forecast(trials=1).most_seconds, forecast().most_seconds
    assert three + one < forecast(refit=True).most_seconds < three + 1.3 * one


def test_trials_run_side_by_side():
    one, two = (forecast(trials=4, hardware=Hardware(slots)) for slots in (("cuda:0",), ("cuda:0", "cuda:1")))
    assert two.most_seconds == pytest.approx(one.most_seconds / 2)
    three = forecast(trials=3, hardware=Hardware(("cuda:0", "cuda:1")))
    assert three.most_seconds == pytest.approx(two.most_seconds)
    assert one.most_seconds == pytest.approx(4 * one.least_seconds)  # a guess


def test_a_forecast_in_words():
    assert forecast_text(1700, 1700) == "about 28 min"
    assert forecast_text(600, 1800) == "10 min to 30 min"
