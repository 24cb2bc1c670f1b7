"""What a review makes of the boxes of one photo."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from autodet.datasets.checks.photo_checks import CheckedPhoto, find_tiny
from autodet.datasets.imports.staging import StagedPhoto
from autodet.records import Mark

# Findings that tell of what is done to boxes; whatever else happens to a photo's boxes is no matter of the others.
OF_BOXES = {"box_no_area", "box_outside", "box_duplicate", "box_tiny", "turned", "size_mismatch", "class_spelling"}
OF_BOXES |= {"class_rare", "class_missing", "class_untaught"}


@dataclass(frozen=True)
class Change:
    """A photo's marks as they were written and as they would be imported, boxes in pixels of the upright photo.

    Attributes:
        before: The marks as written.
        after: The marks as they would be imported; None if the photo would be left out.
        tiny: Those of ``before`` that are very small at the training size.
        aside: Marks that only another version of the labels has, and that are in neither.
    """

    before: tuple[Mark, ...]
    after: tuple[Mark, ...] | None
    tiny: tuple[Mark, ...]
    aside: tuple[Mark, ...] = ()

    @property
    def lost(self) -> tuple[Mark, ...]:
        """What was written and would not be imported so."""
        return _without(self.before, self.after or ())

    @property
    def made(self) -> tuple[Mark, ...]:
        """What would be imported and was not written so."""
        return _without(self.after or (), self.before)

    def named_by(self, kind: str) -> tuple[Mark, ...]:
        """The marks, as written, that a finding of a kind may speak of."""
        if kind == "box_set_aside":
            return self.aside
        if kind == "box_tiny":
            return self.tiny
        return self.lost if kind in OF_BOXES else ()

    def shows(self, kind: str) -> bool:
        """Whether before and after differ by what a finding of a kind may speak of."""
        if kind == "box_tiny":
            return any(mark in self.lost for mark in self.tiny)
        return kind in OF_BOXES and bool(self.lost or self.made)


def change_of(staged: StagedPhoto, kept: CheckedPhoto | None) -> Change:
    """What would become of a photo's marks.

    Args:
        staged: The photo as it was read.
        kept: The same photo as a review has it; None if it would be left out.
    """
    width, height = staged.facts.upright_wh
    size_wh = (width, height) if staged.labelled.relative else (1, 1)
    before, aside = _scaled(staged.labelled.marks, size_wh), _scaled(staged.labelled.aside, size_wh)
    thin = find_tiny(before, (width, height))
    tiny = tuple(mark for mark in before if mark in thin)
    return Change(before, kept.marks if kept else None, tiny, aside)


def _scaled(marks: Iterable[Mark], by_wh: tuple[int, int]) -> tuple[Mark, ...]:
    across, down = by_wh
    return tuple(
        mark._replace(box_xyxy=(x1 * across, y1 * down, x2 * across, y2 * down))
        for mark in marks
        for x1, y1, x2, y2 in [mark.box_xyxy]
    )


def _without(marks: Iterable[Mark], others: Iterable[Mark]) -> tuple[Mark, ...]:
    """Some marks without others; one that is there twice is taken away once for each time that it is in the others."""
    return tuple((Counter(marks) - Counter(others)).elements())
