"""Changes that make a merge of several data sets."""

from collections.abc import Iterator, Sequence
from typing import Any

from autodet.datasets.manifest import Dataset
from autodet.datasets.versions.diff import ALL, tally
from autodet.datasets.versions.relabel import class_changes
from autodet.datasets.versions.shared_photos import Sharing
from autodet.records import ChangeKind, VersionChange


def named_boxes(datasets: Sequence[Dataset], names: Sequence[Sequence[str | None]]) -> int:
    """Count the boxes whose class is not left out."""
    return sum(
        counts[ALL]
        for dataset, of_one in zip(datasets, names, strict=True)
        for name, counts in zip(of_one, tally(dataset.classes, dataset.images).boxes.values(), strict=True)
        if name
    )


def joined_changes(
    datasets: Sequence[Dataset],
    names: Sequence[Sequence[str | None]],
    labels: Sequence[str],
    adds: bool,
) -> list[VersionChange]:
    """Return which data sets are joined, and the changes of their classes."""
    sizes: list[dict[str, Any]] = [
        {"name": label, "photos": len(dataset.images), "boxes": dataset.boxes}
        for label, dataset in zip(labels, datasets, strict=True)
    ]
    changes = [VersionChange("added" if adds else "joined", {"datasets": sizes[1:] if adds else sizes})]
    for label, dataset, of_one in zip(labels, datasets, names, strict=True):
        boxes = {name: counts[ALL] for name, counts in tally(dataset.classes, dataset.images).boxes.items()}
        changes += [
            change._replace(values={**change.values, "dataset": label})
            for change in class_changes(dataset.classes, of_one, boxes)
        ]
    return changes


def losses(doubles: int, shared: Sharing, leaks: int) -> Iterator[VersionChange]:
    """Return what is left out or kept once.

    Args:
        doubles: Number of boxes that occur twice because classes are joined.
        shared: The photos that several data sets have.
        leaks: Number of photos left out because they look like photos of another split.
    """
    counts: dict[ChangeKind, tuple[str, int]] = {
        "doubles_dropped": ("boxes", doubles),
        "copies_joined": ("photos", shared.kept_once),
        "copies_dropped": ("photos", shared.left_out),
        "leaks_dropped": ("photos", leaks),
    }
    return (VersionChange(kind, {of: count}) for kind, (of, count) in counts.items() if count)
