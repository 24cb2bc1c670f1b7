"""Statistics of a dataset: counts, sizes, aspect ratios and positions of boxes, and filters for photos.

All computations use whole columns, so that a data set of 50,000 photos takes only a moment, once.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from autodet.datasets.manifest import Dataset
from autodet.records import SPLITS, FloatArray, Hyperparameters, IntArray, Split

TRAINING_SIZE = Hyperparameters().image_size
SMALL_SIDE, LARGE_SIDE = 16, 48  # pixels at the training size; equal COCO's limits, 32 and 96, at 640 pixels

BoxSize = Literal["small", "medium", "large"]
BOX_SIZES: tuple[BoxSize, ...] = ("small", "medium", "large")

SIDE_EDGES = SMALL_SIDE * 3 ** (np.arange(-15, 18) / 6)  # start at 1 pixel and include both limits
RATIO_EDGES = 2 ** (np.arange(-12.5, 13) / 4)  # 1 is the centre of its interval
CELLS = 24  # cells per side of the position heat map
MAX_SIZES = 200  # maximum number of distinct photo sizes


@dataclass(frozen=True, eq=False)
class Columns:
    """A data set as arrays: P photos in the manifest's order, and their N boxes in the same order.

    Attributes:
        splits: Index into ``SPLITS`` for each photo, shape (P,), int64.
        sizes_wh: Width and height of each photo in pixels, shape (P, 2), int64.
        counts: Number of boxes on each photo, shape (P,), int64.
        photos: Photo index of each box, shape (N,), int64.
        class_ids: Class id of each box, shape (N,), int64.
        boxes_xyxy: Boxes relative to their photo's width and height, 0 to 1, shape (N, 4), float32.
        sides: Square root of each box's area in pixels at the training size, shape (N,).
        ratios: Width divided by height of each box in pixels, shape (N,).
        files: The photos' files.
        places: Index of each photo by its file.
        by_kind: For each kind of problem, the ascending indices of the affected photos.
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
    """Convert a data set to arrays; cached for as long as the data set's manifest is cached."""
    records = dataset.images
    marked = [record.annotations for record in records]
    sizes_wh = np.array([(record.width, record.height) for record in records], np.int64).reshape(-1, 2)
    counts = np.array([len(annotations) for annotations in marked], np.int64)
    photos = np.repeat(np.arange(len(records)), counts)
    boxes = np.concatenate([np.zeros((0, 4), np.float32), *(annotations.boxes_xyxy for annotations in marked)])
    sides_wh = np.maximum(boxes[:, 2:] - boxes[:, :2], 1e-3)
    scale = TRAINING_SIZE / sizes_wh.max(axis=1, initial=1)
    places = {record.file: index for index, record in enumerate(records)}
    return Columns(
        splits=np.array([SPLITS.index(record.split) for record in records], np.int64),
        sizes_wh=sizes_wh,
        counts=counts,
        photos=photos,
        class_ids=np.concatenate([np.zeros(0, np.int64), *(annotations.class_ids for annotations in marked)]),
        boxes_xyxy=(boxes / np.tile(sizes_wh[photos], 2)).astype(np.float32),
        sides=(np.sqrt(sides_wh.prod(axis=1)) * scale[photos]).astype(np.float32),
        ratios=sides_wh[:, 0] / sides_wh[:, 1],
        files=tuple(places),
        places=places,
        by_kind=_photos_by_kind(dataset, places),
    )


def _photos_by_kind(dataset: Dataset, places: dict[str, int]) -> dict[str, IntArray]:
    found: dict[str, set[int]] = {}
    for problem in dataset.findings:
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
    """Return the ascending indices of the photos that meet all given conditions.

    Args:
        columns: The dataset.
        split: The photo's split.
        class_id: A class annotated on the photo.
        size: Size of an annotated object, of the given class if there is one; ``none`` for photos without objects.
        kind: A kind of problem that affects the photo.
        name: Part of the file name, case-insensitive.
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
    """Return for each box an index into ``BOX_SIZES``, shape (N,)."""
    return np.searchsorted([SMALL_SIDE, LARGE_SIDE], columns.sides, side="right")


def count_classes(columns: Columns, classes: int) -> IntArray:
    """Count the boxes per split and class.

    Returns:
        Shape (3, classes), in the order of ``SPLITS``.
    """
    rows = columns.splits[columns.photos] * classes + columns.class_ids
    return np.bincount(rows, minlength=len(SPLITS) * classes).reshape(len(SPLITS), classes)


def count_sides(columns: Columns) -> IntArray:
    """Count the boxes per interval of ``SIDE_EDGES``; the outermost intervals include smaller and larger boxes."""
    return np.histogram(columns.sides.clip(SIDE_EDGES[0], SIDE_EDGES[-1]), SIDE_EDGES)[0]


def count_ratios(columns: Columns) -> IntArray:
    """Count the boxes per interval of ``RATIO_EDGES``; the outermost intervals include narrower and wider boxes."""
    return np.histogram(columns.ratios.clip(RATIO_EDGES[0], RATIO_EDGES[-1]), RATIO_EDGES)[0]


def map_places(columns: Columns) -> NDArray[np.float64]:
    """Compute a heat map of positions: the fraction of boxes that cover each cell of their photos.

    Each box adds 1 at its start and subtracts 1 at its end (a 2D difference array); cumulative sums along both axes
    fill the covered cells.

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
    """Count the photos of each size; merge similar sizes if there are more than ``MAX_SIZES``.

    Returns:
        Widths and heights in pixels, shape (S, 2); number of photos, shape (S,); and the rounding step in pixels, 1 if
        the sizes are exact.
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
