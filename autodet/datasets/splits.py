"""Splits: train for learning, val for choosing the best epoch, test for the final metric."""

import random
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence

from autodet.records import SPLITS, Split, SplitOrigin

SHARES: dict[Split, float] = {"train": 0.7, "val": 0.15, "test": 0.15}
DRAWN: tuple[SplitOrigin, ...] = ("drawn", "train_only", "val_drawn", "redrawn")
NO_CLASS = ""  # pseudo-class of photos without boxes


def count_splits(splits: Iterable[Split]) -> dict[str, int]:
    """Count the photos per non-empty split, in the order train, val, test."""
    counts = Counter(splits)
    return {split: counts[split] for split in SPLITS if counts[split]}


def assign_splits(
    given: Sequence[Split | None],
    classes: Sequence[frozenset[str]],
    seed: int,
    groups: Callable[[], Sequence[Hashable] | None] = lambda: None,
) -> tuple[list[Split], SplitOrigin]:
    """Complete the splits that a source defines.

    If no split or only ``train`` is given, draw a stratified split by ``SHARES``. If ``train`` and ``test`` are given
    without ``val``, draw ``val`` from ``train``. Otherwise keep the given splits; photos without one go to ``train``.

    Args:
        given: Per photo its split according to folders or lists.
        classes: Per photo the classes annotated on it.
        seed: The same seed and photos give the same split, on every machine.
        groups: Returns the group of each photo, or None for no groups; called only if a split is drawn. Each group goes
            into one split as a whole.

    Returns:
        The split of each photo, and what was drawn; empty if nothing was.
    """
    named = {split for split in given if split}
    if not named or named == {"train"}:
        return draw_splits(classes, SHARES, seed, groups()), "train_only" if named else "drawn"
    splits: list[Split] = [split or "train" for split in given]
    if "val" in splits or "train" not in splits:
        return splits, ""
    train = [index for index, split in enumerate(splits) if split == "train"]
    shares: dict[Split, float] = {"train": 1 - SHARES["val"], "val": SHARES["val"]}
    group_of = groups()
    drawn = draw_splits([classes[i] for i in train], shares, seed, [group_of[i] for i in train] if group_of else None)
    for index, split in zip(train, drawn, strict=True):
        splits[index] = split
    return splits, "val_drawn"


def draw_splits(
    classes: Sequence[frozenset[str]],
    shares: Mapping[Split, float],
    seed: int,
    groups: Sequence[Hashable] | None = None,
    taught: Collection[str] = (),
) -> list[Split]:
    """Draw a stratified split in which every class occurs in ``train``.

    Photos are shuffled and sorted by their rarest class. A photo goes to ``train`` if it has a class that no earlier
    photo has, else to the split that is furthest below its share.

    Args:
        classes: Per photo the classes annotated on it.
        shares: Fraction of the photos per split; the sum is 1.
        seed: Seed of the shuffle.
        groups: Per photo its group. Each group goes into one split as a whole, so the group sizes limit how closely the
            shares are met.
        taught: Classes of other photos that are in ``train`` already.
    """
    if groups is not None and len(set(groups)) < len(groups):
        return _draw_groups(classes, shares, seed, groups, taught)
    photos_per_class = Counter(name for names in classes for name in names)
    order = list(range(len(classes)))
    random.Random(seed).shuffle(order)  # noqa: S311 - a reproducible draw, not a secret
    order.sort(key=lambda index: min(((photos_per_class[name], name) for name in classes[index]), default=(0, "")))
    splits: list[Split] = ["train"] * len(classes)
    counts: Counter[Split] = Counter()
    placed = set(taught)
    for done, index in enumerate(order, start=1):
        if classes[index] <= placed:
            splits[index] = max(shares, key=lambda split: shares[split] * done - counts[split])
        placed |= classes[index]
        counts[splits[index]] += 1
    return splits


def nested_order(classes: Sequence[frozenset[str]], seed: int) -> list[int]:
    """Order photos so that in every beginning of the order no class is far below its share.

    Each place goes to the class of which the smallest share has been placed so far, the rarest of equals first, so that
    even a short beginning has every class. Photos without boxes are a class of their own.

    Args:
        classes: Per photo the classes annotated on it.
        seed: The same seed and photos give the same order, on every machine.

    Returns:
        The indices of all photos.
    """
    shuffled = list(range(len(classes)))
    random.Random(seed).shuffle(shuffled)  # noqa: S311 - a reproducible draw, not a secret
    waiting: dict[str, list[int]] = {}
    for index in reversed(shuffled):  # the next photo of a class is the last of its list
        for name in classes[index] or {NO_CLASS}:
            waiting.setdefault(name, []).append(index)
    names = sorted(waiting, key=lambda name: (name == NO_CLASS, len(waiting[name]), name))
    photos, placed = {name: len(waiting[name]) for name in names}, dict.fromkeys(names, 0)
    order: dict[int, None] = {}
    while len(order) < len(classes):
        name = min(names, key=lambda name: placed[name] / photos[name])
        index = waiting[name].pop()
        if index in order:
            continue
        order[index] = None
        for shown in classes[index] or {NO_CLASS}:
            placed[shown] += 1
    return list(order)


def _draw_groups(
    classes: Sequence[frozenset[str]],
    shares: Mapping[Split, float],
    seed: int,
    groups: Sequence[Hashable],
    taught: Collection[str],
) -> list[Split]:
    """Draw a split of whole groups, after iterative stratification (Sechidis et al., ECML PKDD 2011).

    Groups are shuffled and sorted by their rarest class. A group goes to ``train`` if it has a class that no earlier
    group has, else to the split with room that most lacks the group's classes.
    """
    members: dict[Hashable, list[int]] = {}
    for index, group in enumerate(groups):
        members.setdefault(group, []).append(index)
    units = list(members.values())
    random.Random(seed).shuffle(units)  # noqa: S311 - a reproducible draw, not a secret
    held = [Counter(name for index in unit for name in classes[index] or {NO_CLASS}) for unit in units]
    total = Counter(name for names in classes for name in names or {NO_CLASS})
    missing = {split: {name: share * total[name] for name in total} for split, share in shares.items()}
    room = {split: share * len(classes) for split, share in shares.items()}
    chosen: list[Split] = ["train"] * len(units)
    placed: set[str] = {NO_CLASS, *taught}
    for unit in sorted(range(len(units)), key=lambda unit: min((total[name], name) for name in held[unit])):
        if held[unit].keys() <= placed:
            chosen[unit] = _most_wanted(held[unit], len(units[unit]), total, missing, room)
        placed |= held[unit].keys()
        room[chosen[unit]] -= len(units[unit])
        for name, count in held[unit].items():
            missing[chosen[unit]][name] -= count
    if shares.get("val") and "val" not in chosen:
        _spare_one(chosen, held)
    splits = {index: split for unit, split in zip(units, chosen, strict=True) for index in unit}
    return [splits[index] for index in range(len(classes))]


def _most_wanted(
    held: Mapping[str, int],
    photos: int,
    total: Mapping[str, int],
    missing: Mapping[Split, Mapping[str, float]],
    room: Mapping[Split, float],
) -> Split:
    """Return the split with room that most lacks the group's classes; if none has room, the one with the most space."""
    fitting = [split for split in room if photos < room[split] + 1]
    if not fitting:
        return max(room, key=lambda split: room[split])

    def wanted(split: Split) -> tuple[float, float]:
        return sum(min(missing[split][name], count) / total[name] for name, count in held.items()), room[split]

    return max(fitting, key=wanted)


def _spare_one(chosen: list[Split], held: Sequence[Mapping[str, int]]) -> None:
    """Move the smallest group that ``train`` can spare to ``val``, because a search needs ``val``."""
    train = [unit for unit, split in enumerate(chosen) if split == "train"]
    taught = Counter(name for unit in train for name in held[unit])
    spare = [unit for unit in train if all(taught[name] > 1 for name in held[unit] if name != NO_CLASS)]
    if len(train) > 1 and spare:
        chosen[min(spare, key=lambda unit: sum(held[unit].values()))] = "val"


def free_name(split: Split, stem: str, ending: str, taken: dict[str, int]) -> str:
    """Return ``<split>/<name>``, numbered if taken, and add it to the taken names.

    Args:
        split: The photo's split.
        stem: The file name without extension.
        ending: The extension, with its dot.
        taken: Maps each taken name, case-folded, to the last number assigned for it; updated in place.
    """
    first = name = f"{split}/{stem}{ending}"
    while name.casefold() in taken:
        taken[first.casefold()] += 1
        name = f"{split}/{stem}-{taken[first.casefold()]}{ending}"
    taken[name.casefold()] = 1
    return name
