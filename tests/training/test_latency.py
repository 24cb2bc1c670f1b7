"""What a prediction takes; on a clock that a test sets, and for real without a look at how long."""

import time

import pytest
import torch
from PIL import Image
from torch import nn

from autodet.training.latency import PHOTOS, REPEATS, WARM_UPS, measure_latency

PHOTO = Image.new("RGB", (40, 20))
CPU = torch.device("cpu")


class Nothing(nn.Module):
    """A detector that finds nothing, and remembers what it was asked."""

    def __init__(self):
        super().__init__()
        self.asked = []

    def forward(self, squares):
        self.asked.append((tuple(squares.shape), torch.get_num_threads()))
        nothing = torch.zeros(0)
        return [{"boxes": nothing.reshape(0, 4), "labels": nothing.long(), "scores": nothing} for _ in squares]


def test_it_is_the_median_over_photos_of_the_fastest_prediction_in_two_digits(monkeypatch):
    takes = [0.9, 0.0123, 0.5, 0.7, 0.8, 0.6, 0.3, 0.0456, 0.4]  # three photos, three times each
    readings = iter([reading for seconds in takes for reading in (5.0, 5.0 + seconds)])
    monkeypatch.setattr(time, "thread_time", lambda: next(readings))
    assert measure_latency(Nothing(), [PHOTO] * 3, 64, CPU, lambda: None) == 46


def test_a_prediction_is_of_one_photo_on_one_core_which_is_given_back():
    network, pulses, before = Nothing(), [], torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert measure_latency(network, [PHOTO] * PHOTOS, 64, CPU, lambda: pulses.append(1)) > 0
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert set(network.asked) == {((1, 3, 64, 64), 1)}
    assert len(network.asked) == WARM_UPS + PHOTOS * REPEATS
    assert len(pulses) == PHOTOS


def test_threads_are_given_back_by_a_measurement_that_fails():
    def photos():
        yield PHOTO
        raise OSError("gone")

    before = torch.get_num_threads()
    with pytest.raises(OSError, match="gone"):
        measure_latency(Nothing(), photos(), 64, CPU, lambda: None)
    assert torch.get_num_threads() == before
