"""What a review makes of the boxes of one photo."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from autodet.datasets.formats.labels import Mark
from autodet.datasets.gate.checks import CheckedPhoto, find_tiny
from autodet.datasets.staging import StagedPhoto


@dataclass(frozen=True)
class Change:
    """A photo's marks as they were written and as they would be imported, boxes in pixels of the upright photo.

    Attributes:
        before: The marks as written.
        after: The marks as they would be imported; None if the photo would be left out.
        tiny: Those of ``before`` that are very small at the training size.
    """

    before: tuple[Mark, ...]
    after: tuple[Mark, ...] | None
    tiny: tuple[Mark, ...]

    @property
    def lost(self) -> tuple[Mark, ...]:
        """What was written and would not be imported so."""
        return _without(self.before, self.after or ())

    @property
    def made(self) -> tuple[Mark, ...]:
        """What would be imported and was not written so."""
        return _without(self.after or (), self.before)


def change_of(staged: StagedPhoto, kept: CheckedPhoto | None) -> Change:
    """What would become of a photo's marks.

    Args:
        staged: The photo as it was read.
        kept: The same photo as a review has it; None if it would be left out.
    """
    width, height = staged.facts.upright_wh
    across, down = (width, height) if staged.labelled.relative else (1, 1)
    before = tuple(
        mark._replace(box_xyxy=(x1 * across, y1 * down, x2 * across, y2 * down))
        for mark in staged.labelled.marks
        for x1, y1, x2, y2 in [mark.box_xyxy]
    )
    thin = find_tiny(before, (width, height))
    tiny = tuple(mark for mark in before if mark in thin)
    return Change(before, kept.marks if kept else None, tiny)


def _without(marks: Iterable[Mark], others: Iterable[Mark]) -> tuple[Mark, ...]:
    """Some marks without others; one that is there twice is taken away once for each time that it is in the others."""
    return tuple((Counter(marks) - Counter(others)).elements())
