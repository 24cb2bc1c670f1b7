"""What trials needed of their machine, as the search's status tells it."""

import pytest

FAKE = """
from types import SimpleNamespace
class NVMLError(Exception): pass
def nvmlInit(): pass
def nvmlDeviceGetHandleByIndex(index): return index
def nvmlDeviceGetName(handle): return "Fake"
def nvmlDeviceGetMemoryInfo(handle): return SimpleNamespace(used=1000 + handle, total=2000)
def nvmlDeviceGetUtilizationRates(handle): return SimpleNamespace(gpu=40)
"""


def test_a_trial_on_a_gpu_tells_what_its_gpu_told(start, monkeypatch, tmp_path):
    (tmp_path / "fake").mkdir()
    (tmp_path / "fake" / "pynvml.py").write_text(FAKE)
    monkeypatch.syspath_prepend(tmp_path / "fake")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "fake"))
    monkeypatch.setenv("AUTODET_DEVICES", "cuda:1")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    (trial,) = start({"seconds": 0.5}, trials=1, epochs=1).wait().trials
    (attempt,) = trial.attempts
    assert attempt.device == "cuda:1"
    assert attempt.started < attempt.ended
    assert (attempt.gpu_memory_bytes, attempt.gpu_utilisation) == (1005, pytest.approx(0.4))
    assert attempt.memory_bytes > 10_000_000


def test_attempts_survive_a_lost_worker_and_the_status_that_is_read_again(start):
    search = start({"killed": {"0": 2}}, trials=1, epochs=3)
    (trial,) = search.wait().trials
    assert [attempt.device for attempt in trial.attempts] == ["cpu"] * 3
    assert all(attempt.ended for attempt in trial.attempts)
    assert trial.attempts[0].memory_bytes > 10_000_000
    assert trial.attempts[0].gpu_memory_bytes is trial.attempts[0].gpu_utilisation is None
