"""Results of follow-ups, from the trials that have finished so far."""

from collections.abc import Mapping, Sequence
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
from autodet.search.api import Search, find_search, list_searches
from autodet.search.order.spec import SearchSpec
from autodet.search.trial_models import trial_bundle
from autodet.workspace import Workspace, open_workspace


def repeatability(search: Search | str, workspace: Workspace | None = None) -> Repeatability:
    """Return how far the best configurations of a search differ from its defaults, with other seeds.

    Args:
        search: A search with a follow-up of ``start_repeats``, the newest of which counts; or that follow-up.
        workspace: Workspace of the search; by default the settings' workspace.

    Returns:
        The result of the trials that have finished so far.

    Raises:
        NotFoundError: The search does not exist, or has no such follow-up.
    """
    found = _follow_up(search, "repeats", workspace)
    _, spec, follow_up = found
    scores: dict[int, list[float]] = {planned.repeats: [] for planned in follow_up.trials}
    for planned, trial in _finished(found):
        if trial.best_epoch:
            scores[planned.repeats].append(trial.best_epoch.score)
    searched = {planned.repeats: planned.searched for planned in follow_up.trials}
    defaults, *others = (seed_scores(number, searched[number], of) for number, of in scores.items())
    configurations = (defaults, *(compared(other, defaults) for other in others))
    seeds = len({planned.seed for planned in follow_up.trials})
    return Repeatability(follow_up.search, found[0].search, spec.objective, seeds, configurations)


def learning_curve(search: Search | str, workspace: Workspace | None = None) -> LearningCurve:
    """Return the quality of a search's best configuration against the number of training photos, and a forecast.

    Args:
        search: A search with a follow-up of ``start_learning_curve``, the newest of which counts; or that follow-up.
        workspace: Workspace of the search; by default the settings' workspace.

    Returns:
        The points of the trials that have finished so far, with a fit from three points on.

    Raises:
        NotFoundError: The search does not exist, or has no such follow-up.
    """
    found = _follow_up(search, "learning_curve", workspace)
    status, spec, follow_up = found
    folder = (workspace or open_workspace()).searches / status.search
    points = sorted((_point(folder, *one) for one in _finished(found)), key=lambda point: (point.photos, point.seed))
    photos = max(planned.photos for planned in follow_up.trials)
    names = {name for point in points for name in point.class_ap50}
    laws = {name: fit_power_law(*_column(points, name), photos) for name in sorted(names)}
    return LearningCurve(
        follow_up.search,
        status.search,
        spec.dataset,
        follow_up.trials[0].repeats,
        photos,
        tuple(points),
        fit_power_law(*_column(points), photos),
        {name: law for name, law in laws.items() if law},
    )


def newest_follow_up(status: SearchStatus, kind: FollowUpKind, workspace: Workspace | None = None) -> str | None:
    """Return the id of a search's newest follow-up of a kind; None if it has none."""
    return next((other.search for other in follow_ups_of(status, workspace) if other.follow_up == kind), None)


def follow_ups_of(status: SearchStatus, workspace: Workspace | None = None) -> list[SearchStatus]:
    """Return the follow-ups of a search, the newest first."""
    followed = [other for other in list_searches(workspace) if other.follows == status.search]
    return [other for other in followed if other.created >= status.created]  # a deleted search may have had its id


_Found = tuple[SearchStatus, SearchSpec, FollowUp]


def _follow_up(search: Search | str, kind: FollowUpKind, workspace: Workspace | None) -> _Found:
    found = find_search(search.id if isinstance(search, Search) else search, workspace)
    status = found.status()
    if status.follow_up != kind:
        newest = newest_follow_up(status, kind, workspace)
        if newest is None:
            raise NotFoundError(f"The search {found.id} has no {CALLS[kind][0]} yet; call autodet.{CALLS[kind][1]}.")
        found = find_search(newest, workspace)
        status = found.status()
    spec = found.spec()
    if spec.follow_up is None:
        raise SearchError(f"The search {found.id} is damaged: it lists no trials to repeat; delete it.")
    return status, spec, spec.follow_up


CALLS: Mapping[FollowUpKind, tuple[str, str]] = {
    "repeats": ("trials with other seeds", "start_repeats"),
    "learning_curve": ("learning curve", "start_learning_curve"),
}


def _finished(found: _Found) -> list[tuple[PlannedTrial, TrialStatus]]:
    """Return the finished trials, each with its plan."""
    status, _, follow_up = found
    return [(follow_up.trials[trial.number], trial) for trial in status.trials if trial.state == "finished"]


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
