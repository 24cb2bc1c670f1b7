import subprocess
import sys
from pathlib import Path

import pytest

from autodet.errors import SettingsError
from autodet.settings import Settings
from autodet.training import device
from autodet.training.device import computes_bfloat16, cpu_cores, device_slots

HOME = Path("workspace")


@pytest.mark.parametrize("slots", [("cpu",), ("cpu", "cpu"), ("cuda:0", "cuda:3")])
def test_the_settings_decide(slots):
    assert device_slots(Settings(HOME, devices=slots)) == slots


def test_a_device_that_is_none_is_refused():
    with pytest.raises(SettingsError, match="tpu"):
        device_slots(Settings(HOME, devices=("cpu", "tpu")))


@pytest.mark.parametrize(
    ("visible", "slots"), [("2,5", ("cuda:0", "cuda:1")), ("", ("cpu",)), ("-1", ("cpu",)), ("0", ("cuda:0",))]
)
def test_only_gpus_that_may_be_used_are_counted(monkeypatch, visible, slots):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert device_slots(Settings(HOME)) == slots


def test_gpus_are_counted_as_the_driver_lists_them(monkeypatch, tmp_path):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    for name in ("0000:00:04.0", "0000:00:05.0"):
        (tmp_path / "gpus" / name).mkdir(parents=True)
    monkeypatch.setattr(device, "NVIDIA", tmp_path / "gpus")
    assert device_slots(Settings(HOME)) == ("cuda:0", "cuda:1")


@pytest.mark.parametrize(
    ("quota", "cores"), [("150000 100000", 2), ("20000 100000", 1), ("max 100000", 8), ("9900000 100000", 8)]
)
def test_a_containers_limit_counts(monkeypatch, tmp_path, quota, cores):
    monkeypatch.setattr(device.os, "sched_getaffinity", lambda _pid: set(range(8)), raising=False)
    monkeypatch.setattr(device, "CPU_QUOTA", tmp_path / "cpu.max")
    assert cpu_cores() == 8
    (tmp_path / "cpu.max").write_text(f"{quota}\n")
    assert cpu_cores() == cores


@pytest.mark.parametrize(
    ("facts", "native"),
    [
        ("flags\t\t: fpu avx512f avx512_bf16 sse", True),
        ("model name\t: One\nflags\t\t: fpu amx_bf16\n", True),
        ("flags\t\t: fpu avx2", False),
        ("model name\t: The avx512_bf16 of old", False),
        (None, False),
    ],
)
def test_a_cpu_that_multiplies_bfloat16_is_told_by_its_flags(monkeypatch, tmp_path, facts, native):
    monkeypatch.setattr(device, "CPU_FACTS", tmp_path / "cpuinfo")
    if facts:
        (tmp_path / "cpuinfo").write_text(facts)
    assert computes_bfloat16() == native


def test_looking_for_devices_and_forecasting_need_no_torch():
    code = "import sys, autodet.training.device, autodet.training.forecast; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
