"""Evaluation reports of a model on a split."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from autodet.records.known import known_entries


@dataclass(frozen=True)
class ClassReport:
    """Metrics of one class on a split.

    Attributes:
        ap50: COCO AP at IoU 0.50; None if the split has no box of the class.
        ap50_95: COCO AP; None in the same case.
        images: Photos of the split with an annotation of the class.
        boxes: Boxes of the class in the split.
        precision: Share of the detections at the threshold that are right, at IoU 0.50; None without a detection.
        recall: Share of the boxes that these detections find, difficult ones left out; None without a box.
        f1: Harmonic mean of both; None without a box.
        threshold: Confidence threshold of the three; None, like them, in reports of earlier versions.
    """

    ap50: float | None
    ap50_95: float | None
    images: int
    boxes: int
    precision: float | None = None
    recall: float | None = None
    f1: float | None = None
    threshold: float | None = None


@dataclass(frozen=True)
class EvaluationReport:
    """Metrics of a model on one split; means are over the classes that have a box in it.

    Attributes:
        map50: COCO AP at IoU 0.50, 0 to 1.
        map50_95: COCO AP, mean over IoU 0.50 to 0.95, 0 to 1.
        map50_voc07: Pascal VOC 2007 11-point AP at IoU 0.50, the metric that AutoGluon reported.
        per_class: One report per class, in class order.
        images: Photos in the split.
        crowded_images: Photos with more than ``MAX_DETECTIONS`` annotations that are not difficult; a detector finds
            no more than that, so the rest counts as missed.
        thresholds: Confidence threshold by class name, from the model.
        caution: Sentence for readers if the model was trained on these photos, so that the metrics say little; else
            empty. Never stored.
    """

    map50: float
    map50_95: float
    map50_voc07: float
    per_class: Mapping[str, ClassReport] = field(default_factory=dict)
    images: int = 0
    crowded_images: int = 0
    thresholds: Mapping[str, float] = field(default_factory=dict)
    caution: str = ""

    def __repr__(self) -> str:
        """Return a short form, for notebooks."""
        metrics = f"map50 {self.map50:.3f}, map50_95 {self.map50_95:.3f}, map50_voc07 {self.map50_voc07:.3f}"
        return f"EvaluationReport({metrics}, photos {self.images}, classes {len(self.per_class)})"

    def to_json(self) -> dict[str, Any]:
        """Return the keys ``map50, map50_95, map50_voc07, per_class, images, crowded_images, thresholds, caution``."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Invert ``to_json``; entries that this version does not know are ignored."""
        per_class = {
            name: ClassReport(**known_entries(ClassReport, report)) for name, report in document["per_class"].items()
        }
        return cls(**known_entries(cls, document) | {"per_class": per_class})


@dataclass(frozen=True)
class Quantization:
    """What an ONNX file with 8-bit convolutions gains and loses; each pair is before and after.

    Attributes:
        dataset: Id of the data set with the photos.
        calibration_photos: Number of training photos that the ranges of 8 bits were calibrated on.
        measured_photos: Number of validation photos that the metrics were measured on.
        map50: COCO AP at IoU 0.50, 0 to 1.
        map50_95: COCO AP, mean over IoU 0.50 to 0.95, 0 to 1.
        milliseconds: CPU time of the network on one square and one core, with its post-processing.
        size_bytes: Size of the file.
    """

    dataset: str
    calibration_photos: int
    measured_photos: int
    map50: tuple[float, float]
    map50_95: tuple[float, float]
    milliseconds: tuple[float, float]
    size_bytes: tuple[int, int]

    def to_json(self) -> dict[str, Any]:
        """Return the attributes."""
        return asdict(self)
