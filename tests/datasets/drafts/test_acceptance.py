from dataclasses import replace

import pytest

from autodet.access.visitor import Visitor, acting_as
from autodet.datasets.drafts import journal_file
from autodet.datasets.drafts.acceptance import (
    accept_proposals,
    accepted_photos,
    discard_drafts,
    last_acceptance,
    take_back_acceptance,
)
from autodet.datasets.drafts.journal import propose_labels, read_drafts, save_draft
from autodet.datasets.drafts.version import plan_labels, store_labels
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.errors import AccessError, DatasetError, DraftConflictError
from autodet.records import DraftBox
from tests.helpers import write_voc

APPLE = DraftBox("apple", (5.0, 5.0, 20.0, 20.0), score=0.8)
BANANA = DraftBox("banana", (1.0, 1.0, 10.0, 10.0), score=0.5)


@pytest.fixture
def fruit(workspace, tmp_path):
    dataset = import_dataset(write_voc(tmp_path / "fruit", 3), "fruit", workspace=workspace)
    propose_labels(dataset, {record.file: [APPLE, BANANA] for record in dataset.images[:2]}, "model-1")
    return dataset


@pytest.mark.parametrize(
    ("least", "accepted", "left"),
    [
        (0.0, 4, []),
        (0.6, 2, ["banana"]),
        (0.9, 0, ["apple", "banana"]),
        ({"banana": 0.4}, 2, ["apple"]),
        ({"apple": 0.9, "banana": 0.5}, 2, ["apple"]),
    ],
)
def test_proposals_from_a_score_on_become_labels(fruit, least, accepted, left):
    assert accept_proposals(fruit, min_score=least) == accepted
    drafts = read_drafts(fruit)
    for record in fruit.images[:2]:
        draft = drafts.of(record.file)
        assert [box.class_name for box in draft.proposals] == left
        assert len(draft.labels) == 2 + accepted // 2
        assert draft.state == ("proposed" if left else "labelled")
        assert draft.accepted_from == (("model-1",) if accepted else ())


def test_only_the_named_photos_change(fruit):
    first, second = (record.file for record in fruit.images[:2])
    assert accept_proposals(fruit, [first]) == 2
    assert read_drafts(fruit).of(second).state == "proposed"
    with pytest.raises(DatasetError):
        accept_proposals(fruit, ["other.jpg"])


def test_the_last_acceptance_is_taken_back_except_where_a_photo_was_changed_since(fruit):
    first, second = (record.file for record in fruit.images[:2])
    before = read_drafts(fruit).of(first)
    accept_proposals(fruit, min_score=0.6)
    accept_proposals(fruit, min_score=0.9)  # accepts nothing, so it is not the last acceptance
    save_draft(fruit, replace(read_drafts(fruit).of(second), flagged=True))
    assert set(last_acceptance(read_drafts(fruit))) == {first}
    assert take_back_acceptance(fruit) == 1
    now = read_drafts(fruit)
    assert (now.of(first).boxes, now.of(first).accepted_from) == (before.boxes, ())
    assert now.of(first).reviewed == before.reviewed
    assert [box.class_name for box in now.of(second).proposals] == ["banana"]
    assert take_back_acceptance(fruit) == 0


@pytest.mark.parametrize("max_bytes", [journal_file.MAX_BYTES, 0], ids=["appended", "shortened"])
def test_an_acceptance_can_be_taken_back_after_a_restart(fruit, monkeypatch, max_bytes):
    monkeypatch.setattr(journal_file, "MAX_BYTES", max_bytes)
    accept_proposals(fruit)
    for _ in range(20):  # most lines are then out of date
        save_draft(fruit, replace(read_drafts(fruit).of(fruit.images[2].file), flagged=True))
    monkeypatch.setattr(journal_file, "_files", {})  # a new process has read nothing
    assert take_back_acceptance(fruit.id) == 4
    assert sum(len(draft.proposals) for draft in read_drafts(fruit).changed.values()) == 4


def test_a_discarded_draft_has_the_labels_of_the_data_set_and_a_new_revision(fruit):
    file = fruit.images[0].file
    before = save_draft(fruit, replace(read_drafts(fruit).of(file), boxes=(), flagged=True))
    assert discard_drafts(fruit, [file]) == 1
    draft = read_drafts(fruit).of(file)
    assert [box.class_name for box in draft.boxes] == ["apple", "banana"] and not draft.flagged
    with pytest.raises(DraftConflictError):
        save_draft(fruit, before)
    assert discard_drafts(fruit) == 1
    assert discard_drafts(fruit) == 0


def test_a_version_knows_the_photos_whose_labels_a_model_proposed(fruit):
    first = fruit.images[0]
    accept_proposals(fruit, [first.file])
    grown = store_labels(plan_labels(fruit))
    assert accepted_photos(grown, "model-1") == {first.sha256}
    assert accepted_photos(grown, "model-2") == accepted_photos(fruit, "model-1") == set()


def test_a_viewer_accepts_and_discards_nothing(fruit):
    before = read_drafts(fruit).changed
    with acting_as(Visitor("vic", "viewer")):
        for change in (accept_proposals, discard_drafts, take_back_acceptance):
            with pytest.raises(AccessError):
                change(fruit)
    assert read_drafts(fruit).changed == before
