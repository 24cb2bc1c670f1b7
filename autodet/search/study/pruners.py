"""Pruners that compare trials at the same share of their schedules.

Optuna compares trials at the same step, and a step here is an epoch. If trials have different numbers of epochs
(because epochs are tuned, or time is short), epoch 5 is the middle of one schedule and the beginning of another.
Pruners therefore see each trial scaled to the longest schedule: epoch 5 of 10 is step 10 if the longest has 20. The
study itself stores plain epochs.
"""

import copy
from collections.abc import Mapping
from statistics import median
from types import SimpleNamespace
from typing import Any

from optuna.pruners import BasePruner, HyperbandPruner, NopPruner, SuccessiveHalvingPruner
from optuna.study import Study
from optuna.trial import FrozenTrial

from autodet.records import planned_epochs_of

REDUCTION = 3  # keep one trial in three, as Hyperband's authors recommend
MIN_EARLIER = 2  # minimum number of trials to compare with
PARAMS, EFFECTIVE = "params", "effective"  # user attributes of a trial, as ``TrialStatus`` has them


def pruner_of(name: str, epochs: int) -> BasePruner:
    """Return the pruner for a name in ``autodet.search.order.options.OPTIONS``.

    Args:
        name: The name.
        epochs: The maximum number of epochs of a trial.
    """
    least = max(1, epochs // REDUCTION**2)
    if name == "none":
        return NopPruner()
    if name == "asha":
        return ScheduledHalving(epochs, min_resource=least, reduction_factor=REDUCTION)
    if name == "hyperband":
        return ScheduledHyperband(min_resource=least, max_resource=epochs, reduction_factor=REDUCTION)
    return HalfwayPruner(epochs)


def planned_epochs(trial: FrozenTrial, most: int) -> int:
    """Return the planned number of epochs of a study's trial."""
    attributes: Mapping[str, Any] = trial.user_attrs
    return planned_epochs_of(attributes.get(PARAMS, trial.params), attributes.get(EFFECTIVE, {}), most)


def on_longest_schedule(trial: FrozenTrial, longest: int) -> FrozenTrial:
    """Return a trial with its epochs scaled to the longest schedule; the trial itself if no scaling is needed."""
    own = planned_epochs(trial, longest)
    if own == longest or not trial.intermediate_values:
        return trial
    stretched = copy.copy(trial)
    steps: Any = {epoch * longest / own: score for epoch, score in trial.intermediate_values.items()}
    stretched.intermediate_values = steps
    return stretched


class HalfwayPruner(BasePruner):
    """Prunes a trial halfway through its epochs if it is worse than the median of all earlier trials at that point.

    Trials pruned at that point count too. Optuna's own pruner compares with completed trials only, at every epoch: each
    pruned trial raises the median, until hardly any trial passes and good ones are lost.

    Args:
        epochs: The maximum number of epochs of a trial.
    """

    def __init__(self, epochs: int) -> None:
        self._epochs = epochs

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Return whether to prune; decided once per trial, because scanning thousands of trials takes milliseconds."""
        own = planned_epochs(trial, self._epochs)
        half = (own + 1) // 2
        if trial.last_step != half or half == own:
            return False
        earlier = [other for other in study.get_trials(deepcopy=False) if other.number < trial.number]
        scores = [score for other in earlier if (score := self._score(other, half, own)) is not None]
        return len(scores) >= MIN_EARLIER and max(trial.intermediate_values.values()) < median(scores)

    def _score(self, trial: FrozenTrial, done: int, of: int) -> float | None:
        """Return a trial's best score up to the share ``done / of`` of its schedule; None before half of it is done."""
        own = planned_epochs(trial, self._epochs)
        if not trial.intermediate_values or max(trial.intermediate_values) < (own + 1) // 2:
            return None
        until = [score for epoch, score in trial.intermediate_values.items() if epoch * of <= done * own]
        return max(until, default=None)


class ScheduledHalving(SuccessiveHalvingPruner):
    """Successive halving (Li et al., arXiv 1810.05934) by shares of schedules.

    Args:
        epochs: The maximum number of epochs of a trial.
        **options: Passed to Optuna.
    """

    def __init__(self, epochs: int, **options: Any) -> None:
        super().__init__(**options)
        self._epochs = epochs

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Return whether to prune the trial."""
        return bool(super().prune(study, on_longest_schedule(trial, self._epochs)))


class ScheduledHyperband(HyperbandPruner):
    """Hyperband (Li et al., arXiv 1603.06560) by shares of schedules, with the same brackets in every study.

    Optuna's brackets also depend on the study name.
    """

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Return whether to prune the trial."""
        return bool(super().prune(study, on_longest_schedule(trial, int(self._max_resource))))

    def _get_bracket_id(self, study: Study, trial: FrozenTrial) -> int:
        del study
        nameless: Any = SimpleNamespace(study_name="")
        return super()._get_bracket_id(nameless, trial)
