import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autodet.datasets.drafts.checks import MAX_BOXES, draft_from_browser
from autodet.datasets.drafts.journal import propose_labels, read_drafts, save_draft
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.errors import DatasetError, DraftConflictError
from autodet.records import DraftBox, LabelIssue
from tests.helpers import write_voc

BOX = {"class": "apple", "box": [1, 2, 30, 40.5], "difficult": False, "truncated": True, "score": None}
PROPOSAL = DraftBox("apple", (5.0, 5.0, 20.0, 20.0), score=0.8)
HUGE = 10**400


@pytest.fixture
def fruit(workspace, tmp_path):
    return import_dataset(write_voc(tmp_path / "fruit", 2), "fruit", workspace=workspace)


@pytest.fixture
def document(fruit):
    file = fruit.images[0].file
    return {"dataset": fruit.id, "file": file, "revision": 0, "reviewed": True, "flagged": False, "boxes": [BOX]}


def checked(fruit, document):
    return draft_from_browser(read_drafts(fruit), document)


def test_a_drawn_box_becomes_a_label_that_can_be_saved(fruit, document):
    draft = checked(fruit, json.loads(json.dumps(document)))
    assert draft.boxes == (DraftBox("apple", (1.0, 2.0, 30.0, 40.5), truncated=True),)
    assert save_draft(fruit, draft).revision == 1


def test_a_box_is_cut_at_the_edges_of_its_photo(fruit, document):
    record = fruit.images[0]
    draft = checked(fruit, document | {"boxes": [BOX | {"box": [-1e8, -5, 1e8, 1e8]}]})
    assert draft.boxes[0].box_xyxy == (0.0, 0.0, record.width, record.height)


def test_what_the_photo_has_passes_unchanged(fruit, document):
    file = document["file"]
    issue = LabelIssue(file, "missing", "apple", box=(0.0, 0.0, 5.0, 5.0), score=0.9)
    small = DraftBox("apple", (3.0, 3.0, 3.5, 3.5))  # as an import may have taken it over
    save_draft(fruit, replace(read_drafts(fruit).of(file), boxes=(small,), reviewed=False, issues=(issue,)))
    propose_labels(fruit, {file: [PROPOSAL]}, "model-1")
    boxes = [{**BOX, "truncated": False, "box": list(box.box_xyxy), "score": box.score} for box in (small, PROPOSAL)]
    draft = checked(fruit, document | {"revision": 2, "reviewed": False, "boxes": boxes})
    assert draft.boxes == (small, PROPOSAL) and draft.model == "model-1" and draft.issues == (issue,)
    assert not save_draft(fruit, replace(draft, reviewed=True)).issues


@pytest.mark.parametrize(
    "wrong",
    [
        {"dataset": "other"},
        {"dataset": None},
        {"file": "../secret.jpg"},
        {"file": ["a"]},
        {"revision": "0"},
        {"revision": 0.0},
        {"revision": False},
        {"reviewed": "yes"},
        {"flagged": 1},
        {"boxes": None},
        {"boxes": {"0": BOX}},
        {"boxes": ["box"]},
        {"boxes": [BOX] * (MAX_BOXES + 1)},
        *(
            {"boxes": [BOX | part]}
            for part in (
                {"class": "<b>pear</b>"},
                {"class": 0},
                {"class": None},
                {"difficult": 1},
                {"truncated": None},
                {"score": 0.8},
                {"score": "0.8"},
                {"score": float("nan")},
                {"box": None},
                {"box": "1234"},
                {"box": [1, 2, 3]},
                {"box": [1, 2, 3, "4"]},
                {"box": [1, 2, 3, True]},
                {"box": [1, 2, float("nan"), 4]},
                {"box": [1, 2, float("inf"), 4]},
                {"box": [1, 2, HUGE, 40]},
                {"box": [30, 40, 1, 2]},
                {"box": [5, 5, 5, 40]},
                {"box": [-40, -40, -5, -5]},
                {"box": [10_000, 10_000, 10_050, 10_050]},
            )
        ),
    ],
    ids=lambda wrong: repr(wrong)[:60],
)
def test_what_cannot_be_right_is_refused_with_a_sentence(fruit, document, wrong):
    with pytest.raises(DatasetError) as refused:
        checked(fruit, document | wrong)
    assert not isinstance(refused.value, DraftConflictError)
    assert ";" in str(refused.value) and len(str(refused.value)) < 400
    assert not read_drafts(fruit).changed


@pytest.mark.parametrize("document", [None, "text", 7, [], {}], ids=repr)
def test_another_document_is_refused(fruit, document):
    with pytest.raises(DatasetError):
        checked(fruit, document)


def test_a_browser_invents_no_proposal(fruit, document):
    file = document["file"]
    propose_labels(fruit, {file: [PROPOSAL]}, "model-1")
    proposed = BOX | {"box": list(PROPOSAL.box_xyxy), "truncated": False, "score": 0.8}
    document |= {"revision": 1}
    assert checked(fruit, document | {"boxes": [proposed]}).proposals == (PROPOSAL,)
    for changed in ([proposed, proposed], [proposed | {"score": 0.9}], [proposed | {"box": [5, 5, 21, 20]}]):
        with pytest.raises(DatasetError):
            checked(fruit, document | {"boxes": changed})


def test_a_draft_knows_the_model_of_accepted_proposals_until_their_labels_are_gone(fruit, document):
    file = document["file"]

    def saved(*boxes, earlier=()):
        drafts = read_drafts(fruit)
        sent = document | {"revision": drafts.of(file).revision, "boxes": list(boxes)}
        return save_draft(fruit, draft_from_browser(drafts, sent, lambda: earlier)).accepted_from

    propose_labels(fruit, {file: [PROPOSAL]}, "model-1")
    proposed = BOX | {"box": list(PROPOSAL.box_xyxy), "truncated": False, "score": 0.8}
    accepted, moved = proposed | {"score": None}, proposed | {"score": None, "box": [5, 5, 21, 20]}
    assert saved(BOX, moved) == ()
    assert saved(proposed, earlier=[PROPOSAL]) == ()  # undone
    assert saved(accepted) == ("model-1",)
    assert saved(BOX, accepted) == ("model-1",)
    assert saved(moved) == ()
    assert saved(accepted, earlier=[PROPOSAL]) == ("model-1",)
    assert saved() == ()


def test_a_change_of_an_older_state_is_a_conflict(fruit, document):
    current = save_draft(fruit, checked(fruit, document))
    with pytest.raises(DraftConflictError) as refused:
        checked(fruit, document)
    assert refused.value.current == current


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_document_ends_in_another_error_or_in_a_box_off_the_photo(fruit, document, data):
    box = data.draw(st.fixed_dictionaries({}, optional=dict.fromkeys(BOX, VALUES)))
    place = data.draw(st.lists(st.floats() | st.integers(), min_size=4, max_size=4))
    broken = data.draw(st.fixed_dictionaries({}, optional=dict.fromkeys(document, VALUES)))
    for sent in (document | broken, document | {"boxes": [BOX | box]}, document | {"boxes": [BOX | {"box": place}]}):
        try:
            draft = checked(fruit, sent)
        except DatasetError:
            continue
        record = fruit.images[0]
        for one in draft.boxes:
            x1, y1, x2, y2 = one.box_xyxy
            assert 0 <= x1 < x2 <= record.width and 0 <= y1 < y2 <= record.height and not one.is_proposal
