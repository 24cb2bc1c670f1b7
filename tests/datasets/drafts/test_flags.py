from dataclasses import replace

import pytest

from autodet.access.visitor import Visitor, acting_as
from autodet.datasets.drafts.flags import flag_photos
from autodet.datasets.drafts.journal import read_drafts, save_draft
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.errors import AccessError, DatasetError
from autodet.records import DraftBox, LabelIssue
from tests.helpers import APPLE, BANANA, write_voc

FREE = (40.0, 1.0, 60.0, 8.0)


@pytest.fixture
def fruit(workspace, tmp_path):
    return import_dataset(write_voc(tmp_path / "fruit", 4), "fruit", workspace=workspace)


def issues_of(file):
    return (
        LabelIssue(file, "wrong_class", "banana", BANANA[1], 0.1, 1, "apple", BANANA[1]),
        LabelIssue(file, "missing", "apple", FREE, 0.2),
    )


def flagged(fruit, file):
    return read_drafts(fruit).of(file)


def test_issues_are_written_beside_the_labels(fruit):
    file = fruit.images[0].file
    assert flag_photos(fruit, {file: issues_of(file)}) == (file,)
    draft = flagged(fruit, file)
    assert [issue.kind for issue in draft.issues] == ["wrong_class", "missing"]
    assert draft.needs_look and draft.state == "labelled" and len(draft.labels) == 2
    assert draft.boxes[draft.issues[0].annotation].class_name == "banana"
    assert flag_photos(fruit, {file: issues_of(file)}) == (file,)
    assert flagged(fruit, file).revision == draft.revision  # nothing is new


def test_a_review_ends_the_issues(fruit):
    file = fruit.images[0].file
    flag_photos(fruit, {file: issues_of(file)})
    save_draft(fruit, replace(flagged(fruit, file), reviewed=True))
    assert not flagged(fruit, file).needs_look
    assert flag_photos(fruit, {file: issues_of(file)}, reviewed=False) == ()
    assert flag_photos(fruit, {file: issues_of(file)}) == (file,)


def test_issues_that_the_labels_have_overtaken_are_left_out(fruit):
    file = fruit.images[0].file
    draft = flagged(fruit, file)
    mended = (draft.boxes[0], replace(draft.boxes[1], class_name="apple"), DraftBox("apple", FREE))
    save_draft(fruit, replace(draft, boxes=mended))
    assert flag_photos(fruit, {file: issues_of(file)}) == ()
    assert flagged(fruit, file).issues == ()
    spurious = LabelIssue(file, "spurious", "apple", APPLE[1], 0.1, 0)
    assert flag_photos(fruit, {file: (*issues_of(file), spurious)}) == (file,)
    assert flagged(fruit, file).issues == (spurious,)


def test_a_viewer_flags_nothing_and_an_unknown_photo_is_refused(fruit):
    file = fruit.images[0].file
    with acting_as(Visitor("vic", "viewer")), pytest.raises(AccessError):
        flag_photos(fruit, {file: issues_of(file)})
    with pytest.raises(DatasetError, match=r"no photo 'other\.png'"):
        flag_photos(fruit, {"other.png": issues_of("other.png")})
    assert flagged(fruit, file).revision == 0
