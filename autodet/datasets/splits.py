"""Which photo is for learning, which for choosing the best epoch, which for the final figure."""

import random
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence

from autodet.records import Split

SHARES: dict[Split, float] = {"train": 0.7, "val": 0.15, "test": 0.15}
NO_CLASS = ""  # stands for what a photo without boxes shows


def assign_splits(
    given: Sequence[Split | None],
    classes: Sequence[frozenset[str]],
    seed: int,
    groups: Callable[[], Sequence[Hashable] | None] = lambda: None,
) -> tuple[list[Split], bool]:
    """Complete the splits that a source came with.

    Nothing given, or only ``train``: a stratified split by ``SHARES``. ``train`` beside ``test`` alone: ``val`` is
    taken out of ``train``. Otherwise as given; photos that nothing was said about go to ``train``.

    Args:
        given: Per photo the split that folders or lists put it in.
        classes: Per photo the classes that are marked on it.
        seed: The same seed and photos give the same split, on every machine.
        groups: Finds the group that each photo belongs to, if any; asked only where a split is drawn, into which a
            group goes as a whole.

    Returns:
        The split of each photo, and whether any of it was drawn rather than given.
    """
    named = {split for split in given if split}
    if not named or named == {"train"}:
        return draw_splits(classes, SHARES, seed, groups()), True
    splits: list[Split] = [split or "train" for split in given]
    if "val" in splits or "train" not in splits:
        return splits, False
    train = [index for index, split in enumerate(splits) if split == "train"]
    shares: dict[Split, float] = {"train": 1 - SHARES["val"], "val": SHARES["val"]}
    group_of = groups()
    drawn = draw_splits([classes[i] for i in train], shares, seed, [group_of[i] for i in train] if group_of else None)
    for index, split in zip(train, drawn, strict=True):
        splits[index] = split
    return splits, True


def draw_splits(
    classes: Sequence[frozenset[str]],
    shares: Mapping[Split, float],
    seed: int,
    groups: Sequence[Hashable] | None = None,
) -> list[Split]:
    """Draw a split in which every class has about its share, and every class is in ``train``.

    Photos are shuffled and sorted by their rarest class; each then goes where most is missing so far.

    Args:
        classes: Per photo the classes that are marked on it.
        shares: Share of the photos per split; adds up to 1.
        seed: Seed of the shuffle.
        groups: Per photo the group that it belongs to; a group goes as a whole into one split, so that shares are met
            only as well as the sizes of the groups allow.
    """
    if groups is not None and len(set(groups)) < len(groups):
        return _draw_groups(classes, shares, seed, groups)
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


def _draw_groups(
    classes: Sequence[frozenset[str]], shares: Mapping[Split, float], seed: int, groups: Sequence[Hashable]
) -> list[Split]:
    """Draw with whole groups, after iterative stratification (Sechidis et al., ECML PKDD 2011).

    Groups are shuffled and sorted by their rarest class; each then goes where most of what it holds is missing, among
    the splits that have room for it.
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
    learnt = {NO_CLASS}
    for one in sorted(range(len(units)), key=lambda one: min((total[name], name) for name in held[one])):
        if held[one].keys() <= learnt:
            chosen[one] = _most_wanted(held[one], len(units[one]), total, missing, room)
        learnt |= held[one].keys()
        room[chosen[one]] -= len(units[one])
        for name, count in held[one].items():
            missing[chosen[one]][name] -= count
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
    """The split that misses most of what a group holds; the roomiest where the group fits nowhere."""
    fitting = [split for split in room if photos < room[split] + 1]
    if not fitting:
        return max(room, key=lambda split: room[split])

    def wanted(split: Split) -> tuple[float, float]:
        return sum(min(missing[split][name], count) / total[name] for name, count in held.items()), room[split]

    return max(fitting, key=wanted)


def _spare_one(chosen: list[Split], held: Sequence[Mapping[str, int]]) -> None:
    """Move the smallest group that ``train`` can spare to ``val``: without ``val``, nothing can be searched."""
    train = [one for one, split in enumerate(chosen) if split == "train"]
    taught = Counter(name for one in train for name in held[one])
    spare = [one for one in train if all(taught[name] > 1 for name in held[one] if name != NO_CLASS)]
    if len(train) > 1 and spare:
        chosen[min(spare, key=lambda one: sum(held[one].values()))] = "val"


def free_name(split: Split, stem: str, ending: str, taken: dict[str, int]) -> str:
    """``<split>/<name>``, numbered where that is taken; it is taken from then on.

    Args:
        split: The photo's split.
        stem: Its name without the ending.
        ending: The ending, with its dot.
        taken: The names that are taken, case folded, and the last number that was given for each.
    """
    first = name = f"{split}/{stem}{ending}"
    while name.casefold() in taken:
        taken[first.casefold()] += 1
        name = f"{split}/{stem}-{taken[first.casefold()]}{ending}"
    taken[name.casefold()] = 1
    return name
