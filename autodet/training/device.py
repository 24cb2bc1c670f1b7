"""Available devices, detected without importing torch."""

import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autodet.errors import SettingsError
from autodet.settings import Settings

NVIDIA = Path("/proc/driver/nvidia/gpus")
CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")
CPU_FACTS = Path("/proc/cpuinfo")
BFLOAT16_FLAGS = frozenset({"avx512_bf16", "amx_bf16"})
DEVICE = re.compile(r"cpu|cuda(:\d+)?")


@dataclass(frozen=True)
class Slot:
    """Capacity for one trial on a device.

    Attributes:
        device: ``cpu``, ``cuda:0`` and so on.
        number: Slot number on this device, from 1.
        threads: Share of the machine's CPU cores.
    """

    device: str
    number: int = 1
    threads: int = 1

    @property
    def name(self) -> str:
        """Display name: ``cuda:0``, or ``cpu #2`` for further slots on a device."""
        return self.device if self.number == 1 else f"{self.device} #{self.number}"


def number_slots(devices: Sequence[str]) -> tuple[Slot, ...]:
    """Return the slots for a list of devices, which may contain duplicates; they share the cores equally."""
    slots_per_device: Counter[str] = Counter()
    threads = max(1, cpu_cores() // max(1, len(devices)))
    slots = []
    for device in devices:
        indexed = "cuda:0" if device == "cuda" else device
        slots_per_device[indexed] += 1
        slots.append(Slot(indexed, slots_per_device[indexed], threads))
    return tuple(slots)


def device_slots(settings: Settings) -> tuple[str, ...]:
    """Return the devices to train on, one entry per trial that may run in parallel.

    Returns:
        The devices in ``AUTODET_DEVICES``, else every GPU, else one ``cpu``.

    Raises:
        SettingsError: ``AUTODET_DEVICES`` contains an invalid device name.
    """
    if settings.devices:
        for device in settings.devices:
            if not DEVICE.fullmatch(device):
                raise SettingsError(f"AUTODET_DEVICES names {device!r}; give cpu, or cuda:0 and so on, with commas.")
        return settings.devices
    return tuple(f"cuda:{index}" for index in range(gpu_count())) or ("cpu",)


def cpu_cores() -> int:
    """Return the number of CPU cores available to this process; a container often has fewer than the machine."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = CPU_QUOTA.read_text().split()
        return max(1, min(cores, round(int(quota) / int(period))))
    except (OSError, ValueError):  # no container, or no CPU limit
        return cores


def computes_bfloat16() -> bool:
    """Return whether the CPU has bfloat16 instructions; other CPUs emulate it slowly."""
    try:
        lines = CPU_FACTS.read_text().splitlines()
    except OSError:  # not Linux
        return False
    return any(BFLOAT16_FLAGS & set(line.split()) for line in lines if line.startswith("flags"))


def visible_gpu(device: str) -> str:
    """Return a GPU as ``CUDA_VISIBLE_DEVICES`` names it; ``cuda:1`` is the second GPU visible to this process."""
    index = int(device.partition(":")[2] or 0)
    visible = [name.strip() for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]
    return visible[index] if index < len(visible) else str(index)


def gpu_count() -> int:
    """Return the number of NVIDIA GPUs available to this process."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return len([device for device in visible.split(",") if device.strip() not in ("", "-1")])
    if NVIDIA.is_dir():
        return len(list(NVIDIA.iterdir()))
    if not shutil.which("nvidia-smi"):
        return 0
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    return listed.stdout.count("GPU ") if listed.returncode == 0 else 0
