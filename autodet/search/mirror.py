"""A study in memory and, a batch of writes at a time, in a database.

A supervisor is the only writer of its study, so what it has once read it need not read again: asking for a trial
or whether one is hopeless costs no query, however many trials there are. What it writes is kept until ``flush``
stores all of it in one transaction; a database that is locked or restarts meanwhile costs time, and nothing else.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.exceptions import StorageInternalError
from optuna.storages import InMemoryStorage, RDBStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.orm import scoped_session, sessionmaker


class MirroredStorage(InMemoryStorage):
    """One study of a database, for its only writer.

    Args:
        database: Where the study is kept.
        study_name: The study; made if it is not there.
        directions: What to do with its objectives.
    """

    def __init__(self, database: RDBStorage, study_name: str, directions: Sequence[StudyDirection]) -> None:
        super().__init__()
        self._database = database
        self._journal: list[tuple[str, tuple[Any, ...]]] = []
        self._database_ids: list[int] = []  # of trials, by their number
        self._numbers: dict[int, int] = {}
        self._database_study = _study_id(database, study_name, directions)
        self._study = self.create_new_study(directions, study_name)
        for key, value in database.get_study_user_attrs(self._database_study).items():
            super().set_study_user_attr(self._study, key, value)
        for key, value in database.get_study_system_attrs(self._database_study).items():
            super().set_study_system_attr(self._study, key, value)
        for trial in sorted(database.get_all_trials(self._database_study, deepcopy=False), key=lambda one: one.number):
            self._database_ids.append(trial._trial_id)
            self._add(trial)

    @property
    def unsaved(self) -> bool:
        """Whether something waits for ``flush``."""
        return bool(self._journal)

    def flush(self) -> None:
        """Store what was written since the last time: all of it, or nothing.

        Raises:
            StorageInternalError: The database cannot be written to now; everything is kept for the next time.
            SQLAlchemyError: Likewise.
        """
        if not self._journal:
            return
        made: list[int] = []
        with _one_transaction(self._database):
            for name, arguments in self._journal:
                self._replay(name, arguments, made)
        self._database_ids += made
        self._journal.clear()

    def _replay(self, name: str, arguments: tuple[Any, ...], made: list[int]) -> None:
        write = getattr(self._database, name)
        if name == "create_new_trial":
            made.append(write(self._database_study, *arguments))
        elif name.startswith("set_study"):
            write(self._database_study, *arguments)
        else:
            number, *values = arguments
            known = len(self._database_ids)
            write(self._database_ids[number] if number < known else made[number - known], *values)

    def _add(self, template: FrozenTrial | None) -> int:
        trial_id = super().create_new_trial(self._study, template)
        self._numbers[trial_id] = self.get_trial(trial_id).number
        return trial_id

    # What Optuna writes: to memory now, and to the journal.

    def set_study_user_attr(self, study_id: int, key: str, value: Any) -> None:
        """As Optuna has it."""
        super().set_study_user_attr(study_id, key, value)
        self._journal.append(("set_study_user_attr", (key, value)))

    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:
        """As Optuna has it."""
        super().set_study_system_attr(study_id, key, value)
        self._journal.append(("set_study_system_attr", (key, value)))

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        """As Optuna has it."""
        del study_id  # there is one
        self._journal.append(("create_new_trial", (template_trial,)))
        return self._add(template_trial)

    def set_trial_param(
        self, trial_id: int, param_name: str, param_value_internal: float, distribution: BaseDistribution
    ) -> None:
        """As Optuna has it."""
        super().set_trial_param(trial_id, param_name, param_value_internal, distribution)
        self._note("set_trial_param", trial_id, param_name, param_value_internal, distribution)

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: Sequence[float] | None = None) -> bool:
        """As Optuna has it."""
        done = super().set_trial_state_values(trial_id, state, values)
        if done:
            self._note("set_trial_state_values", trial_id, state, values)
        return done

    def set_trial_intermediate_value(self, trial_id: int, step: int, intermediate_value: float) -> None:
        """As Optuna has it."""
        super().set_trial_intermediate_value(trial_id, step, intermediate_value)
        self._note("set_trial_intermediate_value", trial_id, step, intermediate_value)

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        """As Optuna has it."""
        super().set_trial_user_attr(trial_id, key, value)
        self._note("set_trial_user_attr", trial_id, key, value)

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        """As Optuna has it."""
        super().set_trial_system_attr(trial_id, key, value)
        self._note("set_trial_system_attr", trial_id, key, value)

    def _note(self, name: str, trial_id: int, *values: Any) -> None:
        self._journal.append((name, (self._numbers[trial_id], *values)))


def _study_id(database: RDBStorage, name: str, directions: Sequence[StudyDirection]) -> int:
    try:
        return database.get_study_id_from_name(name)
    except KeyError:
        return database.create_new_study(directions, name)


@contextmanager
def _one_transaction(database: RDBStorage) -> Iterator[None]:
    """What the database is told meanwhile becomes one transaction: all its sessions join one connection's."""
    ordinary = database.scoped_session
    with database.engine.begin() as connection:
        database.scoped_session = scoped_session(sessionmaker(bind=connection, join_transaction_mode="rollback_only"))
        transaction = connection.get_transaction()
        try:
            yield
            if transaction is None or not transaction.is_active:
                raise StorageInternalError("A write was refused, and all before it taken back.")
        finally:
            database.scoped_session.remove()
            database.scoped_session = ordinary
