import pytest

from autodet.messages.plans import hardware_text
from autodet.settings import load_settings
from autodet.training import hardware
from autodet.training.gpu import GpuReading
from autodet.training.hardware import Hardware, find_hardware, hardware_of_cluster


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch):
    monkeypatch.setattr("autodet.training.device.cpu_cores", lambda: 8)
    monkeypatch.setattr(hardware, "computes_bfloat16", lambda: False)


def found(monkeypatch, devices, device=None):
    monkeypatch.setenv("AUTODET_DEVICES", devices)
    return find_hardware(load_settings(), device)


def test_slots_share_the_cores_and_the_smallest_gpu_counts(monkeypatch):
    memory = {"0": 24_000_000_000, "1": 8_000_000_000}
    monkeypatch.setattr(hardware, "read_gpu", lambda visible: GpuReading("One", None, 0, memory[visible]))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert found(monkeypatch, "cpu,cpu") == Hardware(("cpu", "cpu"), 4)
    assert found(monkeypatch, "cuda:0,cuda:1") == Hardware(("cuda:0", "cuda:1"), 4, 8_000_000_000)
    assert found(monkeypatch, "cuda:0,cuda:1", "cuda:0") == Hardware(("cuda:0",), 4, 24_000_000_000)


def test_a_gpu_that_tells_nothing_has_no_memory_that_is_known(monkeypatch):
    monkeypatch.setattr(hardware, "read_gpu", lambda _visible: None)
    assert found(monkeypatch, "cuda:0") == Hardware(("cuda:0",), 8)


def test_one_device_alone_has_its_own_cores(monkeypatch):
    assert found(monkeypatch, "cpu,cpu", "cpu") == Hardware(("cpu",), 4)
    assert found(monkeypatch, "cuda:0,cuda:1", "cpu") == Hardware(("cpu",), 8)


def test_a_cluster_is_what_the_settings_say(monkeypatch):
    assert hardware_of_cluster(load_settings()) == Hardware(("cpu",), 1)
    monkeypatch.setenv("AUTODET_RAY_GPUS", "1")
    monkeypatch.setenv("AUTODET_RAY_CPUS", "4")
    monkeypatch.setenv("AUTODET_RAY_TRIALS", "2")
    assert hardware_of_cluster(load_settings()) == Hardware(("cuda:0", "cuda:0"), 4)


@pytest.mark.parametrize(
    ("slots", "words"),
    [
        (("cpu",), "the CPU"),
        (("cpu", "cpu"), "2 slots of the CPU"),
        (("cuda:0",), "1 GPU"),
        (("cuda:0", "cuda:1", "cpu"), "2 GPUs and the CPU"),
    ],
)
def test_hardware_in_words(slots, words):
    assert hardware_text(slots) == words
