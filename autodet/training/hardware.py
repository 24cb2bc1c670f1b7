"""What there is to train on, told without importing torch."""

from dataclasses import dataclass

from autodet.settings import Settings
from autodet.text_format import counted
from autodet.training.device import computes_bfloat16, device_slots, number_slots, visible_gpu
from autodet.training.gpu import read_gpu


@dataclass(frozen=True)
class Measure:
    """How long trials took on some hardware, with some data set.

    Attributes:
        architecture: Their network.
        image_size: Their photo size in pixels.
        train_photos: Training photos of the data set.
        val_photos: Its validation photos.
        epoch_seconds: The mean of their epochs.
        startup_seconds: From a trial's start until its first epoch began; None where that is not known.
    """

    architecture: str
    image_size: int
    train_photos: int
    val_photos: int
    epoch_seconds: float
    startup_seconds: float | None = None


@dataclass(frozen=True)
class Hardware:
    """What the trials of a search are trained on.

    Attributes:
        slots: The devices, one entry for each trial that may run at a time.
        cores: CPU cores for each of them.
        gpu_memory_bytes: Memory of the smallest GPU; None where there is none, or nothing tells.
        bfloat16: Whether the CPU multiplies bfloat16 itself.
        measured: How long trials on the data set at hand took on it, the newest first; see
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
    def is_guess(self) -> bool:
        """Whether nothing is known of its speed: no GPU was at hand when the constants were measured."""
        return self.on_gpus and not self.measured

    @property
    def words(self) -> str:
        """``the CPU``, ``2 GPUs``, ``1 GPU and the CPU``."""
        gpus = len([slot for slot in self.slots if slot != "cpu"])
        cpus = len(self.slots) - gpus
        named = [counted(gpus, "GPU")] if gpus else []
        named += ["the CPU" if cpus == 1 else f"{cpus} slots of the CPU"] if cpus else []
        return " and ".join(named)


def find_hardware(settings: Settings, device: str | None = None) -> Hardware:
    """This machine's slots, or the one that a search is to use alone.

    Raises:
        SettingsError: ``AUTODET_DEVICES`` names something that is no device.
    """
    slots = number_slots(device_slots(settings))
    if device:
        (alone,) = number_slots([device])
        slots = tuple(slot for slot in slots if slot.device == alone.device)[:1] or (alone,)
    readings = [read_gpu(visible_gpu(slot.device)) for slot in slots if slot.device != "cpu"]
    memory = min((reading.memory_total_bytes for reading in readings if reading), default=None)
    return Hardware(tuple(slot.device for slot in slots), slots[0].threads, memory, computes_bfloat16())


def hardware_of_cluster(settings: Settings) -> Hardware:
    """What a Ray cluster gives to trials, as far as the settings say; it is a CPU where they name no GPUs."""
    device = "cuda:0" if settings.ray_gpus else "cpu"
    return Hardware((device,) * (settings.ray_trials or 1), settings.ray_cpus)
