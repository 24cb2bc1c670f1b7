"""Checks of a data set as a whole: class names, classes per split and boxes per split."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from autodet.datasets.checks.kinds import Decisions
from autodet.datasets.checks.photo_checks import CheckedPhoto
from autodet.records import SPLITS, Action, Finding, Split, Values
from autodet.text_format import spelling_key

FEW_BOXES = 10
MAX_UNTAUGHT_SHARE = 0.2  # of a split's boxes: a larger fraction indicates a mistake, not a rare class
MAX_CLASSES_NAMED = 3

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


def respell(photos: Sequence[CheckedPhoto], decisions: Decisions) -> tuple[list[CheckedPhoto], list[Finding]]:
    """Report classes with several spellings, and merge them if the decisions say so."""
    right = spellings_of(photos)
    action = decisions["class_spelling"]
    findings = []
    first = _first_photos(photos)
    for name, count in sorted(count_boxes(photos).items()):
        if right.get(name, name) != name:
            values = {"name": name, "boxes": count, "other": right[name]}
            findings.append(_of_class("class_spelling", first[name], action, values))
    merges = action == "fix" and bool(right)
    return ([_renamed(photo, right) for photo in photos] if merges else list(photos)), findings


def check_empty(named: Collection[str], photos: Sequence[CheckedPhoto]) -> list[Finding]:
    """Report classes that the labels name but that have no boxes left under any spelling.

    Args:
        named: The classes that the source lists or annotates.
        photos: The repaired photos.
    """
    marked = {spelling_key(name) for name in count_boxes(photos)}
    return [
        Finding("class_empty", "", "drop", {"name": name}) for name in sorted(named) if spelling_key(name) not in marked
    ]


def drop_classes(photos: Sequence[CheckedPhoto], names: Collection[str]) -> list[CheckedPhoto]:
    """Return the photos without the boxes of the given classes."""
    if not names:
        return list(photos)
    return [replace(photo, marks=tuple(m for m in photo.marks if m.name not in names)) for photo in photos]


def check_untaught(
    photos: Sequence[CheckedPhoto], splits: Sequence[Split], decisions: Decisions
) -> tuple[list[CheckedPhoto], list[Finding]]:
    """Report classes of ``val`` and ``test`` that ``train`` lacks, and splits that contain mostly such classes."""
    if "train" not in splits:
        return list(photos), []
    untaught = sorted({name for photo in photos for name in photo.classes} - _classes_by_split(photos, splits)["train"])
    first = _first_photos(photos)
    action = decisions["class_untaught"]
    findings = [_of_class("class_untaught", first[name], action, _untaught(photos, splits, name)) for name in untaught]
    if action == "drop":
        return drop_classes(photos, untaught), findings
    return list(photos), [*findings, *_check_agreement(photos, splits, untaught, decisions)]


def _check_agreement(
    photos: Sequence[CheckedPhoto], splits: Sequence[Split], untaught: Sequence[str], decisions: Decisions
) -> Iterator[Finding]:
    """Report splits in which more than ``MAX_UNTAUGHT_SHARE`` of the boxes belong to classes that train lacks."""
    for split in SPLITS[1:]:
        boxes = count_boxes([photo for photo, one in zip(photos, splits, strict=True) if one == split])
        lacking = [name for name in untaught if boxes[name]]
        lost, total = sum(boxes[name] for name in lacking), sum(boxes.values())
        if lost > MAX_UNTAUGHT_SHARE * total:
            shown = lacking[:MAX_CLASSES_NAMED]
            classes = {"classes": shown, "more": len(lacking) > len(shown)}
            values = {"split": split, "boxes": total, "lost": lost, **classes}
            yield Finding("splits_disagree", "", decisions["splits_disagree"], values)


def check_classes(
    photos: Sequence[CheckedPhoto], splits: Sequence[Split], decisions: Decisions
) -> tuple[list[CheckedPhoto], list[Finding]]:
    """Report classes with few boxes and classes that a split lacks; drop them if the decisions say so."""
    found = weak_classes(count_boxes(photos), _classes_by_split(photos, splits))
    first = _first_photos(photos)
    findings = [_of_class(kind, first[values["name"]], decisions[kind], values) for kind, values in found]
    doomed = {finding.values["name"] for finding in findings if finding.action == "drop"}
    findings = [
        replace(finding, action="drop") if finding.values["name"] in doomed else finding for finding in findings
    ]
    return drop_classes(photos, doomed), findings


def weak_classes(boxes: Mapping[str, int], by_split: Mapping[Split, Collection[str]]) -> list[tuple[str, Values]]:
    """Find classes that are hard to learn or cannot be measured.

    Args:
        boxes: Number of boxes per class.
        by_split: The classes annotated on the photos of each split.

    Returns:
        Per finding its kind and its values, among them the class as ``name``.
    """
    found: list[tuple[str, Values]] = [
        ("class_rare", {"name": name, "boxes": count}) for name, count in sorted(boxes.items()) if count < FEW_BOXES
    ]
    found += [
        ("class_missing", {"name": name, "split": split})
        for split in SPLITS
        if by_split[split]
        for name in sorted(set(by_split["train"]) - set(by_split[split]))
    ]
    return found


def check_boxes(photos: Sequence[CheckedPhoto], shown: str, *, written: bool) -> list[Finding]:
    """Refuse a data set without any boxes.

    Args:
        photos: The photos to import.
        shown: The source's name in messages.
        written: Whether the labels of the source contain any boxes.
    """
    if any(photo.marks for photo in photos):
        return []
    return [Finding("no_boxes", "", "stop", {"source": shown}, "no_boxes_left" if written else "no_boxes")]


def check_validation(splits: Sequence[Split], *, drawn: bool) -> list[Finding]:
    """Report a missing ``val`` split.

    Args:
        splits: The split of each photo.
        drawn: Whether autodet drew the splits; if not, the source defines them.
    """
    if "val" in splits:
        return []
    return [Finding("no_validation", "", "keep", {}, "too_few_for_validation" if drawn else "no_validation")]


def check_marked(photos: Sequence[CheckedPhoto], splits: Sequence[Split]) -> list[Finding]:
    """Report splits without boxes, unless the whole data set has none.

    Args:
        photos: The photos to import.
        splits: The split of each photo.
    """
    if not any(photo.marks for photo in photos):
        return []  # ``check_boxes`` reports this case
    boxes = (len(photo.marks) for photo in photos)
    unmarked = unmarked_splits(zip(splits, boxes, map(_counts, photos), strict=True))
    return [Finding("split_unmarked", "", "keep", values) for values in unmarked.values()]


def unmarked_splits(photos: Iterable[tuple[Split, int, bool]]) -> dict[Split, Values]:
    """Return the splits without usable boxes; a split without photos counts only if it is train.

    Args:
        photos: Per photo its split, its number of boxes, and whether any of them is usable, meaning not difficult.

    Returns:
        Per split the values of a finding ``split_unmarked``.
    """
    numbers, boxes, counting = Counter[Split](), Counter[Split](), set[Split]()
    for split, marks, counts in photos:
        numbers[split] += 1
        boxes[split] += marks
        counting |= {split} if counts else set()
    return {
        split: {"split": split, "photos": numbers[split], "difficult": bool(boxes[split])}
        for split in SPLITS
        if split not in counting and (numbers[split] or split == "train")
    }


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


def _untaught(photos: Sequence[CheckedPhoto], splits: Sequence[Split], name: str) -> Values:
    split, photo = next(pair for pair in zip(splits, photos, strict=True) if name in pair[1].classes)
    return {"name": name, "split": split, "labels": photo.source.labels}


def _renamed(photo: CheckedPhoto, right: Spellings) -> CheckedPhoto:
    return replace(photo, marks=tuple(m._replace(name=right.get(m.name, m.name)) for m in photo.marks))


def _first_photos(photos: Sequence[CheckedPhoto]) -> dict[str, CheckedPhoto]:
    """Return the first photo that shows each class."""
    first: dict[str, CheckedPhoto] = {}
    for photo in photos:
        for name in photo.classes - first.keys():
            first[name] = photo
    return first


def _of_class(kind: str, shows: CheckedPhoto, action: Action, values: Values) -> Finding:
    """Return a finding about a class, with a photo that shows it."""
    return Finding(kind, shows.source.labels, action, values, photos=(str(shows.source.photo),))
