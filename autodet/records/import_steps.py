"""Steps of an import, for progress reports."""

from dataclasses import dataclass
from typing import Literal

StepKind = Literal["start", "wait", "draw", "list", "download", "unpack", "check", "store", "end"]


@dataclass(frozen=True)
class ImportStep:
    """The current work of an import.

    Attributes:
        kind: The work.
        done: Photos (``check``, ``store``), files (``list``) or bytes (``download``) so far.
        total: The number of photos; or bytes, of ``list`` those found so far. 0 if unknown.
        seconds_left: Estimated remaining time of a download; None if unknown.
    """

    kind: StepKind
    done: int = 0
    total: int = 0
    seconds_left: float | None = None
