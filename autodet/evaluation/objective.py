"""Search objectives: the metric, or pair of metrics, by which epochs, trials and models are compared.

A pair, ``map50+latency``, maximises quality and minimises prediction time. The two conflict, so the result is a Pareto
front of models; where a single best model is needed, it is the one with the highest quality.
"""

import re
from dataclasses import dataclass, replace
from typing import Self

from autodet.errors import SearchError

DEFAULT_OBJECTIVE = "map50"
LATENCY = "+latency"
OBJECTIVES = ("map50", "map50_95", "recall@0.9", "map50+latency", "map50_95+latency")  # those that pages offer
METRICS = {"map50": "mAP@0.5", "map50_95": "mAP@0.5–0.95"}
RECALL = "recall"
_RECALL = re.compile(r"recall@(0?\.\d+|1(?:\.0*)?)")


@dataclass(frozen=True)
class Objective:
    """A parsed objective.

    Attributes:
        metric: The metric to maximise: ``map50``, ``map50_95`` or ``recall``; other names, which only a later version
            of autodet knows, are kept as they are.
        min_precision: With ``recall``: its lowest precision, 0 to 1; else None.
        latency: Whether prediction time is minimised too, and has to be measured.
    """

    metric: str = DEFAULT_OBJECTIVE
    min_precision: float | None = None
    latency: bool = False

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse an objective; an unknown metric is accepted, and refused by ``check``.

        Args:
            text: ``map50``, ``map50_95``, or ``recall@P``: the highest recall at which precision is at least P. A
                suffix ``+latency`` also minimises prediction time.
        """
        quality, latency = text.removesuffix(LATENCY), text.endswith(LATENCY)
        if recall := _RECALL.fullmatch(quality):
            return cls(RECALL, float(recall[1]), latency)
        return cls(quality, None, latency)

    def check(self) -> None:
        """Check that the metric is known.

        Raises:
            SearchError: It is not; the message lists the choices.
        """
        if self.metric not in METRICS and self.min_precision is None:
            raise SearchError(
                f"There is no objective {str(self)!r}; choose map50, map50_95, or recall@0.9 for the recall at a "
                f"precision, each with {LATENCY} appended to optimize prediction time too."
            )

    def __str__(self) -> str:
        """Return the text that ``parse`` accepts."""
        precision = "" if self.min_precision is None else f"@{self.min_precision:g}"
        return f"{self.metric}{precision}{LATENCY * self.latency}"

    @property
    def quality(self) -> Self:
        """The objective without prediction time."""
        return replace(self, latency=False)

    @property
    def is_default(self) -> bool:
        """Whether the metric to maximise is mAP50."""
        return self.metric == DEFAULT_OBJECTIVE

    @property
    def title(self) -> str:
        """Name of the objective on pages."""
        return f"{self.quality_title} and prediction time" if self.latency else self.quality_title

    @property
    def quality_title(self) -> str:
        """Name of the metric to maximise on pages."""
        if self.min_precision is not None:
            return f"Recall at a precision of {self.min_precision:g}"
        return METRICS.get(self.metric, self.metric)


MAP50 = Objective()
