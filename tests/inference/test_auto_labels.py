import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from autodet.access.audit_log import read_entries
from autodet.access.visitor import Visitor, acting_as
from autodet.datasets.drafts.journal import add_draft_class, propose_labels, read_drafts, save_draft
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.errors import AccessError, DatasetError, ModelError
from autodet.inference import auto_labels
from autodet.inference.auto_labels import find_on_photos, propose, unlabelled_files, withdraw_proposals
from autodet.inference.demo import demo_model
from autodet.inference.draft_choice import DraftedClass, default_choice
from autodet.inference.draft_predictions import as_kept, keep_predictions, kept_predictions, photo_key
from autodet.models.model_card import ModelCard
from autodet.models.store import StoredModel
from autodet.processes import module_environment
from autodet.records import DraftBox, Prediction
from tests.helpers import APPLE, draw_photo, write_voc

BOX, ELSEWHERE = (4.0, 6.0, 30.0, 40.0), (40.0, 20.0, 60.0, 44.0)


@pytest.fixture
def pool(workspace, tmp_path):
    """Photos without labels; each is another one."""
    folder = tmp_path / "pool"
    folder.mkdir()
    for number in range(20):
        draw_photo(seed=number).save(folder / f"photo_{number:02}.png")
    return import_dataset(folder, "pool", workspace=workspace)


@pytest.fixture
def labelled(workspace, tmp_path):
    return import_dataset(write_voc(tmp_path / "fruit", 4, marks=(APPLE,)), "fruit", workspace=workspace)


@pytest.fixture
def model(tmp_path):
    """A model of apples and pears whose detections are kept already, so that it never predicts."""
    thresholds = {"apple": 0.5, "pear": 0.4}
    card = ModelCard(
        "fruit", ("apple", "pear"), "nanodet_g", 320, "", "", {}, thresholds=thresholds, weights_sha256="a" * 64
    )
    return StoredModel("fruit", tmp_path / "fruit.autodet", card)


def finds(model, dataset, *detections, files=None):
    """Keep the same detections (box, class id, score) for each photo."""
    records = [record for record in dataset.images if files is None or record.file in files]
    seen = as_kept(Prediction.of(*zip(*detections, strict=True)) if detections else Prediction.of([], [], []))
    keep_predictions(model, dataset, records, [seen] * len(records))


def boxes_of(dataset, place=0):
    return read_drafts(dataset).of(dataset.images[place].file).boxes


def test_boxes_above_the_threshold_of_their_class_become_proposals(pool, model):
    finds(model, pool, (BOX, 0, 0.49), (BOX, 1, 0.45), (ELSEWHERE, 0, 0.9))
    made = propose(model, pool)
    assert boxes_of(pool) == (DraftBox("apple", ELSEWHERE, score=0.9), DraftBox("pear", BOX, score=0.45))
    assert (made.photos, made.boxes, made.without) == (20, {"apple": 20, "pear": 20}, 0)
    assert read_drafts(pool).classes == ("apple", "pear")
    assert read_drafts(pool).of(pool.images[0].file).state == "proposed"


def test_of_two_classes_on_one_object_the_better_one_is_proposed(pool, model):
    near = (BOX[0], BOX[1], BOX[2] + 1, BOX[3])
    finds(model, pool, (BOX, 0, 0.8), (near, 1, 0.7), (ELSEWHERE, 1, 0.6))
    propose(model, pool)
    assert [(box.class_name, box.score) for box in boxes_of(pool)] == [("apple", 0.8), ("pear", 0.6)]
    propose(model, pool, choice={"pear": DraftedClass("pear", 0.4)})  # a class that is left out hides nothing
    assert [(box.class_name, box.score) for box in boxes_of(pool)] == [("pear", 0.7), ("pear", 0.6)]


def test_a_class_gets_the_name_that_a_person_gives_it_as_it_is_spelled_there(pool, model):
    finds(model, pool, (BOX, 0, 0.8), (ELSEWHERE, 1, 0.8))
    add_draft_class(pool, "Braeburn")
    propose(model, pool, choice={"apple": DraftedClass("  brae burn\n", 0.5), "pear": DraftedClass("birne\x07", 0.5)})
    assert [box.class_name for box in boxes_of(pool)] == ["Braeburn", "birne"]


def test_other_scores_need_no_new_prediction(pool, model):
    finds(model, pool, (BOX, 0, 0.8), (ELSEWHERE, 0, 0.6))
    propose(model, pool, choice={"apple": DraftedClass("apple", 0.7)})
    assert len(boxes_of(pool)) == 1
    propose(model, pool, choice={"apple": DraftedClass("apple", 0.6)})
    assert [box.score for box in boxes_of(pool)] == [0.8, 0.6]


def test_photos_that_a_person_reviewed_stay_as_they_are(pool, model):
    finds(model, pool, (BOX, 0, 0.8))
    empty, named = pool.images[0].file, pool.images[1].file
    drafts = read_drafts(pool)
    save_draft(pool, replace(drafts.of(empty), reviewed=True))
    add_draft_class(pool, "apple")
    save_draft(pool, replace(drafts.of(named), boxes=(DraftBox("apple", ELSEWHERE),), reviewed=True))
    assert {empty, named}.isdisjoint(unlabelled_files(read_drafts(pool)))
    made = propose(model, pool, [record.file for record in pool.images])
    assert (made.photos, made.skipped) == (18, 2)
    assert boxes_of(pool, 0) == () and len(boxes_of(pool, 1)) == 1


def test_reviewed_photos_get_boxes_only_where_no_label_is(labelled, model):
    finds(model, labelled, (APPLE[1], 0, 0.9), (ELSEWHERE, 0, 0.8))
    files = [record.file for record in labelled.images]
    assert propose(model, labelled).photos == 0
    assert propose(model, labelled, files, reviewed=True).boxes == {"apple": 4}
    draft = read_drafts(labelled).of(files[0])
    assert [box.box_xyxy for box in draft.labels] == [APPLE[1]]
    assert [box.box_xyxy for box in draft.proposals] == [ELSEWHERE]


def test_a_photo_that_a_person_changes_meanwhile_gets_nothing(pool, model, monkeypatch):
    finds(model, pool, (BOX, 0, 0.8))
    file = pool.images[0].file
    add_draft_class(pool, "apple")

    def proposed_late(dataset, proposals, *given):
        if file in proposals:
            save_draft(dataset, replace(read_drafts(dataset).of(file), reviewed=True))
        return propose_labels(dataset, proposals, *given)

    monkeypatch.setattr(auto_labels, "propose_labels", proposed_late)
    made = propose(model, pool)
    assert (made.photos, made.skipped) == (19, 1)
    assert read_drafts(pool).of(file).state == "empty"


def test_boxes_stay_on_the_photo(pool, model):
    finds(model, pool, ((-5.0, -5.0, 70.0, 60.0), 0, 0.9), ((63.5, 10.0, 70.0, 20.0), 1, 0.9))
    propose(model, pool)
    assert boxes_of(pool) == (DraftBox("apple", (0.0, 0.0, 64.0, 48.0), score=0.9),)


def test_a_data_set_is_asked_for_its_own_classes(model):
    card = model.card
    assert default_choice(card, ("Apple", "kiwi")) == {"apple": DraftedClass("Apple", 0.5)}
    assert default_choice(card, ("kiwi",)) == {}
    assert default_choice(card, (), 0.3) == {name: DraftedClass(name, 0.3) for name in card.classes}
    assert default_choice(demo_model().card, ()) == {}  # 80 kinds of objects, none of them asked for


def test_a_wrong_choice_is_refused_with_a_sentence(pool, model):
    with pytest.raises(ModelError, match="'fruit' does not know the class 'kiwi'; it knows 2 classes: apple, pear"):
        propose(model, pool, choice={"kiwi": DraftedClass("kiwi", 0.5)})
    with pytest.raises(ModelError, match="choose classes of the model"):
        propose(demo_model(), pool)
    with pytest.raises(DatasetError, match=r"no photo 'other\.png'"):
        propose(model, pool, ["other.png"])


def test_withdrawn_proposals_leave_the_labels(labelled, model):
    finds(model, labelled, (ELSEWHERE, 0, 0.8))
    propose(model, labelled, [record.file for record in labelled.images], reviewed=True)
    assert withdraw_proposals(labelled, [labelled.images[0].file]) == 1
    assert withdraw_proposals(labelled) == 3
    assert all(read_drafts(labelled).state_of(record.file) == "labelled" for record in labelled.images)
    assert len(boxes_of(labelled)) == 1


def test_a_viewer_lets_no_model_propose(pool, model, workspace):
    finds(model, pool, (BOX, 0, 0.8))
    with acting_as(Visitor("vic", "viewer")), pytest.raises(AccessError):
        propose(model, pool)
    with acting_as(Visitor("ann", "editor")):
        propose(model, pool)
    logged = [(entry.visitor, entry.thing, entry.outcome) for entry in read_entries(workspace)]
    assert [line for line in logged if line[0] == "ann"] == [("ann", "pool: 20 photos, fruit", "done")]
    assert read_drafts(pool).of(pool.images[0].file).author == "ann"


def test_a_torn_line_of_predictions_is_predicted_again(pool, model):
    finds(model, pool, (BOX, 0, 0.8))
    (path,) = (pool.folder / "drafts" / "predictions").iterdir()
    text = path.read_bytes()
    path.write_bytes(text[:-30])
    assert len(kept_predictions(model, pool)) == 19
    finds(model, pool, (BOX, 0, 0.8), files=[pool.images[-1].file])
    assert set(kept_predictions(model, pool)) == set(map(photo_key, pool.images))


def test_an_interrupted_call_continues(pool, monkeypatch):
    choice = {"apple": DraftedClass("apple", 0.05)}
    files = [record.file for record in pool.images]

    def stop(done, _total):
        raise KeyboardInterrupt(done)

    with pytest.raises(KeyboardInterrupt):
        propose(demo_model(), pool, files, choice, stop)
    assert len(kept_predictions(demo_model(), pool)) == auto_labels.PORTION
    asked = []
    stream = auto_labels._stream
    monkeypatch.setattr(auto_labels, "_stream", lambda *given: asked.extend(given[2]) or stream(*given))
    find_on_photos(demo_model(), pool, files)
    assert [record.file for record in asked] == files[auto_labels.PORTION :]
    assert set(kept_predictions(demo_model(), pool)) == set(map(photo_key, pool.images))


@pytest.mark.process
def test_a_killed_process_loses_at_most_a_portion(pool, workspace):
    command = [sys.executable, "-m", "autodet", "auto-label", pool.id, "--model", "demo", "--class", "apple"]
    running = subprocess.Popen(command, env=module_environment(AUTODET_HOME=str(workspace.home)))
    while not kept_predictions(demo_model(), pool) and running.poll() is None:
        time.sleep(0.01)
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    kept = len(kept_predictions(demo_model(), pool))
    assert kept and kept % auto_labels.PORTION in (0, len(pool.images) % auto_labels.PORTION)
    propose(demo_model(), pool, None, {"apple": DraftedClass("apple", 0.05)})
    assert len(kept_predictions(demo_model(), pool)) == len(pool.images)
