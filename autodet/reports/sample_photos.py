"""Sample photos of a report: the best, the worst, and typical errors, with their detections and missed labels."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from typing import Literal

import numpy as np
from PIL import Image

from autodet.datasets.manifest import Dataset
from autodet.datasets.photos import open_photo
from autodet.errors import PhotoError
from autodet.evaluation.coco_matches import NO_PARTNER
from autodet.evaluation.error_kinds import KINDS, missed_without_trace
from autodet.evaluation.outcomes import ShownOutcomes
from autodet.records import BoxXYXY, ErrorKind, FloatArray, ImageRecord, IntArray

MAX_PHOTOS = 3  # the best; as many of the worst
MAX_TRIES = 20  # photos opened for each group
MAX_KINDS, MAX_EXAMPLES = 3, 3  # kinds of errors, and examples of each
PHOTO_PIXELS, CROP_PIXELS, QUALITY = 480, 320, 78
MIN_CROP, CROP_MARGIN = 64, 0.5  # pixels; share of the longer side around the boxes
MISSED = "missed"

MarkKind = Literal["right", "false_alarm", "wrong_class", "missed", "truth"]


@dataclass(frozen=True)
class DrawnBox:
    """A box on a sample photo.

    Attributes:
        kind: ``right``, ``false_alarm`` or ``wrong_class`` for a detection, ``missed`` or ``truth`` for a label.
        class_name: Class of the detection or the label.
        box: The box, ``x1, y1, x2, y2`` in pixels of the photo.
        score: Confidence of a detection; None for a label.
        label: Class of the object that a detection of the wrong class is about; None for others.
    """

    kind: MarkKind
    class_name: str
    box: BoxXYXY
    score: float | None = None
    label: str | None = None


@dataclass(frozen=True, eq=False)
class SamplePhoto:
    """A photo, or a part of one, and the boxes on it.

    Attributes:
        file: The photo.
        view: The part that is shown, ``x1, y1, x2, y2`` in pixels of the photo.
        jpeg: The part as a small JPEG, without metadata.
        boxes: Its detections and its missed labels.
    """

    file: str
    view: BoxXYXY
    jpeg: bytes
    boxes: tuple[DrawnBox, ...]


@dataclass(frozen=True, eq=False)
class SamplePhotos:
    """Sample photos.

    Attributes:
        best: Photos with objects and without errors, most objects first.
        worst: Photos with the most errors.
        errors: Examples by kind of error, the most frequent kind first.
        unread: Names of the photos that could not be opened.
    """

    best: tuple[SamplePhoto, ...]
    worst: tuple[SamplePhoto, ...]
    errors: Mapping[str, tuple[SamplePhoto, ...]]
    unread: tuple[str, ...] = ()


def choose_photos(
    shown: ShownOutcomes, records: Sequence[ImageRecord], dataset: Dataset, kinds: Mapping[str, ErrorKind]
) -> SamplePhotos:
    """Choose and draw the sample photos; a photo that cannot be opened any more is left out.

    Args:
        shown: Outcomes at the model's thresholds.
        records: The photos.
        dataset: The data set of the photos.
        kinds: Errors by kind.
    """
    camera = _Camera(shown, records, dataset)
    found = np.bincount(shown.outcomes.truth.photos[shown.found], minlength=len(records))
    errors = shown.errors_by_photo()
    best = np.flatnonzero((errors == 0) & (found > 0))
    worst = np.flatnonzero(errors)
    frequent = sorted((kind for kind in kinds if kinds[kind].count), key=lambda kind: -kinds[kind].count)
    return SamplePhotos(
        best=camera.photos(best[np.argsort(-found[best], kind="stable")]),
        worst=camera.photos(worst[np.argsort(-errors[worst], kind="stable")]),
        errors={kind: camera.examples(kind) for kind in frequent[:MAX_KINDS]},
        unread=tuple(camera.unread),
    )


class _Camera:
    """Takes sample photos, and notes those that cannot be opened."""

    def __init__(self, shown: ShownOutcomes, records: Sequence[ImageRecord], dataset: Dataset) -> None:
        self._shown, self._records, self._dataset = shown, records, dataset
        self.unread: list[str] = []

    def photos(self, photos: IntArray) -> tuple[SamplePhoto, ...]:
        """Take the first whole photos, all different."""
        return _first(map(self._photo, self._distinct(photos)), MAX_PHOTOS)

    def examples(self, kind: str) -> tuple[SamplePhoto, ...]:
        """Take crops of the clearest errors of a kind, on different photos."""
        outcomes = self._shown.outcomes
        if kind == MISSED:
            boxes = np.flatnonzero(missed_without_trace(self._shown))
            order = boxes[np.argsort(-_areas(outcomes.truth.boxes_xyxy[boxes]), kind="stable")]
            crops = ((int(outcomes.truth.photos[box]), [self._missed(box)]) for box in order)
        else:
            detections = self._shown.of_kind(KINDS[kind])
            crops = ((int(outcomes.detections.photos[each]), self._error(each)) for each in detections)
        seen: set[str] = set()
        return _first((self._crop(photo, boxes) for photo, boxes in crops if self._is_new(photo, seen)), MAX_EXAMPLES)

    def _distinct(self, photos: IntArray) -> Iterator[int]:
        seen: set[str] = set()
        return (photo for photo in photos.tolist() if self._is_new(photo, seen))

    def _is_new(self, photo: int, seen: set[str]) -> bool:
        """Return whether no equal photo was seen, and note it."""
        identity = self._records[photo].sha256 or self._records[photo].file
        is_new = identity not in seen
        seen.add(identity)
        return is_new

    def _photo(self, photo: int) -> SamplePhoto | None:
        record = self._records[photo]
        view = (0.0, 0.0, float(record.width), float(record.height))
        return self._taken(photo, view, PHOTO_PIXELS, list(self._boxes_on(photo)))

    def _crop(self, photo: int, boxes: list[DrawnBox]) -> SamplePhoto | None:
        record = self._records[photo]
        view = _around([drawn.box for drawn in boxes], record.width, record.height)
        return self._taken(photo, view, CROP_PIXELS, boxes)

    def _taken(self, photo: int, view: BoxXYXY, pixels: int, boxes: Sequence[DrawnBox]) -> SamplePhoto | None:
        record = self._records[photo]
        try:
            image = open_photo(self._dataset.photo(record), record.file)
        except PhotoError:
            self.unread.append(record.file)
            return None
        x1, y1, x2, y2 = map(round, view)
        part = image.crop((x1, y1, x2, y2))
        part.thumbnail((pixels, pixels))
        return SamplePhoto(record.file, view, _jpeg(part), tuple(boxes))

    def _boxes_on(self, photo: int) -> Iterator[DrawnBox]:
        """Yield the boxes of a photo: missed ones, errors, then right ones."""
        shown, outcomes = self._shown, self._shown.outcomes
        labels = _within(outcomes.truth.starts, photo)
        detections = _within(outcomes.detections.starts, photo)
        confused = set(shown.confused[detections].tolist())
        for box in labels[shown.missed[labels]].tolist():
            if box not in confused:
                yield self._missed(box)
        for each in detections[shown.wrong[detections]].tolist():
            yield self._detection(each, int(shown.confused[each]))
        for each in detections[shown.right[detections]].tolist():
            yield self._detection(each, NO_PARTNER)

    def _error(self, each: int) -> list[DrawnBox]:
        """Return a wrong detection, and the label that it is about if there is one."""
        outcomes = self._shown.outcomes
        about = int(outcomes.about[each])
        if about == NO_PARTNER:
            return [self._detection(each, NO_PARTNER)]
        other = outcomes.truth.class_ids[about] != outcomes.detections.class_ids[each]
        name, box = outcomes.classes[outcomes.truth.class_ids[about]], _box(outcomes.truth.boxes_xyxy[about])
        return [DrawnBox("truth", name, box), self._detection(each, about if other else NO_PARTNER)]

    def _detection(self, each: int, label: int) -> DrawnBox:
        outcomes = self._shown.outcomes
        kind: MarkKind = "right" if self._shown.right[each] else "false_alarm" if label == NO_PARTNER else "wrong_class"
        return DrawnBox(
            kind,
            outcomes.classes[outcomes.detections.class_ids[each]],
            _box(outcomes.detections.boxes_xyxy[each]),
            round(float(outcomes.detections.scores[each]), 4),
            None if label == NO_PARTNER else outcomes.classes[outcomes.truth.class_ids[label]],
        )

    def _missed(self, box: int) -> DrawnBox:
        truth = self._shown.outcomes.truth
        return DrawnBox("missed", self._shown.outcomes.classes[truth.class_ids[box]], _box(truth.boxes_xyxy[box]))


def _first(photos: Iterable[SamplePhoto | None], most: int) -> tuple[SamplePhoto, ...]:
    """Return the first photos that can be opened; there are not many tries, because all may be gone."""
    return tuple(islice((photo for photo in islice(photos, MAX_TRIES) if photo), most))


def _within(starts: IntArray, photo: int) -> IntArray:
    return np.arange(starts[photo], starts[photo + 1])


def _around(boxes: Sequence[BoxXYXY], width: int, height: int) -> BoxXYXY:
    """Return a part of a photo with boxes and their surroundings, about square."""
    corners = np.array(boxes)
    (x1, y1), (x2, y2) = corners[:, :2].min(axis=0), corners[:, 2:].max(axis=0)
    side = max(MIN_CROP, (1 + 2 * CROP_MARGIN) * max(x2 - x1, y2 - y1))
    left, top = ((low + high - side) / 2 for low, high in ((x1, x2), (y1, y2)))
    left, top = max(0.0, min(left, width - side)), max(0.0, min(top, height - side))
    return left, top, min(float(width), left + side), min(float(height), top + side)


def _jpeg(photo: Image.Image) -> bytes:
    content = BytesIO()
    photo.save(content, "JPEG", quality=QUALITY, optimize=True, comment=b"")  # else that of the original stays
    return content.getvalue()


def _areas(boxes_xyxy: FloatArray) -> FloatArray:
    areas: FloatArray = (boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]).prod(axis=1)
    return areas


def _box(box_xyxy: FloatArray) -> BoxXYXY:
    x1, y1, x2, y2 = (round(float(side), 1) for side in box_xyxy)
    return x1, y1, x2, y2
