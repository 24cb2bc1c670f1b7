"""Evaluation reports of a model on a split."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

from autodet.records.known import known_entries
from autodet.records.photos import BoxXYXY

LabelIssueKind = Literal["missing", "wrong_class", "poor_box", "spurious"]
Interval = tuple[float, float]


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
        interval: 95 % intervals, bootstrapped over photos, of ``ap50``, ``precision``, ``recall`` and ``f1``; those
            that are defined.
    """

    ap50: float | None
    ap50_95: float | None
    images: int
    boxes: int
    precision: float | None = None
    recall: float | None = None
    f1: float | None = None
    threshold: float | None = None
    interval: Mapping[str, Interval] = field(default_factory=dict)


@dataclass(frozen=True)
class Confusion:
    """How often each class is detected as each other, at the thresholds and IoU 0.50.

    Attributes:
        labels: Class names, in class order, then ``background``.
        matrix: Rows are ground truth, columns detections. The last column counts missed boxes, the last row detections
            of nothing; the corner is 0.
    """

    labels: tuple[str, ...]
    matrix: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class ErrorKind:
    """Errors of one kind.

    Attributes:
        count: Errors at the model's thresholds.
        map50_gain: What mending all errors of the kind, at any score, would add to mAP50.
    """

    count: int
    map50_gain: float


@dataclass(frozen=True)
class GroupCounts:
    """Found and missed objects of a group.

    Attributes:
        name: Name of the group.
        boxes: Boxes that count.
        missed: Those that no shown detection found.
        false_positives: Shown false positives.
    """

    name: str
    boxes: int
    missed: int
    false_positives: int

    @property
    def found(self) -> int:
        """Boxes found."""
        return self.boxes - self.missed

    @property
    def missed_share(self) -> float:
        """Share of the boxes missed; 0 without a box."""
        return self.missed / self.boxes if self.boxes else 0.0


@dataclass(frozen=True)
class LabelIssue:
    """A label that looks wrong.

    Attributes:
        file: The photo.
        kind: ``missing`` (an object without a label), ``wrong_class``, ``poor_box`` or ``spurious`` (a label without an
            object).
        class_name: Class of the label; of the missing one, the class that was detected.
        box: Box of the label, or the missing one, ``x1, y1, x2, y2`` in pixels.
        score: Quality of the label, 0 (surely wrong) to 1 (fine).
        annotation: Index of the label among the photo's annotations; None if it is missing.
        suggested_class: Class that was detected there; None if the label is spurious.
        suggested_box: Box that was detected there; None in the same case.
    """

    file: str
    kind: LabelIssueKind
    class_name: str
    box: BoxXYXY
    score: float
    annotation: int | None = None
    suggested_class: str | None = None
    suggested_box: BoxXYXY | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the attributes; ``class_name`` as ``class``."""
        document = asdict(self)
        return {"class" if name == "class_name" else name: value for name, value in document.items()}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Invert ``to_json``."""
        known = known_entries(cls, document) | {"class_name": document["class"], "box": tuple(document["box"])}
        suggested = document.get("suggested_box")
        return cls(**known | {"suggested_box": suggested and tuple(suggested)})


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
        crowded_objects: Number of annotations beyond this limit, over all photos.
        thresholds: Confidence threshold by class name, from the model.
        coco: COCO's twelve numbers: ``AP``, ``AP50``, ``AP75``, ``APs``, ``APm``, ``APl``, ``AR1``, ``AR10``,
            ``AR100``, ``ARs``, ``ARm``, ``ARl``; None where no class has a box of that size.
        interval: 95 % intervals of ``map50`` and ``map50_95``, bootstrapped over photos.
        confusion: Confusion matrix at the thresholds; None in reports of earlier versions.
        error_kinds: TIDE's kinds of errors: ``classification``, ``localization``, ``both``, ``duplicate``,
            ``background``, ``missed``.
        label_issues: Labels that look wrong, the worst first, at most 1,000.
        conditions: Counts of dark to bright photos (``light``) and of the least sharp fifth (``sharpness``) at the
            thresholds. Never stored; empty unless an evaluation was asked for.
        caution: Sentence for readers if the model was trained on these photos, so that the metrics say little; else
            empty. Never stored.
    """

    map50: float
    map50_95: float
    map50_voc07: float
    per_class: Mapping[str, ClassReport] = field(default_factory=dict)
    images: int = 0
    crowded_images: int = 0
    crowded_objects: int = 0
    thresholds: Mapping[str, float] = field(default_factory=dict)
    coco: Mapping[str, float | None] = field(default_factory=dict)
    interval: Mapping[str, Interval] = field(default_factory=dict)
    confusion: Confusion | None = None
    error_kinds: Mapping[str, ErrorKind] = field(default_factory=dict)
    label_issues: tuple[LabelIssue, ...] = ()
    conditions: Mapping[str, tuple[GroupCounts, ...]] = field(default_factory=dict)
    caution: str = ""

    def __repr__(self) -> str:
        """Return a short form, for notebooks."""
        metrics = f"map50 {self.map50:.3f}, map50_95 {self.map50_95:.3f}, map50_voc07 {self.map50_voc07:.3f}"
        return f"EvaluationReport({metrics}, photos {self.images}, classes {len(self.per_class)})"

    def to_json(self) -> dict[str, Any]:
        """Return the attributes as a document."""
        return asdict(self) | {"label_issues": [issue.to_json() for issue in self.label_issues]}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Invert ``to_json``; entries that this version does not know are ignored."""
        kinds = document.get("error_kinds", {})
        parts = {
            "per_class": {name: _class_report(report) for name, report in document["per_class"].items()},
            "interval": _intervals(document.get("interval", {})),
            "confusion": _confusion(document.get("confusion")),
            "error_kinds": {name: ErrorKind(**known_entries(ErrorKind, kind)) for name, kind in kinds.items()},
            "label_issues": tuple(map(LabelIssue.from_json, document.get("label_issues", ()))),
            "conditions": {
                name: tuple(GroupCounts(**known_entries(GroupCounts, group)) for group in groups)
                for name, groups in document.get("conditions", {}).items()
            },
        }
        return cls(**known_entries(cls, document) | parts)


def _class_report(document: Mapping[str, Any]) -> ClassReport:
    interval = _intervals(document.get("interval", {}))
    return ClassReport(**known_entries(ClassReport, document) | {"interval": interval})


def _intervals(document: Mapping[str, Sequence[float]]) -> dict[str, Interval]:
    return {name: (low, high) for name, (low, high) in document.items()}


def _confusion(document: Mapping[str, Any] | None) -> Confusion | None:
    if document is None:
        return None
    return Confusion(tuple(document["labels"]), tuple(map(tuple, document["matrix"])))


@dataclass(frozen=True)
class TileGain:
    """What tiles gain on the large photos of a split; each pair is without and with tiles.

    Attributes:
        dataset: Id of the data set.
        photos: Number of its validation photos that are large enough for tiles.
        map50: COCO AP at IoU 0.50 on them, 0 to 1.
        map50_95: COCO AP, mean over IoU 0.50 to 0.95, 0 to 1.
        precision: Share of the shown detections that are right, at the model's thresholds.
        recall: Share of the objects that are found, at the model's thresholds.
    """

    dataset: str
    photos: int
    map50: tuple[float, float]
    map50_95: tuple[float, float]
    precision: tuple[float, float]
    recall: tuple[float, float]


@dataclass(frozen=True)
class Quantization:
    """Gains and losses of an ONNX file with 8-bit convolutions; each pair is before and after.

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

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Invert ``to_json``; entries that this version does not know are ignored."""
        pairs = {key: tuple(value) if isinstance(value, list) else value for key, value in document.items()}
        return cls(**known_entries(cls, pairs))
