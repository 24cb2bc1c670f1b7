"""Trials that are over are written and read once."""

import json
from dataclasses import replace

import pytest

from autodet.errors import SearchError
from autodet.records import EpochResult, SearchStatus, TrialStatus
from autodet.search.status import finished_trials
from autodet.search.status.status_file import STATUS, read_snapshot, write_snapshot
from autodet.workspace import write_json


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "fruit"
    folder.mkdir()
    return folder


def trial(number, state="finished", epochs=2):
    results = tuple(EpochResult(epoch, 1 / epoch, 0.1 * epoch, 0.05 * epoch, 1.5) for epoch in range(1, epochs + 1))
    return TrialStatus(number, state, {"lr": 0.001}, results)


def status(*trials):
    return SearchStatus(search="fruit", dataset="fruit", state="running", trials=trials, created="2026-01-01")


def read_by_another_process(folder):
    finished_trials._remembered.clear()
    return read_snapshot(folder)


def archives(folder):
    return sorted(path.name for path in folder.glob("trials.*"))


def test_what_is_written_is_read_by_whoever_has_seen_it_before_and_by_whoever_has_not(folder):
    written = status(trial(0), trial(1, "running", 1))
    write_snapshot(folder, written)
    assert read_by_another_process(folder) == written
    more = status(trial(0), trial(1, "pruned"), trial(2, "running", 0), trial(3, "failed", 0))
    write_snapshot(folder, more)
    assert read_snapshot(folder) == more
    assert read_by_another_process(folder) == more


def test_the_hot_file_has_only_the_trials_under_way(folder):
    write_snapshot(folder, status(*(trial(number) for number in range(50)), trial(50, "running")))
    assert [one["number"] for one in json.loads((folder / STATUS).read_text())["trials"]] == [50]


def test_an_archive_grows_at_its_end_and_nothing_before_that_is_written_again(folder):
    write_snapshot(folder, status(trial(0)))
    (before,) = archives(folder)
    content = (folder / before).read_bytes()
    write_snapshot(folder, status(trial(0), trial(1)))
    assert archives(folder) == [before]
    assert (folder / before).read_bytes().startswith(content)


def test_what_a_killed_supervisor_appended_but_did_not_say_does_not_count(folder):
    write_snapshot(folder, status(trial(0)))
    (name,) = archives(folder)
    with (folder / name).open("ab") as file:
        file.write(b'{"number": 1, "state": "fini')
    assert read_by_another_process(folder) == status(trial(0))
    finished_trials._remembered.clear()
    write_snapshot(folder, status(trial(0), trial(1)))
    assert read_by_another_process(folder) == status(trial(0), trial(1))


def test_a_trial_that_changes_after_all_is_read_as_it_is_now(folder):
    write_snapshot(folder, status(trial(0), trial(1)))
    changed = status(trial(0), trial(1, "stopped"))
    write_snapshot(folder, changed)
    assert read_snapshot(folder) == changed
    assert read_by_another_process(folder) == changed
    assert len(archives(folder)) == 1


def test_searches_of_earlier_versions_are_read_and_gone_on_with(folder):
    old = status(trial(0), trial(1, "running"))
    document = {"search": "", "dataset": "fruit", "state": "running", "created": "2026-01-01"}
    write_json(folder / STATUS, document | {"trials": [one.to_json() for one in old.trials]})
    assert read_by_another_process(folder) == old
    write_snapshot(folder, replace(old, seconds=5.0))
    assert read_by_another_process(folder) == replace(old, seconds=5.0)


def test_a_search_in_the_place_of_a_deleted_one_is_not_mixed_up_with_it(folder):
    write_snapshot(folder, status(trial(0), trial(1)))
    read_snapshot(folder)
    for path in folder.iterdir():
        path.unlink()
    write_snapshot(folder, status(trial(0, "failed", 0)))
    assert read_snapshot(folder) == status(trial(0, "failed", 0))


@pytest.mark.parametrize("content", [b"", b"not json\n" * 100])
def test_a_damaged_archive_is_told_in_a_sentence(folder, content):
    write_snapshot(folder, status(trial(0), trial(1)))
    (name,) = archives(folder)
    (folder / name).write_bytes(content)
    with pytest.raises(SearchError, match="damaged"):
        read_by_another_process(folder)
