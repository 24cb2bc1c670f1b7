"""Validation of a network: its predictions on the validation photos, and its bundle with the figures from them."""

from collections.abc import Callable
from dataclasses import replace

import safetensors.torch
import torch
from torch import nn

from autodet.datasets.manifest import Dataset
from autodet.evaluation.coco_metrics import EpochMetrics
from autodet.evaluation.matches import match_detections
from autodet.evaluation.prediction_file import write_predictions
from autodet.evaluation.thresholds import fit_scores
from autodet.models.bundle import write_bundle
from autodet.models.detection import detect
from autodet.models.model_card import SCORE, ModelCard
from autodet.records import Prediction
from autodet.records.calibration import calibrate
from autodet.training.cpu_data_parallel import Replicas
from autodet.training.device_profile import DeviceTraits
from autodet.training.letterbox_dataset import Squares
from autodet.training.train_job import BEST_BUNDLE, VAL_PREDICTIONS, TrainJob

PHOTOS_AT_A_TIME = 8


def replicas_of(network: nn.Module, most: int, traits: DeviceTraits, accumulation: int) -> Replicas | None:
    """Create replicas that each take a part of every batch; None if it is taken whole or in sequential parts.

    Args:
        network: The network.
        most: Maximum number of replicas.
        traits: Training settings of the device.
        accumulation: Number of sequential parts of a batch.
    """
    count = min(traits.cores, most)
    return None if count < 2 or accumulation > 1 else Replicas(network, count, traits.cores)


class Validator:
    """Predicts on validation photos with a network, in float32 as at inference.

    Args:
        network: The network, in evaluation mode on the device; its weights may change between two calls.
        traits: Training settings of the device.
        accumulation: Number of sequential parts of a batch.
    """

    def __init__(self, network: nn.Module, traits: DeviceTraits, accumulation: int) -> None:
        self._network, self._traits = network, traits
        # At least two photos per replica, because Python's overhead is the same for one.
        self._replicas = replicas_of(network, PHOTOS_AT_A_TIME // 2, traits, accumulation)
        self._size = max(1, PHOTOS_AT_A_TIME // (len(self._replicas) if self._replicas else accumulation))

    def predict(self, squares: Squares, beat: Callable[[int], None]) -> list[Prediction]:
        """Return the predictions on all photos.

        Args:
            squares: The photos.
            beat: Called after each batch with the number of photos done.
        """

        def predicted(network: nn.Module, photos: range) -> list[Prediction]:
            batch = self._traits.move(torch.stack([squares.square(index) for index in photos]))
            return detect(network, batch, [squares.letterboxes[index] for index in photos])

        photos = range(len(squares))
        batches = [photos[at : at + self._size] for at in range(0, len(photos), self._size)]
        parts = (
            self._replicas.each(predicted, batches)
            if self._replicas
            else (predicted(self._network, batch) for batch in batches)
        )
        predictions: list[Prediction] = []
        for part in parts:
            predictions += part
            beat(len(predictions))
        return predictions


def write_validated(
    job: TrainJob,
    dataset: Dataset,
    network: nn.Module,
    card: ModelCard,
    predictions: list[Prediction],
    metrics: EpochMetrics,
) -> None:
    """Write the bundle of a network and its validation predictions into the job's folder.

    A refit was trained on the validation photos, so it gets no calibration, no thresholds and no predictions.

    Args:
        job: The training job.
        dataset: Its data set.
        network: The network, with the weights to write.
        card: Description of the model; its metrics, calibration and thresholds are set here.
        predictions: Its predictions on the validation photos.
        metrics: Their metrics.
    """
    classes, records = dataset.classes, dataset.split("val")
    card = replace(
        card,
        metrics={"map50": metrics.map50, "map50_95": metrics.map50_95, SCORE: metrics.score},
        measured_photos=len(records),
        class_ap50={classes[class_id]: ap50 for class_id, ap50 in metrics.class_ap50.items()},
    )
    if not job.refit:
        matches = match_detections(records, predictions, len(classes))
        calibration, thresholds = fit_scores(matches, classes, job.objective.min_precision)
        card = replace(card, calibration=calibration, thresholds=thresholds)
    weights = {name: tensor.cpu().contiguous() for name, tensor in network.state_dict().items()}
    checksum = write_bundle(job.folder / BEST_BUNDLE, card, safetensors.torch.save(weights))
    if not job.refit:
        seen = [calibrate(prediction, card.score_function) for prediction in predictions]
        write_predictions(job.folder / VAL_PREDICTIONS, records, seen, checksum, compressed=True)
