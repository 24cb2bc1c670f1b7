"""A study in memory and in the database: the same, and nothing lost between the two."""

import sqlite3

import optuna
import pytest
from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from optuna.study import StudyDirection

from autodet.search.mirror import MirroredStorage

MAXIMIZE = (StudyDirection.MAXIMIZE,)


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'optuna.db'}"


def mirrored(url, name="fruit"):
    storage = MirroredStorage(RDBStorage(url, engine_kwargs={"connect_args": {"timeout": 0.1}}), name, MAXIMIZE)
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


def test_studies_that_share_a_database_keep_apart(url):
    first, one = mirrored(url, "first")
    second, two = mirrored(url, "second")
    for study, storage in ((first, one), (second, two), (first, one)):
        search(study, 1)
        storage.flush()
    assert [len(mirrored(url, name)[0].trials) for name in ("first", "second")] == [2, 1]


def test_nothing_is_stored_by_halves_and_nothing_is_lost_while_the_database_is_locked(url, tmp_path):
    study, storage = mirrored(url)
    search(study, 1)
    storage.flush()
    search(study, 2)
    other = sqlite3.connect(tmp_path / "optuna.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StorageInternalError):
        storage.flush()
    other.execute("ROLLBACK")
    assert len(mirrored(url)[0].trials) == 1
    storage.flush()
    assert not storage.unsaved
    assert told(mirrored(url)[0].get_trials()) == told(study.get_trials())


def test_a_write_that_fails_takes_the_rest_of_its_batch_back(url, monkeypatch):
    study, storage = mirrored(url)
    search(study, 2)
    with monkeypatch.context() as patch:
        patch.setattr(RDBStorage, "set_trial_state_values", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            storage.flush()
    assert mirrored(url)[0].trials == []
    storage.flush()
    assert len(mirrored(url)[0].trials) == 2
