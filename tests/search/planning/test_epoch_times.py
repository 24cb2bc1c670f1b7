"""Forecasts that know how long epochs took before."""

from dataclasses import replace
from datetime import datetime

import pytest

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.versions.derive import Changes, plan_version, store_version
from autodet.messages.plans import plan_text
from autodet.records import Hyperparameters
from autodet.search.order.space import make_space
from autodet.search.order.spec import SPEC
from autodet.search.planning.epoch_times import measured_hardware
from autodet.search.planning.forecast import forecast_search
from autodet.search.status.status_file import STATUS
from autodet.settings import load_settings
from autodet.training.forecast import START_SECONDS, epoch_seconds, trial_seconds
from autodet.training.hardware import Hardware, Measure, find_hardware
from tests.helpers import write_voc

CPU = Hardware(("cpu",), cores=2)


def here(data, device="cpu"):
    return measured_hardware(find_hardware(load_settings(), device), data)


@pytest.fixture
def measured(start, data):
    """A search whose epochs took half a second."""
    start({"seconds": 0.5}, trials=2, epochs=3).wait()
    return data


def test_the_same_data_set_takes_as_long_as_it_took(measured):
    (measure,) = here(measured).measured
    assert measure.epoch_seconds == pytest.approx(0.5, abs=0.05)
    assert measure.startup_seconds > 0
    photos = len(measured.split("train")), len(measured.split("val"))
    space = make_space({"image_size": measure.image_size})
    expected = forecast_search(photos, 4, 10, space, here(measured))
    assert expected.most_seconds == pytest.approx(4 * (measure.startup_seconds + 10 * measure.epoch_seconds))
    assert expected.most_seconds != forecast_search(photos, 4, 10, space, CPU).most_seconds


def test_a_preset_says_that_it_knows(measured, order):
    assert "(as in an earlier search)" in plan_text(order(measured, preset="quick").spec().why)


def test_other_data_other_hardware_and_damaged_searches_tell_nothing(measured, home, tmp_path, start, monkeypatch):
    other = import_dataset(write_voc(tmp_path / "other", photos=8), "other", workspace=home)
    assert here(other).measured == ()
    version = store_version(plan_version(measured, Changes(drop=("banana",))), "version")
    assert here(version).measured == ()
    hardware = find_hardware(load_settings(), "cpu")
    assert measured_hardware(replace(hardware, cores=hardware.cores + 1), measured).measured == ()
    assert measured_hardware(replace(hardware, slots=("cuda:0",)), measured).measured == ()
    (home.searches / "fruit" / STATUS).write_text("{")
    assert here(measured).measured == ()
    (home.searches / "fruit" / SPEC).write_text("{")
    assert here(measured).measured == ()


def test_the_newest_search_counts_and_one_that_has_no_epoch_does_not(measured, start, monkeypatch):
    class Later(datetime):
        @classmethod
        def now(cls, timezone):
            return super().now(timezone).replace(year=2099)

    monkeypatch.setattr("autodet.search.start.datetime", Later)
    start({"fail": {"0": 1}}, trials=1, epochs=1).wait(best_so_far=True)
    assert here(measured).measured[0].epoch_seconds == pytest.approx(0.5, abs=0.05)
    start({"seconds": 0.1}, trials=1, epochs=3).wait()
    assert here(measured).measured[0].epoch_seconds == pytest.approx(0.1, abs=0.05)


def test_other_networks_and_sizes_are_scaled_by_what_the_constants_say():
    defaults = Hyperparameters()
    measure = Measure(defaults.architecture, 320, 200, 50, epoch_seconds=100.0, startup_seconds=9.0)
    known = replace(CPU, measured=(measure,))
    assert epoch_seconds(200, 50, defaults, known) == pytest.approx(100)
    assert trial_seconds(200, 50, 3, defaults, known) == pytest.approx(309)
    for other in (replace(defaults, image_size=640), replace(defaults, architecture="ssdlite320_mobilenet_v3_large")):
        ratio = epoch_seconds(200, 50, other, CPU) / epoch_seconds(200, 50, defaults, CPU)
        assert epoch_seconds(200, 50, other, known) == pytest.approx(100 * ratio)
    exact = replace(measure, image_size=640, epoch_seconds=300.0)
    both = replace(CPU, measured=(measure, exact))
    assert epoch_seconds(200, 50, replace(defaults, image_size=640), both) == pytest.approx(300)
    unknown = replace(CPU, measured=(replace(measure, startup_seconds=None),))
    assert trial_seconds(200, 50, 1, defaults, unknown) == pytest.approx(100 + START_SECONDS)


def test_a_gpu_that_was_measured_is_no_guess():
    gpu = Hardware(("cuda:0",), 8)
    measure = Measure(Hyperparameters().architecture, 320, 200, 50, epoch_seconds=2.0)
    known = replace(gpu, measured=(measure,))
    assert (gpu.is_guess, known.is_guess, CPU.is_guess) == (True, False, False)
    whole = forecast_search((200, 50), 3, 20, make_space(), known)
    assert whole.least_seconds == whole.most_seconds
