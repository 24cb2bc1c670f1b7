"""Which photo is for learning, which for choosing the best epoch, which for the final figure."""

import random
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath

from autodet.errors import DatasetError
from autodet.records import Split

SHARES: dict[Split, float] = {"train": 0.7, "val": 0.15, "test": 0.15}


def assign_splits(
    given: Sequence[Split | None], classes: Sequence[frozenset[str]], seed: int
) -> tuple[list[Split], bool]:
    """Complete the splits that a source came with.

    Nothing given, or only ``train``: a stratified split by ``SHARES``. ``train`` beside ``test`` alone: ``val`` is
    taken out of ``train``. Otherwise as given; photos that nothing was said about go to ``train``.

    Args:
        given: Per photo the split that folders or lists put it in.
        classes: Per photo the classes that are marked on it.
        seed: The same seed and photos give the same split, on every machine.

    Returns:
        The split of each photo, and whether any of it was drawn rather than given.
    """
    named = {split for split in given if split}
    if not named or named == {"train"}:
        return draw_splits(classes, SHARES, seed), True
    splits: list[Split] = [split or "train" for split in given]
    if "val" in splits or "train" not in splits:
        return splits, False
    train = [index for index, split in enumerate(splits) if split == "train"]
    shares: dict[Split, float] = {"train": 1 - SHARES["val"], "val": SHARES["val"]}
    for index, split in zip(train, draw_splits([classes[i] for i in train], shares, seed), strict=True):
        splits[index] = split
    return splits, True


def draw_splits(classes: Sequence[frozenset[str]], shares: dict[Split, float], seed: int) -> list[Split]:
    """Draw a split in which every class has about its share, and every class is in ``train``.

    Photos are shuffled and grouped by their rarest class; each then goes where most is missing so far.

    Args:
        classes: Per photo the classes that are marked on it.
        shares: Share of the photos per split; adds up to 1.
        seed: Seed of the shuffle.
    """
    photos_per_class = Counter(name for names in classes for name in names)
    order = list(range(len(classes)))
    random.Random(seed).shuffle(order)  # noqa: S311 - a reproducible draw, not a secret
    order.sort(key=lambda index: min(((photos_per_class[name], name) for name in classes[index]), default=(0, "")))
    splits: list[Split] = ["train"] * len(classes)
    counts: Counter[Split] = Counter()
    learnt: set[str] = set()
    for done, index in enumerate(order, start=1):
        if classes[index] <= learnt:
            splits[index] = max(shares, key=lambda split: shares[split] * done - counts[split])
        learnt |= classes[index]
        counts[splits[index]] += 1
    return splits


def refuse_unknown_classes(
    splits: Sequence[Split], classes: Sequence[frozenset[str]], labels: Sequence[PurePosixPath]
) -> None:
    """Make sure that everything measured can be learnt.

    Raises:
        DatasetError: A class is in ``val`` or ``test`` but not in ``train``.
    """
    if "train" not in splits:
        return
    known = frozenset[str]().union(*(names for split, names in zip(splits, classes, strict=True) if split == "train"))
    for split, names, path in zip(splits, classes, labels, strict=True):
        for name in sorted(names - known):
            raise DatasetError(
                f"The class {name!r} is in {split} (first in {str(path)!r}) but in no photo of train, so it could "
                f"never be learnt; correct its name, add photos of it to train, or remove it from {split}."
            )
