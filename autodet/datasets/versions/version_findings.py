"""Findings of a version: those about the whole data set are computed again, those of its photos inherited."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from autodet.datasets.checks.dataset_checks import unmarked_splits, weak_classes
from autodet.datasets.checks.duplicates import Shot
from autodet.datasets.versions.diff import ALL, Tally
from autodet.records import SPLITS, Finding, ImageRecord, Split, Values

# Kinds that a version does not inherit: they concern the whole data set, or were settled during the import or merge.
OF_THE_WHOLE = (
    "class_rare",
    "class_missing",
    "class_untaught",
    "class_similar",
    "class_partial",
    "datasets_disagree",
    "photo_leak",
    "splits_disagree",
    "no_validation",
    "split_unmarked",
    "large_loss",
)
OF_BARE_PHOTOS = ("photo_unlabelled", "label_file_missing", "copy_unlabelled", "photo_waiting")  # settled by new labels
OF_PAIRS = ("photo_copies", "photo_alike")


def findings_of_the_whole(classes: Sequence[str], images: Sequence[ImageRecord], counts: Tally) -> Iterator[Finding]:
    """Yield findings for classes that are hard to learn or evaluate, a missing val, and splits without usable boxes.

    Args:
        classes: Class names; a class id is an index into them.
        images: The photos.
        counts: Their photos and boxes per split.
    """
    boxes = {name: of_class[ALL] for name, of_class in counts.boxes.items()}
    by_split = {split: [name for name, of_class in counts.boxes.items() if of_class[split]] for split in SPLITS}
    first: dict[str, str] = {}
    for record in images:
        for number in record.annotations.class_ids.tolist():
            first.setdefault(classes[number], record.file)
    for kind, values in weak_classes(boxes, by_split):
        file = first[values["name"]]
        yield Finding(kind, file, "keep", values, photos=(file,))
    for name, of_class in counts.boxes.items() if counts.photos["train"] else ():
        if of_class[ALL] and not of_class["train"]:
            split = next(split for split in SPLITS if of_class[split])
            values = {"name": name, "split": split, "labels": first[name]}
            yield Finding("class_untaught", first[name], "keep", values, photos=(first[name],))
    if not counts.photos["val"]:
        yield Finding("no_validation", "", "keep", {}, "no_validation_drawn")
    for values in unmarked(images).values():
        yield Finding("split_unmarked", "", "keep", values)


def unmarked(images: Sequence[ImageRecord]) -> dict[Split, Values]:
    """Return the splits without usable boxes, with the values of a finding ``split_unmarked`` for each."""
    return unmarked_splits((record.split, len(record.annotations), record.annotations.teaches) for record in images)


def shots_of(images: Sequence[ImageRecord]) -> list[Shot]:
    """Return what duplicate detection needs of each photo."""
    shots = []
    for record in images:
        marks = record.annotations
        rows = zip(marks.class_ids.tolist(), marks.boxes_xyxy.tolist(), strict=True)
        drawn = frozenset((class_id, *box) for class_id, box in rows)
        shots.append(Shot(record.file, record.source_sha256, record.look, drawn))
    return shots


def inherited(findings: Sequence[Finding], now: Mapping[str, str], found_anew: Collection[str]) -> Iterator[Finding]:
    """Yield a parent's findings that still apply; a pair needs both of its photos.

    Args:
        findings: The parent's findings.
        now: Maps the file names of photos in the parent to those in the version.
        found_anew: Kinds that are not inherited.
    """
    for finding in findings:
        photos = tuple(now[photo] for photo in finding.photos if photo in now)
        parted = finding.kind in OF_PAIRS and len(photos) < len(finding.photos)
        if photos and not parted and finding.kind not in found_anew:
            yield replace(finding, photos=photos)
