"""Who chooses what is tried, and when a trial is given up."""

import copy
from collections.abc import Container
from heapq import nlargest
from math import inf
from statistics import median
from types import SimpleNamespace
from typing import Any
from weakref import WeakKeyDictionary

from optuna.distributions import BaseDistribution
from optuna.pruners import BasePruner, HyperbandPruner, NopPruner, SuccessiveHalvingPruner
from optuna.samplers import BaseSampler, GPSampler, RandomSampler, TPESampler
from optuna.search_space import IntersectionSearchSpace
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState

MOST_TRIALS = 500
BEST_TRIALS = 25
REDUCTION = 3  # of trials that may go on, one in so many; what Hyperband's authors recommend
FEWEST_ELDERS = 2  # trials that there must be to compare with
CHOSEN_ANEW = 100  # trials after which it is chosen anew which old ones are looked at

_spaces: WeakKeyDictionary[Study, IntersectionSearchSpace] = WeakKeyDictionary()
_seen: WeakKeyDictionary[Study, tuple[int, list[int]]] = WeakKeyDictionary()


def sampler_of(name: str, seed: int, trials: int) -> BaseSampler:
    """The sampler with a name of ``autodet.search.spec.SAMPLERS``, for a search of so many trials."""
    startup = max(2, min(10, trials // 3))
    if name == "random":
        return RandomSampler(seed=seed)
    if name == "gp":
        return GPSampler(seed=seed, n_startup_trials=startup)
    return BoundedTPESampler(seed=seed, n_startup_trials=startup)


def pruner_of(name: str, epochs: int) -> BasePruner:
    """The pruner with a name of ``autodet.search.spec.PRUNERS``, for trials of so many epochs."""
    least = max(1, epochs // REDUCTION**2)
    if name == "none":
        return NopPruner()
    if name == "asha":
        return SuccessiveHalvingPruner(min_resource=least, reduction_factor=REDUCTION)
    if name == "hyperband":
        return _NamelessHyperband(min_resource=least, max_resource=epochs, reduction_factor=REDUCTION)
    return HalfwayPruner(epochs)


class HalfwayPruner(BasePruner):
    """Ends a trial that, half of its epochs done, is worse than the median of all those before it at that point.

    Those that ended there count too. Optuna's own median is that of finished trials alone, and asked for again at each
    epoch: with every trial that ends it gets harder to pass, until hardly one does, and much that is good is lost.

    Args:
        epochs: How many a trial has.
    """

    def __init__(self, epochs: int) -> None:
        self._half = (epochs + 1) // 2

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Whether the trial ends; it is looked at once, for with thousands of elders that takes some milliseconds."""
        own = self._score(trial)
        if own is None or trial.last_step != self._half:
            return False
        elders = [one for one in study.get_trials(deepcopy=False) if one.number < trial.number]
        scores = [score for score in map(self._score, elders) if score is not None]
        return len(scores) >= FEWEST_ELDERS and own < median(scores)

    def _score(self, trial: FrozenTrial) -> float | None:
        """The best epoch of the first half; None before the half is done."""
        if not trial.intermediate_values or max(trial.intermediate_values) < self._half:
            return None
        return max(score for epoch, score in trial.intermediate_values.items() if epoch <= self._half)


class _NamelessHyperband(HyperbandPruner):
    """Hyperband (Li et al., arXiv 1603.06560) that repeats itself: Optuna's draws brackets by the study's name too."""

    def _get_bracket_id(self, study: Study, trial: FrozenTrial) -> int:
        del study
        nameless: Any = SimpleNamespace(study_name="")
        return super()._get_bracket_id(nameless, trial)


class BoundedTPESampler(TPESampler):
    """TPE that looks at some hundreds of trials, so that asking does not take longer and longer.

    TPE (Bergstra et al. 2011) compares the density of the best trials, of which Optuna takes 25 at most, with that of
    all others. The density of thousands of others is as well drawn from every n-th of them. Up to 500 trials it
    is Optuna's own, trial by trial. What is remembered of a study outlives the sampler, for one is made for each trial.
    """

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """As Optuna has it, remembered."""
        self._search_space = _spaces.setdefault(study, self._search_space)
        space: dict[str, BaseDistribution] = super().infer_relative_search_space(study, trial)
        return space

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """As Optuna has it, of fewer trials."""
        return super().sample_relative(_Excerpt(study, trial.number), trial, search_space)  # type: ignore[arg-type]

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """As Optuna has it, of fewer trials."""
        return super().sample_independent(_Excerpt(study, trial.number), trial, param_name, param_distribution)  # type: ignore[arg-type]


class _Excerpt:
    """A study of whose trials only the best, every n-th of the others, and those under way are seen.

    Which of the old ones are seen is chosen once in a hundred trials: thousands are not gone through for each question,
    and seeds repeat.
    """

    def __init__(self, study: Study, asked: int) -> None:
        self._study, self._old = study, asked // CHOSEN_ANEW * CHOSEN_ANEW

    def __getattr__(self, name: str) -> Any:
        return getattr(self._study, name)

    def _get_trials(
        self, deepcopy: bool = True, states: Container[TrialState] | None = None, use_cache: bool = False
    ) -> list[FrozenTrial]:
        trials: list[FrozenTrial] = self._study._get_trials(deepcopy=False, use_cache=use_cache)
        if len(trials) > MOST_TRIALS:
            trials = [*(trials[number] for number in self._seen(trials)), *trials[self._old :]]
        trials = [trial for trial in trials if states is None or trial.state in states]
        return copy.deepcopy(trials) if deepcopy else trials

    def _seen(self, trials: list[FrozenTrial]) -> list[int]:
        """Which of the old trials are seen; a trial's number is its place."""
        chosen, seen = _seen.get(self._study, (-1, []))
        if chosen != self._old:
            left_out = self._to_leave_out([one for one in trials[: self._old] if one.state.is_finished()])
            seen = [number for number in range(self._old) if number not in left_out]
            _seen[self._study] = self._old, seen
        return seen

    def _to_leave_out(self, trials: list[FrozenTrial]) -> set[int]:
        best = self._best(trials)
        others = [trial.number for trial in trials if trial.number not in best]
        room = min(len(others), MOST_TRIALS - BEST_TRIALS)
        return set(others) - {others[index * len(others) // room] for index in range(room)}

    def _best(self, trials: list[FrozenTrial]) -> set[int]:
        """Numbers of the trials that TPE calls good: the best 25, or with two objectives the Pareto front."""
        signs = [1 if direction is StudyDirection.MAXIMIZE else -1 for direction in self._study.directions]
        measured = [trial for trial in trials if trial.values]
        if len(signs) == 1:
            return {trial.number for trial in nlargest(BEST_TRIALS, measured, key=lambda one: signs[0] * one.values[0])}
        front, highest = set(), -inf
        for trial in sorted(measured, key=lambda one: (-signs[0] * one.values[0], -signs[1] * one.values[1])):
            if (value := signs[1] * trial.values[1]) > highest:
                front.add(trial.number)
                highest = value
        return front
