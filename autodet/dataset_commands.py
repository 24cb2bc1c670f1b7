"""The commands of the command line that make and list data sets."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from autodet import terminal
from autodet.commands import Answer, Options
from autodet.datasets.additions.addition import ImportOptions, add_photos
from autodet.datasets.drafts.version import plan_labels, store_labels
from autodet.datasets.imports.import_dataset import check_source, import_dataset
from autodet.datasets.manifest import Dataset, list_datasets, load_dataset
from autodet.datasets.sources.s3.access import ANONYMOUS, Identity, S3Credentials
from autodet.datasets.versions.class_table import Names
from autodet.datasets.versions.derive import Changes, Version, plan_version, store_version
from autodet.datasets.versions.diff import differences_to_json
from autodet.datasets.versions.merge import Merge, MergeSettings, plan_merge, store_merge
from autodet.datasets.versions.resplit import Resplit
from autodet.errors import DatasetError
from autodet.messages.findings import finding_to_json
from autodet.messages.versions import change_sentence
from autodet.terminal import ProgressLine

CHECK_STATUS = {"clean": 0, "findings": 3, "unusable": 2}  # exit status of ``check``


def import_source(options: Options) -> Answer:
    """Import labelled photos, as a data set or into a new version of one."""
    if options.map and not options.add_to:
        raise DatasetError("--map needs --add-to DATASET, whose classes the new names are.")
    with ProgressLine() as line:
        importing: ImportOptions = {
            "format": options.format,
            "seed": options.seed,
            "credentials": _credentials(options),
            "progress": lambda share, doing: line.show(f"{share:4.0%}  {doing}"),
        }
        if options.add_to:
            return _add(options, importing)
        dataset = import_dataset(options.source, options.name, decisions=dict(options.decide), **importing)
    return Answer(dataset.to_json(), terminal.dataset_text(dataset))


def _add(options: Options, importing: ImportOptions) -> Answer:
    """Import labelled photos into a new version of a data set."""
    plans: list[Merge] = []
    dataset = add_photos(
        options.add_to,
        options.source,
        options.name,
        classes=_one_name_each(options.map),
        decisions=dict(options.decide),
        planned=plans.append,
        **importing,
    )
    (merge,) = plans
    return Answer(dataset.to_json() | _merge_document(merge), terminal.merge_text(merge, dataset))


def check(options: Options) -> Answer:
    """Show the findings of an import without storing anything."""
    with ProgressLine() as line:
        found = check_source(
            options.source,
            format=options.format,
            seed=options.seed,
            decisions=dict(options.decide),
            credentials=_credentials(options),
            progress=lambda share, doing: line.show(f"{share:4.0%}  {doing}"),
        )
    return Answer(found.to_json(), terminal.review_text(found), status=CHECK_STATUS[found.state])


def _credentials(options: Options) -> S3Credentials:
    """Return the S3 identity; keys are never command-line arguments, because other users could read them."""
    if options.anonymous:
        return replace(ANONYMOUS, endpoint=options.endpoint)
    identity: Identity = "profile" if options.profile else "machine"
    return S3Credentials(identity=identity, profile=options.profile, endpoint=options.endpoint)


def derive(options: Options) -> Answer:
    """Make a new version of a data set."""
    parent = load_dataset(options.dataset)
    version = _planned(parent, options)
    document = {
        "parent": parent.id,
        "changes": list(map(change_sentence, version.changes)),
        "counts": differences_to_json(version.differences()),
        "groups": len(version.groups),
    }
    if options.dry_run:
        return Answer({"dataset": None} | document, terminal.version_text(version))
    dataset = (store_labels if options.labels else store_version)(version, options.name)
    return Answer(dataset.to_json() | document, terminal.version_text(version, dataset))


def _planned(parent: Dataset, options: Options) -> Version:
    """Plan the version that ``derive`` asks for.

    Raises:
        DatasetError: Options do not go together.
    """
    changes = _changes(options)
    if not options.labels:
        if options.unlabelled or options.undecided:
            raise DatasetError("--unlabelled and --undecided need --labels; add it.")
        return plan_version(parent, changes)
    if changes.rename or changes.drop or changes.resplit or changes.leave_out:
        raise DatasetError("--labels does not go with other changes; make a version of the labels, then one of that.")
    return plan_labels(parent, unlabelled=options.unlabelled, undecided=options.undecided or "drop")


def merge(options: Options) -> Answer:
    """Merge data sets into a new one."""
    datasets = [load_dataset(name) for name in options.datasets]
    tables = _tables(options.map, options.datasets, datasets)
    merge = plan_merge(datasets, MergeSettings(tables, _resplit(options), dict(options.decide)))
    if options.dry_run:
        return Answer({"dataset": None} | _merge_document(merge), terminal.merge_text(merge))
    dataset = store_merge(merge, options.name)
    return Answer(dataset.to_json() | _merge_document(merge), terminal.merge_text(merge, dataset))


def _merge_document(merge: Merge) -> dict[str, Any]:
    parents = merge.parents[:1] if merge.adds else merge.parents
    return {
        "parent": parents[0].id,
        "parents": [parent.id for parent in parents],
        "changes": list(map(change_sentence, merge.changes)),
        "counts": differences_to_json(merge.differences()),
        "groups": len(merge.groups),
        "needs": [finding_to_json(finding) for finding in merge.refusals],
    }


def _tables(maps: Sequence[tuple[str, str]], words: Sequence[str], datasets: Sequence[Dataset]) -> list[Names]:
    """Return the new class names for each data set; without a data set, a name is for all that have the class.

    Raises:
        DatasetError: A class is named twice, or is in none of the data sets.
    """
    tables: list[list[tuple[str, str]]] = [[] for _ in datasets]
    for written, new in maps:
        word, _, old = written.partition(":")
        named = [number for number, one in enumerate(datasets) if word in (words[number], one.id, one.name)]
        wanted = old.strip() if named and old else written
        having = [number for number, one in enumerate(datasets) if wanted in one.classes]
        for number in named if named and old else having:
            tables[number].append((wanted, new))
        if not having:
            known = "; ".join(f"{one.id}: {', '.join(one.classes)}" for one in datasets)
            raise DatasetError(f"There is no class {wanted!r} to map; there is {known}.")
    return list(map(_one_name_each, tables))


def _one_name_each(pairs: Sequence[tuple[str, str]]) -> Names:
    """Return new class names; an empty name becomes None, which leaves the class out.

    Raises:
        DatasetError: A class is named twice.
    """
    if len({old for old, _ in pairs}) < len(pairs):
        raise DatasetError("A class is mapped twice; give each OLD=NEW once.")
    return {old: new or None for old, new in pairs}


def _changes(options: Options) -> Changes:
    """Return the changes requested from ``derive``.

    Raises:
        DatasetError: A class is renamed twice, or options of the split are given without ``--split``.
    """
    rename = dict(options.rename)
    if len(rename) < len(options.rename):
        raise DatasetError("A class is renamed twice; give each OLD=NEW once.")
    return Changes(rename, options.drop, options.emptied, _resplit(options), leave_out=options.leave_out)


def _resplit(options: Options) -> Resplit | None:
    """Return the requested draw of new splits, if any.

    Raises:
        DatasetError: Options of the split are given without ``--split``.
    """
    described = options.seed is not None or options.group_by or options.unstratified
    if described and not options.split:
        raise DatasetError(
            "--seed, --group-by and --unstratified need new splits; add the shares, such as --split 70,15,15."
        )
    if not options.split:
        return None
    return Resplit(options.split, options.seed or 0, not options.unstratified, options.group_by)


def datasets(_options: Options) -> Answer:
    """List the data sets."""
    datasets = list_datasets()
    return Answer([dataset.to_json() for dataset in datasets], terminal.datasets_text(datasets))
