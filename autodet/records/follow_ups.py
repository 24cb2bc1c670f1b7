"""Follow-ups of a search, which repeat some of its trials, and their results."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

from autodet.records.known import known_entries
from autodet.records.reports import Interval

FollowUpKind = Literal["repeats", "learning_curve"]


@dataclass(frozen=True)
class PlannedTrial:
    """A trial that a follow-up runs.

    Attributes:
        repeats: Number of the trial whose parameters it has, in the search that it follows.
        params: As ``TrialStatus.params``.
        epochs: Number of epochs.
        seed: Seed of the training, and of the draw of its training photos.
        train_share: Share of the training photos, above 0 and at most 1.
        photos: Number of training photos.
        searched: Score of the trial that it repeats; None if that has none.
    """

    repeats: int
    params: Mapping[str, Any]
    epochs: int
    seed: int
    train_share: float = 1.0
    photos: int = 0
    searched: float | None = None


@dataclass(frozen=True)
class FollowUp:
    """The trials of a follow-up, which a search runs instead of looking for parameters.

    Attributes:
        kind: ``repeats``: the best configurations and the defaults with other seeds. ``learning_curve``: the best
            configuration on parts of the training photos.
        search: Id of the search that it follows.
        trials: Its trials, by number.
    """

    kind: FollowUpKind
    search: str
    trials: tuple[PlannedTrial, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Any) -> Self | None:
        """Invert ``to_json``; None for None.

        Raises:
            AttributeError: The document is not a mapping.
            KeyError: It has no trials.
            TypeError: An entry is missing.
        """
        if document is None:
            return None
        trials = tuple(PlannedTrial(**known_entries(PlannedTrial, trial)) for trial in document["trials"])
        return cls(**known_entries(cls, document) | {"trials": trials})


@dataclass(frozen=True)
class SeedScores:
    """Scores of one configuration with several seeds.

    Attributes:
        trial: Number of the trial with this configuration in the search.
        searched: Score that the search measured, with its own seed; it is too good where the search chose the trial
            for it.
        scores: Scores of the finished repetitions.
        mean: Mean of the scores; None without any.
        spread: Standard deviation of the scores; None for fewer than two.
        planned: Number of planned repetitions.
        difference: Mean minus the mean of the defaults; None for the defaults, and while either is unknown.
        interval: 95 % interval of the difference (Welch's t over seeds); None with fewer than two scores on a side.
    """

    trial: int
    searched: float | None
    scores: tuple[float, ...]
    mean: float | None
    spread: float | None
    planned: int
    difference: float | None = None
    interval: Interval | None = None

    @property
    def significant(self) -> bool | None:
        """Whether the interval leaves out 0; otherwise the difference is within noise. None without an interval."""
        return None if self.interval is None else not self.interval[0] <= 0 <= self.interval[1]


@dataclass(frozen=True)
class Repeatability:
    """How far the best configurations of a search differ from its defaults, with other seeds.

    Attributes:
        search: Id of the search.
        follow_up: Id of the newest follow-up that repeats its trials.
        objective: Objective whose score is compared, without prediction time.
        configurations: The defaults (trial 0) first, then the best ones.
        pooled: Ids of all follow-ups whose seeds count.
    """

    search: str
    follow_up: str
    objective: str
    configurations: tuple[SeedScores, ...]
    pooled: tuple[str, ...] = ()

    @property
    def seeds(self) -> int:
        """Planned seeds of the configuration with the most."""
        return max(one.planned for one in self.configurations)

    def to_json(self) -> dict[str, Any]:
        """Return the attributes as a document, with ``significant`` of each configuration."""
        rows = [asdict(one) | {"significant": one.significant} for one in self.configurations]
        return asdict(self) | {"seeds": self.seeds, "configurations": rows}

    def __repr__(self) -> str:
        """Return one line, for notebooks."""
        means = ", ".join(
            f"trial {one.trial} {'not yet' if one.mean is None else f'{one.mean:.3f}'}" for one in self.configurations
        )
        return f"Repeatability({self.search!r}, {self.seeds} seeds: {means})"


@dataclass(frozen=True)
class CurvePoint:
    """A trial on a part of the training photos.

    Attributes:
        photos: Number of training photos.
        seed: Seed of the training and of the draw of the photos.
        map50: mAP50 of its best epoch on the validation photos.
        class_ap50: AP50 of each class, in the same epoch; without classes that have no validation box.
    """

    photos: int
    seed: int
    map50: float
    class_ap50: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class PowerLaw:
    """An inverse power law of the error, fitted to points: ``1 - score = exp(level + slope * log2(photos / centre))``.

    Attributes:
        photos: Number of all training photos.
        centre: Geometric mean of the points' photos.
        level: Logarithm of the error at the centre.
        slope: Change of that logarithm with twice the photos; negative if photos help.
        level_error: Half the width of the 95 % interval of the level.
        slope_error: Half the width of the 95 % interval of the slope.
    """

    photos: int
    centre: float
    level: float
    slope: float
    level_error: float
    slope_error: float

    def score(self, photos: float) -> float:
        """Return the fitted score with this many training photos."""
        return 1 - math.exp(self.level + self.slope * math.log2(photos / self.centre))

    def interval(self, photos: float) -> Interval:
        """Return the 95 % interval of the score with this many training photos, cut at 0 and 1."""
        doublings = math.log2(photos / self.centre)
        error = math.hypot(self.level_error, self.slope_error * doublings)
        ends = (1 - math.exp(self.level + self.slope * doublings + side * error) for side in (1, -1))
        low, high = (min(max(end, 0.0), 1.0) for end in ends)
        return low, high

    @property
    def gain(self) -> float:
        """Rise of the score with twice the training photos; negative if it falls."""
        return self.score(2 * self.photos) - self.score(self.photos)

    @property
    def gain_interval(self) -> Interval:
        """The 95 % interval of the gain, by the delta method for level and slope."""
        gain, now = self.gain, self.score(self.photos)
        doublings = math.log2(self.photos / self.centre)
        by_slope = doublings * gain - (1 - now) * math.exp(self.slope)
        error = math.hypot(gain * self.level_error, by_slope * self.slope_error)
        return max(gain - error, -now), min(gain + error, 1 - now)


@dataclass(frozen=True)
class LearningCurve:
    """Quality of the best configuration of a search against the number of training photos.

    Attributes:
        search: Id of the search.
        follow_up: Id of the newest follow-up that trained on parts of the photos.
        dataset: Id of the data set.
        trial: Number of the trial with this configuration in the search.
        photos: Number of all training photos.
        points: The finished trials, by their number of photos.
        law: Fit of mAP50; None with too few points, or if they are no curve.
        class_laws: Fits of the AP50 of the classes that have one.
        pooled: Ids of all follow-ups whose trials count.
    """

    search: str
    follow_up: str
    dataset: str
    trial: int
    photos: int
    points: tuple[CurvePoint, ...]
    law: PowerLaw | None = None
    class_laws: Mapping[str, PowerLaw] = field(default_factory=dict)
    pooled: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the attributes as a document, with the forecast for twice the photos in place of the fits."""
        laws = {"law": None, "class_laws": None}
        document = {name: value for name, value in asdict(self).items() if name not in laws}
        per_class = {name: _forecast(law) for name, law in self.class_laws.items()}
        return document | {"doubled": _forecast(self.law), "doubled_per_class": per_class}

    def __repr__(self) -> str:
        """Return one line, for notebooks."""
        forecast = f", {self.law.gain:+.3f} mAP50 with twice the photos" if self.law else ""
        return f"LearningCurve({self.search!r}, {len(self.points)} points up to {self.photos} photos{forecast})"


def _forecast(law: PowerLaw | None) -> dict[str, Any] | None:
    if law is None:
        return None
    return {
        "photos": 2 * law.photos,
        "now": law.score(law.photos),
        "gain": law.gain,
        "interval": list(law.gain_interval),
    }
