"""What NVIDIA's management library tells of a GPU, where the optional package ``nvidia-ml-py`` is installed.

Without the package, a driver or a GPU there is nothing to tell, and that is no error.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any


@dataclass(frozen=True)
class GpuReading:
    """A GPU at one moment; what other processes do there is part of it.

    Attributes:
        name: What its maker calls it.
        utilisation: Share of the last second or so in which it computed, 0 to 1; None where it does not tell.
        memory_bytes: Memory in use.
        memory_total_bytes: Memory that it has.
    """

    name: str
    utilisation: float | None
    memory_bytes: int
    memory_total_bytes: int


def read_gpu(visible: str) -> GpuReading | None:
    """Look at a GPU; takes about a millisecond after the first time.

    Args:
        visible: The GPU as ``CUDA_VISIBLE_DEVICES`` names it, by number in the order of the bus, or by UUID.
    """
    nvml = _management_library()
    if nvml is None:
        return None
    try:
        by_number = visible.isdigit()
        find = nvml.nvmlDeviceGetHandleByIndex if by_number else nvml.nvmlDeviceGetHandleByUUID
        handle = find(int(visible) if by_number else visible)
        name, memory = nvml.nvmlDeviceGetName(handle), nvml.nvmlDeviceGetMemoryInfo(handle)
        name = name.decode(errors="replace") if isinstance(name, bytes) else name
        return GpuReading(name, _utilisation(nvml, handle), int(memory.used), int(memory.total))
    except nvml.NVMLError:
        return None


def _utilisation(nvml: Any, handle: Any) -> float | None:
    try:
        return float(nvml.nvmlDeviceGetUtilizationRates(handle).gpu) / 100
    except nvml.NVMLError:  # a part of a GPU does not tell
        return None


@cache
def _management_library() -> Any:
    try:
        import pynvml
    except ImportError:
        return None
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return None
    return pynvml
