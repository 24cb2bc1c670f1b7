"""Write-behind storage: a study in memory, written to a database in batches.

A supervisor is the only writer of its study, so it reads the study once: asking for a trial, or whether to prune one,
needs no query regardless of the number of trials. Writes are kept in a journal until ``flush`` stores all of them in
one transaction; a locked or restarting database costs time only. If there is no time to wait, ``set_aside`` saves the
journal, and the next supervisor replays it.

Parameters, reports and attributes are written to Optuna's tables directly, which is not a public interface. The public
ways were measured (``docs/experiments/storage.md``): a journal file is faster but cannot serve a team's
``optuna-dashboard`` on PostgreSQL while a search runs, and Optuna's own database storage takes 2.4 times as long.
``tests/search/study/test_optuna_interface.py`` reports the differences when an update of Optuna changes this interface.
"""

import json
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from optuna.distributions import BaseDistribution, distribution_to_json, json_to_distribution
from optuna.exceptions import StorageInternalError
from optuna.storages import InMemoryStorage, RDBStorage
from optuna.storages._rdb import models
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import scoped_session, sessionmaker

SET_ASIDE = "set_aside"  # study attribute: name of the last saved journal that it contains


class MirroredStorage(InMemoryStorage):
    """In-memory copy of one study of a database, used by its only writer.

    Args:
        database: The database of the study.
        study_name: Name of the study; created if it does not exist.
        directions: Optimization directions of a newly created study.
    """

    def __init__(self, database: RDBStorage, study_name: str, directions: Sequence[StudyDirection]) -> None:
        super().__init__()
        self._database = database
        self._journal: list[tuple[str, tuple[Any, ...]]] = []
        self._database_ids: list[int] = []  # of the trials, by number
        self._numbers: dict[int, int] = {}
        self._database_study = _study_id(database, study_name, directions)
        self._study = self.create_new_study(database.get_study_directions(self._database_study), study_name)
        for key, value in database.get_study_user_attrs(self._database_study).items():
            super().set_study_user_attr(self._study, key, value)
        for key, value in database.get_study_system_attrs(self._database_study).items():
            super().set_study_system_attr(self._study, key, value)
        for trial in sorted(database.get_all_trials(self._database_study, deepcopy=False), key=lambda one: one.number):
            self._database_ids.append(trial._trial_id)
            self._add(trial)

    @property
    def unsaved(self) -> bool:
        """Whether writes wait for ``flush``."""
        return bool(self._journal)

    def flush(self) -> None:
        """Store all writes since the last call, or none of them.

        Raises:
            StorageInternalError: The database cannot be written now; all writes are kept for the next call.
            SQLAlchemyError: The same.
        """
        if not self._journal:
            return
        ids = self._database_ids.copy()
        with _one_transaction(self._database) as connection:
            for name, arguments in self._journal:
                if name == "create_new_trial":
                    ids.append(self._database.create_new_trial(self._database_study, *arguments))
                elif name.startswith("set_study"):
                    getattr(self._database, name)(self._database_study, *arguments)
            for name, row in _ROWS.items():
                told = [arguments for noted, arguments in self._journal if noted == name]
                _upsert(connection, *row, [(ids[number], *values) for number, *values in told])
            for name, arguments in self._journal:
                if name == "set_trial_state_values":  # last, because Optuna rejects changes to finished trials
                    self._database.set_trial_state_values(ids[arguments[0]], *arguments[1:])
        self._database_ids = ids
        self._journal.clear()

    def set_aside(self) -> dict[str, Any]:
        """Return the pending writes as a document for ``take_up``; they stay pending here too.

        Enqueued trials must have been flushed before.
        """
        name = secrets.token_hex(8)
        self.set_study_user_attr(self._study, SET_ASIDE, name)
        return {"name": name, "trials": len(self._database_ids), "journal": self._journal}

    def take_up(self, aside: dict[str, Any]) -> None:
        """Replay writes saved by a previous process, unless it already flushed them.

        Args:
            aside: The document from ``set_aside``; ignored if its trial count shows that the database was replaced.
        """
        stored = self.get_study_user_attrs(self._study).get(SET_ASIDE)
        if stored != aside["name"] and len(self._database_ids) == aside["trials"]:
            for name, arguments in aside["journal"]:
                self._write_again(name, *arguments)

    def _write_again(self, name: str, *arguments: Any) -> None:
        if name == "create_new_trial":
            self.create_new_trial(self._study)
        elif name.startswith("set_study"):
            getattr(self, name)(self._study, *arguments)
        else:
            number, *values = arguments
            trial = self.get_trial_id_from_study_id_trial_number(self._study, number)
            if name == "set_trial_param":
                values[-1] = json_to_distribution(values[-1])
            elif name == "set_trial_state_values":
                values[0] = TrialState(values[0])
            getattr(self, name)(trial, *values)

    def _add(self, template: FrozenTrial | None) -> int:
        trial_id = super().create_new_trial(self._study, template)
        self._numbers[trial_id] = self.get_trial(trial_id).number
        return trial_id

    # Write methods of Optuna: each writes to memory and to the journal.

    def set_study_user_attr(self, study_id: int, key: str, value: Any) -> None:
        """Write to memory and to the journal."""
        super().set_study_user_attr(study_id, key, value)
        self._journal.append(("set_study_user_attr", (key, value)))

    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:
        """Write to memory and to the journal."""
        super().set_study_system_attr(study_id, key, value)
        self._journal.append(("set_study_system_attr", (key, value)))

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        """Create the trial in memory and note it in the journal."""
        del study_id  # there is only one
        self._journal.append(("create_new_trial", (template_trial,)))
        return self._add(template_trial)

    def set_trial_param(
        self, trial_id: int, param_name: str, param_value_internal: float, distribution: BaseDistribution
    ) -> None:
        """Write to memory and to the journal."""
        super().set_trial_param(trial_id, param_name, param_value_internal, distribution)
        words = distribution_to_json(distribution)
        self._note("set_trial_param", trial_id, param_name, param_value_internal, words)

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: Sequence[float] | None = None) -> bool:
        """Write to memory and, if the state changed, to the journal."""
        done = super().set_trial_state_values(trial_id, state, values)
        if done:
            self._note("set_trial_state_values", trial_id, state, values)
        return done

    def set_trial_intermediate_value(self, trial_id: int, step: int, intermediate_value: float) -> None:
        """Write to memory and to the journal."""
        super().set_trial_intermediate_value(trial_id, step, intermediate_value)
        self._note("set_trial_intermediate_value", trial_id, step, intermediate_value)

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Write to memory and to the journal."""
        super().set_trial_user_attr(trial_id, key, value)
        self._note("set_trial_user_attr", trial_id, key, value)

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Write to memory and to the journal."""
        super().set_trial_system_attr(trial_id, key, value)
        self._note("set_trial_system_attr", trial_id, key, value)

    def _note(self, name: str, trial_id: int, *values: Any) -> None:
        self._journal.append((name, (self._numbers[trial_id], *values)))


def delete_study(database: RDBStorage, name: str) -> None:
    """Delete a study, if it exists, in one transaction; Optuna's own method reads every row first, trial by trial.

    Raises:
        SQLAlchemyError: The database cannot be written now; the study is unchanged.
    """
    study = select(models.StudyModel.study_id).where(models.StudyModel.study_name == name).scalar_subquery()
    trials = select(models.TrialModel.trial_id).where(models.TrialModel.study_id == study)
    with database.engine.begin() as connection:
        for table in reversed(models.BaseModel.metadata.sorted_tables):  # referencing tables first
            if "study_id" in table.c:
                connection.execute(table.delete().where(table.c.study_id == study))
            elif "trial_id" in table.c:
                connection.execute(table.delete().where(table.c.trial_id.in_(trials)))


def _study_id(database: RDBStorage, name: str, directions: Sequence[StudyDirection]) -> int:
    try:
        return database.get_study_id_from_name(name)
    except KeyError:
        return database.create_new_study(directions, name)


def _stored_param(trial: int, name: str, value: float, words: str) -> dict[str, Any]:
    return {"trial_id": trial, "param_name": name, "param_value": value, "distribution_json": words}


def _stored_step(trial: int, step: int, value: float) -> dict[str, Any]:
    number, kind = models.TrialIntermediateValueModel.intermediate_value_to_stored_repr(value)
    return {"trial_id": trial, "step": step, "intermediate_value": number, "intermediate_value_type": kind}


def _stored_attribute(trial: int, key: str, value: Any) -> dict[str, Any]:
    return {"trial_id": trial, "key": key, "value_json": json.dumps(value)}


# Nearly all writes. Optuna's own methods read three rows to write one, which takes ten times as long.
_ROWS: dict[str, tuple[Any, str, Callable[..., dict[str, Any]]]] = {
    "set_trial_param": (models.TrialParamModel, "param_name", _stored_param),
    "set_trial_intermediate_value": (models.TrialIntermediateValueModel, "step", _stored_step),
    "set_trial_user_attr": (models.TrialUserAttributeModel, "key", _stored_attribute),
    "set_trial_system_attr": (models.TrialSystemAttributeModel, "key", _stored_attribute),
}


def _upsert(
    connection: Connection, model: Any, key: str, stored: Callable[..., dict[str, Any]], told: list[tuple[Any, ...]]
) -> None:
    rows = list({(trial, name): stored(trial, name, *values) for trial, name, *values in told}.values())
    if rows:
        statement = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(model)
        changed = {column: statement.excluded[column] for column in rows[0] if column not in ("trial_id", key)}
        connection.execute(statement.on_conflict_do_update(index_elements=["trial_id", key], set_=changed), rows)


@contextmanager
def _one_transaction(database: RDBStorage) -> Iterator[Connection]:
    """Run all database writes of the block in one transaction: every session joins this connection."""
    ordinary = database.scoped_session
    with database.engine.begin() as connection:
        database.scoped_session = scoped_session(sessionmaker(bind=connection, join_transaction_mode="rollback_only"))
        transaction = connection.get_transaction()
        try:
            yield connection
            if transaction is None or not transaction.is_active:
                raise StorageInternalError("A write was refused, and all before it taken back.")
        finally:
            database.scoped_session.remove()
            database.scoped_session = ordinary
