"""Detection of copies and of near-duplicates across splits, which cause data leakage and inflate metrics."""

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from autodet.datasets.checks.kinds import Decisions
from autodet.datasets.perceptual_hash import find_alike, group_alike
from autodet.records import SPLITS, Finding, Split

MAX_SCENE_SHARE = 0.1  # of all photos


@dataclass(frozen=True)
class Shot:
    """The properties of a photo that duplicate detection needs.

    Attributes:
        file: The photo's name.
        sha256: SHA-256 of its bytes in the import source, in hexadecimal.
        look: Perceptual hash; see ``autodet.datasets.perceptual_hash``.
        marks: The annotations on the photo.
    """

    file: str
    sha256: str
    look: int
    marks: frozenset[Hashable] = frozenset()


def keep_together(shots: Sequence[Shot]) -> list[int]:
    """Number the groups of photos that belong in one split: copies and near-duplicates share a number.

    A scene with more than ``MAX_SCENE_SHARE`` of the photos (such as from a fixed camera) is not kept together, because
    no photos would be left for evaluation; exact copies still share a number.
    """
    scenes = _scenes(tuple(shot.look for shot in shots))
    sizes = Counter(scenes)
    numbers: dict[int | str, int] = {}
    return [
        numbers.setdefault(scene if sizes[scene] <= MAX_SCENE_SHARE * len(shots) else shot.sha256, len(numbers))
        for scene, shot in zip(scenes, shots, strict=True)
    ]


@lru_cache(maxsize=2)  # computed once while a user tries out different splits
def _scenes(looks: tuple[int, ...]) -> list[int]:
    return group_alike(looks)


def check_copies(
    shots: Sequence[Shot], splits: Sequence[Split], decisions: Decisions
) -> tuple[set[int], list[Finding]]:
    """Report copies, and photos that look like a photo of another split.

    Of two such photos, the one in ``train`` is left out first, then the one in ``val``, so that the evaluation data
    stays the same.

    Returns:
        The indices of the photos to leave out, and the findings.
    """
    copies = _find_copies([shot.sha256 for shot in shots], splits)
    alike = {index: other for index, other in _find_leaks(shots, splits) if index not in copies}
    findings, left_out = [], set[int]()
    for kind, pairs in (("photo_copies", copies), ("photo_alike", alike)):
        action = decisions[kind]
        left_out |= set(pairs) if action == "drop" else set()
        for index, other in sorted(pairs.items()):
            shot, twin = shots[index], shots[other]
            values: dict[str, str | bool] = {"file": twin.file, "split": splits[index], "other_split": splits[other]}
            if kind == "photo_copies":
                values["differ"] = shot.marks != twin.marks
            findings.append(Finding(kind, shot.file, action, values, photos=(shot.file, twin.file)))
    return left_out, findings


def _find_copies(hashes: Sequence[str], splits: Sequence[Split]) -> dict[int, int]:
    """Find photos with identical bytes; map each photo to leave out to the photo to keep."""
    kept: dict[str, int] = {}
    pairs = {}
    for index in sorted(range(len(hashes)), key=lambda index: (-SPLITS.index(splits[index]), index)):
        if (other := kept.setdefault(hashes[index], index)) != index:
            pairs[index] = other
    return pairs


def _find_leaks(shots: Sequence[Shot], splits: Sequence[Split]) -> Iterator[tuple[int, int]]:
    """Yield photos that look like a photo of a later split, each with its most similar photo there."""
    for number, split in enumerate(SPLITS):
        ours = [index for index, one in enumerate(splits) if one == split]
        later = [index for index, one in enumerate(splits) if one in SPLITS[number + 1 :]]
        looks, others = ([shots[index].look for index in indices] for indices in (ours, later))
        for index, found in zip(ours, find_alike(looks, others), strict=True):
            if found is not None:
                yield index, later[found]
