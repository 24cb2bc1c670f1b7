"""What a data set looks like in figures: counts, sizes, shapes and places of boxes, and which photos show what.

Everything is counted on whole columns, so that a data set of 50,000 photos takes a moment, once.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from autodet.datasets.manifest import Dataset
from autodet.records import SPLITS, FloatArray, Hyperparameters, IntArray, Split

TRAINING_SIZE = Hyperparameters().image_size
SMALL_SIDE, LARGE_SIDE = 16, 48  # pixels at the training size: COCO's limits, 32 and 96, for photos of 640

BoxSize = Literal["small", "medium", "large"]
BOX_SIZES: tuple[BoxSize, ...] = ("small", "medium", "large")

SIDE_EDGES = SMALL_SIDE * 3 ** (np.arange(-15, 18) / 6)  # from 1 pixel on; both limits are among them
RATIO_EDGES = 2 ** (np.arange(-12.5, 13) / 4)  # 1 is in the middle of its interval
CELLS = 24  # of the map of places, along each side
MAX_SIZES = 200  # of photos that are told apart


@dataclass(frozen=True, eq=False)
class Columns:
    """A data set as arrays: P photos in the manifest's order, and their N boxes one after another.

    Attributes:
        splits: Index into ``SPLITS`` for each photo, shape (P,), int64.
        sizes_wh: Width and height of each photo in pixels, shape (P, 2), int64.
        counts: Boxes on each photo, shape (P,), int64.
        photos: The photo of each box, shape (N,), int64.
        class_ids: The class of each box, shape (N,), int64.
        boxes_xyxy: The boxes as shares, 0 to 1, of their photo's width and height, shape (N, 4), float32.
        sides: The side of a square of each box's area in pixels, once its photo has the training size, shape (N,).
        ratios: Width by height of each box in pixels, shape (N,).
        files: The photos' files.
        places: The index of each photo by its file.
        by_kind: For each kind of problem that photos show, the indices of these photos, rising.
    """

    splits: IntArray
    sizes_wh: IntArray
    counts: IntArray
    photos: IntArray
    class_ids: IntArray
    boxes_xyxy: FloatArray
    sides: FloatArray
    ratios: FloatArray
    files: tuple[str, ...]
    places: dict[str, int]
    by_kind: dict[str, IntArray]


@lru_cache(maxsize=4)
def columns_of(dataset: Dataset) -> Columns:
    """A data set as arrays; made once for as long as the data set's manifest is remembered."""
    records = dataset.images
    marked = [record.annotations for record in records]
    sizes_wh = np.array([(record.width, record.height) for record in records], np.int64).reshape(-1, 2)
    counts = np.array([len(one) for one in marked], np.int64)
    photos = np.repeat(np.arange(len(records)), counts)
    boxes = np.concatenate([np.zeros((0, 4), np.float32), *(one.boxes_xyxy for one in marked)])
    sides_wh = np.maximum(boxes[:, 2:] - boxes[:, :2], 1e-3)
    scale = TRAINING_SIZE / sizes_wh.max(axis=1, initial=1)
    places = {record.file: index for index, record in enumerate(records)}
    return Columns(
        splits=np.array([SPLITS.index(record.split) for record in records], np.int64),
        sizes_wh=sizes_wh,
        counts=counts,
        photos=photos,
        class_ids=np.concatenate([np.zeros(0, np.int64), *(one.class_ids for one in marked)]),
        boxes_xyxy=(boxes / np.tile(sizes_wh[photos], 2)).astype(np.float32),
        sides=(np.sqrt(sides_wh.prod(axis=1)) * scale[photos]).astype(np.float32),
        ratios=sides_wh[:, 0] / sides_wh[:, 1],
        files=tuple(places),
        places=places,
        by_kind=_photos_by_kind(dataset, places),
    )


def _photos_by_kind(dataset: Dataset, places: dict[str, int]) -> dict[str, IntArray]:
    found: dict[str, set[int]] = {}
    for problem in dataset.problems:
        shown = [places[photo] for photo in problem.photos if photo in places]
        if shown:
            found.setdefault(problem.kind, set()).update(shown)
    return {kind: np.array(sorted(indices), np.int64) for kind, indices in found.items()}


def find_photos(
    columns: Columns,
    *,
    split: Split | None = None,
    class_id: int | None = None,
    size: BoxSize | Literal["none"] | None = None,
    kind: str | None = None,
    name: str = "",
) -> IntArray:
    """The photos that meet every condition that is given, as rising indices.

    Args:
        columns: The data set.
        split: The photo's split.
        class_id: A class that is marked on it.
        size: The size of an object on it, of that class if one is given; ``none``: no object is marked on it.
        kind: A kind of problem that it shows.
        name: A part of its file's name, in capital letters or not.
    """
    wanted = np.ones(len(columns.files), bool)
    if split is not None:
        wanted &= columns.splits == SPLITS.index(split)
    if size == "none":
        wanted &= columns.counts == 0
    if class_id is not None or size in BOX_SIZES:
        boxes = np.ones(len(columns.photos), bool)
        if class_id is not None:
            boxes &= columns.class_ids == class_id
        if size in BOX_SIZES:
            boxes &= size_indices(columns) == BOX_SIZES.index(size)
        wanted &= _marked(columns.photos[boxes], len(wanted))
    if kind is not None:
        wanted &= _marked(columns.by_kind.get(kind, np.zeros(0, np.int64)), len(wanted))
    if name:
        part = name.casefold()
        wanted &= np.fromiter((part in file.casefold() for file in columns.files), bool, len(wanted))
    return np.flatnonzero(wanted)


def size_indices(columns: Columns) -> IntArray:
    """For each box an index into ``BOX_SIZES``, shape (N,)."""
    return np.searchsorted([SMALL_SIDE, LARGE_SIDE], columns.sides, side="right")


def count_classes(columns: Columns, classes: int) -> IntArray:
    """Boxes per split and class.

    Returns:
        Shape (3, classes), in the order of ``SPLITS``.
    """
    rows = columns.splits[columns.photos] * classes + columns.class_ids
    return np.bincount(rows, minlength=len(SPLITS) * classes).reshape(len(SPLITS), classes)


def count_sides(columns: Columns) -> IntArray:
    """Boxes per interval of ``SIDE_EDGES``; what is smaller or larger counts into the outermost ones."""
    return np.histogram(columns.sides.clip(SIDE_EDGES[0], SIDE_EDGES[-1]), SIDE_EDGES)[0]


def count_ratios(columns: Columns) -> IntArray:
    """Boxes per interval of ``RATIO_EDGES``; what is slimmer or flatter counts into the outermost ones."""
    return np.histogram(columns.ratios.clip(RATIO_EDGES[0], RATIO_EDGES[-1]), RATIO_EDGES)[0]


def map_places(columns: Columns) -> NDArray[np.float64]:
    """The share of boxes that cover each part of their photos.

    A box adds 1 where it begins and takes it away where it ends; sums along both axes fill it in.

    Returns:
        Shape (CELLS, CELLS), rows from the top, columns from the left, 0 to 1.
    """
    x1, y1 = np.floor(columns.boxes_xyxy[:, :2] * CELLS).astype(np.int64).clip(0, CELLS - 1).T
    x2, y2 = np.ceil(columns.boxes_xyxy[:, 2:] * CELLS).astype(np.int64).clip(1, CELLS).T
    steps = np.zeros((CELLS + 1) ** 2)
    for rows, columns_, sign in ((y1, x1, 1), (y1, x2, -1), (y2, x1, -1), (y2, x2, 1)):
        steps += sign * np.bincount(rows * (CELLS + 1) + columns_, minlength=len(steps))
    covered = steps.reshape(CELLS + 1, CELLS + 1).cumsum(axis=0).cumsum(axis=1)[:CELLS, :CELLS]
    return covered / max(1, len(x1))


def count_photo_sizes(columns: Columns) -> tuple[IntArray, IntArray, int]:
    """The sizes that photos have, and how many have each; similar ones are taken together if there are very many.

    Returns:
        Widths and heights in pixels, shape (S, 2); photos, shape (S,); and to how many pixels sizes were rounded, 1 if
        they are exact.
    """
    step = 1
    while True:
        rounded = columns.sizes_wh // step * step + step // 2
        sizes_wh, photos = np.unique(rounded, axis=0, return_counts=True)
        if len(photos) <= MAX_SIZES:
            return sizes_wh, photos, step
        step *= 2


def _marked(indices: IntArray, count: int) -> NDArray[np.bool_]:
    marked = np.zeros(count, bool)
    marked[indices] = True
    return marked
