"""The part of the page Label that lets a model draft."""

import time
from dataclasses import replace

import pytest

from autodet.access.visitor import Visitor
from autodet.datasets.drafts.journal import propose_labels, read_drafts, save_draft
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.inference import background_jobs
from autodet.inference.auto_label_jobs import find_auto_labels, start_auto_labels
from autodet.inference.draft_choice import MAX_CLASSES_UNASKED, DraftedClass
from autodet.inference.draft_predictions import as_kept, keep_predictions
from autodet.records import Calibration, DraftBox, LabelIssue, Prediction, ScoreMap
from tests.app.conftest import checked, labelled, labels, says
from tests.helpers import draw_photo
from tests.hostile_names import HOSTILE_NAMES

BOX, ELSEWHERE = (4.0, 6.0, 30.0, 40.0), (40.0, 20.0, 60.0, 44.0)


@pytest.fixture
def pool(workspace, tmp_path):
    """Photos without labels."""
    folder = tmp_path / "pool"
    folder.mkdir()
    for number in range(4):
        draw_photo(seed=number).save(folder / f"photo_{number}.png")
    return import_dataset(folder, "pool", workspace=workspace)


def finds(model, pool, *detections):
    seen = as_kept(Prediction.of(*zip(*detections, strict=True)))
    keep_predictions(model, pool, pool.images, [seen] * len(pool.images))


def clicked(app, pool):
    """Start to draft, and wait for the job."""
    checked(labelled(app.button, "Draft labels on 4 photos").click().run())
    wait_for_job(pool)
    return checked(app.run())


def wait_for_job(pool):
    while (job := find_auto_labels(pool)) and not job.error:
        time.sleep(0.02)
    assert job is None, job.error


def edited(app, cells):
    """Edit cells of the table of classes: row, column, value."""
    app.session_state["auto label classes pool fruit 4"] = {"edited_rows": cells, "added_rows": [], "deleted_rows": []}
    return checked(app.run())


def table(app):
    return app.data_editor[0].value


def test_without_a_model_it_says_how_to_get_one_and_offers_that_of_everyday_objects(visit, pool):
    app = visit("label")
    assert "label about twenty photos" in says(app)
    assert labelled(app.selectbox, "Model that drafts").options == ["Everyday objects · 80 classes of COCO"]
    assert len(table(app)) == 80 and not table(app)["draft"].any()
    assert "See what it finds on 4 photos" in labels(app.button)


def test_a_model_drafts_and_the_page_says_what(visit, pool, model_there):
    model = model_there()
    finds(model, pool, (BOX, 0, 0.8), (ELSEWHERE, 1, 0.6), (ELSEWHERE, 0, 0.3))
    app = visit("label")
    assert table(app)[["known", "boxes"]].values.tolist() == [["apple", 4], ["banana", 4]]
    app = clicked(app, pool)
    assert "8 boxes proposed on 4 photos: apple 4 and banana 4" in says(app).replace("\\", "")
    assert all(read_drafts(pool).state_of(record.file) == "proposed" for record in pool.images)
    assert "8 proposals on 4 photos wait for you" in says(app)


def test_the_form_is_folded_while_a_persons_labels_come_first(visit, pool, model_there):
    model = model_there()
    assert "boxes" not in table(visit("label"))  # the model has looked at nothing yet

    def is_open():
        return labelled(visit("label").expander, "Let a model draft").proto.expanded

    assert is_open()
    file = pool.images[0].file
    save_draft(pool, replace(read_drafts(pool).of(file), boxes=(DraftBox("apple", BOX),), reviewed=True))
    assert not is_open()
    propose_labels(pool, {pool.images[1].file: [DraftBox("apple", BOX, score=0.5)]}, model.id)
    assert is_open()


def test_another_score_and_another_name_show_at_once_how_many_boxes_there_are(visit, pool, model_there):
    finds(model_there(), pool, (BOX, 0, 0.8), (ELSEWHERE, 0, 0.3), (ELSEWHERE, 1, 0.6))
    app = edited(visit("label"), {0: {"threshold": 0.25, "name": "braeburn"}, 1: {"draft": False}})
    assert table(app)["boxes"].tolist() == [8, 0]
    app = clicked(app, pool)
    assert read_drafts(pool).classes == ("braeburn",)
    assert len(read_drafts(pool).of(pool.images[0].file).proposals) == 2


def test_proposals_above_a_score_are_accepted_and_the_rest_discarded(visit, pool, model_there):
    finds(model_there(), pool, (BOX, 0, 0.9), (ELSEWHERE, 1, 0.6))
    app = clicked(visit("label"), pool)
    assert "4 of 8 proposals, on 4 photos" in says(app) and "not calibrated" in says(app)
    assert [button.label for button in app.button if button.proto.type == "primary"] == ["Accept 4 boxes"]
    app = checked(labelled(app.button, "Accept 4 boxes").click().run())
    assert not labelled(app.button, "Accept 4 boxes").disabled  # the score is now that of what is left
    assert len(read_drafts(pool).of(pool.images[0].file).labels) == 1
    app = checked(labelled(app.slider, "Accept from a score of").set_value(0.95).run())
    assert labelled(app.button, "Accept 0 boxes").disabled
    app = checked(labelled(app.button, "Discard all 4").click().run())
    assert not any(draft.proposals for draft in read_drafts(pool).changed.values())
    assert "wait for you" not in says(app)


def test_an_acceptance_is_taken_back_in_another_visit(visit, pool, model_there):
    finds(model_there(), pool, (BOX, 0, 0.9), (ELSEWHERE, 1, 0.6))
    checked(labelled(clicked(visit("label"), pool).button, "Accept 4 boxes").click().run())
    app = visit("label")
    assert "4 boxes accepted on 4 photos, just now" in says(app)
    app = checked(labelled(app.button, "Take back").click().run())
    assert "8 proposals on 4 photos wait for you" in says(app) and "accepted on" not in says(app)
    assert "Take back" not in labels(app.button)


def test_each_class_can_have_its_own_score(visit, pool, model_there):
    finds(model_there(), pool, (BOX, 0, 0.9), (ELSEWHERE, 1, 0.6))
    app = clicked(visit("label"), pool)
    app = checked(labelled(app.number_input, "banana").set_value(0.5).run())
    app = checked(labelled(app.number_input, "apple").set_value(0.95).run())
    checked(labelled(app.button, "Accept 4 boxes").click().run())
    assert [box.class_name for box in read_drafts(pool).of(pool.images[0].file).labels] == ["banana"]


def test_calibrated_scores_say_how_often_such_boxes_were_right(visit, pool, model_there, monkeypatch):
    model = model_there()
    line = ScoreMap((-21.0, 21.0), (-21.0, 21.0))
    card = replace(model.card, calibration=Calibration(line))
    monkeypatch.setattr("autodet.ui.label.proposals.read_model", lambda _name: replace(model, card=card))
    propose_labels(pool, {pool.images[0].file: [DraftBox("apple", BOX, score=0.9)]}, model.id)
    assert "about 90 % of detections with such scores were right" in says(visit("label")).replace("\\", "")


def test_two_tabs_start_one_job(pool, model_there):
    model, files = model_there(), [record.file for record in pool.images]
    with background_jobs._turn:
        first = start_auto_labels(model, pool, files, {"apple": DraftedClass("apple", 0.5)})
        assert start_auto_labels(model, pool, files, {"banana": DraftedClass("banana", 0.5)}) is first
        finds(model, pool, (BOX, 0, 0.9))
    wait_for_job(pool)
    assert first.result.boxes == {"apple": 4}


def test_the_shown_photo_alone_gets_proposals(visit, pool, model_there):
    finds(model_there(), pool, (BOX, 0, 0.9))
    app = visit("label")
    checked(labelled(app.button, "Only on the shown photo").click().run())
    assert len(read_drafts(pool).changed) == 1


def test_flagged_photos_can_be_chosen(visit, pool, model_there):
    finds(model_there(), pool, (BOX, 0, 0.9))
    draft = read_drafts(pool).of(pool.images[2].file)
    save_draft(pool, replace(draft, flagged=True, issues=(LabelIssue(draft.file, "missing", "apple", BOX, 0.1),)))
    app = visit("label")
    app = checked(labelled(app.segmented_control, "Photos").set_value("flagged").run())
    assert "Draft labels on 1 photo" in labels(app.button)


def test_hostile_names_of_classes_are_drafted_and_shown(visit, pool, model_there):
    names = HOSTILE_NAMES[:MAX_CLASSES_UNASKED]
    model = model_there(classes=names)
    finds(model, pool, *(((3.0 * place, 6.0, 3.0 * place + 2, 40.0), place, 0.9) for place in range(len(names))))
    app = clicked(visit("label"), pool)
    assert len(read_drafts(pool).of(pool.images[0].file).proposals) == len(names)
    assert f"{4 * len(names)} proposals on 4 photos" in says(app) and not app.error


def test_a_viewer_sees_why_nothing_can_be_drafted(visit, pool, model_there, monkeypatch):
    model_there()
    monkeypatch.setattr("autodet.access.change.current_visitor", lambda: Visitor("vic", "viewer"))
    app = visit("label")
    assert "let a model propose labels" in says(app) and not app.data_editor
