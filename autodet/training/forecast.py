"""How long a search will take, before it starts."""

from autodet.models.registry import find_architecture
from autodet.records import Hyperparameters
from autodet.training.device import cpu_cores

SECOND_CORE_GAIN = 0.8  # a core more does not halve the time
MOST_CORES = 8  # beyond these a small network gains nothing
GPU_SPEED_UP = 20.0  # against one core; a guess, since no GPU was at hand to measure
EVALUATION_SHARE = 0.25  # predicting a photo against learning from it
START_SECONDS = 6.0  # a trial's process, imports, weights
EPOCH_SECONDS = 1.0  # checkpoint and metric


def forecast_seconds(
    train_photos: int,
    val_photos: int,
    trials: int,
    epochs: int,
    hyperparameters: Hyperparameters,
    slots: tuple[str, ...],
) -> float:
    """Wall time of a whole search, if no trial is pruned.

    Args:
        train_photos: Photos to learn from.
        val_photos: Photos that every epoch is judged by.
        trials: How many trials.
        epochs: Epochs a trial.
        hyperparameters: What the trials are trained with.
        slots: The device slots that they share.

    Returns:
        Seconds; within about a factor of two on another machine than the one that was measured.
    """
    architecture = find_architecture(hyperparameters.architecture)
    area = (hyperparameters.image_size / architecture.image_size) ** 2
    seconds_per_photo = architecture.seconds_per_image_cpu * area / _speed(slots)
    epoch = (train_photos + EVALUATION_SHARE * val_photos) * seconds_per_photo + EPOCH_SECONDS
    rounds = -(-trials // len(slots))
    return rounds * (START_SECONDS + epochs * epoch)


def _speed(slots: tuple[str, ...]) -> float:
    if "cpu" not in slots:
        return GPU_SPEED_UP
    cores = max(1, min(MOST_CORES, cpu_cores() // slots.count("cpu")))
    return 1 + SECOND_CORE_GAIN * (cores - 1)
