"""A planned data set, not stored: what versions and merges have in common."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from autodet.datasets.manifest import Dataset, fingerprint_of
from autodet.datasets.versions.diff import Difference, Tally, add_up, compare, tally
from autodet.datasets.versions.version_findings import findings_of_the_whole
from autodet.records import Finding, ImageRecord, VersionChange
from autodet.text_format import counted, few, shortened


@dataclass(frozen=True, eq=False, kw_only=True)
class PlannedDataset:
    """A data set to make of others.

    Attributes:
        parents: The data sets that it is made of.
        classes: Class names, sorted.
        images: The photos under their new names, sorted by split and file.
        changes: The changes.
        groups: Photos of each group, by the group's name; empty without a new draw of the splits.
    """

    parents: tuple[Dataset, ...]
    classes: tuple[str, ...]
    images: tuple[ImageRecord, ...]
    changes: tuple[VersionChange, ...]
    groups: Mapping[str, Sequence[str]]

    def __repr__(self) -> str:
        """Return one line, for notebooks."""
        ids = ", ".join(shortened(parent.id) for parent in self.parents)
        classes = few(self.classes, "class", "classes")
        return f"{type(self).__name__}({ids!r}, {counted(len(self.images), 'photo')}, {classes})"

    @cached_property
    def fingerprint(self) -> str:
        """Fingerprint of the result; see ``Dataset.fingerprint``."""
        return fingerprint_of(self.classes, self.images)

    @cached_property
    def tally(self) -> Tally:
        """Number of photos and boxes per split."""
        return tally(self.classes, self.images)

    @cached_property
    def findings_of_the_whole(self) -> tuple[Finding, ...]:
        """Classes that are hard to learn or evaluate, a missing val split, and splits without usable boxes."""
        return tuple(findings_of_the_whole(self.classes, self.images, self.tally))

    def differences(self) -> list[Difference]:
        """Compare the numbers of photos and boxes with those of all parents together."""
        return compare(add_up([tally(parent.classes, parent.images) for parent in self.parents]), self.tally)
