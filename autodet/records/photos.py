"""Photos, their annotations and predictions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
BoxXYXY = tuple[float, float, float, float]

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")
# Where splits come from: the source's folders; its lists or label files; drawn as there are none, or only photos for
# training; only val drawn; drawn for a version; those of merged data sets. Empty if unknown.
SplitOrigin = Literal["folders", "labels", "drawn", "train_only", "val_drawn", "redrawn", "parents", ""]
MAX_CLASSES_SHOWN = 10


def _boxes(count: int) -> str:
    return f"{count} {'box' if count == 1 else 'boxes'}"


DEFAULT_THRESHOLD = 0.5  # confidence threshold wherever detections are shown
MIN_SCORE = 0.01  # of a network's detections: lower ones cost time and hardly affect metrics
MAX_DETECTIONS = 100  # per class and photo, as in COCO metrics; most networks return no more per photo in total


class Mark(NamedTuple):
    """One annotation (marked object) as a label file has it.

    Attributes:
        name: Class name, as written.
        box_xyxy: Box, as written: in pixels, or in fractions of the sides of a ``relative`` photo.
        difficult: Whether metrics ignore it, neither rewarding nor penalising its detection.
        truncated: Whether the object extends beyond its box.
    """

    name: str
    box_xyxy: BoxXYXY
    difficult: bool = False
    truncated: bool = False


@dataclass(frozen=True, eq=False, slots=True)
class Annotations:
    """Ground-truth annotations of one photo.

    Attributes:
        boxes_xyxy: Boxes, shape (N, 4), float32, in pixels of the photo.
        class_ids: Class ids, shape (N,), int64.
        difficult: Mask of boxes that metrics neither reward nor penalise, shape (N,), bool.
        truncated: Mask of boxes whose object is cut off by the photo's edge or occluded, shape (N,), bool.
    """

    boxes_xyxy: FloatArray
    class_ids: IntArray
    difficult: BoolArray
    truncated: BoolArray

    @classmethod
    def of(cls, boxes_xyxy: Any, class_ids: Any, difficult: Any = None, truncated: Any = None) -> Self:
        """Build annotations from any sequences, including empty ones; both masks default to all False."""
        ids = np.asarray(class_ids, dtype=np.int64).reshape(-1)
        no = np.zeros(len(ids), bool)
        return cls(
            boxes_xyxy=np.asarray(boxes_xyxy, dtype=np.float32).reshape(-1, 4),
            class_ids=ids,
            difficult=no if difficult is None else np.asarray(difficult, bool).reshape(-1),
            truncated=no if truncated is None else np.asarray(truncated, bool).reshape(-1),
        )

    def __len__(self) -> int:
        return len(self.class_ids)

    def __repr__(self) -> str:
        """Return one line, for notebooks."""
        classes = np.unique(self.class_ids).tolist()
        shown = ", ".join(map(str, classes[:MAX_CLASSES_SHOWN])) + ", ..." * (len(classes) > MAX_CLASSES_SHOWN)
        of = f" of the class ids {shown}" if classes else ""
        return (
            f"Annotations({_boxes(len(self))}{of}; {self.difficult.sum()} difficult, {self.truncated.sum()} truncated)"
        )

    @property
    def teaches(self) -> bool:
        """Whether any box counts: difficult boxes are used neither for training nor for evaluation."""
        return not self.difficult.all()


@dataclass(frozen=True, eq=False, slots=True)
class ImageRecord:
    """One photo of a data set.

    Attributes:
        file: Path of the photo below the data set's ``images`` folder, with forward slashes.
        width: Width in pixels, after EXIF orientation.
        height: Height in pixels, after EXIF orientation.
        split: ``train``, ``val`` or ``test``.
        annotations: Ground truth; may be empty, because background photos are data too.
        sha256: SHA-256 of the stored photo's bytes, in hexadecimal.
        origin: Path of the photo below its import source, with forward slashes.
        look: 128-bit perceptual hash; see ``autodet.datasets.perceptual_hash``.
        origin_sha256: SHA-256 of the file in the import source if the import converted it, such as a TIFF; else empty.
    """

    file: str
    width: int
    height: int
    split: Split
    annotations: Annotations
    sha256: str = ""
    origin: str = ""
    look: int = 0
    origin_sha256: str = ""

    @property
    def source_sha256(self) -> str:
        """SHA-256 of the photo's file in the import source; equal for copies of a file."""
        return self.origin_sha256 or self.sha256

    def __repr__(self) -> str:
        """Return one line, for notebooks."""
        return f"ImageRecord({self.file!r}, {self.width}x{self.height}, {self.split}, {_boxes(len(self.annotations))})"


@dataclass(frozen=True, eq=False)
class Prediction:
    """Detections on one photo, highest score first.

    Attributes:
        boxes_xyxy: Boxes, shape (N, 4), float32, in pixels of the photo.
        class_ids: Class ids, shape (N,), int64.
        scores: Confidences in (0, 1], shape (N,), float32, descending.
        size_wh: Width and height of the photo in pixels, after EXIF orientation; zeros if unknown.
        truncated: Whether the network returned its maximum number of detections, so that there may be more objects.
        missing_below: Highest score that a missing detection can have, if the prediction is truncated and merged from
            tiles; else 0.
        tiles: Number of tiles of the photo on which objects were detected too; 0 for the photo as a whole only.
        error: Sentence if the photo could not be read, and so has no detections; else empty.
    """

    boxes_xyxy: FloatArray
    class_ids: IntArray
    scores: FloatArray
    size_wh: tuple[int, int] = (0, 0)
    truncated: bool = False
    missing_below: float = 0.0
    tiles: int = 0
    error: str = ""

    def __repr__(self) -> str:
        """Return a short form, for notebooks."""
        if self.error:
            return f"Prediction({self.error!r})"
        many = "s" * (len(self) != 1)
        return f"Prediction({len(self)} detection{many}, {self.size_wh[0]}x{self.size_wh[1]})"

    @classmethod
    def of(cls, boxes_xyxy: Any, class_ids: Any, scores: Any, **facts: Any) -> Self:
        """Build a prediction from any sequences, sorted by score; ``facts`` are the other attributes."""
        order = np.argsort(-np.asarray(scores, np.float32).reshape(-1), kind="stable")
        return cls(
            np.asarray(boxes_xyxy, np.float32).reshape(-1, 4)[order],
            np.asarray(class_ids, np.int64).reshape(-1)[order],
            np.asarray(scores, np.float32).reshape(-1)[order],
            **facts,
        )

    def above(self, threshold: "float | FloatArray") -> Self:
        """Keep detections that score at least a threshold.

        If any is dropped, the result is truncated only if a missing detection could reach the threshold.

        Args:
            threshold: One for all classes, or one for each class id, shape (classes,).
        """
        keep = self.scores >= (threshold[self.class_ids] if isinstance(threshold, np.ndarray) else threshold)
        may_miss = bool(keep.all()) or float(np.min(threshold)) <= self.missing_below
        return replace(self._where(keep), truncated=self.truncated and may_miss)

    def only(self, class_ids: Sequence[int]) -> Self:
        """Keep detections of the given classes."""
        return self._where(np.isin(self.class_ids, class_ids))

    def _where(self, keep: BoolArray) -> Self:
        kept = (self.boxes_xyxy[keep], self.class_ids[keep], self.scores[keep])
        return replace(self, boxes_xyxy=kept[0], class_ids=kept[1], scores=kept[2])

    def __len__(self) -> int:
        return len(self.scores)
