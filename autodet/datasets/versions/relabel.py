"""Renaming, merging and dropping classes across a whole dataset."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from autodet.datasets.formats.labels import plain_name
from autodet.errors import DatasetError
from autodet.records import Annotations, ChangeKind, ImageRecord, IntArray, VersionChange
from autodet.text_format import spelling_key


def new_names(classes: Sequence[str], rename: Mapping[str, str], drop: Collection[str]) -> list[str | None]:
    """Return the new name of each class; None if it is dropped.

    Args:
        classes: The existing classes.
        rename: Maps old names to new ones, all at once, so that two classes can swap names.
        drop: The classes to drop.

    Raises:
        DatasetError: A class does not exist, no class would be left, or a name is blank or too similar to another.
    """
    rename = {old: plain_name(new) for old, new in rename.items()}
    for name in (*rename, *drop):
        if name not in classes:
            raise DatasetError(f"There is no class {name!r} to change; there is {', '.join(classes)}.")
    for old, new in rename.items():
        if not new:
            raise DatasetError(f"The class {old!r} needs a name that is not blank; to remove the class, drop it.")
        if old in drop:
            raise DatasetError(f"The class {old!r} cannot be both renamed and dropped; do one of the two.")
    names = [None if name in drop else rename.get(name, name) for name in classes]
    if classes and not any(names):
        raise DatasetError("No class would be left; keep at least one.")
    refuse_second_spellings({new for old, new in rename.items() if new != old}, {name for name in names if name})
    return names


def relabel(
    images: Sequence[ImageRecord], names: Sequence[str | None], classes: Sequence[str] | None = None
) -> list[ImageRecord]:
    """Return the photos with new class ids; of boxes that a merge makes identical, keep the first.

    Args:
        images: The photos.
        names: The new name of each class; None to drop its boxes.
        classes: All classes of the result; the sorted new names by default.

    Returns:
        The photos in the same order; class ids are indices into the classes of the result.
    """
    classes = classes or sorted({name for name in names if name})
    numbers = np.array([classes.index(name) if name else -1 for name in names], np.int64)
    if numbers.tolist() == list(range(len(names))):
        return list(images)
    kept = [name for name in names if name]
    merged = len(set(kept)) < len(kept)
    return [replace(record, annotations=_renumbered(record.annotations, numbers, merged)) for record in images]


def class_changes(
    classes: Sequence[str], names: Sequence[str | None], boxes: Mapping[str, int]
) -> Iterator[VersionChange]:
    """Yield the changes of classes, one per new name.

    Args:
        classes: The existing classes.
        names: The new name of each class; None if it is dropped.
        boxes: Number of boxes per class.
    """
    became: dict[str | None, list[str]] = defaultdict(list)
    for old, new in zip(classes, names, strict=True):
        became[new].append(old)
    for new, olds in became.items():
        values = {"classes": olds, "boxes": sum(boxes[old] for old in olds)}
        if new is None:
            yield VersionChange("dropped", values)
        elif olds != [new]:
            kind: ChangeKind = "merged" if len(olds) > 1 else "renamed"
            yield VersionChange(kind, values | {"name": new})


def refuse_second_spellings(new: Collection[str], names: Collection[str]) -> None:
    """Raise an error if a new name differs from another class only in case or spaces.

    Args:
        new: The names that a user gave.
        names: All names.

    Raises:
        DatasetError: Two names are spellings of one word.
    """
    alike: dict[str, list[str]] = defaultdict(list)
    for name in sorted(names):
        alike[spelling_key(name)].append(name)
    for name in sorted(new):
        for other in alike[spelling_key(name)]:
            if other != name:
                raise DatasetError(
                    f"{name!r} differs from the class {other!r} only by capital letters or spaces; write {other!r} to "
                    "merge the two, or choose a name that can be told from it."
                )


def _renumbered(marked: Annotations, numbers: IntArray, merged: bool) -> Annotations:
    ids = numbers[marked.class_ids]
    keep = ids >= 0
    if merged:
        first: dict[tuple[float, ...], int] = {}
        rows = zip(marked.boxes_xyxy.tolist(), ids.tolist(), marked.class_ids.tolist(), strict=True)
        keep &= np.array([first.setdefault((*box, new), old) == old for box, new, old in rows], bool)
    return Annotations(marked.boxes_xyxy[keep], ids[keep], marked.difficult[keep], marked.truncated[keep])
