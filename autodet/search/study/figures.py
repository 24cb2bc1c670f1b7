"""Optuna's figures of a search.

The study is rebuilt in memory from the search's status, so that drawing neither opens nor locks the database.
"""

import warnings
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import optuna
import plotly.graph_objects as go
from optuna import visualization
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.importance import PedAnovaImportanceEvaluator
from optuna.storages import InMemoryStorage
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from autodet.charts import study as charts
from autodet.charts.layout import plotly_text
from autodet.charts.trials import telling_trials
from autodet.evaluation.objective import Objective
from autodet.models.registry import architecture_title
from autodet.records import Notice, SearchStatus, TrialStatus
from autodet.search.order.space import PARAMETERS, Choices, Space, Tried

# PED-ANOVA compares the best trials with all: the best tenth, as in Optuna, but at least ten, and at most a third. In
# simulations with one important parameter of three, a tenth of 20 trials put it first in 5 of 10 cases, a third in 9.
MIN_IMPORTANCE_TRIALS = 20
BEST_SHARE, BEST_COUNT, MAX_BEST_SHARE = 0.1, 10, 1 / 3
MAX_LINES = 200  # also the trials of a contour plot, whose grid grows with their square
MAX_POINTS = 2000
NAME = "search"

Distribute = Callable[[str, Tried, list[Any]], BaseDistribution]


@dataclass(frozen=True)
class FigureKind:
    """A kind of figure.

    Attributes:
        min_trials: Minimum number of finished trials.
        min_parameters: Minimum number of parameters that differ between them.
        max_trials: Maximum number of trials that are drawn: the best and the newest.
    """

    min_trials: int = 2
    min_parameters: int = 0
    max_trials: int = 10_000


KINDS = {
    "history": FigureKind(),
    "importance": FigureKind(MIN_IMPORTANCE_TRIALS, 2),
    "slice": FigureKind(2, 1, MAX_POINTS),
    "contour": FigureKind(3, 2, MAX_LINES),
    "parallel": FigureKind(2, 1, MAX_LINES),
    "edf": FigureKind(),
}


def measured_trials(status: SearchStatus) -> list[TrialStatus]:
    """Return the trials that Optuna's figures show: those that ended with a score, neither pruned nor failed."""
    return [trial for trial in status.trials if trial.state in ("finished", "stopped") and trial.best_epoch]


def varied_parameters(trials: Sequence[TrialStatus], space: Space) -> list[str]:
    """Return the names of the tuned parameters with different values in the trials."""
    tuned = [name for name, tried in space.items() if tried.tuned]
    return [name for name in tuned if len({trial.params.get(name) for trial in trials}) > 1]


def study_figure(kind: str, status: SearchStatus, space: Space, shown: Sequence[str] = ()) -> go.Figure | Notice:
    """Return a figure of the finished trials, or why there is none.

    Args:
        kind: A key of ``KINDS``.
        status: The search.
        space: Its search space.
        shown: Names of the parameters of a slice plot (one) or a contour plot (two).
    """
    need, trials = KINDS[kind], measured_trials(status)
    if len(trials) < need.min_trials:
        pruned = sum(trial.state == "pruned" for trial in status.trials)
        return Notice.of("figure_needs_trials", have=len(trials), need=need.min_trials, pruned=pruned)
    varied = {name: space[name] for name in varied_parameters(trials, space)}
    if len(varied) < need.min_parameters:
        return Notice.of("figure_needs_parameters", have=len(varied), need=need.min_parameters)
    if kind == "importance" and len({_score(trial) for trial in trials}) == 1:
        return Notice("figure_needs_differences")
    drawn = telling_trials(trials, need.max_trials)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return _draw(kind, drawn, varied, [PARAMETERS[name].title for name in shown], status.objective)


def _draw(kind: str, trials: Sequence[TrialStatus], space: Space, titles: list[str], objective: str) -> go.Figure:
    quality = Objective.parse(objective).quality_title
    numbers, scores = [trial.number for trial in trials], [_score(trial) for trial in trials]
    study = _study_of(trials, space, _sampled if kind == "importance" else _drawn)
    match kind:
        case "history":
            return charts.history_figure(visualization.plot_optimization_history(study), numbers, quality)
        case "importance":
            share = min(max(BEST_SHARE, BEST_COUNT / len(trials)), MAX_BEST_SHARE)
            evaluator = PedAnovaImportanceEvaluator(target_quantile=share)
            return charts.importance_figure(visualization.plot_param_importances(study, evaluator))
        case "slice":
            return charts.slice_figure(visualization.plot_slice(study, titles), numbers, quality)
        case "contour":
            return charts.contour_figure(visualization.plot_contour(study, titles), numbers, scores, quality)
        case "parallel":
            figure = visualization.plot_parallel_coordinate(study, target_name=quality)
            return charts.parallel_figure(figure, numbers, scores, quality)
    return charts.edf_figure(visualization.plot_edf(study), quality)


def _score(trial: TrialStatus) -> float:
    return trial.best_epoch.score if trial.best_epoch else 0.0


class _FinishedStudy(Study):
    """A study of given trials. Optuna's own storage would copy each trial several times per figure."""

    def __init__(self, trials: list[FrozenTrial]) -> None:
        storage = InMemoryStorage()
        storage.create_new_study([StudyDirection.MAXIMIZE], NAME)
        super().__init__(NAME, storage)
        self._finished = trials

    def get_trials(self, deepcopy: bool = True, states: Container[TrialState] | None = None) -> list[FrozenTrial]:
        """Return the trials; nothing changes them."""
        del deepcopy, states
        return self._finished


def _study_of(trials: Sequence[TrialStatus], space: Space, distribute: Distribute) -> Study:
    """Return a study of the scores, with the titles of the parameters as their names; trial i is ``trials[i]``."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    values = {name: [_plain(name, trial.params[name]) for trial in trials if name in trial.params] for name in space}
    distributions = {name: distribute(name, tried, values[name]) for name, tried in space.items()}
    finished = []
    for number, trial in enumerate(trials):
        params = {name: _plain(name, trial.params[name]) for name in space if name in trial.params}
        made = create_trial(
            value=_score(trial),
            params=_titled(params),
            distributions=_titled({name: distributions[name] for name in params}),
        )
        made.number = made._trial_id = number
        finished.append(made)
    return _FinishedStudy(finished)


def _titled(by_name: Mapping[str, Any]) -> dict[str, Any]:
    return {PARAMETERS[name].title: value for name, value in by_name.items()}


class _Word(str):
    """A word that Optuna's charts show without quotation marks."""

    __slots__ = ()
    __repr__ = str.__str__


def _plain(name: str, value: Any) -> Any:
    text = architecture_title(value) if name == "architecture" else value
    return _Word(plotly_text(text)) if isinstance(text, str) else text  # Plotly reads some HTML


def _drawn(name: str, tried: Tried, values: list[Any]) -> BaseDistribution:
    """Return a distribution that draws numbers on an axis, also those of a list."""
    if PARAMETERS[name].words or not isinstance(tried, Choices):
        return _sampled(name, tried, values)
    return _numbers(name, min(values), max(values))


def _sampled(name: str, tried: Tried, values: list[Any]) -> BaseDistribution:
    """Return the distribution that the search samples from, extended to the values of its trials."""
    if isinstance(tried, Choices):
        known = [_plain(name, value) for value in tried.values]
        return CategoricalDistribution([*known, *(value for value in dict.fromkeys(values) if value not in known)])
    return _numbers(name, min(tried.low, *values), max(tried.high, *values))


def _numbers(name: str, low: float, high: float) -> BaseDistribution:
    log = PARAMETERS[name].log and low > 0
    if PARAMETERS[name].step:
        return IntDistribution(int(low), int(high), log=log)
    return FloatDistribution(low, high, log=log)
