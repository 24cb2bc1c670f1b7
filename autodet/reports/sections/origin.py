"""Limits of a report, its data, the search, the model's origin, and how to use it."""

from collections.abc import Mapping
from typing import Any

from autodet.charts.palette import CLASS_COLOURS
from autodet.datasets.manifest import Dataset
from autodet.datasets.statistics import columns_of, count_classes
from autodet.evaluation.objective import Objective
from autodet.inference.runtime import choose_runtime
from autodet.messages.follow_ups import caveat_text, curve_sentence
from autodet.messages.imports import SPLIT_ORIGINS
from autodet.messages.limits import limit_text
from autodet.messages.runtimes import latency_text
from autodet.models.model_card import ModelCard
from autodet.models.registry import ARCHITECTURES
from autodet.records import SPLITS, LearningCurve, Origin, SearchStatus, TrialStatus
from autodet.reports.charts import Axes, Line, line_chart
from autodet.reports.markup import Child, Markup, tag
from autodet.reports.model_report import ModelReport, Training
from autodet.reports.phrases import NOTHING, cell, facts, figure, moment, parameter, table
from autodet.reports.provenance import default_parameters, weights_of
from autodet.reports.usage import usage_of
from autodet.text_format import counted, duration, few, listed, shortened, size_text

MAX_CLASSES = 40
CURVE_STEPS = 40  # of a learning curve
BLUE, GREEN, RED = CLASS_COLOURS[1], CLASS_COLOURS[3], CLASS_COLOURS[0]
SPLIT_TITLES = {"train": "Training", "val": "Validation", "test": "Test"}


def limit_section(report: ModelReport) -> Child:
    """Return the limits of the figures."""
    return tag("ul", [tag("li", limit_text(limit)) for limit in report.limits], class_="plain")


def data_section(report: ModelReport) -> Child:
    """Return the data set's photos and boxes, by split and class."""
    dataset, card = report.dataset, report.model.card
    own, alone = card.dataset_fingerprint == dataset.fingerprint, dataset.temporary or dataset.name == dataset.id
    trained = "This data set's training photos" if own else f"{card.dataset}, another data set or another version"
    values = {
        "Data set": dataset.name if alone else f"{dataset.name} ({dataset.id})",
        "The model was trained on": trained,
        "Created": moment(dataset.created),
        "Splits": SPLIT_ORIGINS.get(dataset.splits_from, ""),
        "Fingerprint": tag("code", dataset.fingerprint),
    }
    return [facts(values), tag("h3", "Photos and labelled objects"), _counts(dataset)]


def _counts(dataset: Dataset) -> Child:
    titles = ("", *(SPLIT_TITLES[split] for split in SPLITS), "All")
    counts = count_classes(columns_of(dataset), len(dataset.classes))
    photos = [dataset.splits.get(split, 0) for split in SPLITS]
    rows = [_count_row("Photos", photos)]
    order = counts.sum(axis=0).argsort(kind="stable")[:MAX_CLASSES] if len(dataset.classes) > MAX_CLASSES else None
    shown = range(len(dataset.classes)) if order is None else order.tolist()
    rows += [_count_row(dataset.classes[class_id], counts[:, class_id].tolist()) for class_id in shown]
    rest = None
    if order is not None:
        rest = tag(
            "p", f"The {MAX_CLASSES} rarest of {counted(len(dataset.classes), 'class', 'classes')}.", class_="soft"
        )
    return [table(titles, rows), rest]


def _count_row(name: str, counts: list[int]) -> list[Child]:
    return [shortened(name), *(cell(f"{count:,}") for count in [*counts, sum(counts)])]


def search_section(report: ModelReport) -> Child:
    """Return the search that found the model's parameters, and these beside the defaults."""
    card = report.model.card
    if report.training is None:
        words = (
            "The search that made this model is not in this workspace. Its parameters, beside the network's defaults:"
        )
        return [tag("p", words), _parameters(card.params, default_parameters(card), "Defaults")]
    status, trial = report.training.search, report.training.trial
    defaults = next((one for one in status.trials if one.number == 0), None)
    return [
        tag("p", _search_words(card, report.training, defaults)),
        tag("div", _history(status, trial, "best trial" if card.averaged else "this model"), class_="charts"),
        tag("h3", "Parameters beside the defaults"),
        _parameters(
            trial.params if trial else card.params,
            defaults.params if defaults else default_parameters(card),
            "Trial 0 (defaults)",
        ),
        *_learning_curve(report.training.curve),
    ]


def _search_words(card: ModelCard, training: Training, defaults: TrialStatus | None) -> str:
    status, trial = training.search, training.trial
    title = Objective.parse(status.objective).quality_title
    ended = [f"{counted(len(status.trials), 'trial')} of {status.planned_trials} planned"]
    for state in ("pruned", "failed"):
        if count := sum(one.state == state for one in status.trials):
            ended.append(f"{count} {state}")
    words = (
        f"The search {status.search} trained {', '.join(ended)}, in {duration(status.seconds)}; it is {status.state}."
    )
    if trial and trial.best_epoch:
        which = f"trial {trial.number} (the defaults)" if trial is defaults else f"trial {trial.number}"
        if card.averaged:
            words += f" This model is the average of the trials {listed(card.averaged)}: {title} {card.score:.3f} on "
            words += f"the validation photos. The best trial alone is {which}: {trial.best_epoch.score:.3f}."
        else:
            words += f" This model is {which}, epoch {trial.best_epoch.epoch}: {title} {trial.best_epoch.score:.3f} on "
            words += "the validation photos."
        if defaults and defaults.best_epoch and defaults is not trial:
            words += f" The defaults (trial 0) have {defaults.best_epoch.score:.3f}; with few validation photos, a "
            words += "difference of one or two hundredths can be chance."
    return words


def _history(status: SearchStatus, chosen: TrialStatus | None, name: str) -> Child:
    scored = [(float(one.number), one.best_epoch.score) for one in status.trials if one.best_epoch]
    if not scored:
        return None
    best, so_far = 0.0, []
    for number, score in scored:
        best = max(best, score)
        so_far.append((number, best))
    last = max(scored[-1][0], 1.0)
    step = max(1, round(last / 8))
    title = Objective.parse(status.objective).quality_title
    axes = Axes("trial", title, (-0.4, last + 0.4), x_ticks=range(0, int(last) + 1, step))
    epoch = chosen.best_epoch if chosen else None
    mark = (
        (float(chosen.number), epoch.score, f"trial {chosen.number}: {epoch.score:.3f}") if chosen and epoch else None
    )
    lines = [
        Line("best so far", GREEN, so_far),
        Line("trials", BLUE, scored, "points"),
        *([Line(name, RED, [], "points", mark)] if mark else []),
    ]
    return line_chart("Trials", axes, lines)


def _learning_curve(curve: LearningCurve | None) -> list[Child]:
    if curve is None or curve.law is None:
        return []
    law = curve.law
    end = 2.0 * law.photos
    fewest = float(min(point.photos for point in curve.points))
    photos = {fewest + (end - fewest) * step / CURVE_STEPS for step in range(CURVE_STEPS + 1)} | {float(law.photos)}
    fitted = [(number, law.score(number)) for number in sorted(photos)]
    lines = [
        Line("fit", BLUE, [(x, y) for x, y in fitted if x <= law.photos]),
        Line("extrapolation", GREEN, [(x, y) for x, y in fitted if x >= law.photos], "dashed"),
        Line("trainings", BLUE, [(float(point.photos), point.map50) for point in curve.points], "points"),
    ]
    ticks = sorted({0, *(point.photos for point in curve.points), law.photos, 2 * law.photos})
    axes = Axes("training photos", "validation mAP@0.5", (0.0, end * 1.03), x_ticks=ticks)
    return [
        tag("h3", "Would more photos help?"),
        tag("p", curve_sentence(law)),
        tag("div", line_chart("Learning curve", axes, lines), class_="charts"),
        tag("p", caveat_text(curve), class_="soft"),
    ]


def _parameters(own: Mapping[str, Any], defaults: Mapping[str, Any], title: str) -> Markup:
    rows = [
        [name, cell(parameter(value)), cell(parameter(defaults[name]) if name in defaults else NOTHING)]
        for name, value in own.items()
    ]
    return table(("Parameter", "This model", title), rows)


def model_section(report: ModelReport) -> Child:
    """Return the model's network, its starting weights, and their licences."""
    model, card = report.model, report.model.card
    architecture = ARCHITECTURES.get(card.architecture)
    metrics = card.metrics
    values = {
        "Model": f"{card.name} ({model.id})",
        "Network": f"{architecture.title}, {architecture.parameters_millions:g} million weights"
        if architecture
        else card.architecture,
        "Input": f"{card.image_size} × {card.image_size} pixels; {card.preprocessing}",
        "Classes": few(card.classes, "class", "classes", 40),
        "Trained": f"{moment(card.created)}, best epoch {card.epoch}" if card.created else "",
        "Validation": f"mAP@0.5 {figure(metrics.get('map50'))}, mAP@0.5–0.95 {figure(metrics.get('map50_95'))}",
        "Time of one prediction": latency_text(card.latency_ms, choose_runtime(card).name) if card.latency_ms else "",
        "Starting weights": _start_words(card.start_from),
        "Pretrained weights": _weights_words(report),
        "Licence": _licence_words(report),
        "Software": ", ".join(f"{name} {version}" for name, version in card.versions.items()),
        "Size": size_text(model.size_bytes),
        "SHA-256 of the weights": tag("code", card.weights_sha256) if card.weights_sha256 else "",
    }
    return facts(values)


def _start_words(start: Origin | None) -> str:
    models = start.ancestors if start else ()
    return ", which started from ".join(f"the model {each.model}, trained on {each.dataset}" for each in models)


def _weights_words(report: ModelReport) -> str:
    weights = weights_of(report.model.card)
    return f"{weights['file']}, trained on {weights['trained_on']}, from {weights['source']}" if weights else ""


def _licence_words(report: ModelReport) -> str:
    weights = weights_of(report.model.card)
    known = f"Pretrained weights: {weights['licence']}; autodet: Apache-2.0. " if weights else "autodet: Apache-2.0. "
    return f"{known}The rights in your own photos and labels, which the model was trained on, are yours to check."


def usage_section(report: ModelReport) -> Child:
    """Return lines for Python, the command line and ONNX Runtime."""
    lines = usage_of(report.model, report.dataset, report.split)
    titles = {
        "python": "Python",
        "command_line": "Command line",
        "onnx": "ONNX Runtime, without autodet (needs onnxruntime, Pillow and numpy)",
    }
    return [(tag("h3", title), tag("pre", tag("code", lines[name]))) for name, title in titles.items()]
