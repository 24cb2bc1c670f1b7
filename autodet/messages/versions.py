"""Sentences for the changes that make a version of a data set."""

from collections.abc import Callable, Mapping

from autodet.messages.findings import PROBLEMS
from autodet.records import VersionChange
from autodet.text_format import counted, listed


def _relabelled(verb: str, classes: list[str], boxes: int, name: str | None = None) -> str:
    target = "" if name is None else f" {'into' if len(classes) > 1 else 'to'} {name!r}"
    return f"{verb} {listed(map(repr, classes))}{target} ({boxes:,} boxes)."


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
    "resplit": ("Drew", "Draw", _resplit),
    "split_unmarked": ("", "", lambda verb, **values: f"{PROBLEMS['split_unmarked'](**values)}."),
    "recorded": ("", "", lambda verb, sentence: sentence),
}


def change_sentence(change: VersionChange, *, planned: bool = False) -> str:
    """Describe a change, made or ``planned``, as a sentence."""
    done, plan, worded = _CHANGES[change.kind]
    return worded(plan if planned else done, **change.values)
