"""The commands of the command line that measure models on labelled photos."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from typing import Any

from autodet.commands import Answer, Options
from autodet.datasets.imports.temporary import path_of_photos
from autodet.datasets.manifest import Dataset
from autodet.errors import DatasetError, ModelError
from autodet.evaluation_text import comparison_text, label_issues_text, report_text
from autodet.inference.comparable_records import unknown_classes
from autodet.inference.measured_photos import measured_photos
from autodet.leaderboard_text import leaderboard_text
from autodet.messages.imports import step_text
from autodet.models.store import StoredModel
from autodet.records import ImportStep
from autodet.registry.bundles import find_any_model
from autodet.search.report import training_of
from autodet.terminal import ProgressLine
from autodet.workspace import open_workspace


def evaluate(options: Options) -> Answer:
    """Evaluate a model on a split of a data set, or on labelled photos that are not imported."""
    from autodet.inference.detector import load_detector

    model = find_any_model(options.model)
    with ProgressLine() as line, _photos_of(options, [model], line) as photos:
        report = load_detector(model).evaluate(photos, options.split, progress=line.show_photos, tiles=options.tiles)
        facts = {"model": model.id} | _facts(options, photos, model)
    training = training_of(model, open_workspace())
    facts["learning_curve"] = training.curve.to_json() if training and training.curve else None
    facts["tiles"] = options.tiles
    return Answer(report.to_json() | facts, report_text(report))


def label_issues(options: Options) -> Answer:
    """List the labels of a split that look wrong to a model."""
    from autodet.inference.comparison import label_issues as find_issues

    model = find_any_model(options.model)
    with ProgressLine() as line, _photos_of(options, [model], line) as photos:
        issues = find_issues(model, photos, options.split, progress=line.show_photos)
        facts = {"model": model.id} | _facts(options, photos, model)
    documents = [asdict(issue) for issue in issues]
    return Answer(facts | {"label_issues": documents}, label_issues_text(issues) or "No label looks wrong.")


def report(options: Options) -> Answer:
    """Write a report on a model.

    Raises:
        ModelError: Neither ``--out`` nor ``--json`` is given.
    """
    if not (options.out or options.json):
        raise ModelError("The report needs a file; add --out report.html, or --json to print it.")
    from autodet.search.report import report as make_report

    model = find_any_model(options.model)
    with ProgressLine() as line, _photos_of(options, [model], line) as photos:
        made = make_report(model, photos, options.split, options.out, progress=line.show_photos)
        facts = _facts(options, photos, model)
    file = {"file": str(options.out)} if options.out else {}
    return Answer(made.to_json() | facts | file, f"Wrote {options.out}." if options.out else "")


def compare(options: Options) -> Answer:
    """Compare two models on a split."""
    from autodet.inference.comparison import compare as compare_models

    a, b = find_any_model(options.a), find_any_model(options.b)
    with ProgressLine() as line, _photos_of(options, [a, b], line) as photos:
        comparison = compare_models(a, b, photos, options.split, progress=line.show_photos)
        facts = _facts(options, photos, a, b)
    return Answer(comparison.to_json() | facts, comparison_text(comparison))


def leaderboard(options: Options) -> Answer:
    """Rank the models that know the classes of a data set."""
    from autodet.search.leaderboard import leaderboard as rank_models

    with ProgressLine() as line:
        ranked = rank_models(options.dataset, options.split, evaluate=options.evaluate, progress=line.show_photos)
    return Answer(ranked.to_json(), leaderboard_text(ranked))


def _photos_of(options: Options, models: Sequence[StoredModel], line: ProgressLine) -> AbstractContextManager[Dataset]:
    """Open the data set or the photos that the options name."""

    def show(share: float, step: ImportStep) -> None:
        line.show(f"{share:4.0%}  {step_text(step)}")

    if options.decide and not path_of_photos(options.dataset):
        raise DatasetError("--decide needs a path of photos; the decisions about a data set were made at its import.")
    cards = [model.card for model in models]
    return measured_photos(options.dataset, cards, decisions=dict(options.decide), report=show)


def _facts(options: Options, photos: Dataset, *models: StoredModel) -> dict[str, Any]:
    """Return the entries of a document that say which photos were measured."""
    if not photos.temporary:
        return {"dataset": photos.id, "split": options.split}
    found = photos.to_json()
    unknown: dict[str, int] = {}
    for model in models:
        unknown |= unknown_classes(model.card, photos)
    return {
        "dataset": None,
        "split": options.split,
        "path": options.dataset,
        "format": found["format"],
        "problems": found["problems"],
        "classes_unknown": unknown,
    }
