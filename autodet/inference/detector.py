"""The ``Detector``: a trained model that predicts boxes on photos."""

import os
import reprlib
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from functools import cached_property
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import Image

from autodet.datasets.manifest import Dataset
from autodet.datasets.photo_sources import Photo, name_of
from autodet.errors import ModelError, PhotoError, warn
from autodet.evaluation.outcomes import find_outcomes
from autodet.evaluation.report import evaluate_predictions
from autodet.inference.bundle_graph import add_graph
from autodet.inference.cautions import prediction_cautions, unread_caution
from autodet.inference.comparable_records import comparable_predictions, comparable_records
from autodet.inference.conditions import condition_counts, groups_if_readable
from autodet.inference.evaluations import keep_evaluation, kept_evaluation
from autodet.inference.leakage import evaluation_leakage
from autodet.inference.measured_photos import AnyPhotos, measured_photos
from autodet.inference.prediction_process import load_runtime_apart
from autodet.inference.runtime import Runtime, RuntimeName
from autodet.inference.runtime_loader import load_runtime, load_torch
from autodet.inference.tiles import Tiling
from autodet.messages.cautions import caution_text
from autodet.models.model_card import ModelCard
from autodet.models.store import StoredModel, find_model
from autodet.records import (
    EvaluationReport,
    FloatArray,
    ImageRecord,
    IntArray,
    Prediction,
)
from autodet.workspace import Workspace, open_atomically

if TYPE_CHECKING:
    from torch import nn

Progress = Callable[[int, int], None]


class Detector:
    """A trained model, ready to predict.

    Attributes:
        card: Metadata of the model.
        classes: Class names, indexed by class id.
    """

    def __init__(self, model: StoredModel, runtime: Runtime) -> None:
        self.card: ModelCard = model.card
        self.classes = model.card.classes
        self._model, self._runtime = model, runtime
        self._thresholds = np.array(list(self.card.all_thresholds.values()), np.float32)

    def __repr__(self) -> str:
        card = self.card
        classes, map50 = reprlib.repr(list(self.classes)), card.metrics.get("map50")
        return (
            f"Detector({reprlib.repr(card.name)}, classes={classes}, architecture={card.architecture!r}, "
            f"image_size={card.image_size}, map50={map50 if map50 is None else round(map50, 3)}, "
            f"device={self._runtime.device})"
        )

    @property
    def stored(self) -> StoredModel:
        """The model's file and its place in the workspace."""
        return self._model

    @property
    def runtime(self) -> RuntimeName:
        """What computes the predictions: ``onnx`` (ONNX Runtime) or ``torch``."""
        return self._runtime.name

    @cached_property
    def network(self) -> "nn.Module":
        """The network in torch, in evaluation mode; loaded on first use if ONNX Runtime computes the predictions.

        Raises:
            ModelError: torch is not installed.
        """
        network: nn.Module = getattr(self._runtime, "network", None) or load_torch(self._model, "cpu")[1].network
        return network

    def predict(
        self, photo: Photo, threshold: float | None = None, *, tiles: bool = False
    ) -> tuple[IntArray, FloatArray, FloatArray]:
        """Detect objects on one photo.

        Warns (``AutodetWarning``) if objects may be missing: the network reached its detection limit, or the objects
        are likely to be much smaller than those that it was trained on.

        Args:
            photo: A path, the bytes of a file, an open binary file (read from its start if seekable, and left open), a
                Pillow image, or an RGB array of shape (H, W, 3) and type uint8. A Pillow image is treated like its
                file: EXIF orientation is applied, transparent pixels become white.
            threshold: Minimum confidence of a detection, 0 to 1; None for the model's own threshold of each class.
            tiles: Whether to detect small objects on a large photo: it is also predicted on in overlapping tiles, on
                which objects are as large as in training. Takes as many times as long as there are tiles, at most 65,
                and changes nothing for other photos.

        Returns:
            ``class_ids`` (N,) int64, ``scores`` (N,) float32 in descending order, and ``boxes`` (N, 4) float32, xyxy
            in pixels of the original photo with EXIF orientation applied.

        Raises:
            PhotoError: The photo cannot be read.
            ModelError: The threshold is not a number between 0 and 1.
        """
        least = self._least(threshold)
        prediction = next(self._detect([(photo, "")], tiles=tiles)).above(least)
        for caution in self.cautions([prediction]):
            warn(caution)
        return prediction.class_ids, prediction.scores, prediction.boxes_xyxy

    def predict_many(
        self,
        photos: Iterable[Photo],
        threshold: float | None = None,
        on_error: Literal["return", "raise"] = "return",
        *,
        tiles: bool = False,
    ) -> list[Prediction]:
        """Detect objects on several photos, in batches.

        Warns (``AutodetWarning``) like ``predict``, once for all photos, and if photos could not be read.

        Args:
            photos: Photos in any form that ``predict`` accepts.
            threshold: Minimum confidence of a detection, 0 to 1; None for the model's own threshold of each class.
            on_error: Handling of photos that cannot be read: ``return`` a prediction without detections and with the
                reason in ``error``, or ``raise`` the error.
            tiles: Whether to predict on tiles of large photos too, as ``predict`` does.

        Returns:
            One prediction per photo, in input order.

        Raises:
            PhotoError: A photo cannot be read and ``on_error`` is ``raise``, or ``photos`` is a single photo or no
                iterable.
            ModelError: The threshold or ``on_error`` is invalid.
        """
        predictions = list(self.stream(photos, threshold, on_error, tiles=tiles))
        if unread := unread_caution(predictions):
            warn(caution_text(unread))
        for caution in self.cautions(predictions):
            warn(caution)
        return predictions

    def stream(
        self,
        photos: Iterable[Photo],
        threshold: float | None = None,
        on_error: Literal["return", "raise"] = "return",
        *,
        tiles: bool = False,
    ) -> Iterator[Prediction]:
        """Yield the predictions of ``predict_many`` as batches complete, without warnings.

        Pass the predictions to ``cautions`` for the warnings about missing objects.
        """
        if on_error not in ("return", "raise"):
            raise ModelError(f"on_error is {on_error!r}; give 'return' or 'raise'.")
        named = ((photo, name_of(photo, f"photo {number}")) for number, photo in enumerate(_several(photos), start=1))
        return self.predict_named(named, threshold, on_error, tiles=tiles)

    def predict_named(
        self,
        photos: Iterable[tuple[Photo, str]],
        threshold: float | None = None,
        on_error: Literal["return", "raise"] = "return",
        *,
        tiles: bool = False,
    ) -> Iterator[Prediction]:
        """Yield predictions as ``stream`` does, on photos with their names for error messages."""
        least = self._least(threshold)
        return (seen.above(least) for seen in self._detect(photos, on_error, tiles=tiles))

    def cautions(self, predictions: Sequence[Prediction]) -> list[str]:
        """Return warnings about objects that may be missing from predictions of this detector."""
        cautions = prediction_cautions(self.card, self._runtime.limit, predictions)
        return list(map(caution_text, cautions))

    def predict_dataset(
        self,
        dataset: Dataset,
        records: Sequence[ImageRecord],
        progress: Progress | None = None,
        *,
        tiles: bool = False,
    ) -> list[Prediction]:
        """Predict on photos of a data set, without a confidence threshold.

        Args:
            dataset: The data set.
            records: Photos of the data set.
            progress: Callback that receives the number of photos done and the total.
            tiles: Whether to predict on tiles of large photos too, as ``predict`` does.

        Returns:
            One prediction per record, in the same order.

        Raises:
            PhotoError: A photo cannot be read.
        """
        places: dict[str, list[int]] = {}  # equal photos are predicted once
        for place, record in enumerate(records):
            places.setdefault(record.sha256 or record.file, []).append(place)
        distinct = (records[equal[0]] for equal in places.values())
        named = ((dataset.photo(record), record.file) for record in distinct)
        predictions: dict[int, Prediction] = {}
        for equal, prediction in zip(places.values(), self._detect(named, tiles=tiles), strict=True):
            predictions |= dict.fromkeys(equal, prediction)
            if progress:
                progress(len(predictions), len(records))
        return [predictions[place] for place in range(len(records))]

    def evaluate(
        self, dataset: AnyPhotos, split: str = "test", progress: Progress | None = None, *, tiles: bool = False
    ) -> EvaluationReport:
        """Evaluate the detector on one split of a data set, or return the report of an earlier evaluation.

        Warns (``AutodetWarning``) about data leakage if the model was trained on some of these photos; the report
        repeats the warning in ``caution``. For photos that are not imported, warns about findings that an import would
        ask about, with its assumptions, and about classes that the model does not know, whose labels are left out.

        Args:
            dataset: The data set, its id or its name; its classes must be a subset of the model's. Or a path: an
                archive or a folder of labelled photos, which are not imported. A text that is a data set's id or name
                means the data set.
            split: ``train``, ``val``, ``test`` or ``all``. Photos that are not imported are all in ``test``, unless
                their folders or lists divide them.
            progress: Callback that receives the number of photos done and the total.
            tiles: Whether to predict on tiles of large photos too, as ``predict`` does.

        Raises:
            ModelError: The split is empty, or the data set has a class that the model lacks.
            NotFoundError: The data set does not exist.
            DatasetError: The photos of a path have no labels, or cannot be read without a decision; import them.
            PhotoError: A photo cannot be read.
        """
        with measured_photos(dataset, [self.card]) as photos:
            return self._evaluate(photos, split, progress, tiles)

    def _evaluate(self, dataset: Dataset, split: str, progress: Progress | None, tiles: bool) -> EvaluationReport:
        records = comparable_records(self.card, dataset, split)
        leakage = evaluation_leakage(self.card, dataset, split, dataset.workspace)
        caution = caution_text(leakage) if leakage else ""
        if caution:
            warn(caution)
        kept = kept_evaluation(self._model, dataset, split, tiles=tiles)
        if not kept:
            seen = self.predict_dataset(dataset, records, progress, tiles=tiles)
            predictions = comparable_predictions(self.card, dataset, seen)
            report = evaluate_predictions(records, predictions, self.classes, self.card.all_thresholds)
            kept = report, predictions
            with suppress(OSError):  # a full disk does not lose the report
                keep_evaluation(self._model, dataset, split, kept, tiles=tiles)
        shown = find_outcomes(records, kept[1], self.classes).at(self.card.all_thresholds)
        conditions = condition_counts(shown, groups_if_readable(dataset, split))
        return replace(kept[0], conditions=conditions, caution=caution)

    def save(self, path: str | Path) -> Path:
        """Write the model as a bundle that any installation of autodet can load, with its ONNX graph if possible.

        Returns:
            The path, with the suffix ``.autodet`` appended if missing.

        Raises:
            ModelError: The file cannot be written.
        """
        path = Path(path)
        path = path if path.suffix == ".autodet" else path.with_name(f"{path.name}.autodet")
        try:
            with self._model.path.open("rb") as model, open_atomically(path) as file:
                shutil.copyfileobj(model, file)
        except OSError as error:
            raise ModelError(f"{path} cannot be written: {error.strerror}; choose another place.") from error
        add_graph(path)
        return path

    def _detect(
        self, photos: Iterable[tuple[Photo, str]], on_error: str = "raise", *, tiles: bool = False
    ) -> Iterator[Prediction]:
        """Yield unfiltered predictions on photos, given with their names, in input order."""
        tiling = Tiling.of(self.card) if tiles else None
        results = self._runtime.predict(photos, self.card.image_size, tiling)
        with closing(results):
            for result in results:
                if isinstance(result, Prediction):
                    yield result
                elif on_error == "return" and isinstance(result, PhotoError):
                    yield Prediction.of([], [], [], error=str(result))
                else:
                    raise result

    def _least(self, threshold: float | None) -> float | FloatArray:
        """Return the lowest score to show, for each class id if no threshold is given."""
        if threshold is None:
            return self._thresholds
        if not isinstance(threshold, Real) or not 0 <= threshold <= 1:
            raise ModelError(f"The threshold is {threshold!r}; give a number between 0 and 1.")
        return threshold


def load_detector(
    model: str | Path | StoredModel,
    device: str | None = None,
    workspace: Workspace | None = None,
    runtime: RuntimeName | None = None,
) -> Detector:
    """Load a model and verify its checksums.

    Args:
        model: A model's id or name in the workspace, or an ``.autodet`` file.
        device: Torch device; defaults to a GPU if available, else the CPU.
        workspace: Workspace that resolves ids and names.
        runtime: ``onnx`` or ``torch``; by default ONNX Runtime on a CPU if the model has an ONNX graph, which needs no
            torch, else torch.

    Raises:
        NotFoundError: The model does not exist.
        BundleError: The file is damaged or modified, or its weights or its graph do not fit its description.
        ModelError: The runtime is unknown or not installed, or the model has no ONNX graph for it.
    """
    stored = model if isinstance(model, StoredModel) else find_model(model, workspace)
    card, loaded = load_runtime(stored, device, runtime)
    return Detector(replace(stored, card=card), loaded)


def load_detector_apart(model: StoredModel) -> Detector:
    """Load a model in the prediction process, so that this process needs neither torch nor memory for its photos.

    Raises:
        BundleError: As ``load_detector``.
        ModelError: As ``load_detector``, or too many requests are waiting.
    """
    card, runtime = load_runtime_apart(model)
    return Detector(replace(model, card=card), runtime)


def _several(photos: object) -> Iterable[Photo]:
    """Check that the argument is an iterable of photos, and return it.

    Raises:
        PhotoError: The argument is a single photo or not iterable.
    """
    single = isinstance(photos, str | os.PathLike | bytes | bytearray | memoryview | Image.Image)
    if single or hasattr(photos, "read") or (isinstance(photos, np.ndarray) and photos.ndim in (2, 3)):
        raise PhotoError("predict_many takes a list of photos; for a single photo call predict, or put it into a list.")
    if not isinstance(photos, Iterable):
        raise PhotoError(
            f"predict_many takes a list of photos, and was given one {type(photos).__name__}; give a list."
        )
    return photos
