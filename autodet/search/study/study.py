"""The Optuna study of a search: its durable record.

The trials in ``status.json`` can be rebuilt from the study. Optuna's tables hold parameters, states and mAP by epoch
(only the best with two objectives); user attributes hold the rest.
"""

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import optuna
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from autodet import records
from autodet.lock import hold_lock
from autodet.records import Attempt, EpochResult, Notice, TrialStatus, best_epoch_of, known_entries, notices_from_json
from autodet.search.order.combinations import Combinations
from autodet.search.order.space import architectures, hyperparameters_of, params_near, suggest_values
from autodet.search.order.spec import SearchSpec
from autodet.search.status.status_file import UNSAVED
from autodet.search.study.database import open_database, storage_errors, study_name
from autodet.search.study.pruners import EFFECTIVE, PARAMS, planned_epochs, pruner_of
from autodet.search.study.samplers import UntriedSampler, sampler_of
from autodet.search.study.write_behind import MirroredStorage, delete_study
from autodet.workspace import Workspace, read_json, write_json

BUSY_SECONDS = 120.0  # how long a search waits while other processes open the database
FORGETTING_SECONDS = 2.0  # how long the deletion of a search waits for them
EPOCHS, ENDED, REASON, CREATED, ATTEMPTS = "epochs", "ended", "reason", "created", "attempts"
ERROR = "error"  # the reason as a sentence, in studies of earlier versions
SEEDS = 2**32


class SearchStudy:
    """The study of one search; the caller must hold the lock of the search."""

    def __init__(self, workspace: Workspace, search: str, spec: SearchSpec) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._spec, self._two = spec, spec.goal.latency
        self._count, self._exhausted = Combinations(spec.space).count, False
        self._unsaved = workspace.searches / search / UNSAVED
        name = study_name(workspace, search, spec.storage)
        database = _open_database(workspace, spec, BUSY_SECONDS)
        with storage_errors():
            self._study, self._storage = _open_study(database, name, spec)
            if self._study.user_attrs.get(CREATED, spec.created) != spec.created:
                # Left over from a deleted search with the same id.
                delete_study(database, name)
                self._study, self._storage = _open_study(database, name, spec)
        if self._unsaved.exists():
            self._storage.take_up(read_json(self._unsaved))
        if CREATED not in self._study.user_attrs:
            self._study.set_user_attr(CREATED, spec.created)
        if not self._study.get_trials(deepcopy=False):
            for params in _first_trials(spec):
                self._study.enqueue_trial(params)
        self.save()

    def save(self) -> None:
        """Store everything recorded since the last call.

        Raises:
            StorageError: The database cannot be written now; nothing is lost, and the call can be retried.
        """
        with storage_errors():
            self._storage.flush()
        self._unsaved.unlink(missing_ok=True)

    def set_aside(self) -> None:
        """Write unsaved changes to the search folder, where the next supervisor finds them."""
        write_json(self._unsaved, self._storage.set_aside())

    @property
    def is_saved(self) -> bool:
        """Whether the database is up to date."""
        return not self._storage.unsaved

    def ask(self) -> optuna.trial.Trial:
        """Return the next trial. Its parameters depend on the earlier trials and the seed, not on process or time."""
        asked = len(self._study.get_trials(deepcopy=False))
        seed = (self._spec.seed * 100_003 + asked) % SEEDS
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            sampler = sampler_of(self._spec.sampler, seed, self._spec.trials, self._spec.epochs)
        self._study.sampler = UntriedSampler(sampler, self._spec.space, self._combinations(), seed)
        return self._study.ask()

    @property
    def is_exhausted(self) -> bool:
        """Whether every combination of parameters has been tried or is in training."""
        if not self._exhausted and math.isfinite(self._count) and len(self._study.get_trials(False)) >= self._count:
            self._exhausted = self._combinations().least_times > 0
        return self._exhausted

    def times_tried(self, trial: optuna.trial.Trial) -> int:
        """Return how many earlier trials had the same parameters as this trial, whose parameters are already chosen."""
        return self._combinations(before=trial.number).times(trial.params)

    def _combinations(self, before: int | None = None) -> Combinations:
        """Return the combinations of all trials, running ones included, or of the trials before a number."""
        trials = self._study.get_trials(deepcopy=False)[:before]
        return Combinations(
            self._spec.space, (trial.params for trial in trials if trial.state is not TrialState.WAITING)
        )

    def params(self, trial: optuna.trial.Trial) -> dict[str, Any]:
        """Return a trial's training parameters, including its epochs if they are tuned; chosen once, then fixed."""
        if PARAMS not in trial.user_attrs:
            values = suggest_values(trial, self._spec.space)
            epochs = {"epochs": values["epochs"]} if "epochs" in values else {}
            trial.set_user_attr(PARAMS, hyperparameters_of(values).to_json() | epochs)
        params: dict[str, Any] = trial.user_attrs[PARAMS]
        return params

    def unfinished(self) -> list[optuna.trial.Trial]:
        """Return the trials that were running when the last supervisor died; they continue under their own numbers."""
        running = self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        return [optuna.trial.Trial(self._study, trial._trial_id) for trial in running]

    def set_attempts(self, trial: optuna.trial.Trial, attempts: Sequence[Attempt]) -> None:
        """Record where and when a trial ran."""
        trial.set_user_attr(ATTEMPTS, [asdict(attempt) for attempt in attempts])

    def set_effective(self, trial: optuna.trial.Trial, effective: Mapping[str, Any]) -> None:
        """Record the settings in which a trial deviates from its parameters."""
        if effective != trial.user_attrs.get(EFFECTIVE, {}):
            trial.set_user_attr(EFFECTIVE, dict(effective))

    def report(self, trial: optuna.trial.Trial, epochs: tuple[EpochResult, ...]) -> bool:
        """Record a trial's epochs, the last of which is new.

        Returns:
            Whether to prune the trial; False for trial 0 (the defaults), for a trial with all its epochs, and with two
            objectives.
        """
        if not self._two:  # Optuna supports neither reports nor pruning with several objectives
            trial.report(epochs[-1].score, step=epochs[-1].epoch)
        # Written last: on resume, an epoch found here is not reported to Optuna again.
        trial.set_user_attr(EPOCHS, [result.to_json() for result in epochs])
        if self._two or trial.number == 0:
            return False
        # Also called after the last epoch: successive halving records the score to compare others with it.
        hopeless = trial.should_prune()
        planned = planned_epochs(self._storage.get_trial(trial._trial_id), self._spec.epochs)
        return hopeless and len(epochs) < planned

    def tell(self, trial: optuna.trial.Trial, ended: records.TrialState, reason: Notice | None = None) -> None:
        """Record how a trial ended; a stopped trial keeps its best epoch, like a finished one."""
        epochs = trial.user_attrs.get(EPOCHS, [])
        best = best_epoch_of([EpochResult(**known_entries(EpochResult, result)) for result in epochs])
        trial.set_user_attr(ENDED, ended)
        if reason:
            trial.set_user_attr(REASON, reason.to_json())
        if ended == "pruned":
            self._study.tell(trial, state=TrialState.PRUNED)
        elif ended == "failed" or not best:
            self._study.tell(trial, state=TrialState.FAIL)
        else:
            self._study.tell(trial, [best.score, best.latency_ms or math.inf] if self._two else best.score)

    def statuses(self) -> list[TrialStatus]:
        """Return all trials as stored in the study."""
        trials = self._study.get_trials(deepcopy=False)
        return [_status(trial, self._spec.epochs) for trial in trials if trial.state is not TrialState.WAITING]


def _first_trials(spec: SearchSpec) -> list[dict[str, Any]]:
    """Return the tuned parameters of the first trials, before the sampler chooses.

    These are the defaults, the known good ones, and the defaults with each other network; in a follow-up all of them.
    """
    if spec.follow_up:
        return [params_near(spec.space, trial.params) for trial in spec.follow_up.trials]
    defaults, known_good = (params_near(spec.space, {**spec.defaults, **wanted}) for wanted in ({}, spec.known_good))
    first = [defaults, known_good] if known_good != defaults else [defaults]
    for network in architectures(spec.space):
        params = params_near(spec.space, {**spec.defaults, "architecture": network})
        if params.get("architecture") not in [earlier.get("architecture") for earlier in first]:
            first.append(params)
    return first


def forget_study(workspace: Workspace, search: str, spec: SearchSpec) -> None:
    """Delete the study of a deleted search, unless the study of this name belongs to another search.

    Raises:
        BusyError: Other processes are opening the database.
        SettingsError: The database address is invalid or missing.
        StorageError: The database cannot be used now.
    """
    name = study_name(workspace, search, spec.storage)
    database = _open_database(workspace, spec, FORGETTING_SECONDS)
    try:
        with storage_errors():
            study = database.get_study_id_from_name(name)
            if database.get_study_user_attrs(study).get(CREATED) == spec.created:
                delete_study(database, name)
    except KeyError:
        pass  # its supervisor never created it
    finally:
        database.remove_session()
        database.engine.dispose()


def _open_database(workspace: Workspace, spec: SearchSpec, patience_seconds: float) -> optuna.storages.RDBStorage:
    with hold_lock(workspace.home, patience_seconds):  # two first searches must not both create the tables
        return open_database(workspace, spec.storage)


def _open_study(
    database: optuna.storages.RDBStorage, name: str, spec: SearchSpec
) -> tuple[optuna.study.Study, MirroredStorage]:
    quick = (StudyDirection.MINIMIZE,) if spec.goal.latency else ()
    storage = MirroredStorage(database, name, (StudyDirection.MAXIMIZE, *quick))
    return optuna.load_study(storage=storage, study_name=name, pruner=pruner_of(spec.pruner, spec.epochs)), storage


def _status(trial: FrozenTrial, most_epochs: int) -> TrialStatus:
    attributes: dict[str, Any] = trial.user_attrs
    state: records.TrialState = attributes.get(ENDED, "running") if trial.state.is_finished() else "running"
    return TrialStatus(
        number=trial.number,
        state=state,
        params=attributes.get(PARAMS, trial.params),
        epochs=tuple(EpochResult(**known_entries(EpochResult, result)) for result in attributes.get(EPOCHS, [])),
        reason=_reason(attributes),
        attempts=tuple(Attempt(**known_entries(Attempt, attempt)) for attempt in attributes.get(ATTEMPTS, [])),
        effective=attributes.get(EFFECTIVE, {}),
        planned_epochs=planned_epochs(trial, most_epochs),
    )


def _reason(attributes: Mapping[str, Any]) -> Notice | None:
    if REASON in attributes:
        return Notice.from_json(attributes[REASON])
    return next(iter(notices_from_json(attributes.get(ERROR, ""))), None)
