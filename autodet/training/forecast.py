"""Forecast of a trial's duration before it starts."""

from dataclasses import replace

from autodet.models.registry import find_architecture
from autodet.records import Hyperparameters
from autodet.training.hardware import Hardware, Measure

SECOND_CORE_GAIN = 0.5  # per additional core; two cores measured 1.4 to 1.5 times as fast as one
BFLOAT16_SPEED_UP = 2.5  # relative to float32, on a CPU with bfloat16 instructions
MAX_CORES = 8  # a small network gains nothing from more
GPU_SPEED_UP = 20.0  # relative to one core; a guess, because no GPU was available to measure
EVALUATION_SHARE = 0.25  # cost of evaluating a photo relative to training on it
START_SECONDS = 6.0  # process start, imports, weights
EPOCH_SECONDS = 1.0  # checkpoint and metric


def trial_seconds(
    train_photos: int, val_photos: int, epochs: int, hyperparameters: Hyperparameters, hardware: Hardware
) -> float:
    """Return the duration of a trial from its start, if it is not pruned; see ``epoch_seconds``."""
    startups = (measured.startup_seconds for measured in hardware.measured)
    startup = next((seconds for seconds in startups if seconds is not None), START_SECONDS)
    return startup + epochs * epoch_seconds(train_photos, val_photos, hyperparameters, hardware)


def epoch_seconds(train_photos: int, val_photos: int, hyperparameters: Hyperparameters, hardware: Hardware) -> float:
    """Return the duration of an epoch; the work per photo grows with its area.

    Measured epochs on the hardware take precedence, scaled by the constants of this module: those of the same network
    and image size if there are any, else the newest.

    Args:
        train_photos: Number of training photos.
        val_photos: Number of validation photos, evaluated in every epoch.
        hyperparameters: Hyperparameters of the trial.
        hardware: Hardware of the trial.

    Returns:
        Seconds. Without measurements, within about a factor of two on CPUs other than the reference CPU, and a guess on
        a GPU.
    """
    seconds = _seconds_by_constants(train_photos, val_photos, hyperparameters, hardware)
    if (measure := _measure_of(hyperparameters, hardware)) is None:
        return seconds
    measured = replace(hyperparameters, architecture=measure.architecture, image_size=measure.image_size)
    expected = _seconds_by_constants(measure.train_photos, measure.val_photos, measured, hardware)
    return seconds * measure.epoch_seconds / expected


def _measure_of(hyperparameters: Hyperparameters, hardware: Hardware) -> Measure | None:
    """Return the measure closest to a trial."""
    kind = hyperparameters.architecture, hyperparameters.image_size
    same = (measured for measured in hardware.measured if (measured.architecture, measured.image_size) == kind)
    return next(same, next(iter(hardware.measured), None))


def _seconds_by_constants(
    train_photos: int, val_photos: int, hyperparameters: Hyperparameters, hardware: Hardware
) -> float:
    architecture = find_architecture(hyperparameters.architecture)
    area = (hyperparameters.image_size / architecture.image_size) ** 2
    seconds_per_photo = architecture.seconds_per_image_cpu * area / _speed(hardware)
    return (train_photos + EVALUATION_SHARE * val_photos) * seconds_per_photo + EPOCH_SECONDS


def _speed(hardware: Hardware) -> float:
    """Return the speed relative to one core in float32; with several devices, that of the slowest."""
    if hardware.on_gpus:
        return GPU_SPEED_UP
    core = BFLOAT16_SPEED_UP if hardware.bfloat16 else 1.0
    return core * (1 + SECOND_CORE_GAIN * (min(MAX_CORES, hardware.cores) - 1))
