"""A study in memory and in the database: the same, and nothing lost between the two."""

import json
import math
from itertools import count

import optuna
import pytest
import sqlalchemy
from optuna.storages import RDBStorage
from optuna.storages._rdb.models import BaseModel
from optuna.study import StudyDirection

from autodet.search.study.write_behind import MirroredStorage, delete_study

pytestmark = pytest.mark.slow

MAXIMIZE = (StudyDirection.MAXIMIZE,)
QUALITY_AND_TIME = (StudyDirection.MAXIMIZE, StudyDirection.MINIMIZE)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.process)])
def new_url(request, tmp_path):
    """Make an empty database of each kind that studies may be kept in."""
    if request.param == "sqlite":
        numbers = count()
        return lambda: f"sqlite:///{tmp_path / f'optuna{next(numbers)}.db'}"
    return lambda: request.getfixturevalue("postgresql").new_database("postgresql+psycopg")


@pytest.fixture
def url(new_url):
    return new_url()


def mirrored(url, name="fruit", directions=MAXIMIZE):
    storage = MirroredStorage(RDBStorage(url), name, directions)
    return optuna.load_study(storage=storage, study_name=name), storage


def search(study, trials):
    for _ in range(trials):
        trial = study.ask()
        trial.suggest_float("lr", 1e-4, 1e-2, log=True)
        trial.suggest_categorical("network", ["small", "large"])
        trial.set_user_attr("epochs", [{"epoch": 1}])
        trial.report(0.5, step=1)
        study.tell(trial, 0.5 + trial.number / 100)


def told(trials):
    kept = ("number", "state", "params", "distributions", "values", "user_attrs", "system_attrs", "intermediate_values")
    return [[getattr(trial, name) for name in kept] for trial in trials]


def test_optuna_itself_and_the_next_supervisor_find_what_was_flushed(url):
    study, storage = mirrored(url)
    study.set_user_attr("created", "today")
    study.enqueue_trial({"lr": 1e-3})
    search(study, 3)
    running = study.ask()
    running.suggest_float("lr", 1e-4, 1e-2, log=True)
    storage.flush()
    plain = optuna.load_study(storage=url, study_name="fruit")
    again, _ = mirrored(url)
    assert told(plain.get_trials()) == told(study.get_trials()) == told(again.get_trials())
    assert plain.user_attrs == again.user_attrs == {"created": "today"}
    assert plain.trials[0].params["lr"] == 1e-3


def test_the_next_supervisor_goes_on_with_the_trials_of_the_last(url):
    study, storage = mirrored(url)
    study.ask().suggest_float("lr", 1e-4, 1e-2, log=True)
    storage.flush()
    again, storage = mirrored(url)
    (left,) = again.get_trials(deepcopy=False)
    trial = optuna.trial.Trial(again, left._trial_id)
    trial.report(0.7, step=1)
    again.tell(trial, 0.7)
    search(again, 1)
    storage.flush()
    assert told(mirrored(url)[0].get_trials()) == told(again.get_trials())


def test_trials_have_a_value_for_each_objective(url):
    study, storage = mirrored(url, directions=QUALITY_AND_TIME)
    for values in ([0.5, 60.0], [0.7, 90.0], [0.4, 70.0], [0.6, math.inf]):
        trial = study.ask()
        trial.suggest_categorical("image_size", [256, 320])
        study.tell(trial, values)
    storage.flush()
    plain = optuna.load_study(storage=url, study_name="fruit")
    again, _ = mirrored(url, directions=QUALITY_AND_TIME)
    assert told(plain.get_trials()) == told(study.get_trials()) == told(again.get_trials())
    assert [trial.number for trial in again.best_trials] == [0, 1]
    assert tuple(again.directions) == tuple(plain.directions) == QUALITY_AND_TIME


def test_a_study_keeps_the_objectives_that_it_was_made_with(url):
    study, storage = mirrored(url, directions=QUALITY_AND_TIME)
    for values in ([0.5, 60.0], [0.7, 90.0]):
        study.tell(study.ask(), values)
    storage.flush()
    assert tuple(mirrored(url, directions=MAXIMIZE)[0].directions) == QUALITY_AND_TIME


def test_studies_that_share_a_database_keep_apart(url):
    first, one = mirrored(url, "first")
    second, two = mirrored(url, "second")
    for study, storage in ((first, one), (second, two), (first, one)):
        search(study, 1)
        storage.flush()
    assert [len(mirrored(url, name)[0].trials) for name in ("first", "second")] == [2, 1]


def searched_and_set_aside(url):
    """A study whose last trials the database has not got: one as a document, and all as they are."""
    study, storage = mirrored(url)
    study.enqueue_trial({"lr": 1e-3})
    search(study, 1)
    running = study.ask()
    storage.flush()
    running.suggest_float("lr", 1e-4, 1e-2, log=True)
    running.suggest_categorical("network", ["small", "large"])
    running.report(0.6, step=1)
    study.tell(running, 0.6)
    search(study, 1)
    study.ask().set_user_attr("epochs", [{"epoch": 1}])
    return study, storage, json.loads(json.dumps(storage.set_aside()))


def test_what_was_set_aside_is_taken_up_and_stored_by_the_next_supervisor(url):
    study, _, aside = searched_and_set_aside(url)
    for _ in range(2):  # the first one dies before it flushes
        again, storage = mirrored(url)
        storage.take_up(aside)
        assert told(again.get_trials()) == told(study.get_trials())
    storage.flush()
    plain = optuna.load_study(storage=url, study_name="fruit")
    assert told(plain.get_trials()) == told(study.get_trials())
    assert [trial.state.name for trial in plain.trials] == ["COMPLETE", "COMPLETE", "COMPLETE", "RUNNING"]


def test_what_was_set_aside_and_stored_after_all_is_not_stored_twice(url):
    study, storage, aside = searched_and_set_aside(url)
    storage.flush()
    again, storage = mirrored(url)
    storage.take_up(aside)
    assert not storage.unsaved
    assert told(again.get_trials()) == told(study.get_trials())


def test_what_was_set_aside_of_a_database_that_is_no_more_is_left_alone(url):
    _, _, aside = searched_and_set_aside(url)
    delete_study(RDBStorage(url), "fruit")
    again, storage = mirrored(url)
    storage.take_up(aside)
    assert again.trials == []


def test_a_study_is_deleted_with_all_that_belongs_to_it_and_no_other(url):
    for name in ("first", "second"):
        study, storage = mirrored(url, name)
        study.set_user_attr("created", "today")
        study.enqueue_trial({"lr": 1e-3})
        search(study, 3)
        storage.flush()
    before = rows(url)
    delete_study(RDBStorage(url), "first")
    delete_study(RDBStorage(url), "never there")
    assert {table: number * 2 for table, number in rows(url).items()} == before
    assert [study.study_name for study in optuna.get_all_study_summaries(url)] == ["second"]
    assert len(mirrored(url, "second")[0].trials) == 3


def rows(url):
    """How many rows each table of studies and trials has."""
    engine = sqlalchemy.create_engine(url)
    with engine.connect() as connection:
        tables = [table for table in BaseModel.metadata.sorted_tables if table.name != "version_info"]
        return {table.name: len(connection.execute(table.select()).all()) for table in tables}


def test_the_rows_are_those_that_optuna_itself_would_write(new_url):
    """Every column of every table: a later Optuna that stores anything else is noticed."""
    ours, optunas = new_url(), new_url()
    storage = MirroredStorage(RDBStorage(ours), "fruit", MAXIMIZE)
    record_everything(storage)
    storage.flush()
    plain = RDBStorage(optunas)
    plain.create_new_study(MAXIMIZE, "fruit")
    record_everything(plain)
    stored, expected = contents(ours), contents(optunas)
    changed = {table: (rows, expected[table]) for table, rows in stored.items() if rows != expected[table]}
    assert not changed, f"write_behind.py writes {changed}; the second list of a table is what Optuna itself writes."


def record_everything(storage):
    """Record a study with every kind of value and every state of a trial."""
    study = optuna.load_study(storage=storage, study_name="fruit", sampler=optuna.samplers.RandomSampler(seed=0))
    study.set_user_attr("created", "today")
    study.enqueue_trial({"lr": 1e-3})
    search(study, 3)
    running = study.ask()
    running.suggest_int("batch", 2, 64, log=True)
    for step, value in enumerate((0.25, math.inf, -math.inf, math.nan)):
        running.report(value, step=step)
    study.tell(study.ask(), state=optuna.trial.TrialState.PRUNED)
    study.tell(study.ask(), state=optuna.trial.TrialState.FAIL)
    study.enqueue_trial({"lr": 1e-2})


def contents(url):
    """The rows of each table, without their own keys; of times, only whether there is one."""
    engine = sqlalchemy.create_engine(url)
    with engine.connect() as connection:
        return {
            table.name: sorted(
                [
                    repr(value is not None if isinstance(column.type, sqlalchemy.DateTime) else value)
                    for column, value in zip(table.c, row, strict=True)
                    if not column.primary_key or table.name == "trials"
                ]
                for row in connection.execute(table.select())
            )
            for table in BaseModel.metadata.sorted_tables
        }


def test_a_write_that_fails_takes_the_rest_of_its_batch_back(url, monkeypatch):
    study, storage = mirrored(url)
    search(study, 2)
    with monkeypatch.context() as patch:
        patch.setattr(RDBStorage, "set_trial_state_values", lambda *_, **__: 1 / 0)  # after everything else
        with pytest.raises(ZeroDivisionError):
            storage.flush()
    assert mirrored(url)[0].trials == []
    storage.flush()
    assert len(mirrored(url)[0].trials) == 2


def test_the_last_of_several_values_counts_and_no_number_is_too_odd(url):
    study, storage = mirrored(url)
    trial = study.ask()
    for step, value in enumerate((0.25, math.inf, math.nan)):
        trial.report(value, step=step)
    trial.set_user_attr("epochs", [1])
    trial.set_user_attr("epochs", [1, 2])
    storage.flush()
    trial.set_user_attr("epochs", [1, 2, 3])
    storage.flush()
    (found,) = mirrored(url)[0].trials
    assert found.user_attrs["epochs"] == [1, 2, 3]
    assert [found.intermediate_values[step] for step in (0, 1)] == [0.25, math.inf]
    assert math.isnan(found.intermediate_values[2])
