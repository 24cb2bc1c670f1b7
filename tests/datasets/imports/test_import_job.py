import io
import os
import signal
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from autodet.datasets.imports.import_job import find_import, list_imports, start_import
from autodet.datasets.imports.import_state import ImportStatus, write_status
from autodet.datasets.manifest import list_datasets, load_dataset
from autodet.datasets.sources.upload import UploadedFile
from autodet.errors import BusyError, DatasetError, NotFoundError
from autodet.lock import hold_folder
from autodet.messages.findings import action_sentence
from autodet.records import ImportStep
from tests.helpers import (
    break_imports,
    draw_photo,
    voc_xml,
    wait_for,
    workspace_in,
    write_labelled,
    write_voc,
    zip_folder,
)


@pytest.fixture
def workspace(tmp_path):
    return workspace_in(tmp_path)


def process_of(one, workspace):
    """The id of the process that works on an import."""
    wanted = f"autodet.datasets.imports.worker\0{workspace.imports / one.id}\0".encode()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if wanted in path.read_bytes():
                return int(path.parent.name)
    raise AssertionError("no process works on the import")


def wait_until(condition, seconds=30.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.05)


def test_a_clean_upload_becomes_a_data_set_without_a_question(tmp_path, workspace):
    archive = zip_folder(write_voc(tmp_path / "fruit"), tmp_path / "fruit.zip")
    one = start_import(io.BytesIO(archive.read_bytes()), "My fruit", workspace=workspace)
    status = wait_for(one)
    assert (status.state, status.dataset, status.share) == ("finished", "my-fruit", 1.0)
    assert load_dataset("my-fruit", workspace).splits == {"train": 14, "val": 3, "test": 3}
    assert sorted(path.suffix for path in (workspace.imports / one.id).iterdir() if path.is_dir()) == []
    one.discard()
    assert list_imports(workspace) == []


def uploaded(folder):
    """The files of a folder as a browser sends them, and what it sends besides."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    files = [(path.relative_to(folder.parent).as_posix(), path.read_bytes()) for path in paths]
    files.append((f"{folder.name}/.DS_Store", b"clutter"))
    return [UploadedFile(name, io.BytesIO(content)) for name, content in files]


def test_an_uploaded_folder_becomes_a_data_set_with_its_splits(tmp_path, workspace):
    for split, photos in (("train", 12), ("val", 3)):
        write_voc(tmp_path / "fruit" / split, photos)
    one = start_import(uploaded(tmp_path / "fruit"), "fruit", workspace=workspace)
    status = wait_for(one)
    assert status.state == "finished", status.error
    assert load_dataset("fruit", workspace).splits == {"train": 12, "val": 3}
    assert not [path for path in (workspace.imports / one.id).iterdir() if path.is_dir()]


def test_an_uploaded_folder_waits_for_decisions_and_survives_its_process(tmp_path, workspace):
    folder = write_voc(tmp_path / "fruit")
    write_labelled(folder, "wide", [("apple", (10, 10, 300, 40))], seed=77)
    one = start_import(uploaded(folder), "fruit", workspace=workspace)
    assert wait_for(one).state == "reviewing"
    write_status(workspace.imports / one.id, ImportStatus("working"))
    wait_until(lambda: one.status().state == "interrupted")
    one.proceed()
    assert wait_for(one).state == "reviewing"
    one.proceed({"box_outside": "drop"})
    assert wait_for(one).state == "finished"
    assert load_dataset("fruit", workspace).boxes == 40


def test_a_hostile_folder_starts_no_import(tmp_path, workspace):
    files = [*uploaded(write_voc(tmp_path / "fruit", 4)), UploadedFile("fruit/../../evil.txt", io.BytesIO(b"x"))]
    with pytest.raises(DatasetError, match="reaches outside"):
        start_import(files, "fruit", workspace=workspace)
    assert list(workspace.imports.iterdir()) == []


def test_a_source_with_questions_waits_for_their_answers(tmp_path, workspace):
    folder = write_voc(tmp_path / "fruit")
    write_labelled(folder, "wide", [("apple", (10, 10, 300, 40))], seed=77)
    one = start_import(str(zip_folder(folder, tmp_path / "f.zip")), "fruit", workspace=workspace)
    assert wait_for(one).state == "reviewing"
    assert list_datasets(workspace) == []
    assert [problem.kind for problem in one.review().findings] == ["box_outside"]
    one.proceed({"box_outside": "drop"})
    assert wait_for(one).state == "finished"
    dataset = load_dataset("fruit", workspace)
    assert dataset.boxes == 40 and action_sentence(dataset.findings[0]) == "The box was dropped."


def test_a_refusal_is_kept_until_it_is_decided(tmp_path, workspace):
    folder = write_voc(tmp_path / "fruit", 4)
    for number in range(3):
        (folder / f"torn{number}.xml").write_text("<annotation>")
        draw_photo(seed=9 + number).save(folder / f"torn{number}.png")
    one = start_import(str(folder), "fruit", workspace=workspace)
    assert wait_for(one).state == "reviewing"
    assert one.review().refusals
    one.proceed({"large_loss": "keep"})
    assert wait_for(one).state == "finished"
    assert len(list(folder.iterdir())) == 14, "the user's own folder was changed"


def test_what_cannot_be_imported_ends_in_a_sentence_and_leaves_no_files(tmp_path, workspace):
    one = start_import(io.BytesIO(b"hello"), "notes", workspace=workspace)
    status = wait_for(one)
    assert status.state == "failed" and "'notes' is not a zip or tar archive" in status.error
    assert {path.name for path in (workspace.imports / one.id).iterdir()} <= {
        "request.json",
        "status.json",
        "import.log",
        "lock",
    }
    assert list(workspace.datasets.iterdir()) == []


def test_a_process_that_dies_of_an_error_has_crashed_and_one_that_is_killed_was_interrupted(
    tmp_path, workspace, monkeypatch
):
    with monkeypatch.context() as broken:
        break_imports(broken, tmp_path)
        one = start_import("sample", "sample", workspace=workspace)
        status = wait_for(one)
    assert status.state == "crashed"
    assert "no such library" in status.error and str(workspace.imports / one.id / "import.log") in status.error
    one.proceed()
    wait_until(lambda: one.status().share > 0.02)
    os.kill(process_of(one, workspace), signal.SIGKILL)
    wait_until(lambda: one.status().state == "interrupted")
    assert one.status().error == ""


@pytest.mark.parametrize("moment", ["reads", "has moved photos"])
def test_a_killed_import_goes_on_and_ends_like_any_other(tmp_path, workspace, moment):
    one = start_import("sample", "sample", workspace=workspace)
    with hold_folder(workspace.datasets, alone=True):  # so that the import cannot end
        if moment == "reads":
            wait_until(lambda: one.status().state == "working")
        else:
            wait_until(lambda: any(workspace.datasets.glob(".*/images/**/*.webp")))
        with pytest.raises(BusyError):
            one.proceed()
        os.kill(process_of(one, workspace), signal.SIGKILL)
        wait_until(lambda: one.status().state == "interrupted")
    assert list_datasets(workspace) == []
    again = find_import(one.id, workspace)
    again.proceed()
    assert wait_for(again).state == "finished"
    assert load_dataset("sample", workspace).splits == {"train": 160, "val": 40, "test": 40}


def test_an_import_killed_between_its_data_set_and_the_word_of_it_makes_no_second_one(tmp_path, workspace):
    folder = write_voc(tmp_path / "fruit", 12)
    first = start_import(str(folder), "fruit", workspace=workspace)
    assert wait_for(first).state == "finished"
    working = ImportStatus("working", 1.0, ImportStep("store", 1, 1))
    write_status(workspace.imports / first.id, working)  # what is there if the process dies in that moment
    wait_until(lambda: first.status().state == "interrupted")
    first.proceed()
    assert wait_for(first) == replace(first.status(), state="finished", dataset="fruit")
    second = start_import(str(folder), "fruit", workspace=workspace)  # another order of the same name
    assert wait_for(second).dataset == "fruit-2"
    assert len(list_datasets(workspace)) == 2


def test_a_cancelled_import_leaves_nothing(tmp_path, workspace):
    one = start_import("sample", "sample", seed=1, workspace=workspace)  # drawn, which takes a while
    wait_until(lambda: one.status().share > 0.02)
    one.discard()
    wait_until(lambda: [path.name for path in workspace.imports.iterdir()] == [".places"])
    assert list_datasets(workspace) == []
    with pytest.raises(NotFoundError):
        find_import(one.id, workspace)


def test_a_photo_that_changes_after_the_review_is_imported_as_it_was_reviewed(tmp_path, workspace):
    folder = write_voc(tmp_path / "fruit", 12)
    write_labelled(folder, "wide", [("apple", (10, 10, 300, 40))], seed=77)
    one = start_import(str(folder), "fruit", workspace=workspace)
    assert wait_for(one).state == "reviewing"
    reviewed = (folder / "photo_03.png").read_bytes()
    draw_photo(seed=1234).save(folder / "photo_03.png")
    (folder / "photo_04.png").unlink()
    one.proceed({})
    status = wait_for(one)
    assert status.state == "finished", status.error
    dataset = load_dataset(status.dataset, workspace)
    stored = {record.file.rpartition("/")[2]: dataset.photo(record).read_bytes() for record in dataset.images}
    assert len(stored) == 13 and stored["photo_03.png"] == reviewed


def test_a_decision_that_makes_no_sense_changes_nothing(tmp_path, workspace):
    folder = write_voc(tmp_path / "fruit", 12)
    (folder / "photo_03.xml").write_text(voc_xml("photo_03.png", (128, 96)))
    one = start_import(str(folder), "fruit", workspace=workspace)
    assert wait_for(one).state == "reviewing"
    with pytest.raises(DatasetError, match="not a kind of finding"):
        one.proceed({"nonsense": "keep"})
    assert one.status().state == "reviewing"


def test_an_old_page_cannot_begin_again_what_is_over(tmp_path, workspace):
    folder = write_voc(tmp_path / "fruit", 12)
    write_labelled(folder, "wide", [("apple", (10, 10, 300, 40))], seed=77)
    one = start_import(str(folder), "fruit", workspace=workspace)
    assert wait_for(one).state == "reviewing"
    one.proceed({})
    assert wait_for(one).state == "finished"
    for decisions in ({}, None):
        with pytest.raises(DatasetError, match="has changed in another tab"):
            find_import(one.id, workspace).proceed(decisions)
    assert one.status().state == "finished" and len(list_datasets(workspace)) == 1


def test_a_photo_cannot_be_stored_before_it_was_reviewed(workspace):
    one = start_import("sample", "sample", workspace=workspace)
    wait_until(lambda: one.status().share > 0.02)
    os.kill(process_of(one, workspace), signal.SIGKILL)
    wait_until(lambda: one.status().state == "interrupted")
    with pytest.raises(DatasetError, match="has changed in another tab"):
        one.proceed({})
    assert one.status().state == "interrupted"


def test_discarding_an_import_at_work_does_no_harm_to_the_next_of_its_name(tmp_path, workspace):
    first = start_import("sample", "fruit", workspace=workspace)
    wait_until(lambda: first.status().share > 0.02)
    first.discard()
    second = start_import(str(write_voc(tmp_path / "fruit")), "fruit", workspace=workspace)
    assert wait_for(second).state == "finished"
    assert load_dataset("fruit", workspace).format == "voc"
    wait_until(lambda: [one.id for one in list_imports(workspace)] == [second.id])
    first.discard()


def test_a_cancellation_that_came_too_late_does_not_end_what_is_asked_for_later(tmp_path, workspace):
    folder = write_voc(tmp_path / "fruit", 12)
    write_labelled(folder, "wide", [("apple", (10, 10, 300, 40))], seed=77)
    one = start_import(str(folder), "fruit", workspace=workspace)
    assert wait_for(one).state == "reviewing"
    (workspace.imports / one.id / "cancel").touch()
    one.proceed({})
    assert wait_for(one).state == "finished"


def test_an_import_whose_process_never_began_is_there_and_can_go_on(tmp_path, workspace, monkeypatch):
    archive = zip_folder(write_voc(tmp_path / "fruit"), tmp_path / "fruit.zip")
    with monkeypatch.context() as broken, pytest.raises(OSError):
        broken.setattr(sys, "executable", str(tmp_path / "no python"))
        start_import(io.BytesIO(archive.read_bytes()), "fruit", workspace=workspace)
    (one,) = list_imports(workspace)
    assert one.status().state == "interrupted"
    one.proceed()
    assert wait_for(one).state == "finished"
    assert load_dataset("fruit", workspace).splits == {"train": 14, "val": 3, "test": 3}


def test_a_damaged_import_hides_no_other_and_can_be_discarded(tmp_path, workspace):
    one = start_import(io.BytesIO(b"hello"), "notes", workspace=workspace)
    other = start_import(io.BytesIO(b"hello"), "more notes", workspace=workspace)
    wait_for(one), wait_for(other)
    (workspace.imports / one.id / "request.json").unlink()
    assert {found.id for found in list_imports(workspace)} == {one.id, other.id}
    with pytest.raises(DatasetError, match="damaged"):
        one.request()
    one.discard()
    assert [found.id for found in list_imports(workspace)] == [other.id]
