"""Text output of the command line: aligned columns and progress lines."""

import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Self

from autodet.datasets.checks.kinds import by_kind, how_many
from autodet.datasets.imports.review import Review
from autodet.datasets.manifest import Dataset, DatasetSummary
from autodet.datasets.splits import count_splits
from autodet.datasets.versions.derive import Version
from autodet.datasets.versions.merge import Merge
from autodet.datasets.versions.planned_dataset import PlannedDataset
from autodet.errors import AutodetWarning
from autodet.evaluation.objective import Objective
from autodet.messages.comparisons import few_photos
from autodet.messages.finding_kinds import KIND_TEXTS
from autodet.messages.findings import action_sentence, problem_sentence
from autodet.messages.imports import SPLIT_ORIGINS
from autodet.messages.search import source_text
from autodet.messages.versions import change_sentence
from autodet.models.store import StoredModel
from autodet.records import (
    Finding,
    SearchStatus,
    TrialStatus,
)
from autodet.search.delete_assets import Deletion
from autodet.search.status.epoch_lines import time_left
from autodet.text_format import counted, duration, harmless, size_text
from autodet.trash import Kind

PROGRAM = "python -m autodet"
MAX_FINDINGS_SHOWN = 3  # per kind


def say(line: str) -> None:
    """Print a line on standard error and flush it."""
    print(harmless(line), file=sys.stderr, flush=True)


@contextmanager
def cautions_as_lines() -> Iterator[None]:
    """Show autodet's warnings as lines on standard error, without their source line."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", AutodetWarning)
        show = warnings.showwarning

        def say_caution(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
            if issubclass(category, AutodetWarning):
                say(str(message))
            else:
                show(message, category, *where, **more)

        warnings.showwarning = say_caution
        yield


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Format rows of text as aligned columns."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def dataset_text(dataset: Dataset) -> str:
    """Describe a newly imported data set and the problems found in it."""
    facts = [
        ("data set", dataset.id),
        ("format", dataset.format),
        ("classes", ", ".join(dataset.classes)),
        ("photos", _counts(dataset.splits)),
        ("splits", SPLIT_ORIGINS[dataset.splits_from]),
        ("boxes", str(dataset.boxes)),
    ]
    return "\n".join([columns(facts), *_finding_lines(dataset.findings)])


def review_text(review: Review) -> str:
    """Describe the review of an import."""
    facts = [
        ("format", review.staged.detection.format),
        ("classes", ", ".join(review.classes)),
        ("photos", _counts(count_splits(review.splits))),
        ("splits", SPLIT_ORIGINS[review.splits_from]),
        ("boxes", str(review.boxes)),
    ]
    return "\n".join([columns(facts), *_finding_lines(review.findings, planned=True)])


def _finding_lines(findings: Sequence[Finding], *, planned: bool = False) -> Iterator[str]:
    """Describe the findings of an import by kind; kinds that need the user's decision come first."""
    if findings:
        yield f"\n{counted(len(findings), 'finding')}; --json lists all of them."
    for kind, of_kind in by_kind(findings).items():
        yield f"\n{KIND_TEXTS[kind].title}: {how_many(of_kind):,}"
        for finding in of_kind[:MAX_FINDINGS_SHOWN]:
            where = f"{finding.file}: " if finding.file else ""
            yield f"  {where}{problem_sentence(finding)} {action_sentence(finding, planned=planned)}"
        if len(of_kind) > MAX_FINDINGS_SHOWN:
            yield f"  and {len(of_kind) - MAX_FINDINGS_SHOWN:,} more"


def version_text(version: Version, dataset: Dataset | None = None) -> str:
    """Describe the changes of a version, with counts before and after.

    Args:
        version: Planned version.
        dataset: Data set stored for it; None if nothing was stored.
    """
    return _changes_text(version, ("version of", version.parent.id), dataset)


def merge_text(merge: Merge, dataset: Dataset | None = None) -> str:
    """Describe a merge, with counts before and after, and its open decisions.

    Args:
        merge: Planned merge.
        dataset: Data set stored for it; None if nothing was stored.
    """
    ids = ", ".join(parent.id for parent in merge.parents)
    origin = ("version of", merge.parents[0].id) if merge.adds else ("merged from", ids)
    text = _changes_text(merge, origin, dataset)
    return "\n".join([text, *_finding_lines(merge.settled)])


def _changes_text(version: PlannedDataset, origin: tuple[str, str], dataset: Dataset | None) -> str:
    name = dataset.id if dataset else "none yet: this is a dry run"
    facts = [("data set", name), origin]
    differences = version.differences()
    heads = [split.upper() for split in differences[0].after]
    rows = [
        (
            difference.name or difference.of,
            *(_changed(difference.before[split], difference.after[split]) for split in difference.after),
        )
        for difference in differences
    ]
    largest = max(map(len, version.groups.values()), default=0)
    if largest > 1:
        facts.append(("groups", f"{len(version.groups)}, the largest of {largest} photos"))
    changes = [f"  {change_sentence(change)}" for change in version.changes]
    return "\n".join([columns(facts), "", *changes, "", columns([("", *heads), *rows])])


def datasets_text(datasets: Sequence[DatasetSummary]) -> str:
    """List data sets."""
    if not datasets:
        return (
            f"There are no data sets yet; import one with '{PROGRAM} import SOURCE' ('import sample' for a drawn one)."
        )
    rows = [(d.id, d.name, d.format, ", ".join(d.classes), _counts(d.splits), str(d.boxes)) for d in datasets]
    return columns([("DATA SET", "NAME", "FORMAT", "CLASSES", "PHOTOS", "BOXES"), *rows])


def models_text(models: Sequence[StoredModel]) -> str:
    """List models."""
    if not models:
        return f"There are no models yet; train one with '{PROGRAM} search DATASET'."
    rows = [
        (m.id, m.card.name, m.card.dataset, figure(m.card.metrics.get("map50")), few_photos(m.card.measured_photos))
        for m in models
    ]
    return columns([("MODEL", "NAME", "DATA SET", "MAP50", ""), *rows])


def deletion_text(deleted: Deletion) -> str:
    """Describe the bytes that a deletion freed, and its effects."""
    title = "data set" if deleted.kind == "dataset" else "model"
    lines = [f"The {title} {deleted.id} was deleted. {trash_text(deleted.kind, deleted.id, deleted.freed_bytes)}"]
    if deleted.unfinished:
        lines.append(f"Without it, these searches cannot be resumed: {', '.join(deleted.unfinished)}.")
    if deleted.versions:
        lines.append(f"These versions of it are kept, with their photos: {', '.join(deleted.versions)}.")
    return "\n".join(lines)


def trash_text(kind: Kind, id: str, size: int) -> str:
    """Say where a deleted item is, and how to restore it."""
    option = "" if kind == "search" else f" --kind {kind}"
    return (
        f"It is in the trash for a day, which then frees {size_text(size)}; '{PROGRAM} restore {id}{option}' brings it "
        "back."
    )


def searches_text(statuses: Sequence[SearchStatus]) -> str:
    """List searches."""
    if not statuses:
        return f"There are no searches yet; start one with '{PROGRAM} search DATASET'."
    rows = [
        (
            status.search,
            status.dataset,
            status.state,
            f"{status.trials_over}/{status.planned_trials}",
            _best(status),
            _best_score(status) if _has_score(status) else "",
        )
        for status in statuses
    ]
    return columns([("SEARCH", "DATA SET", "STATE", "TRIALS", "BEST MAP50", ""), *rows])


def status_text(status: SearchStatus) -> str:
    """Describe a search and its trials."""
    facts = [
        ("search", status.search),
        ("data set", status.dataset),
        ("state", f"{status.state}{time_left(status)}"),
        ("ran for", duration(status.seconds)),
        *([] if status.follows else [("best", _best_score(status))]),
        ("repeats trials of", status.follows) if status.follows else ("model", status.model or "none yet"),
        *([("started from", f"the weights of {status.start_from.model}")] if status.start_from else []),
        *([("note", status.message)] if status.message else []),
        *([("caution", status.caution)] if status.caution else []),
        *([("diagnosis", status.diagnosis)] if status.diagnosis else []),
    ]
    objective = Objective.parse(status.objective)
    timed, scored = objective.latency, _has_score(status)
    own = [*([f"BEST {objective.quality}".upper()] if scored else []), *(["MS"] if timed else [])]
    rows = [("TRIAL", "STATE", "EPOCHS", "LEARNING RATE", "BEST MAP50", *own, "")]
    for trial in status.trials:
        best = trial.best_epoch
        rows.append(
            (
                str(trial.number),
                trial.state,
                f"{len(trial.epochs)}/{trial.planned_epochs}",
                f"{trial.params['lr']:.2g}",
                figure(best.map50 if best else None),
                *([figure(best.score if best else None)] if scored else []),
                *([f"{trial.latency_ms:g}" if trial.latency_ms else "-"] if timed else []),
                trial.error or ", ".join(_marks(status, trial)),
            )
        )
    return "\n\n".join([columns(facts), *([columns(rows)] if status.trials else [])])


def _marks(status: SearchStatus, trial: TrialStatus) -> Iterator[str]:
    if trial is status.best_trial and not status.follows:
        yield "best"
    if trial in status.pareto_front:
        yield "on the Pareto front"
    if "seed" in trial.effective:
        yield f"seed {trial.effective['seed']}"
    if trial.train_share < 1:
        yield f"on {trial.train_share:.0%} of the photos"


def _has_score(status: SearchStatus) -> bool:
    """Return whether a metric other than mAP50 ranks the epochs."""
    return not Objective.parse(status.objective).is_default


def _best_score(status: SearchStatus) -> str:
    best = status.best_result
    return f"{Objective.parse(status.objective).quality} {best.score:.3f} ({source_text(best)})" if best else "none yet"


def detections_text(photos: Sequence[Mapping[str, Any]]) -> str:
    """List detections, one per line; photos are documents with the keys ``file`` and ``detections`` or ``error``."""
    rows = []
    for photo in photos:
        if "error" in photo:
            continue
        for detection in photo["detections"]:
            box = " ".join(f"{side:.0f}" for side in detection["box"])
            rows.append((photo["file"], detection["class"], f"{detection['score']:.2f}", box))
        if not photo["detections"]:
            rows.append((photo["file"], "nothing found", "", ""))
    return columns(rows)


class ProgressLine:
    """A line on standard error that updates in place; silent if standard error is not a terminal."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.show("")

    def show(self, text: str) -> None:
        """Replace the line."""
        if sys.stderr.isatty():
            print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)

    def show_photos(self, done: int, total: int) -> None:
        """Replace the line by the number of photos done."""
        self.show(f"Photo {done} of {total}")


def _counts(splits: dict[str, int]) -> str:
    return ", ".join(f"{split} {count}" for split, count in splits.items())


def _changed(before: int, after: int) -> str:
    return str(after) if before == after else f"{before} -> {after}"


def figure(value: float | None) -> str:
    """Return a metric with three digits; a dash if it is undefined."""
    return "-" if value is None else f"{value:.3f}"


def _best(status: SearchStatus) -> str:
    return figure(status.best_result.map50 if status.best_result else None)
