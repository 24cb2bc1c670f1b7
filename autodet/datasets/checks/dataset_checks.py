"""Checks of a data set as a whole: class names, classes per split and boxes per split."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from autodet.datasets.checks.kinds import Decisions
from autodet.datasets.checks.photo_checks import CheckedPhoto
from autodet.records import SPLITS, Problem, Split
from autodet.text_format import counted, spelling_key

FEW_BOXES = 10
MAX_UNTAUGHT_SHARE = 0.2  # of a split's boxes: a larger fraction indicates a mistake, not a rare class
WITHOUT_BOXES: Mapping[Split, str] = {
    "train": "a search has nothing to learn from",
    "val": "a search cannot compare its trials",
    "test": "no model can be measured on it",
}
NOTHING_IMPORTED = "Nothing was imported."

Spellings = Mapping[str, str]


def spellings_of(photos: Sequence[CheckedPhoto]) -> Spellings:
    """Map each class name with several spellings to the most frequent one; spellings differ in case or spaces only."""
    counts = count_boxes(photos)
    alike: dict[str, list[str]] = defaultdict(list)
    for name in sorted(counts):
        alike[spelling_key(name)].append(name)
    return {
        name: max(names, key=lambda spelling: (counts[spelling], spelling))
        for names in alike.values()
        if len(names) > 1
        for name in names
    }


def respell(photos: Sequence[CheckedPhoto], decisions: Decisions) -> tuple[list[CheckedPhoto], list[Problem]]:
    """Report classes with several spellings, and merge them if the decisions say so."""
    right = spellings_of(photos)
    fix = decisions["class_spelling"] == "fix"
    problems = []
    first = _first_files(photos)
    for name, count in sorted(count_boxes(photos).items()):
        if right.get(name, name) != name:
            problem = f"The class {name!r} ({counted(count, 'box', 'boxes')}) is spelt {right[name]!r} elsewhere."
            action = f"They were taken as one class, {right[name]!r}." if fix else "They were kept as two classes."
            problems.append(Problem(first[name], problem, action, "class_spelling"))
    return ([_renamed(photo, right) for photo in photos] if fix and right else list(photos)), problems


def check_empty(named: Collection[str], photos: Sequence[CheckedPhoto]) -> list[Problem]:
    """Report classes that the labels name but that have no boxes left under any spelling.

    Args:
        named: The classes that the source lists or annotates.
        photos: The repaired photos.
    """
    marked = {spelling_key(name) for name in count_boxes(photos)}
    return [
        Problem("", f"The class {name!r} has no boxes.", "It was left out.", "class_empty")
        for name in sorted(named)
        if spelling_key(name) not in marked
    ]


def drop_classes(photos: Sequence[CheckedPhoto], names: Collection[str]) -> list[CheckedPhoto]:
    """Return the photos without the boxes of the given classes."""
    if not names:
        return list(photos)
    return [replace(photo, marks=tuple(m for m in photo.marks if m.name not in names)) for photo in photos]


def check_untaught(
    photos: Sequence[CheckedPhoto], splits: Sequence[Split], decisions: Decisions
) -> tuple[list[CheckedPhoto], list[Problem]]:
    """Report classes of ``val`` and ``test`` that ``train`` lacks, and splits that contain mostly such classes."""
    if "train" not in splits:
        return list(photos), []
    untaught = sorted({name for photo in photos for name in photo.classes} - _classes_by_split(photos, splits)["train"])
    first = _first_files(photos)
    drop = decisions["class_untaught"] == "drop"
    action = "Its boxes were dropped." if drop else "It was kept."
    problems = [Problem(first[name], _untaught(photos, splits, name), action, "class_untaught") for name in untaught]
    if drop:
        return drop_classes(photos, untaught), problems
    return list(photos), [*problems, *_check_agreement(photos, splits, untaught, decisions)]


def _check_agreement(
    photos: Sequence[CheckedPhoto], splits: Sequence[Split], untaught: Sequence[str], decisions: Decisions
) -> Iterator[Problem]:
    """Report splits in which more than ``MAX_UNTAUGHT_SHARE`` of the boxes belong to classes that train lacks."""
    action = NOTHING_IMPORTED if decisions["splits_disagree"] == "stop" else "It was imported nevertheless."
    for split in SPLITS[1:]:
        boxes = count_boxes([photo for photo, one in zip(photos, splits, strict=True) if one == split])
        lacking = [name for name in untaught if boxes[name]]
        lost, total = sum(boxes[name] for name in lacking), sum(boxes.values())
        if lost > MAX_UNTAUGHT_SHARE * total:
            named = ", ".join(repr(name) for name in lacking[:3]) + " ..." * (len(lacking) > 3)
            problem = (
                f"Of the {counted(total, 'box', 'boxes')} in {split}, {lost} are of classes that no photo of train "
                f"shows ({named}); give each class one name in every split, or agree to import it as it is (on the "
                "command line with --decide splits_disagree=keep)."
            )
            yield Problem("", problem, action, "splits_disagree")


def check_classes(
    photos: Sequence[CheckedPhoto], splits: Sequence[Split], decisions: Decisions
) -> tuple[list[CheckedPhoto], list[Problem]]:
    """Report classes with few boxes and classes that a split lacks; drop them if the decisions say so."""
    found = weak_classes(count_boxes(photos), _classes_by_split(photos, splits))
    first = _first_files(photos)
    doomed = {name for name, _, kind in found if decisions[kind] == "drop"}
    problems = [
        Problem(first[name], problem, "Its boxes were dropped." if name in doomed else "It was kept.", kind)
        for name, problem, kind in found
    ]
    return drop_classes(photos, doomed), problems


def weak_classes(boxes: Mapping[str, int], by_split: Mapping[Split, Collection[str]]) -> list[tuple[str, str, str]]:
    """Find classes that are hard to learn or cannot be measured.

    Args:
        boxes: Number of boxes per class.
        by_split: The classes annotated on the photos of each split.

    Returns:
        Per finding: the class, the problem as a sentence, and the kind of problem.
    """
    found = [
        (name, f"The class {name!r} has only {counted(count, 'box', 'boxes')}.", "class_rare")
        for name, count in sorted(boxes.items())
        if count < FEW_BOXES
    ]
    found += [
        (name, f"The class {name!r} is on no photo of {split}.", "class_missing")
        for split in SPLITS
        if by_split[split]
        for name in sorted(set(by_split["train"]) - set(by_split[split]))
    ]
    return found


def check_boxes(photos: Sequence[CheckedPhoto], shown: str, *, written: bool) -> list[Problem]:
    """Refuse a data set without any boxes.

    Args:
        photos: The photos to import.
        shown: The source's name in messages.
        written: Whether the labels of the source contain any boxes.
    """
    if any(photo.marks for photo in photos):
        return []
    what = "No box is left of {!r}; leave less out." if written else "{!r} has no boxes; draw some, then import again."
    return [Problem("", f"{what.format(shown)} Without boxes there is nothing to learn.", NOTHING_IMPORTED, "no_boxes")]


def check_validation(splits: Sequence[Split], *, drawn: bool) -> list[Problem]:
    """Report a missing ``val`` split.

    Args:
        splits: The split of each photo.
        drawn: Whether autodet drew the splits; if not, the source defines them.
    """
    if "val" in splits:
        return []
    why = "There are too few photos to set some aside" if drawn else "The source has no photos"
    action = "A search needs a photo in val: add photos, then import again."
    return [Problem("", f"{why} for validation.", action, "no_validation")]


def check_marked(photos: Sequence[CheckedPhoto], splits: Sequence[Split]) -> list[Problem]:
    """Report splits without boxes, unless the whole data set has none.

    Args:
        photos: The photos to import.
        splits: The split of each photo.
    """
    if not any(photo.marks for photo in photos):
        return []  # ``check_boxes`` reports this case
    boxes = (len(photo.marks) for photo in photos)
    return unmarked_problems(unmarked_splits(zip(splits, boxes, map(_counts, photos), strict=True)))


def unmarked_splits(photos: Iterable[tuple[Split, int, bool]]) -> dict[Split, str]:
    """Return the splits without usable boxes, each with a sentence; a split without photos counts only if it is train.

    Args:
        photos: Per photo its split, its number of boxes, and whether any of them is usable, meaning not difficult.
    """
    numbers, boxes, counting = Counter[Split](), Counter[Split](), set[Split]()
    for split, marks, counts in photos:
        numbers[split] += 1
        boxes[split] += marks
        counting |= {split} if counts else set()
    found = {}
    for split, effect in WITHOUT_BOXES.items():
        lacks = "no photos"
        if numbers[split]:
            lacks = f"{counted(numbers[split], 'photo')} and no boxes{' but difficult ones' * bool(boxes[split])}"
        if split not in counting and (numbers[split] or split == "train"):
            found[split] = f"The split {split} has {lacks}, so {effect}."
    return found


def unmarked_problems(sentences: Mapping[Split, str]) -> list[Problem]:
    """Create a problem for each split from ``unmarked_splits``."""
    return [
        Problem("", sentence, f"Draw new splits, or mark objects on photos of {split}.", "split_unmarked")
        for split, sentence in sentences.items()
    ]


def _counts(photo: CheckedPhoto) -> bool:
    return not all(mark.difficult for mark in photo.marks)


def count_boxes(photos: Sequence[CheckedPhoto]) -> Counter[str]:
    """Count the boxes of each class."""
    return Counter(mark.name for photo in photos for mark in photo.marks)


def _classes_by_split(photos: Sequence[CheckedPhoto], splits: Sequence[Split]) -> dict[Split, set[str]]:
    classes: dict[Split, set[str]] = {split: set() for split in SPLITS}
    for photo, split in zip(photos, splits, strict=True):
        classes[split] |= photo.classes
    return classes


def _untaught(photos: Sequence[CheckedPhoto], splits: Sequence[Split], name: str) -> str:
    split, photo = next(pair for pair in zip(splits, photos, strict=True) if name in pair[1].classes)
    return (
        f"The class {name!r} is in {split} (first in {photo.source.labels!r}) but in no photo of train, so it "
        f"could not be learned; correct its name, add photos of it to train, or remove it from {split}."
    )


def _renamed(photo: CheckedPhoto, right: Spellings) -> CheckedPhoto:
    return replace(photo, marks=tuple(m._replace(name=right.get(m.name, m.name)) for m in photo.marks))


def _first_files(photos: Sequence[CheckedPhoto]) -> dict[str, str]:
    """Return the first label file that contains each class."""
    first: dict[str, str] = {}
    for photo in photos:
        for name in photo.classes - first.keys():
            first[name] = photo.source.labels
    return first
