from dataclasses import replace

import pytest

from autodet.records import Hyperparameters
from autodet.training.forecast import epoch_seconds, trial_seconds
from autodet.training.hardware import Hardware

DEFAULTS = Hyperparameters()
TWO_CORES = Hardware(("cpu",), cores=2)


def seconds(photos=200, val_photos=50, epochs=20, hyperparameters=DEFAULTS, hardware=TWO_CORES):
    return trial_seconds(photos, val_photos, epochs, hyperparameters, hardware)


def test_more_work_takes_longer():
    assert seconds() < seconds(photos=400) < seconds(photos=400, val_photos=200)
    assert seconds(epochs=40) == pytest.approx(2 * seconds(), rel=0.05)


def test_the_work_for_a_photo_grows_with_its_area():
    small, large = (epoch_seconds(1000, 0, replace(DEFAULTS, image_size=size), TWO_CORES) for size in (320, 640))
    assert large == pytest.approx(4 * small, rel=0.02)


def test_a_second_core_helps_and_a_gpu_helps_more():
    one = seconds(hardware=Hardware(("cpu",), cores=1))
    assert one / 2 < seconds() < one / 1.2
    assert seconds(hardware=Hardware(("cuda:0",))) < seconds() / 3
    assert seconds(hardware=Hardware(("cuda:0", "cpu"), cores=2)) == seconds()


def test_a_cpu_that_multiplies_bfloat16_takes_less_time():
    assert seconds(hardware=replace(TWO_CORES, bfloat16=True)) < seconds() / 1.5
