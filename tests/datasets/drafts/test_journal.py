from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from autodet.access.audit_log import read_entries
from autodet.access.visitor import Visitor, acting_as
from autodet.datasets.drafts.journal import add_draft_class, propose_labels, read_drafts, save_draft
from autodet.datasets.drafts.journal_file import FOLDER, JOURNAL
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.manifest import read_dataset
from autodet.errors import AccessError, DraftConflictError
from autodet.records import DraftBox
from tests.helpers import write_voc

BOX = DraftBox("pear", (1.0, 2.0, 30.0, 40.0))
PROPOSAL = DraftBox("pear", (5.0, 5.0, 20.0, 20.0), score=0.8)


@pytest.fixture
def fruit(workspace, tmp_path):
    return import_dataset(write_voc(tmp_path / "fruit", 4), "fruit", workspace=workspace)


@pytest.fixture
def file(fruit):
    return fruit.images[0].file


def test_a_photo_begins_with_the_labels_of_the_data_set(fruit, file):
    draft = read_drafts(fruit).of(file)
    assert draft.revision == 0 and draft.state == "labelled"
    assert [box.class_name for box in draft.labels] == ["apple", "banana"]


def test_a_change_is_stored_with_its_author_and_leaves_the_data_set_alone(fruit, file):
    with acting_as(Visitor("ann@example.org", "editor")):
        saved = save_draft(fruit, replace(read_drafts(fruit).of(file), boxes=(BOX,), reviewed=True))
    assert (saved.revision, saved.author) == (1, "ann@example.org")
    assert read_drafts(fruit).of(file) == saved
    assert len(read_dataset(fruit.folder).images[0].annotations) == 2


def test_the_second_of_two_changes_is_refused_with_the_first(fruit, file):
    old = read_drafts(fruit).of(file)
    first = save_draft(fruit, replace(old, boxes=(BOX,)))
    with pytest.raises(DraftConflictError) as refused:
        save_draft(fruit, replace(old, boxes=()))
    assert refused.value.current == first
    assert read_drafts(fruit).of(file) == first


def test_of_many_changes_at_once_one_wins(fruit, file):
    old = read_drafts(fruit).of(file)

    def save(number):
        try:
            return save_draft(fruit, replace(old, boxes=(replace(BOX, box_xyxy=(0.0, 0.0, 9.0, 9.0 + number)),)))
        except DraftConflictError:
            return None

    with ThreadPoolExecutor(8) as pool:
        saved = [draft for draft in pool.map(save, range(24)) if draft]
    assert saved == [read_drafts(fruit).of(file)]


@pytest.mark.parametrize("torn", [b'{"photo": {"file": "tr', b"\xff\xfe"])
def test_a_line_that_a_killed_process_left_does_not_count(fruit, file, torn):
    saved = save_draft(fruit, replace(read_drafts(fruit).of(file), boxes=(BOX,)))
    with (fruit.folder / FOLDER / JOURNAL).open("ab") as journal:
        journal.write(torn)
    assert read_drafts(fruit).of(file) == saved
    again = save_draft(fruit, replace(saved, boxes=()))
    assert read_drafts(fruit).of(file) == again
    assert torn not in (fruit.folder / FOLDER / JOURNAL).read_bytes()


def test_proposals_replace_proposals_and_no_labels(fruit, file):
    assert propose_labels(fruit, {file: [PROPOSAL]}, "model-1") == 1
    assert propose_labels(fruit, {file: [replace(PROPOSAL, score=0.6)]}, "model-2") == 1
    draft = read_drafts(fruit).of(file)
    assert draft.state == "proposed" and draft.model == "model-2"
    assert len(draft.labels) == 2 and [box.score for box in draft.proposals] == [0.6]
    assert propose_labels(fruit, {file: []}, "model-2") == 1
    assert read_drafts(fruit).of(file).state == "labelled"


def test_a_class_is_added_once(fruit):
    add_draft_class(fruit, "pear")
    add_draft_class(fruit, "pear")
    assert read_drafts(fruit).classes == ("apple", "banana", "pear")


def test_a_viewer_changes_nothing_and_the_log_names_who_changed_what(fruit, file, workspace):
    draft = read_drafts(fruit).of(file)
    with acting_as(Visitor("vic", "viewer")), pytest.raises(AccessError):
        save_draft(fruit, replace(draft, boxes=()))
    with acting_as(Visitor("ann", "editor")):
        save_draft(fruit, save_draft(fruit, replace(draft, boxes=(BOX,))))
    logged = [
        (entry.visitor, entry.thing, entry.outcome) for entry in read_entries(workspace) if "label" in entry.action
    ]
    assert logged == [("vic", f"fruit: {file}", "refused"), ("ann", f"fruit: {file}", "done")]
