import subprocess
import sys
from types import SimpleNamespace

import pytest

from autodet.training import gpu
from autodet.training.gpu import GpuReading, read_gpu


class NVMLError(Exception):
    pass


class FakeNvml(SimpleNamespace):
    """The part of pynvml that is used, with two GPUs, of which the second is part of another."""

    NVMLError = NVMLError

    def nvmlInit(self):
        pass

    def nvmlDeviceGetHandleByIndex(self, index):
        if index > 1:
            raise NVMLError("not found")
        return index

    def nvmlDeviceGetHandleByUUID(self, uuid):
        return ["GPU-a", "MIG-b"].index(uuid)

    def nvmlDeviceGetName(self, handle):
        return b"Old" if handle else "New"

    def nvmlDeviceGetMemoryInfo(self, handle):
        return SimpleNamespace(used=3_000_000_000, total=16_000_000_000)

    def nvmlDeviceGetUtilizationRates(self, handle):
        if handle == 1:
            raise NVMLError("not supported")
        return SimpleNamespace(gpu=83)


@pytest.fixture(autouse=True)
def forget():
    gpu._management_library.cache_clear()
    yield
    gpu._management_library.cache_clear()


@pytest.fixture
def nvml(monkeypatch):
    fake = FakeNvml()
    monkeypatch.setitem(sys.modules, "pynvml", fake)
    return fake


@pytest.mark.parametrize("visible", ["0", "GPU-a"])
def test_a_gpu_is_read_by_number_or_uuid(nvml, visible):
    assert read_gpu(visible) == GpuReading("New", 0.83, 3_000_000_000, 16_000_000_000)


def test_a_part_of_a_gpu_does_not_tell_how_busy_it_is(nvml):
    assert read_gpu("MIG-b") == GpuReading("Old", None, 3_000_000_000, 16_000_000_000)


def test_what_cannot_be_read_is_no_error(nvml, monkeypatch):
    assert read_gpu("7") is None

    def fails():
        raise NVMLError("no driver")

    gpu._management_library.cache_clear()
    monkeypatch.setattr(nvml, "nvmlInit", fails, raising=False)
    assert read_gpu("0") is None
    gpu._management_library.cache_clear()
    monkeypatch.setitem(sys.modules, "pynvml", None)  # not installed
    assert read_gpu("0") is None


def test_the_real_package_has_what_is_used_and_says_nothing_where_there_is_no_driver():
    pynvml = pytest.importorskip("pynvml")
    for name in ("nvmlInit", "NVMLError", *(name for name in vars(FakeNvml) if name.startswith("nvmlDevice"))):
        assert hasattr(pynvml, name)
    code = "from autodet.training.gpu import read_gpu; read_gpu('0')"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stderr == ""
