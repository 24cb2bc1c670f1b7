"""Merging of the detections on a photo as a whole and on its tiles.

Two detections of one class from different views are the same object if they overlap much (IoU), or if one lies within
the other (the intersection covers most of the smaller one), as a part of an object does that a tile cuts off. The one
with the higher score stays; the scores of boxes that are probably inaccurate count half in this choice: those cut off
by an inner edge of a tile, and those of the whole photo that are smaller there than the objects of the training. The
scores themselves stay as they are. Detections of the same view are never merged, because the network has done that.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autodet.inference.tiles import Tile
from autodet.records import BoolArray, FloatArray, IntArray, Prediction

MERGE_VERSION = 1  # raised when the same views give other detections, so that stored evaluations are made again
SAME_IOU = 0.5
INSIDE = 0.7  # share of the smaller box
DOUBT = 0.5  # factor of the score of an inaccurate box, when it is compared with others
EDGE = 0.01  # of a tile's side: a box that ends nearer to an inner edge may be cut off
MAX_MERGED = 1000  # detections of a photo


@dataclass(frozen=True, eq=False)
class _Views:
    """The detections of all views of a photo, in pixels of the photo, the best first."""

    boxes_xyxy: FloatArray
    class_ids: IntArray
    scores: FloatArray
    views: IntArray
    doubtful: BoolArray

    def sorted(self) -> "_Views":
        order = np.argsort(-self.scores * np.where(self.doubtful, DOUBT, 1.0), kind="stable")
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
    width, height = whole.size_wh
    parts = [whole, *(seen for _, seen in tiles)]
    shifted = [whole.boxes_xyxy] + [seen.boxes_xyxy + np.array(tile[:2] * 2, np.float32) for tile, seen in tiles]
    areas = (whole.boxes_xyxy[:, 2:] - whole.boxes_xyxy[:, :2]).prod(axis=1)
    doubtful = [np.sqrt(areas) < small_object * max(width, height)]
    doubtful += [_cut_off(seen.boxes_xyxy, tile, (width, height)) for tile, seen in tiles]
    views = _Views(
        np.concatenate(shifted),
        np.concatenate([seen.class_ids for seen in parts]),
        np.concatenate([seen.scores for seen in parts]),
        np.concatenate([np.full(len(seen), number) for number, seen in enumerate(parts)]),
        np.concatenate(doubtful),
    ).sorted()
    kept = np.flatnonzero(_distinct(views))
    best = kept[np.argsort(-views.scores[kept], kind="stable")]
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


def _cut_off(boxes_xyxy: FloatArray, tile: Tile, size_wh: tuple[int, int]) -> BoolArray:
    """Return which boxes of a tile end at an edge that is not an edge of the photo."""
    x1, y1, x2, y2 = tile
    across, down = x2 - x1, y2 - y1
    margin = EDGE * max(across, down)
    near = np.stack(
        [
            (boxes_xyxy[:, 0] < margin) & (x1 > 0),
            (boxes_xyxy[:, 1] < margin) & (y1 > 0),
            (boxes_xyxy[:, 2] > across - margin) & (x2 < size_wh[0]),
            (boxes_xyxy[:, 3] > down - margin) & (y2 < size_wh[1]),
        ]
    )
    return np.asarray(near.any(axis=0))


def _distinct(views: _Views) -> BoolArray:
    """Return which detections remain if the best of each object is kept."""
    keep = np.ones(len(views.scores), bool)
    sizes = (views.boxes_xyxy[:, 2:] - views.boxes_xyxy[:, :2]).clip(0)
    areas = sizes.prod(axis=1)
    for best in range(len(keep)):
        if not keep[best]:
            continue
        later = (
            best
            + 1
            + np.flatnonzero(
                keep[best + 1 :]
                & (views.class_ids[best + 1 :] == views.class_ids[best])
                & (views.views[best + 1 :] != views.views[best])
            )
        )
        box, others = views.boxes_xyxy[best], views.boxes_xyxy[later]
        shared = (np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])).clip(0).prod(axis=1)
        same = shared >= SAME_IOU * (areas[best] + areas[later] - shared)
        inside = shared >= INSIDE * np.minimum(areas[best], areas[later])
        keep[later[(same | inside) & (shared > 0)]] = False
    return keep
