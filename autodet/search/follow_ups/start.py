"""Plan and start of a follow-up.

A follow-up is a search with a fixed list of trials, so that it stops, resumes and shares the devices like any other. It
publishes no model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from autodet.datasets.manifest import Dataset, read_dataset
from autodet.errors import SearchError
from autodet.models.bundle import read_bundle
from autodet.records import (
    FollowUp,
    FollowUpKind,
    PlannedTrial,
    SearchStatus,
    TrialStatus,
)
from autodet.search.api import Search, find_search
from autodet.search.follow_ups.results import follow_ups_of
from autodet.search.launch import Launcher
from autodet.search.order.dataset_preflight import check_dataset
from autodet.search.order.initial_weights import COPY, Beginning, check_start
from autodet.search.order.options import MAX_SEED
from autodet.search.order.space import PARAMETERS, Choices, Space, hyperparameters_of
from autodet.search.order.spec import SearchSpec
from autodet.search.planning.epoch_times import hardware_facts, measured_hardware
from autodet.search.planning.forecast import Forecast, forecast_trials
from autodet.search.start import Order, check_here, place_order
from autodet.search.study.database import storage_of_new_studies
from autodet.settings import load_settings
from autodet.training.hardware import find_hardware
from autodet.training.photo_share import part_size
from autodet.workspace import Workspace, open_workspace, safe_join

SHARES = (0.25, 0.5, 1.0)
MIN_PHOTOS = 12  # training photos of a learning curve
MAX_BEST, MAX_SEEDS = 10, 20
DEFAULT_BEST, DEFAULT_SEEDS, DEFAULT_CURVE_SEEDS = 1, 3, 2
NAMES: Mapping[FollowUpKind, str] = {"repeats": "repeated", "learning_curve": "learning curve"}
ENDED = ("finished", "stopped")


@dataclass(frozen=True)
class FollowUpPlan:
    """A follow-up before its start.

    Attributes:
        kind: Its kind.
        search: Id of the search that it follows.
        trials: Its trials.
        forecast: Forecast of its time; None on a Ray cluster, whose machines are unknown.
    """

    kind: FollowUpKind
    search: str
    trials: tuple[PlannedTrial, ...]
    forecast: Forecast | None


def plan_repeats(
    search: Search | str,
    *,
    best: int = DEFAULT_BEST,
    seeds: int = DEFAULT_SEEDS,
    workspace: Workspace | None = None,
) -> FollowUpPlan:
    """Describe a ``start_repeats`` call without starting anything; it raises the same errors."""
    _check_number("best", best, 1, MAX_BEST)
    _check_number("seeds", seeds, 2, MAX_SEEDS)
    origin = _Origin.of(search, workspace)
    chosen = best_configurations(origin.status)[:best]
    if not chosen:
        raise SearchError(
            f"The search {origin.id} has no finished trial with other parameters than the defaults, so there is no "
            "gain to check; search with more trials."
        )
    defaults = origin.status.trials[0]
    share = origin.spec.train_share
    photos = part_size(len(origin.dataset.split("train")), share)
    planned = (
        PlannedTrial(trial.number, _params(trial), trial.planned_epochs, seed, share, photos, _score(trial))
        for seed in origin.other_seeds(seeds)
        for trial in (defaults, *chosen)
    )
    return origin.plan("repeats", tuple(planned))


def plan_learning_curve(
    search: Search | str, *, seeds: int = DEFAULT_CURVE_SEEDS, workspace: Workspace | None = None
) -> FollowUpPlan:
    """Describe a ``start_learning_curve`` call without starting anything; it raises the same errors."""
    _check_number("seeds", seeds, 1, MAX_SEEDS)
    origin = _Origin.of(search, workspace)
    best, photos = origin.status.best_trial, len(origin.dataset.split("train"))
    if best is None:
        raise SearchError(
            f"The search {origin.id} has no finished epoch, so it has no best configuration; start a new search."
        )
    if photos < MIN_PHOTOS:
        raise SearchError(
            f"The data set {origin.dataset.name} has {photos} training photos, too few for a learning curve, which "
            f"needs {MIN_PHOTOS}; add photos first."
        )
    planned = (
        PlannedTrial(
            best.number,
            _params(best),
            best.planned_epochs,
            seed,
            share,
            part_size(photos, share),
            _score(best),
        )
        for seed in origin.other_seeds(seeds)
        for share in SHARES
    )
    return origin.plan("learning_curve", tuple(planned))


def start_repeats(
    search: Search | str,
    *,
    best: int = DEFAULT_BEST,
    seeds: int = DEFAULT_SEEDS,
    workspace: Workspace | None = None,
    once_within: float = 0.0,
    launcher: Launcher | None = None,
) -> Search:
    """Train the best configurations of a search and its defaults with other seeds, in the background.

    ``repeatability`` says whether the gain over the defaults is real.

    Args:
        search: The search, its id or name; it must be over.
        best: Number of configurations besides the defaults, 1 to 10, the best ones.
        seeds: Number of seeds of each, 2 to 20.
        workspace: Workspace of the search; by default the settings' workspace.
        once_within: As in ``start_search``.
        launcher: As in ``start_search``.

    Returns:
        The follow-up, a search that publishes no model.

    Raises:
        NotFoundError: The search does not exist.
        SearchError: The search is running, is itself a follow-up or has no gain to check, its data set has changed, or
            a number is out of range.
    """
    plan = plan_repeats(search, best=best, seeds=seeds, workspace=workspace)
    return start_follow_up(plan, workspace=workspace, once_within=once_within, launcher=launcher)


def start_learning_curve(
    search: Search | str,
    *,
    seeds: int = DEFAULT_CURVE_SEEDS,
    workspace: Workspace | None = None,
    once_within: float = 0.0,
    launcher: Launcher | None = None,
) -> Search:
    """Train the best configuration of a search on 25, 50 and 100 % of its training photos, in the background.

    The parts are stratified and nested, and all are evaluated on the same validation photos. Epochs on fewer photos
    repeat them, so that all have as many steps. ``learning_curve`` extrapolates to more photos.

    Args:
        search: The search, its id or name; it must be over.
        seeds: Number of draws of the photos, each with its own seed of the training, 1 to 20. More narrow the interval.
        workspace: Workspace of the search; by default the settings' workspace.
        once_within: As in ``start_search``.
        launcher: As in ``start_search``.

    Returns:
        The follow-up, a search that publishes no model.

    Raises:
        NotFoundError: The search does not exist.
        SearchError: The search is running, is itself a follow-up or has no finished epoch, its data set has changed or
            is too small, or a number is out of range.
    """
    plan = plan_learning_curve(search, seeds=seeds, workspace=workspace)
    return start_follow_up(plan, workspace=workspace, once_within=once_within, launcher=launcher)


def start_follow_up(
    plan: FollowUpPlan,
    *,
    workspace: Workspace | None = None,
    once_within: float = 0.0,
    launcher: Launcher | None = None,
) -> Search:
    """Start a planned follow-up in the background; the arguments are those of ``start_repeats``."""
    origin = _Origin.of(plan.search, workspace)
    spec = origin.spec_of(plan)
    check_here(spec, origin.dataset)
    cautions = tuple(caution for caution in origin.status.cautions if caution.kind != "trials_capped")
    return place_order(Order(spec, origin.beginning(), cautions), origin.workspace, once_within, launcher)


@dataclass(frozen=True)
class _Origin:
    """The search to follow."""

    id: str
    workspace: Workspace
    status: SearchStatus
    spec: SearchSpec
    dataset: Dataset

    @classmethod
    def of(cls, search: Search | str, workspace: Workspace | None) -> "_Origin":
        workspace = workspace or open_workspace()
        found = find_search(search.id if isinstance(search, Search) else search, workspace)
        status, spec = found.status(), found.spec()
        if spec.follow_up:
            raise SearchError(
                f"The search {found.id} only repeats trials of {spec.follow_up.search}; give {spec.follow_up.search}."
            )
        if status.active:
            raise SearchError(f"The search {found.id} is still running; wait for its end, or stop it.")
        if not status.trials:
            raise SearchError(f"The search {found.id} has no trial, so there is nothing to repeat; resume it.")
        check_dataset(spec, workspace)
        return cls(found.id, workspace, status, spec, read_dataset(safe_join(workspace.datasets, spec.dataset)))

    def other_seeds(self, count: int) -> list[int]:
        """Return seeds that no trial of the search or of its earlier follow-ups had.

        The seeds of an active follow-up are not left out, so that a double click asks twice for the same one.
        """
        earlier = [other.search for other in follow_ups_of(self.status, self.workspace) if not other.active]
        specs = [find_search(id, self.workspace).spec() for id in earlier]
        used = [planned.seed for spec in specs if spec.follow_up for planned in spec.follow_up.trials]
        used += [self.spec.seed, *(trial.effective.get("seed", 0) for trial in self.status.trials)]
        return [(max(used) + 1 + number) % (MAX_SEED + 1) for number in range(count)]

    def plan(self, kind: FollowUpKind, trials: tuple[PlannedTrial, ...]) -> FollowUpPlan:
        forecast = None
        if self.spec.executor != "ray":
            hardware = measured_hardware(find_hardware(load_settings(), self.spec.device), self.dataset)
            photos = len(self.dataset.split("train")), len(self.dataset.split("val"))
            forecast = forecast_trials(photos, trials, hardware)
        return FollowUpPlan(kind, self.id, trials, forecast)

    def spec_of(self, plan: FollowUpPlan) -> SearchSpec:
        """Return the specification of a follow-up: that of the search, with trials instead of a space to search."""
        spec = replace(
            self.spec,
            name=f"{self.spec.name} {NAMES[plan.kind]}",
            trials=len(plan.trials),
            epochs=max(trial.epochs for trial in plan.trials),
            time_limit=None,
            sampler="random",
            pruner="none",
            objective=str(self.spec.goal.quality),
            repeat=True,
            refit=False,
            train_share=1.0,  # each trial has its own
            space=_space(plan.trials),
            known_good={},
            defaults={},
            storage=storage_of_new_studies(),
            created=datetime.now(UTC).isoformat(timespec="milliseconds"),
            why=(),
            follow_up=FollowUp(plan.kind, plan.search, plan.trials),
        )
        spec.check()
        return replace(spec, hardware=hardware_facts(spec))

    def beginning(self) -> Beginning | None:
        """Return the model with the starting weights of the search's trials, if there is one."""
        folder = self.workspace.searches / self.id
        check_start(self.spec, folder)
        return Beginning(self.spec.start_from, *read_bundle(folder / COPY)) if self.spec.start_from else None


def _check_number(name: str, number: int, least: int, most: int) -> None:
    if not isinstance(number, int) or isinstance(number, bool) or not least <= number <= most:
        raise SearchError(f"{name} must be a whole number from {least} to {most}; got {number!r}.")


def best_configurations(status: SearchStatus) -> list[TrialStatus]:
    """Return the finished trials that differ from the defaults and from each other, the best first."""
    if not status.trials:
        return []
    defaults = _params(status.trials[0]), status.trials[0].planned_epochs
    chosen: list[TrialStatus] = []
    taken = [defaults]
    ended = [trial for trial in status.trials if trial.state in ENDED and trial.best_epoch]
    for trial in sorted(ended, key=lambda trial: (-(_score(trial) or 0.0), trial.number)):
        configuration = _params(trial), trial.planned_epochs
        if configuration not in taken:
            taken.append(configuration)
            chosen.append(trial)
    return chosen


def _params(trial: TrialStatus) -> dict[str, Any]:
    """Return all parameters of a trial but its epochs; earlier versions stored fewer."""
    return hyperparameters_of({name: value for name, value in trial.params.items() if name in PARAMETERS}).to_json()


def _score(trial: TrialStatus) -> float | None:
    return trial.best_epoch.score if trial.best_epoch else None


def _space(trials: Sequence[PlannedTrial]) -> Space:
    """Return the values that the trials have."""
    names = trials[0].params
    return {name: Choices(tuple(dict.fromkeys(trial.params[name] for trial in trials))) for name in names}
