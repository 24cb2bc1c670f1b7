"""A share of the training photos, for learning curves."""

import math
from collections.abc import Sequence

from autodet.datasets.splits import nested_order
from autodet.records import ImageRecord


def part_size(photos: int, share: float) -> int:
    """Return the number of photos in a share of them, at least one."""
    return max(1, math.ceil(photos * share - 1e-9))


def training_part(records: Sequence[ImageRecord], share: float, seed: int) -> list[ImageRecord]:
    """Return a stratified share of photos; with the same seed, smaller shares are parts of larger ones.

    Args:
        records: All training photos.
        share: Share of them, above 0 and at most 1.
        seed: Seed of the draw.
    """
    if share >= 1:
        return list(records)
    classes = [
        frozenset(map(str, record.annotations.class_ids[~record.annotations.difficult].tolist())) for record in records
    ]
    chosen = nested_order(classes, seed)[: part_size(len(records), share)]
    return [records[index] for index in sorted(chosen)]


def repeated(part: Sequence[ImageRecord], photos: int) -> list[ImageRecord]:
    """Repeat the photos of a part up to a number of photos.

    An epoch on a part then has as many steps, and a trial as many evaluations, as on all photos. Otherwise a learning
    curve would also show the effect of shorter training, or of a best epoch chosen among more.
    """
    return [part[index % len(part)] for index in range(photos)]
