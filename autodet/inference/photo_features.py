"""Features of photos and of their labelled objects: what a network sees there, pooled to one vector.

The vector is the mean of each feature map that the backbone passes to the head, over the photo or over the middle of a
box. Photos with similar contents have similar vectors (docs/experiments/photo-features.md).

They are kept beside the model, or in the data set's folder if the model is in no workspace:

features/<key>/    a folder for each state of the weights
  <name>.npz       some hundred vectors with the SHA-256 of their photos, so that versions of a data set share them
"""

import hashlib
import secrets
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from autodet.access.change import may_change
from autodet.datasets.manifest import Dataset
from autodet.errors import BundleError, ModelError
from autodet.inference.onnx_export import make_graph
from autodet.inference.photo_batches import MAX_WORKERS, draw_photo
from autodet.inference.runtime import is_installed
from autodet.models.bundle import read_graph, refusal
from autodet.models.letterbox import Letterbox
from autodet.models.onnx_graph import backbone_maps, with_outputs
from autodet.models.store import StoredModel
from autodet.records import FloatArray, ImageRecord, IntArray
from autodet.training.device import cpu_cores
from autodet.workspace import delete_folder, open_atomically

FEATURES = "features"
FEATURES_VERSION = 1
STORED_TYPE = np.float16  # halves the files; similarities change by less than 0.001
FILE_PHOTOS = 128  # photos in a file; a killed process loses as many at most
MAX_MAPS = 16  # of a network
MAX_OBJECTS = 10_000  # of a data set, because all are compared with each other
MIN_LENGTH = 1e-6  # of a vector that is divided by its length
MIDDLE = 0.6  # share of a box's sides; the rim often shows the background

DAMAGE = (AttributeError, BadZipFile, EOFError, KeyError, OSError, RuntimeError, TypeError, ValueError)
Vectors = dict[str, FloatArray]


@dataclass(frozen=True, eq=False)
class PhotoFeatures:
    """Features of the photos of a data set.

    Attributes:
        files: The photos, in the order of the data set.
        vectors: One for each photo, shape (N, D), float32, of length 1.
        object_photos: Photo of each object, an index into ``files``, shape (M,), int64.
        object_boxes: Its box, an index into the photo's annotations, shape (M,), int64.
        object_vectors: One for each object, shape (M, D), float32, of length 1.
    """

    files: tuple[str, ...]
    vectors: FloatArray
    object_photos: IntArray
    object_boxes: IntArray
    object_vectors: FloatArray


def find_features(
    model: StoredModel, dataset: Dataset, report: Callable[[int, int], None] | None = None
) -> PhotoFeatures:
    """Compute the features of a data set's photos that are not stored yet, and store them unless the visitor may not.

    Needs ONNX Runtime, and torch only for a model without an ONNX graph.

    Args:
        model: The model.
        dataset: The data set; it may have other classes than the model. Of more than ``MAX_OBJECTS`` objects, the
            largest get a vector.
        report: Callback that receives the number of photos done and the total.

    Raises:
        ModelError: ONNX Runtime is not installed, or the network has no backbone that autodet knows.
        BundleError: The model is damaged.
        PhotoError: A photo cannot be read.
    """
    kept = _read(_folder(model, dataset))
    wanted = _regions(dataset)
    missing = {key: (record, regions) for key, (record, regions) in wanted.items() if not regions.keys() <= kept.keys()}
    if missing:
        for done, vectors in enumerate(_computed(model, dataset, list(missing.values())), start=1):
            kept |= vectors
            if report:
                report(len(wanted) - len(missing) + done, len(wanted))
    return _arranged(dataset, kept)


def kept_features(model: StoredModel, dataset: Dataset) -> PhotoFeatures | None:
    """Return the stored features of a data set's photos; None unless there are those of all photos and objects."""
    kept = _read(_folder(model, dataset))
    complete = all(regions.keys() <= kept.keys() for _, regions in _regions(dataset).values())
    return _arranged(dataset, kept) if complete else None


def features_identity(model: StoredModel, dataset: Dataset) -> str:
    """Return a key for caches that changes with the stored features of a data set."""
    folder = _folder(model, dataset)
    return f"{folder} {len(list(folder.glob('*.npz')))} {dataset.identity}"


def _regions(dataset: Dataset) -> dict[str, tuple[ImageRecord, dict[str, FloatArray | None]]]:
    """Return the regions of each photo that get a vector, by photo and by key; None is the whole photo."""
    chosen = _chosen_objects(dataset)
    regions: dict[str, tuple[ImageRecord, dict[str, FloatArray | None]]] = {}
    for index, record in enumerate(dataset.images):
        key = _photo_key(record)
        boxes = record.annotations.boxes_xyxy[chosen[index]]
        _, known = regions.setdefault(key, (record, {key: None}))
        known |= {_object_key(key, box): box for box in boxes}
    return regions


def _chosen_objects(dataset: Dataset) -> list[IntArray]:
    """Return the boxes of each photo that get a vector: all, or the largest."""
    shares = [_shares(record) for record in dataset.images]
    every = np.concatenate(shares) if shares else np.zeros(0)
    least = np.partition(every, -MAX_OBJECTS)[-MAX_OBJECTS] if len(every) > MAX_OBJECTS else 0
    return [np.flatnonzero(share >= least) for share in shares]


def _shares(record: ImageRecord) -> FloatArray:
    """Return the share of the photo that each box covers."""
    sides = record.annotations.boxes_xyxy[:, 2:] - record.annotations.boxes_xyxy[:, :2]
    shares: FloatArray = (sides.prod(axis=1) / (record.width * record.height)).astype(np.float32)
    return shares


def _photo_key(record: ImageRecord) -> str:
    return record.sha256 or record.file


def _object_key(photo: str, box_xyxy: FloatArray) -> str:
    return " ".join([photo, *(f"{side:.1f}" for side in box_xyxy.tolist())])


def _arranged(dataset: Dataset, vectors: Vectors) -> PhotoFeatures:
    chosen = _chosen_objects(dataset)
    keys = [_photo_key(record) for record in dataset.images]
    objects = [
        _object_key(key, box)
        for key, record, places in zip(keys, dataset.images, chosen, strict=True)
        for box in record.annotations.boxes_xyxy[places]
    ]
    return PhotoFeatures(
        files=tuple(record.file for record in dataset.images),
        vectors=_stacked(vectors, keys),
        object_photos=np.repeat(np.arange(len(chosen)), [len(places) for places in chosen]),
        object_boxes=np.concatenate([np.zeros(0, np.int64), *chosen]),
        object_vectors=_stacked(vectors, objects),
    )


def _stacked(vectors: Vectors, keys: Sequence[str]) -> FloatArray:
    if not keys:
        return np.zeros((0, len(next(iter(vectors.values()), ()))), np.float32)
    rows = np.array([vectors[key] for key in keys], np.float32)
    units: FloatArray = rows / np.linalg.norm(rows, axis=1, keepdims=True).clip(MIN_LENGTH)
    return units


def _computed(
    model: StoredModel, dataset: Dataset, photos: Sequence[tuple[ImageRecord, dict[str, FloatArray | None]]]
) -> Iterator[Vectors]:
    """Yield the vectors of each photo, and store them."""
    session, side = _session(model)
    fresh: Vectors = {}
    with ThreadPoolExecutor(min(cpu_cores(), MAX_WORKERS), "autodet-features") as pool:
        try:
            for done, vectors in enumerate(
                pool.map(lambda photo: _pooled(session, side, dataset, *photo), photos), start=1
            ):
                fresh |= vectors
                if done % FILE_PHOTOS == 0 or done == len(photos):
                    _keep(_folder(model, dataset), fresh)
                    fresh = {}
                yield vectors
        finally:
            pool.shutdown(cancel_futures=True)


def _session(model: StoredModel) -> tuple[Any, int]:
    """Load the network up to the maps that its backbone passes to its head; return the side of its squares too."""
    card, graph = read_graph(model.path)
    if not is_installed("onnxruntime"):
        raise ModelError("Comparing photos needs ONNX Runtime: run 'pip install onnxruntime' and try again.")
    from autodet.inference.onnx_runtime import open_session

    graph = graph or make_graph(model.path, card)
    maps = backbone_maps(graph)
    if not 0 < len(maps) <= MAX_MAPS:
        raise ModelError(f"The network of the model {card.name} cannot compare photos; choose another model.")
    try:
        return open_session(with_outputs(graph, maps), threads=1), card.image_size
    except BundleError as error:
        raise BundleError(refusal(model.path, str(error))) from error


def _pooled(
    session: Any, side: int, dataset: Dataset, record: ImageRecord, regions: dict[str, FloatArray | None]
) -> Vectors:
    square, letterbox = draw_photo(dataset.photo(record), record.file, side)
    try:
        maps = session.run(None, {"square": np.ascontiguousarray(square.transpose(2, 0, 1)[None])})
    except Exception as error:  # ONNX Runtime has no common class for its errors
        raise ModelError("The model's ONNX graph failed on a photo; use a model that autodet wrote.") from error
    whole = np.array([0, 0, record.width, record.height], np.float32)
    return {key: _vector(maps, letterbox, whole if box is None else _middle(box)) for key, box in regions.items()}


def _middle(box_xyxy: FloatArray) -> FloatArray:
    rim = (1 - MIDDLE) / 2 * (box_xyxy[2:] - box_xyxy[:2])
    return np.concatenate([box_xyxy[:2] + rim, box_xyxy[2:] - rim])


def _vector(maps: Sequence[FloatArray], letterbox: Letterbox, box_xyxy: FloatArray) -> FloatArray:
    """Pool each map over a box of the photo; every map has the same weight."""
    box = letterbox.to_square(box_xyxy[None])[0] / letterbox.side
    means = [_unit(_cells(level[0], box).mean(axis=(1, 2))) for level in maps]
    return _unit(np.concatenate(means)).astype(STORED_TYPE).astype(np.float32)


def _cells(level: FloatArray, box: FloatArray) -> FloatArray:
    """Return the cells of a map, shape (C, H, W), that a box touches, at least one; its sides are shares, 0 to 1."""
    height, width = level.shape[1:]
    left, top = (int(np.clip(at * size, 0, size - 1)) for at, size in zip(box[:2], (width, height), strict=True))
    right, bottom = (int(np.ceil(at * size)) for at, size in zip(box[2:], (width, height), strict=True))
    return level[:, top : max(bottom, top + 1), left : max(right, left + 1)]


def _unit(vector: FloatArray) -> FloatArray:
    return vector / max(float(np.linalg.norm(vector)), MIN_LENGTH)


def _keep(folder: Path, vectors: Vectors) -> None:
    """Store vectors in a file of their own; those of earlier weights are deleted."""
    if not may_change():
        return
    with suppress(OSError):  # they are computed again where nothing can be written
        folder.mkdir(parents=True, exist_ok=True)
        for earlier in set(folder.parent.iterdir()) - {folder}:
            delete_folder(earlier)
        keys = np.array([key.encode() for key in vectors])
        with open_atomically(folder / f"{secrets.token_hex(8)}.npz") as file:
            np.savez(file, keys=keys, vectors=np.array(list(vectors.values()), STORED_TYPE))


def _read(folder: Path) -> Vectors:
    """Return the stored vectors; damaged files are passed over."""
    found: Vectors = {}
    for path in sorted(folder.glob("*.npz")):
        with suppress(*DAMAGE):
            with np.load(path, allow_pickle=False) as columns:
                keys, vectors = columns["keys"].tolist(), columns["vectors"].astype(np.float32)
            if vectors.ndim == 2 and np.isfinite(vectors).all():
                found |= {key.decode(): vector for key, vector in zip(keys, vectors, strict=True)}
    return found


def _folder(model: StoredModel, dataset: Dataset) -> Path:
    key = hashlib.sha256(f"{model.card.weights_sha256} {FEATURES_VERSION}".encode()).hexdigest()[:24]
    return (model.path.parent if model.is_in_workspace else dataset.folder) / FEATURES / key
