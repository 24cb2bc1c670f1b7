"""Sentences for the changes that make a version of a data set."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from autodet.messages.findings import PROBLEMS
from autodet.records import VersionChange
from autodet.text_format import counted, listed


def _relabelled(verb: str, classes: list[str], boxes: int, name: str | None = None, dataset: str = "") -> str:
    target = "" if name is None else f" {'into' if len(classes) > 1 else 'to'} {name!r}"
    of = f" of {dataset!r}" if dataset else ""
    return f"{verb} {listed(map(repr, classes))}{of}{target} ({boxes:,} boxes)."


def _joined(verb: str, datasets: Sequence[Mapping[str, Any]]) -> str:
    sizes = (f"{one['name']!r} ({counted(one['photos'], 'photo')}, {one['boxes']:,} boxes)" for one in datasets)
    return f"{verb} {listed(sizes)}."


def _resplit(
    verb: str, before: Mapping[str, int], after: Mapping[str, int], seed: int, stratified: bool, group_by: str
) -> str:
    how = [f"seed {seed}", "stratified by class" if stratified else "not stratified"]
    if group_by:
        how.append(f"groups by {group_by!r}")
    return f"{verb} new splits, {_counts(after)} instead of {_counts(before)} ({', '.join(how)})."


def _counts(splits: Mapping[str, int]) -> str:
    return ", ".join(f"{split} {count:,}" for split, count in splits.items())


def _emptied(verb: str, photos: int) -> str:
    return f"{verb} {counted(photos, 'photo')} that lost every box."


_EDITS = {"added": "added", "removed": "removed", "reclassified": "given another class", "moved": "moved"}


def _edited(verb: str, photos: int, **counts: int) -> str:
    parts = listed(f"{counts[kind]:,} {done}" for kind, done in _EDITS.items() if kind in counts)
    return f"{verb} {counted(sum(counts.values()), 'label')} on {counted(photos, 'photo')}: {parts}."


def _labelled(
    verb: str, photos: int, empty: int, authors: Sequence[str], since: str = "", new: int = 0, **boxes: int
) -> str:
    counts = ((done, boxes[done]) for done in ("added", "removed", "changed"))
    parts = [f"{counted(number, 'box', 'boxes')} {done}" for done, number in counts if number]
    parts += [f"{counted(empty, 'photo')} without objects"] if empty else []
    by = f" by {listed(authors, most=5)}" if authors else ""
    if since:
        return f"{verb} labels of {counted(photos, 'photo')}{by}, {new:,} of them new since {since!r}: {listed(parts)}."
    return f"{verb} new labels of {counted(photos, 'photo')}{by}: {listed(parts)}."


def _continued(verb: str, kept: int, of: str, drawn: Mapping[str, int]) -> str:
    new = counted(sum(drawn.values()), "photo")
    if not kept:
        return f"{verb} the splits of {new}: {_counts(drawn)}."
    more = f"; new are {new}: {_counts(drawn)}" if drawn else ""
    return f"{verb} the splits that {counted(kept, 'photo')} had in {of!r} or before{more}."


# Per kind of change: the verb as done, the verb as planned, and the sentence with either.
_CHANGES: Mapping[str, tuple[str, str, Callable[..., str]]] = {
    "renamed": ("Renamed", "Rename", _relabelled),
    "merged": ("Merged", "Merge", _relabelled),
    "dropped": ("Dropped", "Drop", _relabelled),
    "doubles_dropped": (
        "Left out",
        "Leave out",
        lambda verb, boxes: f"{verb} {counted(boxes, 'box', 'boxes')} that the merge duplicated.",
    ),
    "emptied_kept": ("Kept", "Keep", _emptied),
    "emptied_dropped": ("Left out", "Leave out", _emptied),
    "photos_dropped": (
        "Left out",
        "Leave out",
        lambda verb, photos, boxes: f"{verb} {counted(photos, 'chosen photo')} ({counted(boxes, 'box', 'boxes')}).",
    ),
    "resplit": ("Drew", "Draw", _resplit),
    "split_unmarked": ("", "", lambda verb, **values: f"{PROBLEMS['split_unmarked'](**values)}."),
    "joined": ("Joined", "Join", _joined),
    "added": ("Added", "Add", _joined),
    "copies_joined": (
        "Kept",
        "Keep",
        lambda verb, photos: f"{verb} {counted(photos, 'photo')} once that more than one data set has.",
    ),
    "copies_dropped": (
        "Left out",
        "Leave out",
        lambda verb, photos: f"{verb} {counted(photos, 'photo')} that the data sets label differently.",
    ),
    "leaks_dropped": (
        "Left out",
        "Leave out",
        lambda verb, photos: f"{verb} {counted(photos, 'photo')} that look like photos of another split.",
    ),
    "boxes_edited": ("Corrected", "Correct", _edited),
    "labelled": ("Took over", "Take over", _labelled),
    "unlabelled_dropped": (
        "Left out",
        "Leave out",
        lambda verb, photos: f"{verb} {counted(photos, 'unlabelled photo')}.",
    ),
    "undecided_dropped": (
        "Left out",
        "Leave out",
        lambda verb, photos: f"{verb} {counted(photos, 'photo')} with proposals that wait for a decision.",
    ),
    "splits_continued": ("Set", "Set", _continued),
    "recorded": ("", "", lambda verb, sentence: sentence),
}


def change_sentence(change: VersionChange, *, planned: bool = False) -> str:
    """Describe a change, made or ``planned``, as a sentence; a kind that only a later version knows, too."""
    if change.kind not in _CHANGES:
        return f"A later version of autodet made a change {change.kind!r}; update autodet to read it."
    done, plan, worded = _CHANGES[change.kind]
    return worded(plan if planned else done, **change.values)
