"""Merging of the detections on a photo as a whole and on its tiles.

Two detections of one class from different views are the same object if they overlap much (IoU), or if one lies within
the other (the intersection covers most of the smaller one), as a part of an object does that a tile cuts off. The one
with the higher score stays. In this choice, a score counts less if another view shows the object better: if an inner
edge of a tile may cut the box off, if the box is smaller on the whole photo than the objects of the training, and if it
overlaps a box of the whole photo that is larger than a tile. The scores themselves stay as they are. Detections of the
same view are never merged, because the network has done that.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autodet.inference.tiles import Tile
from autodet.records import BoolArray, FloatArray, IntArray, Prediction

MERGE_VERSION = 1  # raised when the same views give other detections, so that stored evaluations are made again
SAME_IOU = 0.5
INSIDE = 0.7  # share of the smaller box
DOUBT = 0.4  # factor of the score if another view shows the object better
EDGE = 0.01  # of a tile's side: a box that ends nearer to an inner edge may be cut off
MAX_MERGED = 1000  # detections of a photo


@dataclass(frozen=True, eq=False)
class _Views:
    """The detections of all views of a photo, in pixels of the photo, with the number of their view.

    Attributes:
        weights: Scores for the choice between detections of an object.
    """

    boxes_xyxy: FloatArray
    class_ids: IntArray
    scores: FloatArray
    views: IntArray
    weights: FloatArray

    def sorted(self) -> "_Views":
        """Sort the detections, the highest weight first."""
        order = np.argsort(-self.weights, kind="stable")
        return _Views(*(column[order] for column in vars(self).values()))


def merge_tiles(whole: Prediction, tiles: Sequence[tuple[Tile, Prediction]], small_object: float = 0.0) -> Prediction:
    """Merge the detections on a photo and on its tiles.

    Args:
        whole: The detections on the photo as a whole.
        tiles: The tiles, each with its detections in pixels of the tile.
        small_object: Side of a small object of the training as a share of the photo's longer side;
            see ``autodet.records.TrainedSizes``.

    Returns:
        At most ``MAX_MERGED`` detections; ``truncated`` if a view, or all of them together, reached its limit.
    """
    views = _all_views(whole, tiles, small_object).sorted()
    kept = np.flatnonzero(_distinct(views))
    best = kept[np.argsort(-views.scores[kept], kind="stable")]
    parts = [whole, *(seen for _, seen in tiles)]
    floors = [float(seen.scores[-1]) for seen in parts if seen.truncated and len(seen)]
    floors += [float(views.scores[one]) for one in best[MAX_MERGED : MAX_MERGED + 1]]
    best = best[:MAX_MERGED]
    return Prediction.of(
        views.boxes_xyxy[best],
        views.class_ids[best],
        views.scores[best],
        size_wh=whole.size_wh,
        truncated=bool(floors),
        missing_below=max(floors, default=0.0),
        tiles=len(tiles),
    )


def _all_views(whole: Prediction, tiles: Sequence[tuple[Tile, Prediction]], small_object: float) -> _Views:
    parts = [whole, *(seen for _, seen in tiles)]
    sides = np.sqrt(_areas(whole.boxes_xyxy))
    is_large = sides >= max(max(x2 - x1, y2 - y1) for (x1, y1, x2, y2), _ in tiles)
    is_small = sides < small_object * max(whole.size_wh)
    boxes, weights = [whole.boxes_xyxy], [whole.scores * np.where(is_small, DOUBT, 1)]
    for tile, seen in tiles:
        shifted = seen.boxes_xyxy + np.array(tile[:2] * 2, np.float32)
        same_class = seen.class_ids[:, None] == whole.class_ids[is_large]
        in_large = (_are_one(shifted, whole.boxes_xyxy[is_large]) & same_class).any(axis=1)
        boxes.append(shifted)
        weights.append(seen.scores * np.where(_are_cut(seen.boxes_xyxy, tile, whole.size_wh), DOUBT, 1))
        weights[-1] = weights[-1] * np.where(in_large, DOUBT, 1)
    return _Views(
        np.concatenate(boxes),
        np.concatenate([seen.class_ids for seen in parts]),
        np.concatenate([seen.scores for seen in parts]),
        np.repeat(np.arange(len(parts)), [len(seen) for seen in parts]),
        np.concatenate(weights),
    )


def _are_cut(boxes_xyxy: FloatArray, tile: Tile, size_wh: tuple[int, int]) -> BoolArray:
    """Return which boxes of a tile end at an edge that is not an edge of the photo."""
    x1, y1, x2, y2 = tile
    across, down = x2 - x1, y2 - y1
    margin = EDGE * max(across, down)
    near = [
        (boxes_xyxy[:, 0] < margin) & (x1 > 0),
        (boxes_xyxy[:, 1] < margin) & (y1 > 0),
        (boxes_xyxy[:, 2] > across - margin) & (x2 < size_wh[0]),
        (boxes_xyxy[:, 3] > down - margin) & (y2 < size_wh[1]),
    ]
    return np.asarray(np.logical_or.reduce(near))


def _distinct(views: _Views) -> BoolArray:
    """Return which detections remain if the first of each object is kept."""
    keep = np.ones(len(views.scores), bool)
    for first in range(len(keep)):
        if keep[first]:
            rivals = keep & (views.class_ids == views.class_ids[first]) & (views.views != views.views[first])
            rivals[: first + 1] = False
            places = np.flatnonzero(rivals)
            keep[places[_are_one(views.boxes_xyxy[first : first + 1], views.boxes_xyxy[places])[0]]] = False
    return keep


def _are_one(boxes_xyxy: FloatArray, others_xyxy: FloatArray) -> BoolArray:
    """Return whether boxes, shape (N, 4), and others, shape (M, 4), are probably of one object; shape (N, M)."""
    top_left = np.maximum(boxes_xyxy[:, None, :2], others_xyxy[None, :, :2])
    shared = (np.minimum(boxes_xyxy[:, None, 2:], others_xyxy[None, :, 2:]) - top_left).clip(0).prod(axis=2)
    areas, other_areas = _areas(boxes_xyxy)[:, None], _areas(others_xyxy)[None, :]
    is_same = shared >= SAME_IOU * (areas + other_areas - shared)
    is_inside = shared >= INSIDE * np.minimum(areas, other_areas)
    return np.asarray((is_same | is_inside) & (shared > 0))


def _areas(boxes_xyxy: FloatArray) -> FloatArray:
    areas: FloatArray = (boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]).clip(0).prod(axis=1)
    return areas
