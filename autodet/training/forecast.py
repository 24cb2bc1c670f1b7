"""How long a trial will take, before it starts."""

from dataclasses import replace

from autodet.models.registry import find_architecture
from autodet.records import Hyperparameters
from autodet.training.hardware import Hardware, Measure

SECOND_CORE_GAIN = 0.5  # a core more makes training 1.4 to 1.5 times as fast, as measured with two
BFLOAT16_SPEED_UP = 2.5  # against float32, on a CPU that multiplies bfloat16 itself
MAX_CORES = 8  # beyond these a small network gains nothing
GPU_SPEED_UP = 20.0  # against one core; a guess, since no GPU was at hand to measure
EVALUATION_SHARE = 0.25  # predicting a photo against learning from it
START_SECONDS = 6.0  # a trial's process, imports, weights
EPOCH_SECONDS = 1.0  # checkpoint and metric


def trial_seconds(
    train_photos: int, val_photos: int, epochs: int, hyperparameters: Hyperparameters, hardware: Hardware
) -> float:
    """How long a trial takes from its start, if it is not pruned; see ``epoch_seconds``."""
    startup = next((one.startup_seconds for one in hardware.measured if one.startup_seconds is not None), START_SECONDS)
    return startup + epochs * epoch_seconds(train_photos, val_photos, hyperparameters, hardware)


def epoch_seconds(train_photos: int, val_photos: int, hyperparameters: Hyperparameters, hardware: Hardware) -> float:
    """How long an epoch takes; the work for a photo grows with its area.

    If the hardware has measured epochs, those of the same network and photo size count, else the newest ones, scaled by
    the constants of this module.

    Args:
        train_photos: Photos to learn from.
        val_photos: Photos that every epoch is judged by.
        hyperparameters: What the trial is trained with.
        hardware: What it runs on.

    Returns:
        Seconds. By constants alone, within about a factor of two on another CPU than the one that was measured, and a
        guess on a GPU.
    """
    seconds = _seconds_by_constants(train_photos, val_photos, hyperparameters, hardware)
    if (measure := _measure_of(hyperparameters, hardware)) is None:
        return seconds
    measured = replace(hyperparameters, architecture=measure.architecture, image_size=measure.image_size)
    expected = _seconds_by_constants(measure.train_photos, measure.val_photos, measured, hardware)
    return seconds * measure.epoch_seconds / expected


def _measure_of(hyperparameters: Hyperparameters, hardware: Hardware) -> Measure | None:
    """The measure that is closest to a trial."""
    kind = hyperparameters.architecture, hyperparameters.image_size
    same = (one for one in hardware.measured if (one.architecture, one.image_size) == kind)
    return next(same, next(iter(hardware.measured), None))


def _seconds_by_constants(
    train_photos: int, val_photos: int, hyperparameters: Hyperparameters, hardware: Hardware
) -> float:
    architecture = find_architecture(hyperparameters.architecture)
    area = (hyperparameters.image_size / architecture.image_size) ** 2
    seconds_per_photo = architecture.seconds_per_image_cpu * area / _speed(hardware)
    return (train_photos + EVALUATION_SHARE * val_photos) * seconds_per_photo + EPOCH_SECONDS


def _speed(hardware: Hardware) -> float:
    """Against one core in float32; the slowest device of several counts."""
    if hardware.on_gpus:
        return GPU_SPEED_UP
    core = BFLOAT16_SPEED_UP if hardware.bfloat16 else 1.0
    return core * (1 + SECOND_CORE_GAIN * (min(MAX_CORES, hardware.cores) - 1))
