"""Drawing new splits for a data set, with related photos in one split."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from autodet.datasets.checks.duplicates import Shot, keep_together
from autodet.datasets.splits import SHARES, count_splits, draw_splits, free_name
from autodet.datasets.versions.photo_groups import group_photos, join_groups
from autodet.errors import DatasetError
from autodet.records import SPLITS, ImageRecord, Split, VersionChange

ROUNDING = 0.002  # relative tolerance for the sum of shares, because thirds are written as 33.3


@dataclass(frozen=True)
class Resplit:
    """Settings for drawing new splits. Copies and near-duplicates always stay together.

    Attributes:
        shares: Shares of ``train``, ``val`` and optionally ``test``, with a sum of 1 or 100.
        seed: The same seed gives the same photos the same splits, on every machine and regardless of earlier splits.
        stratified: Whether to stratify by class.
        group_by: Rule for photos that stay together, see ``versions.photo_groups.group_photos``; empty for no further
            groups.
    """

    shares: tuple[float, ...] = tuple(SHARES.values())
    seed: int = 0
    stratified: bool = True
    group_by: str = ""


def redraw(
    images: Sequence[ImageRecord], classes: Sequence[str], resplit: Resplit
) -> tuple[list[Split], Mapping[str, Sequence[str]]]:
    """Draw new splits for the photos of a dataset.

    Args:
        images: The photos.
        classes: Class names; a class id is an index into them.
        resplit: Settings of the draw.

    Returns:
        The split of each photo, and the photos of each group.

    Raises:
        DatasetError: The shares or the rule are invalid, or a class would be in no photo of ``train``.
    """
    shares = _checked_shares(resplit.shares)
    order = sorted(range(len(images)), key=lambda index: (images[index].sha256, images[index].file))
    shown = [images[index] for index in order]
    names = group_photos(shown, resplit.group_by) if resplit.group_by else [record.file for record in shown]
    if resplit.group_by and len(set(names)) == 1 and len(names) > 1:
        raise DatasetError(
            f"With the rule {resplit.group_by!r} all photos are one group, {names[0]!r}, which cannot be split; choose "
            "another rule for groups."
        )
    groups = join_groups(len(shown), _ties(shown, names))
    marked = [frozenset(classes[class_id] for class_id in record.annotations.class_ids.tolist()) for record in shown]
    drawn = draw_splits(marked if resplit.stratified else [frozenset()] * len(shown), shares, resplit.seed, groups)
    _refuse_untaught(classes, marked, drawn)
    splits = dict(zip(order, drawn, strict=True))
    members: dict[str, list[str]] = defaultdict(list)
    for record, group in zip(shown, groups, strict=True):
        members[names[group]].append(record.file)
    return [splits[index] for index in range(len(images))], members


def move(images: Sequence[ImageRecord], splits: Sequence[Split]) -> list[ImageRecord]:
    """Return the photos in their new splits, renamed accordingly; a photo that stays in its split keeps its name."""
    stay = [record.split == split for record, split in zip(images, splits, strict=True)]
    taken = {record.file.casefold(): 1 for record, stays in zip(images, stay, strict=True) if stays}
    return [
        record if stays else _moved(record, split, taken)
        for record, split, stays in zip(images, splits, stay, strict=True)
    ]


def _moved(record: ImageRecord, split: Split, taken: dict[str, int]) -> ImageRecord:
    path = PurePosixPath(record.file)
    return replace(record, file=free_name(split, path.stem, path.suffix, taken), split=split)


def resplit_change(images: Sequence[ImageRecord], moved: Sequence[ImageRecord], resplit: Resplit) -> VersionChange:
    """Return the result of a new draw."""
    before, after = (count_splits(record.split for record in records) for records in (images, moved))
    now = {split: after.get(split, 0) for split, share in zip(SPLITS, resplit.shares, strict=False) if share}
    draw = {"seed": resplit.seed, "stratified": resplit.stratified, "group_by": resplit.group_by}
    return VersionChange("resplit", {"before": before, "after": now, **draw})


def _checked_shares(shares: Sequence[float]) -> Mapping[Split, float]:
    whole = next((whole for whole in (1, 100) if abs(sum(shares) - whole) <= whole * ROUNDING), 0)
    if not whole or len(shares) not in (2, 3) or min(shares) < 0:
        given = ", ".join(f"{share:g}" for share in shares)
        raise DatasetError(
            f"{given or 'Nothing'} cannot be the shares of train, val and test; give two or three numbers that add up "
            "to 1 or to 100, such as 70, 15, 15."
        )
    if not shares[0]:
        raise DatasetError("Without a share for train there is nothing to train on; give train most of the photos.")
    return {split: share / sum(shares) for split, share in zip(SPLITS, shares, strict=False)}


def _ties(images: Sequence[ImageRecord], names: Sequence[str]) -> Iterable[Sequence[int]]:
    """Return groups of related photos: photos with the same group name, and photos of the same scene."""
    scenes = keep_together([Shot(record.file, record.source_sha256, record.look) for record in images])
    together: dict[str | int, list[int]] = defaultdict(list)
    for index, (name, scene) in enumerate(zip(names, scenes, strict=True)):
        together[name].append(index)
        together[scene].append(index)
    return together.values()


def _refuse_untaught(classes: Sequence[str], marked: Sequence[frozenset[str]], splits: Sequence[Split]) -> None:
    taught = frozenset[str]().union(*(names for names, split in zip(marked, splits, strict=True) if split == "train"))
    for name in classes:
        if name not in taught:
            raise DatasetError(
                f"The class {name!r} would be on no photo of train, so it could not be learned; let the split be "
                "stratified, or choose another seed."
            )
