"""Messages of the label editor to the browser and back."""

import math

import pytest
from streamlit.testing.v1 import AppTest

from autodet.access.visitor import Visitor, acting_as
from autodet.datasets.drafts import journal_file
from autodet.datasets.drafts.journal import propose_labels, read_drafts, save_draft
from autodet.records import DraftBox, PhotoDraft
from autodet.ui.label.queue import make_queue
from tests.app.conftest import address, checked, says, viewer_data

COMPONENT = "autodet_label_editor"


@pytest.fixture
def tell(fruit, visit):
    """Open the page, and send messages as the browser does; returns the browser's arguments."""
    numbers = iter(range(1, 100))

    def tell(photos=(), **words) -> dict:
        message = {"tab": "tab", "number": next(numbers), "photos": list(photos), "classes": [], **words}
        tell.app.session_state[f"label editor {fruit.id}"] = {"message": message}
        checked(tell.app.run())
        return viewer_data(tell.app, COMPONENT)

    tell.app = visit("label")
    return tell


def change(dataset, file, boxes=(), **fields) -> dict:
    """A change of one photo, as the browser sends it."""
    whole = {"dataset": dataset.id, "file": file, "revision": 0, "reviewed": True, "flagged": False}
    return whole | {"boxes": list(boxes)} | fields


def box(name="apple", place=(1, 2, 30, 40), **fields) -> dict:
    return {"class": name, "box": list(place), "difficult": False, "truncated": False, "score": None} | fields


def test_a_change_is_stored_once_and_answered(fruit, tell):
    file = fruit.images[0].file
    data = tell([change(fruit, file, [box("kiwi")])], classes=["kiwi"])
    assert data["answer"]["photos"] == {file: {"saved": 1}}
    assert data["answer"]["classes"] == {"kiwi": {"saved": "kiwi"}}
    assert data["photos"][file]["boxes"][0]["class"] == "kiwi"
    assert data["classes"] == ["apple", "banana", "kiwi"]
    checked(tell.app.run())  # the page runs again with the same message
    assert read_drafts(fruit).of(file).revision == 1


def test_an_older_change_gets_the_newer_labels_and_changes_nothing(fruit, tell):
    file = fruit.images[0].file
    stored = save_draft(fruit, PhotoDraft(file, (DraftBox("banana", (3.0, 4.0, 9.0, 9.0)),), reviewed=True))
    (answer,) = tell([change(fruit, file, [box()])])["answer"]["photos"].values()
    assert answer["conflict"]["revision"] == 1
    assert answer["conflict"]["boxes"] == [box("banana", (3.0, 4.0, 9.0, 9.0))]
    assert read_drafts(fruit).of(file) == stored


def test_the_author_of_a_change_on_the_command_line_is_the_machines_user(fruit, tell):
    file = fruit.images[0].file
    for revision, (name, shown) in enumerate([("root", "root (command line)"), ("anna@example.org",) * 2]):
        with acting_as(Visitor(name, "editor")):
            save_draft(fruit, PhotoDraft(file, (), revision=revision))
        assert tell()["photos"][file]["author"] == shown


@pytest.mark.parametrize(
    "wrong",
    [
        {"boxes": [box(place=(math.nan, 0, 1, 1))]},
        {"boxes": [box(place=(1e300, 0, 1e301, 1))]},
        {"boxes": [box(place=(-9, -9, -5, -5))]},
        {"boxes": [box("unknown")]},
        {"boxes": [box(score=0.9)]},
        {"boxes": "none"},
        {"dataset": "other"},
        {"revision": "first"},
    ],
)
def test_a_wrong_change_is_refused_with_a_sentence(fruit, tell, wrong):
    file = fruit.images[0].file
    (answer,) = tell([change(fruit, file) | wrong])["answer"]["photos"].values()
    assert answer["refused"].endswith((".", "later"))
    assert read_drafts(fruit).of(file).revision == 0


def test_a_message_of_nonsense_breaks_nothing(fruit, tell):
    for words in (
        {"photos": [None, 3, {}]},
        {"classes": [1, "", "x" * 10_000], "at": 7, "filter": "none"},
        {"wanted": {"photos": ["../../etc/passwd", 1], "whole": 5, "thumbnails": [None]}, "at": "no such photo"},
        {"wanted": "all", "filter": ["all"]},
    ):
        data = tell(**words)
        assert data["filter"] == "all" and data["shown"] == fruit.images[0].file
        assert list(data["pictures"]["photos"]) == [fruit.images[0].file]
    assert read_drafts(fruit).changed == {}


def test_only_near_photos_are_sent_and_the_address_names_the_shown_one(fruit, tell):
    files = [record.file for record in fruit.images]
    data = tell(at=files[10], wanted={"photos": files[9:12], "thumbnails": files[8:13]})
    assert set(data["photos"]) == set(files[8:13])
    assert (data["place"], data["count"], data["shown"]) == (10, len(files), files[10])
    assert set(data["pictures"]["photos"]) == set(files[9:12])
    assert address(tell.app)["photo"] == files[10]
    tell.app.query_params["photo"] = files[11]  # the browser has gone on, and writes the address itself
    data = tell(at=files[11])
    assert (data["shown"], data["opened"]) == (files[11], 0)


def test_a_link_opens_its_photo(fruit, visit):
    app = visit("label")
    app.query_params["photo"] = fruit.images[7].file
    app.query_params["dataset"] = fruit.id
    assert viewer_data(checked(app.run()), COMPONENT)["shown"] == fruit.images[7].file
    app.query_params["photo"] = "<b>.jpg"
    (toast,) = checked(app.run()).toast
    assert "has no photo of that name" in toast.value


def test_undo_brings_back_proposals_also_after_a_restart_of_the_server(fruit, tell, visit, monkeypatch):
    file = fruit.images[0].file
    places = (5.0, 5.0, 20.0, 20.0), (9.0, 9.0, 30.0, 30.0)
    propose_labels(fruit, {file: [DraftBox("apple", place, score=0.8) for place in places]}, "model")
    one, other = (box(place=place, score=0.8) for place in places)
    assert tell([change(fruit, file, [one], revision=1)])["answer"]["photos"] == {file: {"saved": 2}}
    assert tell([change(fruit, file, [], revision=2)])["answer"]["photos"] == {file: {"saved": 3}}
    monkeypatch.setattr(journal_file, "_files", {})
    tell.app = visit("label")
    assert tell([change(fruit, file, [one, other], revision=3)])["answer"]["photos"] == {file: {"saved": 4}}
    assert read_drafts(fruit).of(file).state == "proposed"


def test_a_data_set_that_is_deleted_meanwhile_takes_no_change_and_says_where_it_is(fruit, monkeypatch):
    def label():
        from autodet.datasets.manifest import list_datasets, read_dataset
        from autodet.trash import move_to_trash
        from autodet.ui.label.editor import show_editor
        from autodet.workspace import open_workspace

        workspace = open_workspace()
        (summary,) = list_datasets(workspace)
        dataset = read_dataset(workspace.datasets / summary.id)
        move_to_trash("dataset", dataset.folder)
        show_editor(dataset, [record.file for record in dataset.images])

    monkeypatch.setattr("autodet.ui.label.editor.link", lambda *words: None)  # there is one page only
    app = checked(AppTest.from_function(label).run())
    assert "was deleted. Restore it from the trash in Settings" in says(app)
    assert not app.get("bidi_component")


def test_a_viewer_looks_only(fruit, visit, monkeypatch):
    monkeypatch.setenv("AUTODET_MODE", "demo")
    app = visit("label")
    assert viewer_data(app, COMPONENT)["editable"] is False
    file = fruit.images[0].file
    app.session_state[f"label editor {fruit.id}"] = {
        "message": {"tab": "tab", "number": 1, "photos": [change(fruit, file)], "classes": ["kiwi"]}
    }
    answer = viewer_data(checked(app.run()), COMPONENT)["answer"]
    assert "demo" in answer["photos"][file]["refused"] and "demo" in answer["classes"]["kiwi"]["refused"]
    assert read_drafts(fruit).changed == {}


def test_the_queue_counts_filters_and_finds_the_next(fruit):
    order = [record.file for record in reversed(fruit.images)]
    first, second, third, fourth = order[:4]
    for file, fields in ((first, {}), (third, {"reviewed": True}), (fourth, {"flagged": True})):
        save_draft(fruit, PhotoDraft(file, (), **fields))
    drafts = read_drafts(fruit)
    queue = make_queue(drafts, order, second, "all")
    assert queue.files == order and queue.place == 1
    assert queue.counts == {"all": 20, "unlabelled": 2, "proposed": 0, "labelled": 18, "flagged": 1}
    assert (queue.next_unlabelled, queue.next_flagged) == (fourth, fourth)
    assert make_queue(drafts, order, fourth, "all").next_unlabelled == first  # round the end
    assert make_queue(drafts, order, fourth, "all").next_flagged is None
    assert list(make_queue(drafts, order, second, "unlabelled").files) == [first, second, fourth]
    assert list(make_queue(drafts, order, fourth, "flagged").files) == [fourth]


def test_the_page_of_photos_without_labels_opens(visit, fruit):
    app: AppTest = visit("label")
    data = viewer_data(app, COMPONENT)
    assert data["editable"] and data["filters"][0] == ["all", "All", 20]
