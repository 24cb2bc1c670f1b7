"""Photos that are there twice, and photos of one scene in two splits: what makes figures look better than they are."""

from collections import Counter
from collections.abc import Iterator, Sequence

from autodet.datasets.checks import PHOTO_LEFT_OUT, CheckedPhoto
from autodet.datasets.kinds import Decisions
from autodet.datasets.likeness import find_alike, group_alike
from autodet.records import SPLITS, Problem, Split

LARGEST_SCENE = 0.1  # of all photos
BOTH_KEPT = "Both were kept."


def keep_together(photos: Sequence[CheckedPhoto], hashes: Sequence[str]) -> list[int]:
    """A number for each photo: the same one for copies and for photos that look alike, which belong in one split.

    A scene that makes up more than ``LARGEST_SCENE`` of the photos (a camera that never moves) is not kept together:
    nothing would be left to measure with.
    """
    scenes = group_alike([photo.facts.look for photo in photos])
    sizes = Counter(scenes)
    numbers: dict[int | str, int] = {}
    return [
        numbers.setdefault(scene if sizes[scene] <= LARGEST_SCENE * len(photos) else sha256, len(numbers))
        for scene, sha256 in zip(scenes, hashes, strict=True)
    ]


def check_copies(
    photos: Sequence[CheckedPhoto], hashes: Sequence[str], splits: Sequence[Split], decisions: Decisions
) -> tuple[set[int], list[Problem]]:
    """List photos that are there twice, and photos that look like one of another split.

    Of two, the one in ``train`` is the one to leave out, then the one in ``val``: what is measured stays the same.

    Returns:
        The indices of the photos that are left out, and what was found.
    """
    copies = _find_copies(hashes, splits)
    alike = {index: other for index, other in _find_leaks(photos, splits) if index not in copies}
    problems, left_out = [], set[int]()
    for kind, pairs in (("photo_copies", copies), ("photo_alike", alike)):
        drop = decisions[kind] == "drop"
        left_out |= set(pairs) if drop else set()
        for index, other in sorted(pairs.items()):
            files = (str(photos[index].source.photo), str(photos[other].source.photo))
            where = (
                "" if splits[index] == splits[other] else f", which is in {splits[other]}, but is in {splits[index]}"
            )
            labels = (
                ", and has other labels" if kind == "photo_copies" and _differ(photos[index], photos[other]) else ""
            )
            problem = f"{'Is a copy of' if kind == 'photo_copies' else 'Looks like'} {files[1]!r}{where}{labels}."
            problems.append(Problem(files[0], problem, PHOTO_LEFT_OUT if drop else BOTH_KEPT, kind, files))
    return left_out, problems


def _differ(one: CheckedPhoto, other: CheckedPhoto) -> bool:
    return set(one.marks) != set(other.marks)


def _find_copies(hashes: Sequence[str], splits: Sequence[Split]) -> dict[int, int]:
    """Photos with the same bytes as another one: the photo to leave out, and the one to keep."""
    kept: dict[str, int] = {}
    pairs = {}
    for index in sorted(range(len(hashes)), key=lambda index: (-SPLITS.index(splits[index]), index)):
        if (other := kept.setdefault(hashes[index], index)) != index:
            pairs[index] = other
    return pairs


def _find_leaks(photos: Sequence[CheckedPhoto], splits: Sequence[Split]) -> Iterator[tuple[int, int]]:
    """Photos that look like one of a later split, and the one that is most like them."""
    for number, split in enumerate(SPLITS):
        ours = [index for index, one in enumerate(splits) if one == split]
        later = [index for index, one in enumerate(splits) if one in SPLITS[number + 1 :]]
        looks, others = ([photos[index].facts.look for index in indices] for indices in (ours, later))
        for index, found in zip(ours, find_alike(looks, others), strict=True):
            if found is not None:
                yield index, later[found]
