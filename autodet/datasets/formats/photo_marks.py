"""Annotations of one photo while its label file is read, with the problems found."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from autodet.datasets.formats.entries import LabelEntry
from autodet.datasets.formats.labels import plain_name
from autodet.records import BoxXYXY, Cause, Mark


@dataclass
class PhotoMarks:
    """Annotations of one photo, collected shape by shape.

    Attributes:
        marks: The annotations.
        damage: Why single shapes cannot be used.
        shapes: Number of shapes, usable or not.
        hulled: Number of turned boxes that were replaced by upright ones.
        skipped: Number of points and lines, which mark no area.
        several: Number of objects with several classes.
    """

    marks: list[Mark] = field(default_factory=list)
    damage: list[Cause] = field(default_factory=list)
    shapes: int = 0
    hulled: int = 0
    skipped: int = 0
    several: int = 0

    def next_shape(self) -> int:
        """Count a shape; return its number from 1, by which sentences call it."""
        self.shapes += 1
        return self.shapes

    def refuse(self, key: str, **values: Any) -> None:
        """Report that a shape cannot be used; ``key`` and ``values`` are those of ``Cause``."""
        self.damage.append(Cause(key, {"number": self.shapes, **values}))

    def add(
        self,
        classes: Sequence[object],
        box_xyxy: BoxXYXY,
        *,
        difficult: bool = False,
        truncated: bool = False,
        turned: bool = False,
    ) -> None:
        """Add the annotation of a shape, one for each of its classes."""
        names = list(dict.fromkeys(filter(None, map(plain_name, classes))))
        if not names:
            self.refuse("shape_unnamed")
            return
        self.marks += [Mark(name, box_xyxy, difficult, truncated) for name in names]
        self.hulled += turned
        self.several += len(names) > 1

    def entry(self, names: Sequence[str], file: str, **facts: Any) -> LabelEntry:
        """Return the label entry of the photo.

        A photo is unlabelled if it has shapes, but none with a box: it is no photo without objects.

        Args:
            names: Possible names of the photo.
            file: The label file.
            **facts: Further attributes of ``LabelEntry``.
        """
        facts["unlabelled"] = facts.get("unlabelled") or bool(not self.marks and (self.skipped or self.damage))
        facts |= {"hulled": self.hulled, "skipped": self.skipped, "several": self.several}
        return LabelEntry(tuple(names), file, tuple(self.marks), damage=tuple(self.damage), **facts)
