"""A report as one JSON document."""

from dataclasses import asdict
from typing import Any

import numpy as np

from autodet.evaluation.curves import ClassCurve
from autodet.evaluation.subsets import SubsetReport
from autodet.messages.limits import limit_text
from autodet.records import Notice, SearchStatus, TrialStatus
from autodet.reports.model_report import ModelReport, Totals, Training
from autodet.reports.provenance import default_parameters, weights_of
from autodet.reports.sample_photos import SamplePhoto
from autodet.reports.usage import usage_of
from autodet.version import __version__


def report_document(report: ModelReport) -> dict[str, Any]:
    """Return the document that ``report --json`` prints; ``evaluation`` is what ``evaluate --json`` prints."""
    model, dataset = report.model, report.dataset
    facts = {"model": model.id, "dataset": None if dataset.temporary else dataset.id, "split": report.split}
    curve = report.training.curve if report.training else None
    return {
        **facts,
        "created": report.created,
        "autodet": __version__,
        "evaluation": report.evaluation.to_json()
        | facts
        | {"learning_curve": curve.to_json() if curve else None, "tiles": False},
        "totals": _totals(report.totals),
        "subsets": {name: list(map(_subset, subsets)) for name, subsets in report.subsets.items()},
        "curves": {model.card.classes[curve.class_id]: _curve(curve) for curve in report.curves},
        "reliability": [asdict(row) for row in report.reliability if row.detections],
        "photos": {
            "best": list(map(_photo, report.photos.best)),
            "worst": list(map(_photo, report.photos.worst)),
            "errors": {kind: list(map(_photo, photos)) for kind, photos in report.photos.errors.items()},
        },
        "limits": list(map(_limit, report.limits)),
        "data": {
            "name": dataset.name,
            "fingerprint": dataset.fingerprint,
            "splits": dataset.splits,
            "boxes": dataset.boxes,
            "classes": list(dataset.classes),
        },
        "card": _card(report),
        "search": _search(report.training) if report.training else None,
        "usage": usage_of(model, dataset, report.split),
    }


def _totals(totals: Totals) -> dict[str, Any]:
    return asdict(totals) | {"recall": totals.recall, "precision": totals.precision}


def _subset(subset: SubsetReport) -> dict[str, Any]:
    return asdict(subset) | {"recall": subset.recall}


def _curve(curve: ClassCurve) -> dict[str, Any]:
    columns = {name: getattr(curve, name) for name in ("thresholds", "precision", "recall", "f1")}
    return {"boxes": curve.boxes} | {name: np.round(column, 5).tolist() for name, column in columns.items()}


def _photo(photo: SamplePhoto) -> dict[str, Any]:
    return {"file": photo.file, "view": list(photo.view), "boxes": [asdict(box) for box in photo.boxes]}


def _limit(limit: Notice) -> dict[str, Any]:
    return limit.to_json() | {"text": limit_text(limit)}


def _card(report: ModelReport) -> dict[str, Any]:
    card = report.model.card
    return {
        "name": card.name,
        "architecture": card.architecture,
        "image_size": card.image_size,
        "trained_on": {"dataset": card.dataset, "fingerprint": card.dataset_fingerprint},
        "created": card.created,
        "epoch": card.epoch,
        "validation": dict(card.metrics),
        "parameters": dict(card.params),
        "defaults": default_parameters(card),
        "thresholds": card.all_thresholds,
        "latency_ms": card.latency_ms,
        "refit": card.refit,
        "averaged": list(card.averaged),
        "start_from": card.start_from.to_json() if card.start_from else None,
        "versions": dict(card.versions),
        "weights_sha256": card.weights_sha256,
        "pretrained_weights": weights_of(card),
    }


def _search(training: Training) -> dict[str, Any]:
    status = training.search
    return {
        "search": status.search,
        "state": status.state,
        "objective": status.objective,
        "created": status.created,
        "seconds": round(status.seconds, 1),
        "planned_trials": status.planned_trials,
        "trials": list(map(_trial, status.trials)),
        "trial": training.trial.number if training.trial else None,
        "best": _best(status),
    }


def _trial(trial: TrialStatus) -> dict[str, Any]:
    best = trial.best_epoch
    return {
        "number": trial.number,
        "state": trial.state,
        "params": dict(trial.params),
        "value": best.score if best else None,
        "map50": best.map50 if best else None,
    }


def _best(status: SearchStatus) -> int | None:
    return status.best_trial.number if status.best_trial else None
