"""Training hardware, detected without importing torch."""

from dataclasses import dataclass

from autodet.settings import Settings
from autodet.training.device import computes_bfloat16, device_slots, number_slots, visible_gpu
from autodet.training.gpu import read_gpu

UNKNOWN_GPU_BYTES = 8_000_000_000  # a guess is safe: gradient accumulation handles batches that do not fit


@dataclass(frozen=True)
class Measure:
    """Measured durations of trials on some hardware with some data set.

    Attributes:
        architecture: Network architecture.
        image_size: Image size in pixels.
        train_photos: Number of training photos.
        val_photos: Number of validation photos.
        epoch_seconds: Mean epoch time.
        startup_seconds: From the start of a trial to its first epoch; None if unknown.
    """

    architecture: str
    image_size: int
    train_photos: int
    val_photos: int
    epoch_seconds: float
    startup_seconds: float | None = None


@dataclass(frozen=True)
class Hardware:
    """Training hardware of a search.

    Attributes:
        slots: Devices, one entry per trial that may run in parallel.
        cores: CPU cores per slot.
        gpu_memory_bytes: Memory of the smallest GPU; None without a GPU or a reading.
        bfloat16: Whether the CPU has bfloat16 instructions.
        measured: Measured durations of trials with the current data set, newest first; see
            ``autodet.search.planning.epoch_times``.
    """

    slots: tuple[str, ...] = ("cpu",)
    cores: int = 1
    gpu_memory_bytes: int | None = None
    bfloat16: bool = False
    measured: tuple[Measure, ...] = ()

    @property
    def on_gpus(self) -> bool:
        """Whether every trial has a GPU."""
        return "cpu" not in self.slots

    @property
    def likely_gpu_bytes(self) -> int:
        """Memory of the smallest GPU, or a safe guess."""
        return self.gpu_memory_bytes or UNKNOWN_GPU_BYTES

    @property
    def is_guess(self) -> bool:
        """Whether the speed is a guess: the constants for GPUs were not measured."""
        return self.on_gpus and not self.measured


def find_hardware(settings: Settings, device: str | None = None) -> Hardware:
    """Detect this machine's slots, or the one slot of a requested device.

    Raises:
        SettingsError: ``AUTODET_DEVICES`` contains an invalid device name.
    """
    slots = number_slots(device_slots(settings))
    if device:
        (alone,) = number_slots([device])
        slots = tuple(slot for slot in slots if slot.device == alone.device)[:1] or (alone,)
    readings = [read_gpu(visible_gpu(slot.device)) for slot in slots if slot.device != "cpu"]
    memory = min((reading.memory_total_bytes for reading in readings if reading), default=None)
    return Hardware(tuple(slot.device for slot in slots), slots[0].threads, memory, computes_bfloat16())


def hardware_of_cluster(settings: Settings) -> Hardware:
    """Return the hardware of a Ray cluster according to the settings; a CPU if they name no GPUs."""
    device = "cuda:0" if settings.ray_gpus else "cpu"
    return Hardware((device,) * (settings.ray_trials or 1), settings.ray_cpus)
