"""Samplers, which choose the parameters of the next trial."""

import copy
from collections.abc import Container, Sequence
from heapq import nlargest
from math import inf
from typing import Any
from weakref import WeakKeyDictionary

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, GPSampler, RandomSampler, TPESampler
from optuna.search_space import IntersectionSearchSpace
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState

from autodet.search.order.combinations import Combinations
from autodet.search.order.space import PARAMETERS, Range, Space, Tried
from autodet.search.study.pruners import on_longest_schedule

MAX_TRIALS = 500
BEST_TRIALS = 25
REFRESH_TRIALS = 100  # trials after which the subset of old trials is refreshed

_spaces: WeakKeyDictionary[Study, IntersectionSearchSpace] = WeakKeyDictionary()
_seen: WeakKeyDictionary[Study, tuple[int, list[int]]] = WeakKeyDictionary()


def sampler_of(name: str, seed: int, trials: int, epochs: int) -> BaseSampler:
    """Return the sampler for a name in ``autodet.search.order.options.OPTIONS``.

    Args:
        name: The name.
        seed: Seed of all its random draws.
        trials: Number of trials of the search.
        epochs: The maximum number of epochs of a trial.
    """
    startup = max(2, min(10, trials // 3))
    if name == "random":
        return RandomSampler(seed=seed)
    if name == "gp":
        return GPSampler(seed=seed, n_startup_trials=startup)
    return BoundedTPESampler(epochs=epochs, seed=seed, n_startup_trials=startup)


class UntriedSampler(BaseSampler):
    """Wraps a sampler and replaces suggestions that have been tried before.

    Args:
        sampler: The wrapped sampler.
        space: The search space.
        combinations: The combinations tried so far, including those of running trials.
        seed: Seed for drawing replacements.
    """

    def __init__(self, sampler: BaseSampler, space: Space, combinations: Combinations, seed: int) -> None:
        self._sampler, self._combinations, self._seed = sampler, combinations, seed
        tuned = {name: _distribution(name, tried) for name, tried in space.items() if tried.tuned}
        self._distributions = {
            name: distribution for name, distribution in tuned.items() if not distribution.single()
        }  # as in Optuna's samplers

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return all tuned parameters, because only a full combination can be checked for repeats."""
        del study, trial
        return self._distributions

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return the wrapped sampler's suggestion, or a random replacement if other combinations were tried less often.

        With finitely many combinations, the replacement is one of those tried least.
        """
        chosen = self._choose(self._sampler, study, trial, search_space)
        if self._combinations.times(chosen) == self._combinations.least_times:
            return chosen
        if self._combinations.count == inf:
            return self._choose(RandomSampler(self._seed), study, trial, search_space)
        return self._combinations.draw(self._seed)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Delegate to the wrapped sampler."""
        return self._sampler.sample_independent(study, trial, param_name, param_distribution)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Delegate to the wrapped sampler."""
        self._sampler.before_trial(study, trial)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        """Delegate to the wrapped sampler."""
        self._sampler.after_trial(study, trial, state, values)

    @staticmethod
    def _choose(
        sampler: BaseSampler, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        relative = sampler.sample_relative(study, trial, sampler.infer_relative_search_space(study, trial))
        chosen = {}
        for name, distribution in search_space.items():
            if name in relative:
                chosen[name] = relative[name]
            else:
                chosen[name] = sampler.sample_independent(study, trial, name, distribution)
        return chosen


def _distribution(name: str, tried: Tried) -> BaseDistribution:
    """Return a parameter's values as an Optuna distribution, identical to the one that ``suggest_values`` requests."""
    if not isinstance(tried, Range):
        return CategoricalDistribution(tried.values)
    if step := PARAMETERS[name].step:
        return IntDistribution(int(tried.low), int(tried.high), step=step)
    return FloatDistribution(tried.low, tried.high, log=PARAMETERS[name].log)


class BoundedTPESampler(TPESampler):
    """TPE on a bounded number of trials, so that sampling time does not grow with the study.

    TPE (Bergstra et al. 2011) compares the density of the best trials, at most 25 in Optuna, with the density of all
    others. With thousands of others, every n-th of them estimates that density as well. Up to 500 trials, the
    suggestions equal those of Optuna's sampler. State kept per study outlives the sampler, because each trial has a new
    sampler.

    Args:
        epochs: The maximum number of epochs of a trial. TPE ranks pruned trials by the share of it that they reached.
        **options: Passed to Optuna.
    """

    def __init__(self, epochs: int, **options: Any) -> None:
        super().__init__(**options)
        self._epochs = epochs

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return Optuna's search space, cached per study."""
        self._search_space = _spaces.setdefault(study, self._search_space)
        space: dict[str, BaseDistribution] = super().infer_relative_search_space(study, trial)
        return space

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Sample as Optuna does, from fewer trials."""
        return super().sample_relative(self._excerpt(study, trial), trial, search_space)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Sample as Optuna does, from fewer trials."""
        return super().sample_independent(self._excerpt(study, trial), trial, param_name, param_distribution)

    def _excerpt(self, study: Study, trial: FrozenTrial) -> Any:
        return _Excerpt(study, trial.number, self._epochs)


class _Excerpt:
    """View of a study with only the best trials, every n-th other finished trial, and the unfinished and latest trials.

    The subset of old trials changes once per hundred trials. This avoids scanning thousands of trials for each
    suggestion, and keeps suggestions reproducible for a seed.
    """

    def __init__(self, study: Study, asked: int, epochs: int) -> None:
        self._study, self._old, self._epochs = study, asked // REFRESH_TRIALS * REFRESH_TRIALS, epochs

    def __getattr__(self, name: str) -> Any:
        return getattr(self._study, name)

    def _get_trials(
        self, deepcopy: bool = True, states: Container[TrialState] | None = None, use_cache: bool = False
    ) -> list[FrozenTrial]:
        trials: list[FrozenTrial] = self._study._get_trials(deepcopy=False, use_cache=use_cache)
        if len(trials) > MAX_TRIALS:
            trials = [*(trials[number] for number in self._seen(trials)), *trials[self._old :]]
        trials = [
            on_longest_schedule(trial, self._epochs) for trial in trials if states is None or trial.state in states
        ]
        return copy.deepcopy(trials) if deepcopy else trials

    def _seen(self, trials: list[FrozenTrial]) -> list[int]:
        """Return the numbers of the visible old trials; a trial's number is its index."""
        chosen, visible = _seen.get(self._study, (-1, []))
        if chosen != self._old:
            left_out = self._to_leave_out([trial for trial in trials[: self._old] if trial.state.is_finished()])
            visible = [number for number in range(self._old) if number not in left_out]
            _seen[self._study] = self._old, visible
        return visible

    def _to_leave_out(self, trials: list[FrozenTrial]) -> set[int]:
        best = self._best(trials)
        others = [trial.number for trial in trials if trial.number not in best]
        room = min(len(others), MAX_TRIALS - BEST_TRIALS)
        return set(others) - {others[index * len(others) // room] for index in range(room)}

    def _best(self, trials: list[FrozenTrial]) -> set[int]:
        """Return the numbers of the trials that TPE ranks as good: the best 25, or the Pareto front."""
        signs = [1 if direction is StudyDirection.MAXIMIZE else -1 for direction in self._study.directions]
        measured = [trial for trial in trials if trial.values]
        if len(signs) == 1:
            return {
                trial.number
                for trial in nlargest(BEST_TRIALS, measured, key=lambda candidate: signs[0] * candidate.values[0])
            }
        front, highest = set(), -inf
        for trial in sorted(
            measured, key=lambda candidate: (-signs[0] * candidate.values[0], -signs[1] * candidate.values[1])
        ):
            if (value := signs[1] * trial.values[1]) > highest:
                front.add(trial.number)
                highest = value
        return front
