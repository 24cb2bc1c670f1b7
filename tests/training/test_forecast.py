import pytest

from autodet.records import Hyperparameters
from autodet.training import forecast
from autodet.training.forecast import forecast_seconds

DEFAULTS = Hyperparameters()


@pytest.fixture(autouse=True)
def two_cores(monkeypatch):
    monkeypatch.setattr(forecast, "cpu_cores", lambda: 2)


def seconds(photos=200, val_photos=50, trials=3, epochs=20, slots=("cpu",), hyperparameters=DEFAULTS):
    return forecast_seconds(photos, val_photos, trials, epochs, hyperparameters, slots)


def test_more_work_takes_longer():
    assert seconds() < seconds(photos=400) < seconds(photos=400, trials=6)
    assert seconds(epochs=40) == pytest.approx(2 * seconds(), rel=0.05)
    assert seconds(trials=6) == pytest.approx(2 * seconds())


def test_a_second_slot_on_the_same_cores_gains_little_a_second_gpu_halves_the_time():
    assert seconds(trials=4) / 1.3 < seconds(trials=4, slots=("cpu", "cpu")) < seconds(trials=4)
    assert seconds(trials=4, slots=("cuda:0", "cuda:1")) == seconds(trials=4, slots=("cuda:0",)) / 2
    assert seconds(slots=("cuda:0",)) < seconds() / 3
