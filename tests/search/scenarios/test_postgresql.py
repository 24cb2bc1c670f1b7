"""Searches whose studies are in a PostgreSQL, and databases that are busy."""

import json
import logging
import sqlite3
import time

import optuna
import pytest

from autodet.errors import AutodetError, SettingsError, StorageError
from autodet.search.api import find_search
from autodet.search.delete import empty_trash
from autodet.search.start import start_search
from autodet.search.status.status_file import LOG
from autodet.search.study import database
from tests.helpers import workspace_in
from tests.postgresql import SECRET


@pytest.fixture
def server(postgresql, monkeypatch):
    """The settings name an empty database of a real server."""
    monkeypatch.setenv("AUTODET_STORAGE_URL", postgresql.new_database())
    return postgresql


def studies(url):
    return sorted(study.study_name for study in optuna.get_all_study_summaries(url))


def everything_written(home):
    return "\n".join(
        path.read_text(errors="replace")
        for path in home.home.rglob("*")
        if path.is_file() and path.suffix in ("", ".json", ".jsonl", ".log", ".txt", ".id", ".db")
    )


def driver(url):
    return url.replace("postgresql://", "postgresql+psycopg://")


def test_a_search_is_kept_on_the_server_with_its_parameters_epochs_and_value(start, home, server, monkeypatch):
    search = start({"map50": {"1": [0.3, 0.6, 0.5]}}, trials=2, epochs=3)
    status = search.wait()
    assert status.state == "finished"
    url = driver(database.load_settings().storage_url)
    (name,) = studies(url)
    study = optuna.load_study(study_name=name, storage=url)
    assert [trial.value for trial in study.trials][1] == 0.6
    assert study.trials[1].intermediate_values == {1: 0.3, 2: 0.6, 3: 0.5}
    assert study.trials[1].params["lr"] == status.trials[1].params["lr"]
    assert not (home.home / "optuna.db").exists()
    assert SECRET not in everything_written(home) + repr(database.load_settings()) + database.storage_label()


def test_a_deleted_search_takes_its_study_along_if_the_server_can_be_reached(start, home, server, monkeypatch):
    first, second = start(trials=1, epochs=1, name="first"), start(trials=1, epochs=1, name="second")
    for search in (first, second):
        search.wait()
    url = database.load_settings().storage_url
    first.delete()
    empty_trash(home, kept_seconds=0)
    assert [name.partition("/")[2] for name in studies(driver(url))] == ["second"]
    monkeypatch.delenv("AUTODET_STORAGE_URL")
    second.delete()
    empty_trash(home, kept_seconds=0)
    assert [name.partition("/")[2] for name in studies(driver(url))] == ["second"]


def test_searches_of_one_name_in_two_workspaces_do_not_meet(start, home, data, server, tmp_path, labelled_folder):
    from autodet.datasets.imports.import_dataset import import_dataset

    (tmp_path / "second").mkdir()
    other = workspace_in(tmp_path / "second")
    first = start(trials=1, epochs=1)
    second = start_search(import_dataset(labelled_folder, "fruit", workspace=other), trials=2, epochs=1)
    assert first.id == second.id
    assert (len(first.wait().trials), len(second.wait().trials)) == (1, 2)
    names = studies(driver(database.load_settings().storage_url))
    assert len(names) == 2
    assert all(name.endswith(f"/{first.id}") for name in names)


def test_a_server_that_restarts_in_the_middle_costs_time_and_nothing_else(start, home, server, notes, eventually):
    search = start({"seconds": 0.2}, trials=3, epochs=5)
    eventually(lambda: search.status().best_trial)
    server.stop()
    try:
        eventually(lambda: "does not answer" in search.status().message)
        assert search.status().state == "running"
        time.sleep(1.5)  # epochs go on meanwhile
    finally:
        server.start()
    status = search.wait()
    assert (status.state, status.message) == ("finished", "")
    assert [[result.epoch for result in trial.epochs] for trial in status.trials] == [[1, 2, 3, 4, 5]] * 3
    assert [len([what for *_, what in notes(search, number) if "epoch" in what]) for number in range(3)] == [5, 5, 5]
    url = driver(database.load_settings().storage_url)
    study = optuna.load_study(study_name=studies(url)[0], storage=url)
    assert [len(trial.intermediate_values) for trial in study.trials] == [5, 5, 5]


def test_a_stop_is_heard_while_the_server_is_away_and_a_resume_stores_what_it_missed(start, server, eventually):
    search = start({"seconds": 0.2}, trials=2, epochs=30)
    eventually(lambda: search.status().best_trial)
    server.stop()
    try:
        eventually(lambda: "does not answer" in search.status().message)
        search.stop()
        stopped = search.wait(best_so_far=True)
    finally:
        server.start()
    assert stopped.state == "stopped"
    assert "stored only when the search is resumed" in stopped.message
    search.resume()
    status = search.wait()
    assert (status.state, status.message, status.trials[0]) == ("finished", "", stopped.trials[0])
    url = driver(database.load_settings().storage_url)
    study = optuna.load_study(study_name=studies(url)[0], storage=url)
    told = [sorted(trial.intermediate_values) for trial in study.trials]
    assert told == [[result.epoch for result in trial.epochs] for trial in status.trials]


def test_a_supervisor_killed_on_a_server_is_resumed_there(start, server, eventually, supervisor_of, home, monkeypatch):
    search = start({"seconds": 0.2}, trials=2, epochs=4)
    eventually(lambda: search.status().best_trial)
    supervisor_of(search).kill()
    supervisor_of(search).wait()
    url = database.load_settings().storage_url
    monkeypatch.delenv("AUTODET_STORAGE_URL")
    with pytest.raises(SettingsError, match="set AUTODET_STORAGE_URL"):
        search.resume()
    monkeypatch.setenv("AUTODET_STORAGE_URL", url)
    search.resume()
    status = find_search(search.id, home).wait()
    assert status.state == "finished"
    assert [[result.epoch for result in trial.epochs] for trial in status.trials] == [[1, 2, 3, 4]] * 2


def test_a_search_of_the_workspace_stays_there_when_a_server_is_set_later(
    start, home, eventually, supervisor_of, postgresql, monkeypatch
):
    search = start({"seconds": 0.2}, trials=1, epochs=4)
    eventually(lambda: search.status().best_trial)
    supervisor_of(search).kill()
    supervisor_of(search).wait()
    monkeypatch.setenv("AUTODET_STORAGE_URL", postgresql.new_database())
    search.resume()
    assert len(search.wait().trials[0].epochs) == 4
    assert studies(home.optuna_url) == [search.id]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda url: url.replace(SECRET, "secret-x"), "refuses the password"),
        (lambda url: url + "_not", "no database"),
        (lambda url: url.replace("127.0.0.1:", "127.0.0.1:1"), "AUTODET_STORAGE_URL|does not answer"),
        (lambda url: url.replace("postgresql", "mysql"), "not the address of a PostgreSQL"),
        (lambda _: f"{SECRET}", "not the address of a PostgreSQL"),
    ],
)
def test_a_server_that_cannot_be_used_is_told_before_anything_starts(
    data, home, server, monkeypatch, caplog, spoil, words
):
    monkeypatch.setenv("AUTODET_STORAGE_URL", spoil(database.load_settings().storage_url))
    with pytest.raises(AutodetError, match=words) as told, caplog.at_level(logging.DEBUG):
        start_search(data, trials=1, epochs=1)
    assert SECRET not in str(told.value) + caplog.text
    assert "secret-x" not in str(told.value) + caplog.text
    assert list(home.searches.iterdir()) == []


def test_a_server_that_goes_for_good_interrupts_and_writes_no_secret(start, home, server, monkeypatch):
    monkeypatch.setattr("autodet.search.start.check_storage", lambda place: None)
    monkeypatch.setenv("AUTODET_STORAGE_URL", server.url("postgresql", "postgres", "wrong-password"))
    search = start(trials=1, epochs=1)
    status = search.wait(best_so_far=True)
    assert status.state == "interrupted"
    assert "refuses the password" in status.message
    assert "wrong-password" not in everything_written(home)


def test_a_missing_driver_names_what_installs_it(monkeypatch):
    monkeypatch.setenv("AUTODET_STORAGE_URL", "postgresql+psycopg2://team:x@127.0.0.1/team")
    with pytest.raises(AutodetError, match="requirements-postgresql"):
        database.check_storage("server")


def test_a_locked_database_is_waited_for_and_said(start, home, eventually):
    search = start({"seconds": 0.1}, trials=2, epochs=4)
    eventually(lambda: search.status().best_trial)
    other = sqlite3.connect(home.home / "optuna.db", isolation_level=None, timeout=30)
    other.execute("BEGIN EXCLUSIVE")
    eventually(lambda: "locked" in search.status().message)
    began = time.monotonic()
    search.status()
    assert time.monotonic() - began < 2
    other.execute("ROLLBACK")
    other.close()
    status = search.wait()
    assert (status.state, status.message) == ("finished", "")
    assert [len(trial.epochs) for trial in status.trials] == [4, 4]


def test_a_database_that_was_locked_before_the_start_is_waited_for(start, home):
    start(trials=1, epochs=1, name="first").wait()
    other = sqlite3.connect(home.home / "optuna.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN EXCLUSIVE")
    search = start(trials=1, epochs=1, name="second")
    while "locked" not in (home.searches / search.id / LOG).read_text():
        time.sleep(0.1)
    other.execute("ROLLBACK")
    assert search.wait().state == "finished"


def test_searches_of_earlier_versions_are_in_the_workspace(start, home):
    search = start(trials=1, epochs=1)
    search.wait()
    path = home.searches / search.id / "spec.json"
    spec = json.loads(path.read_text())
    del spec["storage"]
    path.write_text(json.dumps(spec))
    assert search.spec().storage == "workspace"
    assert StorageError.__mro__[1] is AutodetError
