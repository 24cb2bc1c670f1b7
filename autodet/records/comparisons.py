"""Two models compared on the same photos."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from autodet.records.photos import Split
from autodet.records.reports import Interval

MIN_PHOTOS = 10  # of a comparison that says anything


@dataclass(frozen=True)
class Difference:
    """A figure of two models and its difference.

    Attributes:
        a: Figure of the first model, 0 to 1.
        b: Figure of the second.
        difference: b minus a.
        interval: 95 % interval of the difference: a bootstrap over photos, the same ones for both models.
        significant: Whether the interval leaves out 0; otherwise the difference is within noise.
    """

    a: float
    b: float
    difference: float
    interval: Interval
    significant: bool


@dataclass(frozen=True)
class PhotoErrors:
    """Errors of two models on a photo: false positives and missed objects at each model's thresholds.

    Attributes:
        file: The photo.
        a: Errors of the first model.
        b: Errors of the second.
    """

    file: str
    a: int
    b: int


@dataclass(frozen=True)
class Comparison:
    """Two models on one split.

    Attributes:
        models: Id of each model, by ``a`` and ``b``.
        dataset: Id of the data set, or the name of photos that are not imported.
        split: ``train``, ``val``, ``test`` or ``all``.
        map50: COCO AP at IoU 0.50, mean over the classes.
        map50_95: COCO AP, mean over the classes.
        per_class: COCO AP at IoU 0.50 of each class that has a box that counts.
        images: Every photo, those where the models differ most first.
        cautions: Sentence for each model that was trained on some of these photos, by ``a`` and ``b``.
    """

    models: Mapping[str, str]
    dataset: str
    split: str
    map50: Difference
    map50_95: Difference
    per_class: Mapping[str, Difference]
    images: tuple[PhotoErrors, ...]
    cautions: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        """Return the attributes as a document."""
        return asdict(self) | {"images": [asdict(photo) for photo in self.images]}

    def __repr__(self) -> str:
        """Return one line, for notebooks."""
        low, high = self.map50.interval
        noise = "" if self.map50.significant else ", within noise"
        return (
            f"Comparison({self.models['a']!r} and {self.models['b']!r} on {self.dataset!r}, {self.split}: mAP50 "
            f"{self.map50.a:.3f} and {self.map50.b:.3f}, difference {self.map50.difference:+.3f} "
            f"[{low:+.3f}, {high:+.3f}]{noise})"
        )


@dataclass(frozen=True)
class Improvement:
    """The model of a search and the model that it started from, compared on photos that neither was trained on.

    Attributes:
        comparison: The figures; ``a`` is the earlier model, ``b`` the new one.
        search: Id of the search.
        names: Display name of each model, by ``a`` and ``b``.
        split: ``test``, or ``val`` for lack of test photos; the new model was chosen on these.
        unknown: Names of data sets that a model was trained on and that are gone; their photos may be among these.
        left_out: Classes that the earlier model does not know; their boxes do not count.
        proposed: Number of these photos with labels that the earlier model proposed; they favour it.
        set_aside: Number of photos that do not count because of such labels.
    """

    comparison: Comparison
    search: str
    names: Mapping[str, str]
    split: Split
    unknown: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    proposed: int = 0
    set_aside: int = 0

    @property
    def photos(self) -> int:
        """Number of photos."""
        return len(self.comparison.images)

    @property
    def too_few(self) -> bool:
        """Whether there are too few photos to tell the models apart."""
        return self.photos < MIN_PHOTOS

    def to_json(self) -> dict[str, Any]:
        """Return the attributes as a document, with the number of ``photos``."""
        return asdict(self) | {"comparison": self.comparison.to_json(), "photos": self.photos}
