"""autodet: object detectors from your own photos.

    import autodet
    data = autodet.import_dataset("fruit.zip", name="fruit")
    detector = autodet.fit(data, trials=3, epochs=20)
    class_ids, scores, boxes = detector.predict("photo.jpg")

Names are resolved on first use, so that importing this package loads neither torch nor Optuna.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING

from autodet.version import __version__

# Threads that spin while waiting take cores from other processes: two processes on one machine, such as a search and
# a prediction, ran six times slower than with sleeping threads. torch reads this when it is first imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

if TYPE_CHECKING:
    from autodet.datasets.additions.addition import add_photos
    from autodet.datasets.drafts.acceptance import accept_proposals, take_back_acceptance
    from autodet.datasets.drafts.counts import count_labels
    from autodet.datasets.drafts.export import export_drafts
    from autodet.datasets.drafts.version import derive_labels
    from autodet.datasets.export import export_dataset
    from autodet.datasets.imports.import_dataset import import_dataset
    from autodet.datasets.manifest import Dataset, list_datasets, load_dataset
    from autodet.datasets.versions.derive import derive_dataset
    from autodet.datasets.versions.merge import merge_datasets
    from autodet.datasets.versions.resplit import Resplit
    from autodet.errors import AutodetError, AutodetWarning, NameWarning, SearchUnfinishedError
    from autodet.inference.auto_labels import auto_label
    from autodet.inference.comparison import compare, label_issues
    from autodet.inference.detector import Detector, load_detector
    from autodet.inference.label_orders import next_photos
    from autodet.models.store import list_models
    from autodet.records.comparisons import Comparison, Improvement
    from autodet.records.follow_ups import LearningCurve, Repeatability
    from autodet.records.leaderboards import Leaderboard
    from autodet.records.photos import Prediction
    from autodet.records.reports import EvaluationReport, LabelIssue
    from autodet.records.searches import SearchStatus
    from autodet.registry.documents import ModelVersion, RegisteredModel, TagMove
    from autodet.registry.exchange import list_registry, pull_model, push_model, tag_model
    from autodet.reports.model_report import ModelReport
    from autodet.search.api import Search, find_search, list_searches
    from autodet.search.delete_assets import delete_dataset, delete_model
    from autodet.search.follow_ups.results import learning_curve, repeatability
    from autodet.search.follow_ups.start import start_learning_curve, start_repeats
    from autodet.search.improvement import improvement
    from autodet.search.leaderboard import leaderboard
    from autodet.search.order.options import SearchOptions
    from autodet.search.report import report
    from autodet.search.start import fit, start_search

__all__ = [
    "AutodetError",
    "AutodetWarning",
    "Comparison",
    "Dataset",
    "Detector",
    "EvaluationReport",
    "Improvement",
    "LabelIssue",
    "Leaderboard",
    "LearningCurve",
    "ModelReport",
    "ModelVersion",
    "NameWarning",
    "Prediction",
    "RegisteredModel",
    "Repeatability",
    "Resplit",
    "Search",
    "SearchOptions",
    "SearchStatus",
    "SearchUnfinishedError",
    "TagMove",
    "__version__",
    "accept_proposals",
    "add_photos",
    "auto_label",
    "compare",
    "count_labels",
    "delete_dataset",
    "delete_model",
    "derive_dataset",
    "derive_labels",
    "export_dataset",
    "export_drafts",
    "find_search",
    "fit",
    "import_dataset",
    "improvement",
    "label_issues",
    "leaderboard",
    "learning_curve",
    "list_datasets",
    "list_models",
    "list_registry",
    "list_searches",
    "load_dataset",
    "load_detector",
    "merge_datasets",
    "next_photos",
    "pull_model",
    "push_model",
    "repeatability",
    "report",
    "start_learning_curve",
    "start_repeats",
    "start_search",
    "tag_model",
    "take_back_acceptance",
]

_HOMES = {
    "AutodetError": "autodet.errors",
    "AutodetWarning": "autodet.errors",
    "Comparison": "autodet.records.comparisons",
    "Dataset": "autodet.datasets.manifest",
    "Detector": "autodet.inference.detector",
    "EvaluationReport": "autodet.records.reports",
    "Improvement": "autodet.records.comparisons",
    "LabelIssue": "autodet.records.reports",
    "Leaderboard": "autodet.records.leaderboards",
    "LearningCurve": "autodet.records.follow_ups",
    "ModelReport": "autodet.reports.model_report",
    "ModelVersion": "autodet.registry.documents",
    "NameWarning": "autodet.errors",
    "Prediction": "autodet.records.photos",
    "RegisteredModel": "autodet.registry.documents",
    "Repeatability": "autodet.records.follow_ups",
    "Resplit": "autodet.datasets.versions.resplit",
    "Search": "autodet.search.api",
    "SearchOptions": "autodet.search.order.options",
    "SearchStatus": "autodet.records.searches",
    "accept_proposals": "autodet.datasets.drafts.acceptance",
    "add_photos": "autodet.datasets.additions.addition",
    "auto_label": "autodet.inference.auto_labels",
    "compare": "autodet.inference.comparison",
    "count_labels": "autodet.datasets.drafts.counts",
    "delete_dataset": "autodet.search.delete_assets",
    "delete_model": "autodet.search.delete_assets",
    "SearchUnfinishedError": "autodet.errors",
    "TagMove": "autodet.registry.documents",
    "derive_dataset": "autodet.datasets.versions.derive",
    "derive_labels": "autodet.datasets.drafts.version",
    "export_dataset": "autodet.datasets.export",
    "export_drafts": "autodet.datasets.drafts.export",
    "find_search": "autodet.search.api",
    "fit": "autodet.search.start",
    "import_dataset": "autodet.datasets.imports.import_dataset",
    "improvement": "autodet.search.improvement",
    "label_issues": "autodet.inference.comparison",
    "leaderboard": "autodet.search.leaderboard",
    "learning_curve": "autodet.search.follow_ups.results",
    "list_datasets": "autodet.datasets.manifest",
    "list_models": "autodet.models.store",
    "list_registry": "autodet.registry.exchange",
    "list_searches": "autodet.search.api",
    "load_dataset": "autodet.datasets.manifest",
    "load_detector": "autodet.inference.detector",
    "merge_datasets": "autodet.datasets.versions.merge",
    "next_photos": "autodet.inference.label_orders",
    "pull_model": "autodet.registry.exchange",
    "push_model": "autodet.registry.exchange",
    "repeatability": "autodet.search.follow_ups.results",
    "report": "autodet.search.report",
    "start_learning_curve": "autodet.search.follow_ups.start",
    "start_repeats": "autodet.search.follow_ups.start",
    "start_search": "autodet.search.start",
    "tag_model": "autodet.registry.exchange",
    "take_back_acceptance": "autodet.datasets.drafts.acceptance",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
