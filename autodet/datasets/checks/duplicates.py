"""Photos that are there twice, and photos of one scene in two splits: what makes figures look better than they are."""

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from autodet.datasets.checks.kinds import Decisions
from autodet.datasets.checks.photo_checks import BOTH_KEPT
from autodet.datasets.formats.labels import PHOTO_LEFT_OUT
from autodet.datasets.perceptual_hash import find_alike, group_alike
from autodet.records import SPLITS, Problem, Split

MAX_SCENE_SHARE = 0.1  # of all photos


@dataclass(frozen=True)
class Shot:
    """A photo as far as it matters for whether it is there twice.

    Attributes:
        file: What it is called.
        sha256: SHA-256 of its bytes, in hexadecimal.
        look: How it looks; see ``autodet.datasets.perceptual_hash``.
        marks: What is marked on it.
    """

    file: str
    sha256: str
    look: int
    marks: frozenset[Hashable] = frozenset()


def keep_together(shots: Sequence[Shot]) -> list[int]:
    """A number for each photo: the same one for copies and for photos that look alike, which belong in one split.

    A scene that makes up more than ``MAX_SCENE_SHARE`` of the photos (a camera that never moves) is not kept together:
    nothing would be left to measure with.
    """
    scenes = _scenes(tuple(shot.look for shot in shots))
    sizes = Counter(scenes)
    numbers: dict[int | str, int] = {}
    return [
        numbers.setdefault(scene if sizes[scene] <= MAX_SCENE_SHARE * len(shots) else shot.sha256, len(numbers))
        for scene, shot in zip(scenes, shots, strict=True)
    ]


@lru_cache(maxsize=2)  # a person who tries out splits waits for it once
def _scenes(looks: tuple[int, ...]) -> list[int]:
    return group_alike(looks)


def check_copies(
    shots: Sequence[Shot], splits: Sequence[Split], decisions: Decisions
) -> tuple[set[int], list[Problem]]:
    """List photos that are there twice, and photos that look like one of another split.

    Of two, the one in ``train`` is the one to leave out, then the one in ``val``: what is measured stays the same.

    Returns:
        The indices of the photos that are left out, and what was found.
    """
    copies = _find_copies([shot.sha256 for shot in shots], splits)
    alike = {index: other for index, other in _find_leaks(shots, splits) if index not in copies}
    problems, left_out = [], set[int]()
    for kind, pairs in (("photo_copies", copies), ("photo_alike", alike)):
        drop = decisions[kind] == "drop"
        left_out |= set(pairs) if drop else set()
        for index, other in sorted(pairs.items()):
            files = (shots[index].file, shots[other].file)
            sentence = _pair_sentence(kind, shots[index], shots[other], splits[index], splits[other])
            problems.append(Problem(files[0], sentence, PHOTO_LEFT_OUT if drop else BOTH_KEPT, kind, files))
    return left_out, problems


def _pair_sentence(kind: str, shot: Shot, other: Shot, split: Split, other_split: Split) -> str:
    same = "is the same photo" if kind == "photo_copies" else "looks the same"
    labels = ", with other labels" if kind == "photo_copies" and shot.marks != other.marks else ""
    if split == other_split:
        return f"{other.file!r} {same}{labels}."
    return f"It is in {split}; {other.file!r} in {other_split} {same}{labels}."


def _find_copies(hashes: Sequence[str], splits: Sequence[Split]) -> dict[int, int]:
    """Photos with the same bytes as another one: the photo to leave out, and the one to keep."""
    kept: dict[str, int] = {}
    pairs = {}
    for index in sorted(range(len(hashes)), key=lambda index: (-SPLITS.index(splits[index]), index)):
        if (other := kept.setdefault(hashes[index], index)) != index:
            pairs[index] = other
    return pairs


def _find_leaks(shots: Sequence[Shot], splits: Sequence[Split]) -> Iterator[tuple[int, int]]:
    """Photos that look like one of a later split, and the one that is most like them."""
    for number, split in enumerate(SPLITS):
        ours = [index for index, one in enumerate(splits) if one == split]
        later = [index for index, one in enumerate(splits) if one in SPLITS[number + 1 :]]
        looks, others = ([shots[index].look for index in indices] for indices in (ours, later))
        for index, found in zip(ours, find_alike(looks, others), strict=True):
            if found is not None:
                yield index, later[found]
