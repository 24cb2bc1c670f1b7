"""Classes that only some of the merged data sets label: on the photos of the others, their objects have no boxes."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from autodet.datasets.versions.shared_photos import MergedPhoto

MAX_UNLABELLED_SHARE = 0.5  # of all photos: if more come from data sets without the class, it needs consent


@dataclass(frozen=True)
class PartialClass:
    """A class that not all data sets label.

    Attributes:
        name: The class.
        photos: Number of photos whose labels come from data sets without the class.
        of_photos: Number of all photos.
        labelled_in: Indices of the data sets with the class.
        lacking: Indices of the data sets without it.
    """

    name: str
    photos: int
    of_photos: int
    labelled_in: tuple[int, ...]
    lacking: tuple[int, ...]

    @property
    def is_most(self) -> bool:
        """Whether most photos come from data sets without the class."""
        return self.photos > MAX_UNLABELLED_SHARE * self.of_photos


def partial_classes(photos: Sequence[MergedPhoto], labelled: Mapping[str, Collection[int]]) -> Iterator[PartialClass]:
    """Yield the classes that no label of some photos could have, sorted by name.

    Args:
        photos: The photos of the result.
        labelled: Per class the indices of the data sets that have boxes of it.
    """
    sets = Counter(photo.labelled_by for photo in photos)
    for name, having in sorted(labelled.items()):
        without = {one: count for one, count in sets.items() if not one & frozenset(having)}
        if without:
            lacking = sorted(frozenset[int]().union(*without))
            yield PartialClass(name, sum(without.values()), len(photos), tuple(sorted(having)), tuple(lacking))
