"""Immutable record types shared by all packages; they do not depend on torch.

Boxes are ``(x1, y1, x2, y2)`` in pixels of the photo after EXIF orientation, x to the right, y down,
``x2`` and ``y2`` exclusive. Class ids run from 0 to n-1 in the order of the data set's sorted class
names. Epochs and photos are numbered from 1, trials from 0.
"""

from autodet.records.calibration import Calibration, ScoreFunction, ScoreMap, calibrate
from autodet.records.findings import (
    MAX_LOST_SHARE,
    NO_VALUES,
    Action,
    Cause,
    ChangeKind,
    Finding,
    Values,
    VersionChange,
    change_from_json,
    finding_from_json,
)
from autodet.records.import_steps import ImportStep
from autodet.records.known import known_entries
from autodet.records.notices import Notice, NoticeKind, notices_from_json, notices_to_json
from autodet.records.photos import (
    DEFAULT_THRESHOLD,
    MAX_DETECTIONS,
    MIN_SCORE,
    SPLITS,
    Annotations,
    BoolArray,
    BoxXYXY,
    FloatArray,
    ImageRecord,
    IntArray,
    Mark,
    Prediction,
    Split,
    SplitOrigin,
)
from autodet.records.reports import ClassReport, EvaluationReport, Quantization
from autodet.records.searches import ACTIVE_STATES, MAX_ANCESTORS, Origin, SearchState, SearchStatus
from autodet.records.sizes import TrainedSizes
from autodet.records.trials import (
    FROZEN_DEPTHS,
    SCHEDULERS,
    Attempt,
    EpochResult,
    Hyperparameters,
    TrialState,
    TrialStatus,
    best_epoch_of,
    best_of,
    planned_epochs_of,
)

__all__ = [
    "ACTIVE_STATES",
    "DEFAULT_THRESHOLD",
    "FROZEN_DEPTHS",
    "MAX_ANCESTORS",
    "MAX_DETECTIONS",
    "MAX_LOST_SHARE",
    "MIN_SCORE",
    "NO_VALUES",
    "SCHEDULERS",
    "SPLITS",
    "Action",
    "Annotations",
    "Attempt",
    "BoolArray",
    "BoxXYXY",
    "Calibration",
    "Cause",
    "ChangeKind",
    "ClassReport",
    "EpochResult",
    "EvaluationReport",
    "Finding",
    "FloatArray",
    "Hyperparameters",
    "ImageRecord",
    "ImportStep",
    "IntArray",
    "Mark",
    "Notice",
    "NoticeKind",
    "Origin",
    "Prediction",
    "Quantization",
    "ScoreFunction",
    "ScoreMap",
    "SearchState",
    "SearchStatus",
    "Split",
    "SplitOrigin",
    "TrainedSizes",
    "TrialState",
    "TrialStatus",
    "Values",
    "VersionChange",
    "best_epoch_of",
    "best_of",
    "calibrate",
    "change_from_json",
    "finding_from_json",
    "known_entries",
    "notices_from_json",
    "notices_to_json",
    "planned_epochs_of",
]
