"""A trained model at work: photos in, boxes out."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from autodet.datasets.manifest import Dataset
from autodet.datasets.photos import open_photo
from autodet.errors import BundleError, ModelError, PhotoError
from autodet.evaluation.report import evaluate_predictions
from autodet.models.bundle import ModelCard, read_bundle
from autodet.models.detection import detect, square_tensor
from autodet.models.letterbox import Letterbox
from autodet.models.registry import build_network
from autodet.models.store import StoredModel, find_model
from autodet.records import Annotations, EvaluationReport, FloatArray, ImageRecord, IntArray, Prediction
from autodet.workspace import Workspace

if TYPE_CHECKING:
    from torch import Tensor

Photo = str | Path | bytes | Image.Image | NDArray[np.uint8]
Progress = Callable[[int, int], None]

BATCH = 8
LOWEST_SCORE = 0.01  # below it detections only cost time; metrics hardly see them


class Detector:
    """A trained model, ready to predict.

    Attributes:
        card: What the model is.
        classes: Class names; a class id is an index into them.
        network: As ``autodet.models.registry.build_network`` makes it, in evaluation mode.
    """

    def __init__(self, model: StoredModel, network: nn.Module, device: torch.device) -> None:
        self.card: ModelCard = model.card
        self.classes = model.card.classes
        self._model, self.network, self._device = model, network, device

    def predict(self, photo: Photo, threshold: float = 0.5) -> tuple[IntArray, FloatArray, FloatArray]:
        """Find the objects on one photo.

        Args:
            photo: A path, the bytes of a file, a Pillow image, or an RGB array of shape (H, W, 3).
            threshold: Detections with a lower score are left out, 0 to 1.

        Returns:
            ``class_ids`` (N,) int64, ``scores`` (N,) float32, falling, and ``boxes`` (N, 4) float32, xyxy in the
            photo's own pixels, EXIF orientation applied.

        Raises:
            PhotoError: The photo cannot be read.
        """
        prediction = self.predict_many([photo], threshold)[0]
        return prediction.class_ids, prediction.scores, prediction.boxes_xyxy

    def predict_many(self, photos: Sequence[Photo], threshold: float = LOWEST_SCORE) -> list[Prediction]:
        """Find the objects on several photos, a batch at a time.

        Args:
            photos: As ``predict`` takes them.
            threshold: Detections with a lower score are left out, 0 to 1.

        Raises:
            PhotoError: One of them cannot be read.
        """
        opened = (_open(photo, f"photo {number}") for number, photo in enumerate(photos, start=1))
        return [prediction.above(threshold) for prediction in self._predict(opened)]

    def predict_dataset(
        self, dataset: Dataset, records: Sequence[ImageRecord], progress: Progress | None = None
    ) -> list[Prediction]:
        """What the detector sees on photos of a data set, in their order.

        Args:
            dataset: The data set.
            records: Some of its photos.
            progress: Called with the photos done and their total.

        Raises:
            PhotoError: One of them cannot be read.
        """
        predictions = []
        for prediction in self._predict(open_photo(dataset.photo(record), record.file) for record in records):
            predictions.append(prediction)
            if progress:
                progress(len(predictions), len(records))
        return predictions

    def evaluate(self, dataset: Dataset, split: str = "test", progress: Progress | None = None) -> EvaluationReport:
        """Measure the detector on one split of a data set.

        Args:
            dataset: The data set; its classes must be among the model's.
            split: ``train``, ``val``, ``test`` or ``all``.
            progress: Called with the photos done and their total.

        Raises:
            ModelError: The split is empty, or the data set has a class that the model does not know.
            PhotoError: A photo cannot be read.
        """
        records = comparable_records(self.card, dataset, split)
        return evaluate_predictions(records, self.predict_dataset(dataset, records, progress), self.classes)

    def save(self, path: str | Path) -> Path:
        """Write the model as a bundle, ``path``, that any installation of autodet can load.

        Returns:
            The path, with the ending ``.autodet``.

        Raises:
            ModelError: The file cannot be written.
        """
        path = Path(path)
        path = path if path.suffix == ".autodet" else path.with_name(f"{path.name}.autodet")
        try:
            shutil.copyfile(self._model.path, path)
        except shutil.SameFileError:
            pass
        except OSError as error:
            raise ModelError(f"{path} cannot be written: {error.strerror}; choose another place.") from error
        return path

    def _predict(self, photos: Iterator[Image.Image]) -> Iterator[Prediction]:
        side = self.card.image_size
        squares: list[Tensor] = []
        letterboxes: list[Letterbox] = []
        for photo in photos:
            letterboxes.append(Letterbox.fit(photo.width, photo.height, side))
            squares.append(square_tensor(letterboxes[-1].draw(photo)))
            if len(squares) == BATCH:
                yield from detect(self.network, torch.stack(squares).to(self._device), letterboxes)
                squares, letterboxes = [], []
        if squares:
            yield from detect(self.network, torch.stack(squares).to(self._device), letterboxes)


def load_detector(
    model: str | Path | StoredModel, device: str | None = None, workspace: Workspace | None = None
) -> Detector:
    """Load a model after checking every byte of it.

    Args:
        model: A model's id or name in the workspace, or an ``.autodet`` file.
        device: Where to run; a GPU if there is one, else the CPU.
        workspace: Where ids and names are looked up.

    Raises:
        NotFoundError: There is no such model.
        BundleError: The file is damaged, changed, or its weights do not fit its architecture.
    """
    stored = model if isinstance(model, StoredModel) else find_model(model, workspace)
    card, weights = read_bundle(stored.path)
    target = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    network = build_network(card.architecture, len(card.classes), pretrained=False)
    try:
        network.load_state_dict(safetensors.torch.load(weights))
    except (RuntimeError, ValueError, safetensors.SafetensorError) as error:
        raise BundleError(
            f"{stored.path.name} cannot be used as a model: its weights do not fit {card.architecture}. Download it "
            "again from where it was made."
        ) from error
    network.eval().requires_grad_(False)
    return Detector(stored, network.to(target), target)


def comparable_records(card: ModelCard, dataset: Dataset, split: str) -> tuple[ImageRecord, ...]:
    """The photos of a split with class ids as the model counts them: classes are matched by name.

    Raises:
        ModelError: The split is empty, or the data set has a class that the model does not know.
    """
    records = dataset.split(split)
    if not records:
        there = ", ".join(f"{name} ({count})" for name, count in dataset.splits.items())
        raise ModelError(f"The data set {dataset.name} has no photos in the split {split!r}; it has {there}.")
    unknown = [name for name in dataset.classes if name not in card.classes]
    if unknown:
        raise ModelError(
            f"The data set {dataset.name} marks {', '.join(unknown)}, which the model {card.name} does not know (it "
            f"knows {', '.join(card.classes)}); choose a data set with the model's classes."
        )
    if dataset.classes == card.classes:
        return records
    to_model = np.array([card.classes.index(name) for name in dataset.classes], np.int64)
    return tuple(_renumbered(record, to_model) for record in records)


def _renumbered(record: ImageRecord, to_model: IntArray) -> ImageRecord:
    marked = record.annotations
    annotations = Annotations.of(marked.boxes_xyxy, to_model[marked.class_ids], marked.difficult)
    return replace(record, annotations=annotations)


def _open(photo: Photo, name: str) -> Image.Image:
    if isinstance(photo, Image.Image):
        return photo.convert("RGB")
    if isinstance(photo, np.ndarray):
        if photo.ndim != 3 or photo.shape[2] != 3 or photo.dtype != np.uint8:
            raise PhotoError(f"{name} is an array of shape {photo.shape} and type {photo.dtype}; give (H, W, 3) uint8.")
        return Image.fromarray(photo)
    if isinstance(photo, bytes):
        return open_photo(BytesIO(photo), name)
    return open_photo(Path(photo), str(photo))
