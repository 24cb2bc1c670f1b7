"""The choice for a model that drafts: its classes, their names in the data set and their thresholds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from autodet.evaluation.boxes import Detections
from autodet.evaluation.overlap import iou_matrix
from autodet.models.matching_weights import match_classes
from autodet.models.model_card import ModelCard
from autodet.records import BoolArray, Prediction

SAME_OBJECT_IOU = 0.7  # from which boxes of two classes show one object
MAX_CLASSES_UNASKED = 20  # of a model, which become the classes of a data set that has none


@dataclass(frozen=True)
class DraftedClass:
    """What becomes of the detections of one class of a model.

    Attributes:
        name: Class of the proposals; the data set's drafts get it if they lack it.
        threshold: Lowest calibrated score, 0 to 1.
    """

    name: str
    threshold: float


Choice = Mapping[str, DraftedClass]  # by class of the model; others are left out


@dataclass(frozen=True, eq=False)
class FoundBoxes:
    """Detections of a model on some photos, for any choice of classes and thresholds.

    Attributes:
        classes: The model's classes.
        detections: The detections, photo by photo.
    """

    classes: tuple[str, ...]
    detections: Detections

    @classmethod
    def of(cls, classes: tuple[str, ...], predictions: Sequence[Prediction]) -> "FoundBoxes":
        """Collect predictions on photos."""
        return cls(classes, Detections.of(predictions))

    @cached_property
    def rivals(self) -> list[tuple[int, int]]:
        """Pairs of detections of two classes on one object, the better first; photo by photo, the best first."""
        pairs: list[tuple[int, int]] = []
        found = self.detections
        for begin, end in zip(found.starts[:-1].tolist(), found.starts[1:].tolist(), strict=True):
            ids = found.class_ids[begin:end]
            if len(ids) < 2 or (ids == ids[0]).all():
                continue
            boxes = found.boxes_xyxy[begin:end]
            same = (iou_matrix(boxes, boxes) >= SAME_OBJECT_IOU) & (ids[:, None] != ids[None, :])
            pairs += [(begin + better, begin + worse) for better, worse in np.argwhere(np.triu(same)).tolist()]
        return pairs

    def proposed(self, choice: Choice) -> BoolArray:
        """Return which detections a choice proposes, one on each object; shape (detections,)."""
        least = np.array([choice[name].threshold if name in choice else np.inf for name in self.classes], np.float32)
        chosen = self.detections.scores >= least[self.detections.class_ids]
        for better, worse in self.rivals:
            if chosen[better]:
                chosen[worse] = False
        return chosen

    def counts(self, choice: Choice) -> dict[str, int]:
        """Count the boxes that a choice proposes, by class of the model, with 0 for those without."""
        ids = self.detections.class_ids[self.proposed(choice)]
        return dict(zip(self.classes, np.bincount(ids, minlength=len(self.classes)).tolist(), strict=True))


def default_choice(card: ModelCard, classes: Sequence[str], threshold: float | None = None) -> dict[str, DraftedClass]:
    """Return the classes of a model that a data set has too, with the model's own thresholds.

    A data set without classes gets those of a model that knows few.

    Args:
        card: The model's card.
        classes: The classes of the data set and its drafts.
        threshold: One threshold for all classes instead.
    """
    names = {known: name for name, known in match_classes(card.classes, classes).kept.items()}
    if not classes and len(card.classes) <= MAX_CLASSES_UNASKED:
        names = {name: name for name in card.classes}
    own = card.all_thresholds
    return {
        known: DraftedClass(names[known], own[known] if threshold is None else threshold)
        for known in card.classes
        if known in names
    }
