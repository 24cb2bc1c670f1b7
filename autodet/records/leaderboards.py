"""The models that know the classes of a data set, ranked on one split of it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from autodet.records.reports import Interval


@dataclass(frozen=True)
class Standing:
    """A model on a leaderboard.

    Attributes:
        model: Id of the model.
        name: Its name.
        architecture: Its network, a name in ``autodet.models.registry``.
        trained_on: Name of the data set that it was trained on.
        search: Id of the search that made it; None if it was uploaded or its search was deleted.
        trial: Number of its trial in that search; None if unknown, or if it is an average.
        created: When it was trained, or imported, ISO 8601 with time zone.
        size_bytes: Size of its file.
        latency_ms: Time of one prediction on this machine, from a photo in memory to its boxes, in milliseconds; None
            if it is not measured yet.
        map50: COCO AP at IoU 0.50, 0 to 1; None, like the rest, if it is not evaluated on the split yet.
        map50_95: COCO AP.
        interval: 95 % intervals of ``map50`` and ``map50_95``, bootstrapped over photos.
        averaged: Numbers of the trials whose average it is, the best first.
        caution: Sentence if the model was trained on some of these photos; else empty.
    """

    model: str
    name: str
    architecture: str
    trained_on: str
    search: str | None
    trial: int | None
    created: str
    size_bytes: int
    latency_ms: float | None = None
    map50: float | None = None
    map50_95: float | None = None
    interval: Mapping[str, Interval] = field(default_factory=dict)
    averaged: tuple[int, ...] = ()
    caution: str = ""

    @property
    def is_evaluated(self) -> bool:
        """Whether its figures are known."""
        return self.map50 is not None

    def to_json(self) -> dict[str, Any]:
        """Return the attributes."""
        return asdict(self)


@dataclass(frozen=True)
class Leaderboard:
    """Models on one split of a data set.

    Attributes:
        dataset: Id of the data set.
        split: ``train``, ``val``, ``test`` or ``all``.
        standings: The models with the highest mAP50 first, then those that are not evaluated yet, the newest first.
    """

    dataset: str
    split: str
    standings: tuple[Standing, ...]

    def __repr__(self) -> str:
        """Return one line, for notebooks."""
        evaluated = sum(standing.is_evaluated for standing in self.standings)
        best = f", best {self.standings[0].model!r} {self.standings[0].map50:.3f}" if evaluated else ""
        return (
            f"Leaderboard({self.dataset!r}, {self.split}: {evaluated} of {len(self.standings)} models evaluated{best})"
        )

    def to_json(self) -> dict[str, Any]:
        """Return the keys ``dataset, split, models``."""
        models = [standing.to_json() for standing in self.standings]
        return {"dataset": self.dataset, "split": self.split, "models": models}
