"""Journals of several processes, which may be killed at any moment, and long journals."""

import errno
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace

import pytest

from autodet.datasets.drafts import journal_file
from autodet.datasets.drafts.journal import add_draft_class, read_drafts, save_draft
from autodet.datasets.drafts.journal_file import FOLDER, JOURNAL, JournalFile
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.errors import DatasetError
from autodet.records import DraftBox
from tests.helpers import write_voc

BOX = DraftBox("apple", (1.0, 2.0, 30.0, 40.0))
# Save a photo as often as wanted, a shared one too; say each revision of the own photo once it is stored.
WRITER = """
import sys
from dataclasses import replace
from pathlib import Path
from autodet.datasets.drafts import journal_file
from autodet.datasets.drafts.journal import read_drafts, save_draft
from autodet.datasets.manifest import read_dataset
from autodet.errors import DraftConflictError

folder, own, times, journal_file.MAX_BYTES = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
dataset = read_dataset(folder)

def save(file):
    while True:
        try:
            return save_draft(dataset, replace(read_drafts(dataset).of(file), reviewed=True)).revision
        except DraftConflictError:
            pass

for _ in range(times):
    save(dataset.images[0].file)
    print(save(dataset.images[own].file), flush=True)
"""


@pytest.fixture
def fruit(workspace, tmp_path):
    return import_dataset(write_voc(tmp_path / "fruit", 5), "fruit", workspace=workspace)


def write_apart(dataset, own, times, max_bytes=journal_file.MAX_BYTES):
    words = map(str, (dataset.folder, own, times, max_bytes))
    return subprocess.Popen([sys.executable, "-c", WRITER, *words], stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("max_bytes", [journal_file.MAX_BYTES, 4_000], ids=["appended", "shortened"])
def test_no_change_of_several_processes_is_lost(fruit, max_bytes):
    writers = [write_apart(fruit, own, 20, max_bytes) for own in (1, 2, 3)]
    assert [writer.communicate(timeout=120)[0].split()[-1] for writer in writers] == ["20"] * 3
    drafts = read_drafts(fruit)
    assert [drafts.of(record.file).revision for record in fruit.images] == [60, 20, 20, 20, 0]


@pytest.mark.parametrize("max_bytes", [journal_file.MAX_BYTES, 2_000], ids=["appended", "shortened"])
def test_what_a_killed_process_had_stored_stays(fruit, max_bytes):
    for kills in range(1, 4):
        with write_apart(fruit, 1, 100_000, max_bytes) as writer:
            for _ in range(3):
                stored = int(writer.stdout.readline())
            os.kill(writer.pid, signal.SIGKILL)
        draft = read_drafts(fruit).of(fruit.images[1].file)
        assert draft.revision >= stored >= 3 * kills
        assert save_draft(fruit, draft).revision == draft.revision + 1


def save_often(dataset, times):
    for _ in range(times):
        for record in dataset.images[:2]:
            save_draft(dataset, replace(read_drafts(dataset).of(record.file), boxes=(BOX,), reviewed=True))


def test_a_long_journal_is_shortened_and_other_readers_notice(fruit, monkeypatch):
    monkeypatch.setattr(journal_file, "MAX_BYTES", 3_000)
    add_draft_class(fruit, "pear")
    other, path = JournalFile(fruit.folder), fruit.folder / FOLDER / JOURNAL
    for times in range(1, 30):
        save_often(fruit, 1)
        with other.lock:
            other.catch_up()
        assert other.photos == dict(read_drafts(fruit).changed)
        assert {draft.revision for draft in other.photos.values()} == {times} and list(other.classes) == ["pear"]
        assert path.stat().st_size < 4_000
    assert {entry.name for entry in path.parent.iterdir()} == {JOURNAL, "lock"}


def test_a_disk_that_is_full_changes_nothing(fruit, monkeypatch):
    save_often(fruit, 1)
    before, path = dict(read_drafts(fruit).changed), fruit.folder / FOLDER / JOURNAL
    content, write = path.read_bytes(), os.write

    def part(descriptor, text):
        if len(text) < 50:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, text[: len(text) // 2])

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", part)
        with pytest.raises(DatasetError, match="No space left on device; check that the disk is not full"):
            save_often(fruit, 1)
    assert path.read_bytes() == content and dict(read_drafts(fruit).changed) == before
    save_often(fruit, 1)
    assert {draft.revision for draft in read_drafts(fruit).changed.values()} == {2}


def test_a_disk_that_is_full_keeps_the_long_journal(fruit, monkeypatch):
    save_often(fruit, 20)
    monkeypatch.setattr(journal_file, "MAX_BYTES", 1_000)

    def full():
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(journal_file, "_first_line", full)
    save_often(fruit, 1)
    assert {draft.revision for draft in read_drafts(fruit).changed.values()} == {21}
    assert {entry.name for entry in (fruit.folder / FOLDER).iterdir()} == {JOURNAL, "lock"}


def test_a_data_set_of_the_same_id_starts_without_the_drafts_of_the_deleted_one(fruit):
    save_often(fruit, 3)
    path = fruit.folder / FOLDER / JOURNAL
    lines = path.read_bytes().splitlines()
    path.unlink()
    assert not read_drafts(fruit).changed
    save_often(fruit, 3)
    assert path.read_bytes().splitlines()[0] != lines[0]
    path.unlink()
    save_often(fruit, 3)  # as long as the one that was read
    assert {draft.revision for draft in read_drafts(fruit).changed.values()} == {3}


def test_a_deleted_data_set_ends_in_a_sentence(fruit):
    draft = read_drafts(fruit).of(fruit.images[0].file)
    fruit.folder.rename(fruit.folder.with_name(".gone"))
    with pytest.raises(DatasetError, match="was deleted"):
        save_draft(fruit, draft)
    with suppress(FileNotFoundError):
        assert not list(fruit.folder.iterdir())
