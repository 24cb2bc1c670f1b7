"""GPU readings from NVIDIA's management library, if the optional package ``nvidia-ml-py`` is installed.

Without the package, a driver or a GPU there are no readings; that is not an error.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any


@dataclass(frozen=True)
class GpuReading:
    """State of a GPU at one moment, including the load of other processes.

    Attributes:
        name: Product name.
        utilisation: Share of the last second or so in which it was computing, 0 to 1; None if it is not reported.
        memory_bytes: Memory in use.
        memory_total_bytes: Total memory.
    """

    name: str
    utilisation: float | None
    memory_bytes: int
    memory_total_bytes: int


def read_gpu(visible: str) -> GpuReading | None:
    """Read the state of a GPU; takes about a millisecond after the first call.

    Args:
        visible: The GPU as ``CUDA_VISIBLE_DEVICES`` names it: a number in PCI bus order, or a UUID.

    Returns:
        The reading; None if the library, the driver or the GPU is not available.
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
    except nvml.NVMLError:  # MIG instances do not report it
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
