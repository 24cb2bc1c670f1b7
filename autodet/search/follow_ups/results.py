"""Results of follow-ups, from the trials that have finished so far."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from autodet.errors import BundleError, NotFoundError, SearchError
from autodet.evaluation.learning_curve import fit_power_law
from autodet.evaluation.repeatability import compared, seed_scores
from autodet.models.bundle import read_card
from autodet.records import (
    CurvePoint,
    FollowUp,
    FollowUpKind,
    LearningCurve,
    PlannedTrial,
    Repeatability,
    SearchStatus,
    TrialStatus,
)
from autodet.search.api import Search, find_only_search, find_search, list_searches
from autodet.search.order.spec import SearchSpec
from autodet.search.trial_models import trial_bundle
from autodet.workspace import Workspace, open_workspace


def repeatability(search: Search | str, workspace: Workspace | None = None) -> Repeatability:
    """Return how far the best configurations of a search differ from its defaults, with other seeds.

    The seeds of all follow-ups that repeat the same configurations are pooled.

    Args:
        search: A search with a follow-up of ``start_repeats``, the newest of which says which configurations count; or
            that follow-up.
        workspace: Workspace of the search; by default the settings' workspace.

    Returns:
        The result of the trials that have finished so far.

    Raises:
        NotFoundError: The search does not exist, or has no such follow-up.
    """
    pool = _pool(search, "repeats", workspace)
    planned: dict[int, int] = {}
    scores: dict[int, list[float]] = {}
    for training in pool.trainings:
        number = training.planned.repeats
        planned[number] = planned.get(number, 0) + 1
        score = training.trial.best_epoch if training.finished and training.trial else None
        scores.setdefault(number, []).extend([score.score] if score else [])
    searched = {one.repeats: one.searched for one in pool.follow_up.trials}
    defaults, *others = (seed_scores(number, searched[number], scores[number], planned[number]) for number in searched)
    configurations = (defaults, *(compared(other, defaults) for other in others))
    return Repeatability(pool.follow_up.search, pool.ids[0], pool.spec.objective, configurations, pool.ids)


def learning_curve(search: Search | str, workspace: Workspace | None = None) -> LearningCurve:
    """Return the quality of a search's best configuration against the number of training photos, and a forecast.

    The trainings of all follow-ups with the same configuration are pooled.

    Args:
        search: A search with a follow-up of ``start_learning_curve``, the newest of which says which configuration
            counts; or that follow-up.
        workspace: Workspace of the search; by default the settings' workspace.

    Returns:
        The points of the trials that have finished so far, with a fit from three points on.

    Raises:
        NotFoundError: The search does not exist, or has no such follow-up.
    """
    pool = _pool(search, "learning_curve", workspace)
    finished = [_point(one.folder, one.planned, one.trial) for one in pool.trainings if one.finished and one.trial]
    points = sorted(finished, key=lambda point: (point.photos, point.seed))
    photos = max(planned.photos for planned in pool.follow_up.trials)
    names = {name for point in points for name in point.class_ap50}
    laws = {name: fit_power_law(*_column(points, name), photos) for name in sorted(names)}
    return LearningCurve(
        pool.follow_up.search,
        pool.ids[0],
        pool.spec.dataset,
        pool.follow_up.trials[0].repeats,
        photos,
        tuple(points),
        fit_power_law(*_column(points), photos),
        {name: law for name, law in laws.items() if law},
        pool.ids,
    )


def known_curve(status: SearchStatus, workspace: Workspace | None = None) -> LearningCurve | None:
    """Return the learning curve of a search; None if none was started."""
    newest = newest_follow_up(status, "learning_curve", workspace)
    return learning_curve(newest, workspace) if newest else None


def newest_follow_up(status: SearchStatus, kind: FollowUpKind, workspace: Workspace | None = None) -> str | None:
    """Return the id of a search's newest follow-up of a kind; None if it has none."""
    return next((other.search for other in follow_ups_of(status, workspace) if other.follow_up == kind), None)


def follow_ups_of(status: SearchStatus, workspace: Workspace | None = None) -> list[SearchStatus]:
    """Return the follow-ups of a search, the newest first."""
    followed = [other for other in list_searches(workspace) if other.follows == status.search]
    return [other for other in followed if other.created >= status.created]  # a deleted search may have had its id


@dataclass(frozen=True)
class _Training:
    """A planned trial of a follow-up in a folder; ``trial`` is None until it starts."""

    folder: Path
    planned: PlannedTrial
    trial: TrialStatus | None

    @property
    def finished(self) -> bool:
        return self.trial is not None and self.trial.state == "finished"


@dataclass(frozen=True)
class _Pool:
    """A follow-up with the trainings of its own, and the finished ones of others that have its configurations."""

    spec: SearchSpec
    follow_up: FollowUp
    trainings: tuple[_Training, ...]
    ids: tuple[str, ...]


CALLS: Mapping[FollowUpKind, tuple[str, str]] = {
    "repeats": ("trials with other seeds", "start_repeats"),
    "learning_curve": ("learning curve", "start_learning_curve"),
}


def _pool(search: Search | str, kind: FollowUpKind, workspace: Workspace | None) -> _Pool:
    workspace = workspace or open_workspace()
    found = _follow_up(search, kind, workspace)
    spec, follow_up = found.spec(), _plan_of(found)
    own = _trainings(found, workspace)
    configurations = {_configuration(one.planned) for one in own}
    taken = {_identity(one.planned) for one in own}
    trainings, ids = [*own], [found.id]
    for other in _others(found, follow_up, kind, workspace):
        more = [
            one
            for one in _trainings(other, workspace)
            if one.finished and _configuration(one.planned) in configurations and _identity(one.planned) not in taken
        ]
        taken |= {_identity(one.planned) for one in more}
        trainings += more
        ids += [other.id] * bool(more)
    return _Pool(spec, follow_up, tuple(trainings), tuple(ids))


def _follow_up(search: Search | str, kind: FollowUpKind, workspace: Workspace) -> Search:
    """Return a follow-up that is given, or the newest of a search."""
    found = find_search(search.id if isinstance(search, Search) else search, workspace)
    status = found.status()
    if status.follow_up == kind:
        return found
    newest = newest_follow_up(status, kind, workspace)
    if newest is None:
        raise NotFoundError(f"The search {found.id} has no {CALLS[kind][0]} yet; call autodet.{CALLS[kind][1]}.")
    return find_search(newest, workspace)


def _others(found: Search, follow_up: FollowUp, kind: FollowUpKind, workspace: Workspace) -> list[Search]:
    """Return the other follow-ups of the same search and kind, the newest first; none if that search is deleted."""
    with suppress(NotFoundError, SearchError):
        origin = find_only_search(follow_up.search, workspace).status()
        siblings = [other.search for other in follow_ups_of(origin, workspace) if other.follow_up == kind]
        if origin.search == follow_up.search and found.id in siblings:
            return [find_search(id, workspace) for id in siblings if id != found.id]
    return []


def _plan_of(found: Search) -> FollowUp:
    if plan := found.spec().follow_up:
        return plan
    raise SearchError(f"The search {found.id} is damaged: it lists no trials to repeat; delete it.")


def _trainings(found: Search, workspace: Workspace) -> list[_Training]:
    trials = {trial.number: trial for trial in found.status().trials}
    folder = workspace.searches / found.id
    return [_Training(folder, planned, trials.get(number)) for number, planned in enumerate(_plan_of(found).trials)]


def _configuration(planned: PlannedTrial) -> str:
    """Return a key that is equal for trainings that differ only in their seed and photos."""
    return repr((planned.repeats, sorted(planned.params.items()), planned.epochs, planned.train_share, planned.photos))


def _identity(planned: PlannedTrial) -> tuple[str, int]:
    """Return a key that is equal for equal trainings: two follow-ups may have started with the same seeds."""
    return _configuration(planned), planned.seed


def _point(folder: Path, planned: PlannedTrial, trial: TrialStatus) -> CurvePoint:
    try:
        class_ap50 = read_card(trial_bundle(folder, trial.number)).class_ap50
    except (BundleError, SearchError):  # deleted by hand
        class_ap50 = {}
    map50 = trial.best_epoch.map50 if trial.best_epoch else 0.0
    return CurvePoint(planned.photos, planned.seed, map50, class_ap50)


def _column(points: Sequence[CurvePoint], name: str | None = None) -> tuple[list[int], list[float], list[int]]:
    """Return photos, scores and seeds of the points, of all classes together or of one."""
    known = [point for point in points if name is None or name in point.class_ap50]
    scores = [point.map50 if name is None else point.class_ap50[name] for point in known]
    return [point.photos for point in known], scores, [point.seed for point in known]
