"""Photos: what is marked on them, what is wrong with them, what a detector sees on them."""

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
MAX_CLASSES_SHOWN = 10


def _boxes(count: int) -> str:
    return f"{count} {'box' if count == 1 else 'boxes'}"


DEFAULT_THRESHOLD = 0.5  # of the confidence, wherever a detection is shown
MIN_SCORE = 0.01  # of a network's detections: lower ones cost time, and metrics hardly see them
MAX_DETECTIONS = 100  # of a class on a photo that COCO's figures count; most networks find no more on a photo at all


class Mark(NamedTuple):
    """One object that somebody marked.

    Attributes:
        name: The class, as written.
        box_xyxy: The box as written: in pixels, or in shares of a ``relative`` photo.
        difficult: Whether a metric should neither reward nor punish it.
        truncated: Whether the object goes on beyond its box.
    """

    name: str
    box_xyxy: BoxXYXY
    difficult: bool = False
    truncated: bool = False


@dataclass(frozen=True, eq=False, slots=True)
class Annotations:
    """What a person marked on one photo.

    Attributes:
        boxes_xyxy: Boxes, shape (N, 4), float32, pixels of the photo.
        class_ids: Classes, shape (N,), int64.
        difficult: Boxes that a metric neither rewards nor punishes, shape (N,), bool.
        truncated: Boxes of objects that the photo's edge, or something before them, cuts off, shape (N,), bool.
    """

    boxes_xyxy: FloatArray
    class_ids: IntArray
    difficult: BoolArray
    truncated: BoolArray

    @classmethod
    def of(cls, boxes_xyxy: Any, class_ids: Any, difficult: Any = None, truncated: Any = None) -> Self:
        """Annotations from any sequences, empty ones included; nothing is difficult or truncated if not said."""
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
        """For notebooks: one line."""
        classes = np.unique(self.class_ids).tolist()
        shown = ", ".join(map(str, classes[:MAX_CLASSES_SHOWN])) + ", ..." * (len(classes) > MAX_CLASSES_SHOWN)
        of = f" of the class ids {shown}" if classes else ""
        return (
            f"Annotations({_boxes(len(self))}{of}; {self.difficult.sum()} difficult, {self.truncated.sum()} truncated)"
        )

    @property
    def teaches(self) -> bool:
        """Whether there is a box that counts: difficult ones are neither learnt from nor judged by."""
        return not self.difficult.all()


@dataclass(frozen=True, eq=False, slots=True)
class ImageRecord:
    """One photo of a data set.

    Attributes:
        file: The photo's path below the data set's ``images`` folder, with forward slashes.
        width: Width in pixels, after EXIF orientation.
        height: Height in pixels, after EXIF orientation.
        split: ``train``, ``val`` or ``test``.
        annotations: What is marked on it; may be empty: a photo without objects is data.
        sha256: SHA-256 of the photo's bytes, in hexadecimal.
        origin: The photo's path below the source that it was imported from, with forward slashes.
        look: How the photo looks, in 128 bits; see ``autodet.datasets.perceptual_hash``.
    """

    file: str
    width: int
    height: int
    split: Split
    annotations: Annotations
    sha256: str = ""
    origin: str = ""
    look: int = 0

    def __repr__(self) -> str:
        """For notebooks: one line."""
        return f"ImageRecord({self.file!r}, {self.width}x{self.height}, {self.split}, {_boxes(len(self.annotations))})"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that an import found in a file, and what it did about it, both as sentences.

    Attributes:
        file: The file, below the source's root; empty where it is about the whole data set.
        problem: What is wrong.
        action: What was done about it.
        kind: A name of ``autodet.datasets.checks.kinds.KINDS``.
        photos: The photos that show it: paths below the source's root or, once imported, below the data set's
            ``images``.
    """

    file: str
    problem: str
    action: str
    kind: str = ""
    photos: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """For notebooks: one line."""
        return f"Problem({self.kind!r}, {self.file!r}, {self.problem!r}, {self.action!r}, {len(self.photos)} photos)"


@dataclass(frozen=True, eq=False)
class Prediction:
    """The detections on one photo, best first.

    Attributes:
        boxes_xyxy: Boxes, shape (N, 4), float32, pixels of the photo.
        class_ids: Classes, shape (N,), int64.
        scores: Confidences in (0, 1], shape (N,), float32, falling.
        size_wh: Width and height of the photo in pixels, EXIF orientation applied; zeros where they are not known.
        truncated: Whether the network found as many objects as it can, so that there may be more.
        error: Why the photo could not be read, a sentence; there are no detections then. Empty if it was read.
    """

    boxes_xyxy: FloatArray
    class_ids: IntArray
    scores: FloatArray
    size_wh: tuple[int, int] = (0, 0)
    truncated: bool = False
    error: str = ""

    @classmethod
    def of(cls, boxes_xyxy: Any, class_ids: Any, scores: Any, **facts: Any) -> Self:
        """A prediction from any sequences, sorted best first; ``facts`` are the other attributes."""
        order = np.argsort(-np.asarray(scores, np.float32).reshape(-1), kind="stable")
        return cls(
            np.asarray(boxes_xyxy, np.float32).reshape(-1, 4)[order],
            np.asarray(class_ids, np.int64).reshape(-1)[order],
            np.asarray(scores, np.float32).reshape(-1)[order],
            **facts,
        )

    def above(self, threshold: float) -> Self:
        """Only what scores at least ``threshold``; it is complete if a lower score was found too."""
        keep = self.scores >= threshold
        return replace(self._where(keep), truncated=self.truncated and bool(keep.all()))

    def only(self, class_ids: Sequence[int]) -> Self:
        """Only what is of some classes."""
        return self._where(np.isin(self.class_ids, class_ids))

    def _where(self, keep: BoolArray) -> Self:
        kept = (self.boxes_xyxy[keep], self.class_ids[keep], self.scores[keep])
        return replace(self, boxes_xyxy=kept[0], class_ids=kept[1], scores=kept[2])

    def __len__(self) -> int:
        return len(self.scores)
