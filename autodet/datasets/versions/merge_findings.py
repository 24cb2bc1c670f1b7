"""Findings of a merge: its open questions, with the action that the user chose or that is safe."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from autodet.datasets.checks.duplicates import check_copies
from autodet.datasets.checks.kinds import DEFAULTS, FEW_LOST, Decisions
from autodet.datasets.versions.class_table import Similar
from autodet.datasets.versions.partial_labels import PartialClass, partial_classes
from autodet.datasets.versions.shared_photos import MergedPhoto, Sharing
from autodet.datasets.versions.version_findings import shots_of
from autodet.records import MAX_LOST_SHARE, Action, Finding


def similar_findings(similar: Sequence[Similar], decisions: Decisions, labels: Sequence[str]) -> list[Finding]:
    """Report classes of two data sets that are probably one; never joined without the user's decision."""
    action = decisions["class_similar"]
    return [
        Finding("class_similar", "", action, {"name": one.name, "dataset": labels[one.dataset], "other": one.other})
        for one in similar
    ]


def disagreeing_findings(shared: Sharing, decisions: Decisions, labels: Sequence[str]) -> list[Finding]:
    """Report photos that two data sets have with different labels, one finding per pair of data sets."""
    action, findings = decisions["datasets_disagree"], []
    for (first, second), photos in sorted(shared.disagreeing.items()):
        example = photos[0].record.origin or photos[0].source
        values = {"photos": len(photos), "file": example, "first": labels[first], "second": labels[second]}
        findings.append(Finding("datasets_disagree", "", action, values))
    return findings


def partial_findings(
    photos: Sequence[MergedPhoto],
    labelled: Mapping[str, Collection[int]],
    decisions: Decisions,
    labels: Sequence[str],
    settled: Sequence[Finding],
    target: Collection[str] | None,
) -> Iterator[Finding]:
    """Yield the classes that only some data sets label; without a decision, those that most photos lack stop.

    Args:
        photos: The photos of the result.
        labelled: Per class the indices of the data sets that have boxes of it.
        decisions: The action for each kind of finding.
        labels: The names of the data sets.
        settled: Other findings of the merge; classes that it asks about already are not reported.
        target: The classes of the data set to which photos are added: any other needs consent. None for other merges.
    """
    asked = {finding.values[key] for finding in settled if finding.kind == "class_similar" for key in ("name", "other")}
    asked = asked if decisions["class_similar"] == "stop" else set()
    for one in partial_classes(photos, labelled):
        if one.name not in asked:
            values = {
                "name": one.name,
                "photos": one.photos,
                "of_photos": one.of_photos,
                "labelled_in": [labels[number] for number in one.labelled_in],
                "lacking": [labels[number] for number in one.lacking],
            }
            yield Finding("class_partial", "", _action_for(one, decisions, target), values)


def leak_findings(
    photos: Sequence[MergedPhoto], decisions: Decisions, *, drawn_anew: bool
) -> tuple[set[int], list[Finding]]:
    """Find photos of one data set that look like photos of another one in a later split.

    Args:
        photos: The photos in their splits.
        decisions: The action for each kind of finding; without one, few such photos are left out, and many stop.
        drawn_anew: Whether new splits were drawn; near-duplicates are together then, apart from large scenes.

    Returns:
        The indices of the photos to leave out, and the findings.
    """
    records = [photo.record for photo in photos]
    _, found = check_copies(shots_of(records), [record.split for record in records], DEFAULTS)
    number_of = {record.file: number for number, record in enumerate(records)}
    sets = [photo.dataset for photo in photos]
    leaks: list[Finding] = []
    others: list[Finding] = []
    for finding in found:
        first, second = (sets[number_of[file]] for file in finding.photos)
        crosses = finding.kind == "photo_alike" and first != second and not drawn_anew
        (leaks if crosses else others).append(finding)
    if not leaks:
        return set(), others
    action = decisions.actions.get("photo_leak") or _action_for_leaks(len(leaks), len(photos))
    files = [file for finding in leaks for file in finding.photos]
    values = {"photos": len(leaks), "of_photos": len(photos), "file": leaks[0].file, "other": leaks[0].values["file"]}
    stated = Finding("photo_leak", "", action, values, photos=tuple(dict.fromkeys(files)))
    if action != "drop":
        return set(), [stated, *leaks, *others]
    left_out = {number_of[finding.file] for finding in leaks}
    gone = {records[number].file for number in left_out}
    still = tuple(file for file in stated.photos if file not in gone)
    remaining = [finding for finding in others if not gone.intersection(finding.photos)]
    return left_out, [Finding("photo_leak", "", action, values, photos=still), *remaining]


def _action_for_leaks(leaks: int, photos: int) -> Action:
    return "drop" if leaks <= max(FEW_LOST, MAX_LOST_SHARE * photos) else "stop"


def _action_for(one: PartialClass, decisions: Decisions, target: Collection[str] | None) -> Action:
    is_new = target is not None and one.name not in target
    return decisions.actions.get("class_partial") or ("stop" if one.is_most or is_new else "keep")
