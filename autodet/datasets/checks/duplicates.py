"""Detection of copies and of near-duplicates across splits, which cause data leakage and inflate metrics."""

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from autodet.datasets.checks.kinds import Decisions
from autodet.datasets.checks.photo_checks import CheckedPhoto
from autodet.datasets.formats.label_merge import same_object
from autodet.datasets.perceptual_hash import find_alike, group_alike
from autodet.records import SPLITS, Action, Finding, Mark, Split, Values

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


@dataclass(frozen=True)
class Twins:
    """Photos with identical bytes whose labels differ.

    Attributes:
        left_out: The indices of the photos to leave out.
        joined: The annotations of photos that get those of all copies, by index.
        findings: The findings, with the action for each.
    """

    left_out: frozenset[int]
    joined: Mapping[int, tuple[Mark, ...]]
    findings: tuple[Finding, ...]


def check_twins(photos: Sequence[CheckedPhoto], hashes: Sequence[str], decisions: Decisions) -> Twins:
    """Report copies of a photo whose labels differ: a photo without labels shows the objects of its labelled copy."""
    groups: dict[str, list[int]] = {}
    for index, sha256 in enumerate(hashes):
        groups.setdefault(sha256, []).append(index)
    left_out, joined, findings = set[int](), {}, []
    disagreeing = []
    for copies in (group for group in groups.values() if len(group) > 1):
        bare = [index for index in copies if not photos[index].has_labels]
        labelled = [index for index in copies if index not in bare]
        if bare and any(photos[index].marks for index in labelled):
            first = str(photos[labelled[0]].source.photo)
            action = decisions["copy_unlabelled"]
            findings += [_about_copy("copy_unlabelled", photos[index], action, {"file": first}) for index in bare]
            left_out |= set(bare) if action == "drop" else set()
        if any(_differ(photos[labelled[0]].marks, photos[index].marks) for index in labelled[1:]):
            disagreeing.append(labelled)
    action = decisions["copies_disagree"]
    for first_index, *others in disagreeing:
        values = {"file": str(photos[first_index].source.photo), "photos": sum(map(len, disagreeing))}
        findings += [_about_copy("copies_disagree", photos[index], action, values) for index in others]
        if action == "fix":
            left_out |= set(others)
            joined[first_index] = _union([photos[index].marks for index in (first_index, *others)])
    return Twins(frozenset(left_out), joined, tuple(findings))


def _about_copy(kind: str, photo: CheckedPhoto, action: Action, values: Values) -> Finding:
    file = str(photo.source.photo)
    return Finding(kind, file, action, values, photos=(file, str(values["file"])))


def _differ(marks: Sequence[Mark], others: Sequence[Mark]) -> bool:
    """Return whether two lists mark different objects; a box may move a little between two exports."""
    return len(marks) != len(others) or len(_union([marks, others])) > len(marks)


def _union(groups: Sequence[Sequence[Mark]]) -> tuple[Mark, ...]:
    joined: list[Mark] = []
    for marks in groups:
        known = list(joined)
        joined += [mark for mark in marks if not any(same_object(mark, other) for other in known)]
    return tuple(joined)


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
