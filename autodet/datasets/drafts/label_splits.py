"""Splits of photos that are labelled little by little: a photo stays in its split from version to version."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache

from autodet.datasets.checks.duplicates import Shot, keep_together
from autodet.datasets.manifest import Dataset
from autodet.datasets.splits import SHARES, draw_splits
from autodet.records import SPLITS, ImageRecord, Split

MIN_PHOTOS_WITH_TEST = 20
SHARES_WITHOUT_TEST: Mapping[Split, float] = {"train": 1 - SHARES["val"], "val": SHARES["val"]}


@lru_cache(maxsize=4)  # a page asks for it at every change of a label; 50,000 photos take seconds
def scenes_of(dataset: Dataset) -> Mapping[str, int]:
    """Return a number for each photo, by file, which copies and near-duplicates share.

    All photos count, labelled or not: they decide whether a scene is too frequent to be kept together.
    """
    numbers = keep_together([Shot(record.file, record.source_sha256, record.look) for record in dataset.images])
    return {record.file: number for record, number in zip(dataset.images, numbers, strict=True)}


def continued_splits(
    images: Sequence[ImageRecord],
    classes: Sequence[str],
    earlier: Mapping[str, Split],
    scenes: Mapping[str, int],
) -> list[Split]:
    """Return the split of each photo: its earlier one, that of its near-duplicates, or a drawn one.

    The draw brings every split closer to its share of all photos. There is a test split from
    ``MIN_PHOTOS_WITH_TEST`` photos on.

    Args:
        images: The labelled photos.
        classes: Class names; a class id is an index into them.
        earlier: The splits that photos had before, by SHA-256.
        scenes: The scene of each photo, by file.
    """
    known = {record.file: earlier[record.sha256] for record in images if record.sha256 in earlier}
    of_scene: dict[int, Split] = {}
    for file, split in known.items():
        of_scene[scenes[file]] = max(of_scene.get(scenes[file], split), split, key=SPLITS.index)
    placed = known | {
        record.file: of_scene[scenes[record.file]]
        for record in images
        if record.file not in known and scenes[record.file] in of_scene
    }
    taught = {
        classes[number]
        for record in images
        if placed.get(record.file) == "train"
        for number in record.annotations.class_ids.tolist()
    }
    new = sorted((record for record in images if record.file not in placed), key=lambda one: (one.sha256, one.file))
    drawn = draw_splits(
        [frozenset(classes[number] for number in record.annotations.class_ids.tolist()) for record in new],
        _missing_shares(len(images), Counter(placed.values())),
        seed=0,
        groups=[scenes[record.file] for record in new],
        taught=taught,
    )
    placed |= {record.file: split for record, split in zip(new, drawn, strict=True)}
    return [placed[record.file] for record in images]


def _missing_shares(photos: int, placed: Mapping[Split, int]) -> Mapping[Split, float]:
    """Return the shares of the splits among the photos that are still to be placed."""
    shares = SHARES if photos >= MIN_PHOTOS_WITH_TEST else SHARES_WITHOUT_TEST
    missing: dict[Split, float] = defaultdict(float)
    for split, share in shares.items():
        missing[split] = max(0.0, share * photos - placed.get(split, 0))
    total = sum(missing.values())
    return {split: photos_missing / total for split, photos_missing in missing.items()} if total else {"train": 1.0}
