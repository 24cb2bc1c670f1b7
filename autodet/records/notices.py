"""Notices: reasons for the state of a search or the failure of a trial, cautions, diagnoses, and reasons for a plan.

A notice is a kind with its numbers, in plain JSON values. Code compares notices; ``autodet.messages`` renders them as
sentences. The text of an exception is kept as it is, in ``detail``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self

SearchKind = Literal[
    "sentence",  # text: of an earlier version, which stored sentences
    "waits_for_device",  # searches: those that use its devices, or that are next; devices: in use, may be empty
    "time_limit_paused",
    "database_busy",  # detail
    "stopped",
    "stopped_before_start",  # detail
    "stopped_in_refit",
    "time_limit_reached",  # seconds
    "time_limit_near",  # seconds: too little time for another trial or epoch
    "combinations_exhausted",  # combinations
    "best_model_kept",
    "no_model",
    "no_trial_started",
    "results_unsaved",
    "interrupted",  # detail
    "interrupted_unexpectedly",  # detail; log: file
    "refit_under_way",  # done; epochs
    "refit_published",  # model: that of the best trial
    "refit_rejected",
    "refit_failed",  # cause
    "average_under_way",
    "average_published",  # trials: the best first; metric: its title; score; map50; best: score of the best trial
    "average_failed",  # cause
]
TrialKind = Literal[
    "no_epoch",
    "error",  # detail: a sentence for users
    "unexpected_error",  # detail
    "lost",  # times; cause
    "photo_too_large",
    "refit_out_of_time",
    "refit_lost",  # times; cause
    "average_lost",  # times; cause
]
LossKind = Literal[
    "no_progress",  # seconds
    "process_killed",  # signal: its name
    "process_crashed",  # signal
    "process_ended",  # exit_code
    "node_lost",  # error: type of Ray's exception
    "memory_exhausted",  # detail
    "killed_for_memory",
]
CautionKind = Literal[
    "start_leakage",  # model; photos: {split: [known, all]}
    "evaluation_leakage",  # known; photos
    "classes_unmeasured",  # classes; split
    "classes_unknown",  # boxes: {class: its number of boxes}
    "trials_capped",  # trials; combinations
    "weights_skipped",  # file; network: its title
    "photos_unread",  # unread; photos; detail: the first error
    "detections_truncated",  # truncated; photos; limit
    "tiles_truncated",  # truncated; photos; limit
    "tiles_limited",  # limited; photos; most: tiles
    "objects_too_small",  # large; photos; side: pixels; photo_side: pixels, of the training photos
]
DiagnosisKind = Literal[
    "nothing_found",  # trial; epochs; others: further trials; causes, the likeliest first
    "learning_rate_high",  # lr; low and high: usual
    "learning_rate_low",  # lr; low; high
    "loss_grew",  # first; last; lr
    "boxes_tiny",  # pixels; image_size; least: pixels
    "parameters_unsuitable",
    "classes_untaught",  # share: 0 to 1; classes
    "sizes_differ",  # ratio: validation to training boxes
    "few_photos",  # photos; few
    "few_steps",  # steps; few
    "labels_suspect",
    "photos_differ",
]
PlanKind = Literal[
    "effort",  # trials, epochs, asked, slots, source, photos, epoch_seconds, least_seconds, most_seconds
    "epochs_raised",  # steps: of an epoch; usual
    "epochs_lowered",  # steps; usual
    "photo_size_usual",  # size; median_box: 0 to 1
    "photo_size_limited",  # size
    "photo_size_lowered",  # size; usual
    "photo_size_raised",  # size; usual; least: pixels of a box
    "class_rare",  # name; shown; photos; times: how often its photos are used, relative to others
    "network_usual",  # network: its title
    "networks_compared",  # networks: their titles; sizes: of their photos, if they have their own
    "classes_known",  # source; known: {class: name there}; fresh: classes; plurals: [[class, name there]]; tested
    "trials_vary",  # trials; varied: [{name, low, high} or {name, values}]; small_boxes; few; pruner: None if given
]
LimitKind = Literal[
    "no_leakage",  # photos
    "leakage_unknown",  # datasets: names of those that are gone
    "split_chose_model",  # photos: for validation
    "same_source",  # dataset: its name
    "few_photos_measured",  # photos; interval: of mAP50, may be empty
    "no_empty_photos",  # photos
    "sizes_unmeasured",  # sizes: small, medium or large
    "photos_crowded",  # photos; objects: beyond the limit
    "classes_rare",  # boxes: {class: count}
    "labels_doubtful",  # labels; photos
    "difficult_left_out",  # boxes
    "refit_measured",
    "thresholds_not_chosen",
    "sizes_trained",  # photo_side: pixels
]
FigureKind = Literal[  # why a figure of a search cannot be drawn
    "figure_needs_trials",  # have: finished trials; need; pruned: trials that were
    "figure_needs_parameters",  # have: parameters that differ; need
    "figure_needs_differences",  # all scores are equal
    "figure_needs_optuna",
]
NoticeKind = SearchKind | TrialKind | LossKind | CautionKind | DiagnosisKind | PlanKind | FigureKind | LimitKind


@dataclass(frozen=True)
class Notice:
    """Something to tell users, as a value.

    Attributes:
        kind: The subject.
        values: Its numbers and names, which the kinds above list; plain JSON values.
        causes: Its causes, the likeliest first.
    """

    kind: NoticeKind
    values: Mapping[str, Any] = field(default_factory=dict)
    causes: "tuple[Notice, ...]" = ()

    @classmethod
    def of(cls, kind: NoticeKind, *causes: "Notice", **values: Any) -> Self:
        """Return a notice from its causes and values."""
        return cls(kind, values, causes)

    def to_json(self) -> dict[str, Any]:
        """Return the keys ``kind``, ``values`` and ``causes``, each of these two only if there are any."""
        values = {"values": dict(self.values)} if self.values else {}
        return {"kind": self.kind} | values | ({"causes": notices_to_json(self.causes)} if self.causes else {})

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Invert ``to_json``; kinds of later versions are kept."""
        return cls(document["kind"], document.get("values", {}), notices_from_json(document.get("causes", [])))


def notices_to_json(notices: tuple[Notice, ...]) -> list[dict[str, Any]]:
    """Return notices as a JSON list."""
    return [notice.to_json() for notice in notices]


def notices_from_json(document: Any) -> tuple[Notice, ...]:
    """Invert ``notices_to_json``; a sentence of an earlier version becomes one notice, an empty one none."""
    if isinstance(document, str):
        return (Notice.of("sentence", text=document),) if document else ()
    return tuple(Notice.from_json(notice) for notice in document)
