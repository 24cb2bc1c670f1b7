"""The card of a model: its description, and the limits of one from an untrusted source."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from autodet.errors import BundleError, LaterVersionError
from autodet.records import DEFAULT_THRESHOLD, Calibration, Origin, ScoreFunction, TrainedSizes, known_entries
from autodet.text_format import few, shortened
from autodet.version import __version__

FORMAT, SHARING_FORMAT = "autodet-1", "autodet-2"  # in the second, the graph refers to the weights
PREDICTION_FORMAT = "autodet-3"  # a graph, often of 8 bits, without the weights that it was made from
FORMATS = (FORMAT, SHARING_FORMAT, PREDICTION_FORMAT)
SCORE = "score"  # metric by which the search compared epochs, of the best epoch

MIN_IMAGE_SIZE, MAX_IMAGE_SIZE = 32, 1280  # pixels; training never uses larger squares
MAX_CLASSES = 10_000
MAX_NAME = 200  # letters of a name that a user gives
MAX_TEXT = 1000  # letters of any text
MAX_ENTRIES = 200  # parameters, metrics, versions, and items of a list value
MAX_NUMBER = 1e15
CHECKSUMS = ("weights_sha256", "graph_sha256")
_NO_TEXT = {"Cc", "Cs", "Zl", "Zp"}  # control characters, surrogates, line and paragraph separators


@dataclass(frozen=True)
class ModelCard:
    """Description of a model in plain values.

    Attributes:
        name: Display name.
        classes: Class names; a class id is an index into them.
        architecture: A name of ``autodet.models.registry``.
        image_size: Side in pixels of the square that photos are letterboxed into.
        dataset: Name of the training data set.
        dataset_fingerprint: Fingerprint of the training data set.
        metrics: Metrics on the data set's validation split, including ``map50`` and ``map50_95``.
        params: Hyperparameters of the training.
        epoch: The epoch whose weights were kept.
        created: Creation time, ISO 8601 with time zone.
        preprocessing: How a photo becomes the network's input.
        versions: Versions of autodet, torch and torchvision.
        refit: Whether a final refit trained it on the validation photos too; ``metrics`` are then those of the best
            trial, whose parameters and epochs it uses.
        latency_ms: Time of one prediction in milliseconds, if the search measured it; see ``autodet.training.latency``.
        averaged: Numbers of the trials whose weights it is the mean of, the best first; empty for the model of one
            trial. ``params``, ``epoch`` and ``latency_ms`` are then those of the first.
        start_from: The model whose weights the training started from; None for the network's pretrained weights.
        trained_sizes: Sizes of the training photos and their objects; None for models of earlier versions.
        calibration: Map from the network's scores to calibrated scores; None if the scores are used as they are.
        thresholds: Confidence threshold by class name, for calibrated scores; a class without one has
            ``DEFAULT_THRESHOLD``, as every class of models of earlier versions.
        reused_classes: Classes that started with rows of the starting weights, mapped to their names there; empty for
            models of earlier versions.
        similar_classes: Other classes, mapped to the classes of the starting weights whose rows they started from, the
            most similar first; empty for models of earlier versions.
        class_ap50: COCO AP at IoU 0.50 on the validation split by class name; empty for models of earlier versions.
        measured_photos: Number of photos that the metrics were measured on; 0 for models of earlier versions.
        weights_sha256: Checksum of the weights; set when the bundle is written.
        graph_sha256: Checksum of the ONNX graph; set when the bundle is written, empty if it has no graph.
        format: Format of the bundle; set when the bundle is written.
    """

    name: str
    classes: tuple[str, ...]
    architecture: str
    image_size: int
    dataset: str
    dataset_fingerprint: str
    metrics: Mapping[str, float]
    params: Mapping[str, Any] = field(default_factory=dict)
    epoch: int = 0
    created: str = ""
    preprocessing: str = "EXIF orientation applied, RGB, letterboxed into a square, grey 114"
    versions: Mapping[str, str] = field(default_factory=dict)
    refit: bool = False
    averaged: tuple[int, ...] = ()
    latency_ms: float | None = None
    start_from: Origin | None = None
    trained_sizes: TrainedSizes | None = None
    calibration: Calibration | None = None
    thresholds: Mapping[str, float] = field(default_factory=dict)
    reused_classes: Mapping[str, str] = field(default_factory=dict)
    similar_classes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    class_ap50: Mapping[str, float] = field(default_factory=dict)
    measured_photos: int = 0
    weights_sha256: str = ""
    graph_sha256: str = ""
    format: str = FORMAT

    def __repr__(self) -> str:
        """Return a one-line summary for notebooks."""
        figures = "".join(
            f", {name} {value:.3f}" for name, value in self.metrics.items() if name in ("map50", "map50_95")
        )
        return (
            f"ModelCard({shortened(self.name)!r}, {self.architecture}, {self.image_size} px{figures}, data set "
            f"{shortened(self.dataset)!r}, {few(self.classes, 'class', 'classes')})"
        )

    @property
    def score(self) -> float:
        """Score by which a search compares models, as ``EpochResult.score``; earlier versions stored mAP@0.5 only."""
        return self.metrics.get(SCORE, self.metrics["map50"])

    @property
    def only_predicts(self) -> bool:
        """Whether the bundle has only a graph: it cannot be fine-tuned."""
        return self.format == PREDICTION_FORMAT

    @property
    def score_function(self) -> ScoreFunction | None:
        """The calibration by class id; None if the scores are used as they are."""
        return self.calibration.function(self.classes) if self.calibration else None

    @property
    def all_thresholds(self) -> dict[str, float]:
        """The confidence threshold of every class, in class order."""
        return {name: self.thresholds.get(name, DEFAULT_THRESHOLD) for name in self.classes}

    @property
    def thresholds_chosen(self) -> bool:
        """Whether thresholds were chosen on validation photos: a card without metrics records none."""
        return bool(self.thresholds and self.metrics)

    def as_origin(self, model: str) -> Origin:
        """Return the ``Origin`` of a training that starts from this model; ``model`` is its id."""
        facts = (self.weights_sha256, self.dataset, self.dataset_fingerprint, self.refit, self.start_from)
        return Origin(model, *facts).nearest()

    @classmethod
    def from_json(cls, document: Any) -> Self:
        """Parse a card from its JSON document, ignoring entries that this version does not know.

        Raises:
            BundleError: The document is not a card of this format, or has invalid values.
            LaterVersionError: The card has a later format.
        """
        if not isinstance(document, dict) or not isinstance(document.get("format"), str):
            raise BundleError("it is not a model of autodet")
        if document["format"] not in FORMATS:
            if re.fullmatch(r"autodet-[1-9]\d{0,5}", document["format"]):
                raise LaterVersionError(made_later(document.get("versions")))
            raise BundleError("it is not a model of a format that autodet knows")
        try:
            classes = document["classes"]
            parts = {
                "classes": tuple(classes) if isinstance(classes, list) else (),
                "averaged": tuple(document.get("averaged", ())),
                "start_from": Origin.from_json(document.get("start_from")),
                "trained_sizes": TrainedSizes.from_json(document.get("trained_sizes")),
                "calibration": Calibration.from_json(document.get("calibration")),
            }
            card = cls(**known_entries(cls, document) | parts)
        except (AttributeError, TypeError, KeyError) as error:
            raise BundleError("its description lacks entries, or has some of the wrong kind") from error
        if problem := description_problem(card):
            raise BundleError(problem)
        return card


def made_later(versions: Any) -> str:
    """Return the end of an error sentence on a model from a later version of autodet, as its description states."""
    version = versions.get("autodet") if isinstance(versions, dict) else None
    known = isinstance(version, str) and re.fullmatch(r"[\w.+-]{1,40}", version)
    maker = f"autodet {version}" if known else "a later version of autodet"
    return f"was made by {maker}; this is autodet {__version__}: update autodet to use it."


def one_line(text: str, most: int = MAX_NAME) -> str:
    """Make user text valid for a description: one line, no control characters, at most ``most`` letters."""
    plain = "".join(" " if unicodedata.category(letter) in _NO_TEXT else letter for letter in text[: 10 * most])
    return " ".join(plain.split())[:most].rstrip()


def description_problem(card: ModelCard) -> str:
    """Return the first problem of a model's description as the end of a sentence; empty if it is plausible."""
    return next(_problems(card), "")


def _problems(card: ModelCard) -> Iterator[str]:
    named = ("name", "architecture", "dataset", "dataset_fingerprint", "created", "preprocessing", *CHECKSUMS)
    yield from _text_problems((name.replace("_", " "), getattr(card, name)) for name in named)
    yield from _class_problems(card.classes)
    if not _is_whole(card.image_size, MIN_IMAGE_SIZE, MAX_IMAGE_SIZE):
        yield f"its image size is not a whole number of {MIN_IMAGE_SIZE} to {MAX_IMAGE_SIZE} pixels"
    if not _is_whole(card.epoch, 0, 10**9):
        yield "its epoch is not a whole number"
    if not _is_whole(card.measured_photos, 0, 10**9):
        yield "its number of measured photos is not a whole number"
    if not isinstance(card.refit, bool):
        yield "its refit is neither true nor false"
    if len(card.averaged) > MAX_ENTRIES or not all(_is_whole(number, 0, 10**9) for number in card.averaged):
        yield f"its averaged trials are not up to {MAX_ENTRIES} whole numbers"
    if card.latency_ms is not None and not (_is_number(card.latency_ms) and card.latency_ms > 0):
        yield "its latency is not a number above 0"
    sizes = vars(card.trained_sizes).values() if card.trained_sizes else ()
    if not all(_is_number(size) and size > 0 for size in sizes):
        yield "its trained sizes are not numbers above 0"
    reused = card.reused_classes
    if not isinstance(reused, Mapping) or len(reused) > MAX_CLASSES:
        yield f"its reused classes are not a list of up to {MAX_CLASSES:,} entries"
        return
    yield from _text_problems(("reused class", name) for names in reused.items() for name in names)
    yield from _similar_problems(card.similar_classes)
    for name in ("metrics", "params", "versions"):
        yield from _entry_problems(name, getattr(card, name))
    if not all(_is_number(value) and 0 <= value <= 1 for value in card.metrics.values()):
        yield "its metrics are not numbers of 0 to 1"
    if card.calibration and (problem := card.calibration.problem(card.classes)):
        yield problem
    yield from _share_problems("thresholds", card.thresholds, card.classes)
    yield from _share_problems("class metrics", card.class_ap50, card.classes)
    for origin in card.start_from.ancestors if card.start_from else ():
        texts = (origin.model, origin.weights_sha256, origin.dataset, origin.dataset_fingerprint)
        yield from _text_problems(("origin", text) for text in texts)


def _similar_problems(similar: Any) -> Iterator[str]:
    if not isinstance(similar, Mapping) or len(similar) > MAX_CLASSES:
        yield f"its similar classes are not a list of up to {MAX_CLASSES:,} entries"
    elif not all(isinstance(others, list | tuple) and len(others) <= MAX_ENTRIES for others in similar.values()):
        yield f"its similar classes are not lists of up to {MAX_ENTRIES} names"
    else:
        yield from _text_problems(
            ("similar class", name) for names in similar.items() for name in (names[0], *names[1])
        )


def _text_problems(named: Iterator[tuple[str, Any]]) -> Iterator[str]:
    for name, text in named:
        if not isinstance(text, str):
            yield f"its {name} is not text"
        elif len(text) > MAX_TEXT:
            yield f"its {name} has {len(text):,} letters, and may have {MAX_TEXT:,}"
        elif not text.isprintable() and any(unicodedata.category(letter) in _NO_TEXT for letter in text):
            yield f"its {name} has control characters, or characters that are no text"


def _class_problems(classes: Any) -> Iterator[str]:
    if not isinstance(classes, tuple) or not 0 < len(classes) <= MAX_CLASSES:
        yield f"it has no list of 1 to {MAX_CLASSES:,} classes"
        return
    yield from _text_problems(("class", name) for name in classes)
    if len(set(classes)) < len(classes):
        yield "two of its classes have the same name"


def _entry_problems(name: str, entries: Any) -> Iterator[str]:
    if not isinstance(entries, Mapping) or len(entries) > MAX_ENTRIES:
        yield f"its {name} are not a list of up to {MAX_ENTRIES} entries"
        return
    yield from _text_problems((name, key) for key in entries)
    for value in entries.values():
        parts = value if isinstance(value, list | tuple) else [value]
        if len(parts) > MAX_ENTRIES or not all(_is_plain(part) for part in parts):
            yield f"its {name} are not plain numbers and words"
            return
        yield from _text_problems((name, part) for part in parts if isinstance(part, str))


def _share_problems(what: str, shares: Any, classes: tuple[str, ...]) -> Iterator[str]:
    if not isinstance(shares, Mapping):
        yield f"its {what} are not a list by class"
    elif not shares.keys() <= set(classes):
        yield f"its {what} name a class that it does not know"
    elif not all(_is_number(value) and 0 <= value <= 1 for value in shares.values()):
        yield f"its {what} are not numbers of 0 to 1"


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, bool | str) or _is_number(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -MAX_NUMBER <= value <= MAX_NUMBER


def _is_whole(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
