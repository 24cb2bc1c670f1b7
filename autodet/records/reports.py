"""Reports: how well a model does on a split."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from autodet.records.known import known_entries


@dataclass(frozen=True)
class ClassReport:
    """How well one class is found.

    Attributes:
        ap50: COCO AP at IoU 0.50; None where no box of the class is in the split.
        ap50_95: COCO AP; None likewise.
        images: Photos of the split on which the class is marked.
        boxes: Boxes of the class in the split.
    """

    ap50: float | None
    ap50_95: float | None
    images: int
    boxes: int


@dataclass(frozen=True)
class EvaluationReport:
    """How well a model does on one split; means are over the classes that have a box there.

    Attributes:
        map50: COCO AP at IoU 0.50, 0 to 1.
        map50_95: COCO AP, mean over IoU 0.50 to 0.95, 0 to 1.
        map50_voc07: Pascal VOC 2007's 11-point AP at IoU 0.50, the figure that AutoGluon reported.
        per_class: One report a class, in class order.
        images: Photos in the split.
        crowded_images: Those with more marked objects than a detector finds at most, ``MAX_DETECTIONS``; the rest of
            their objects counts as missed.
        caution: Why the figures say little, a sentence: the model was trained on these photos. Empty if all is well.
    """

    map50: float
    map50_95: float
    map50_voc07: float
    per_class: Mapping[str, ClassReport] = field(default_factory=dict)
    images: int = 0
    crowded_images: int = 0
    caution: str = ""

    def to_json(self) -> dict[str, Any]:
        """The keys ``map50, map50_95, map50_voc07, per_class, images, crowded_images, caution``."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The inverse of ``to_json``; entries that this version does not know are ignored."""
        per_class = {
            name: ClassReport(**known_entries(ClassReport, report)) for name, report in document["per_class"].items()
        }
        return cls(**known_entries(cls, document) | {"per_class": per_class})
