"""The choice of the order of photos on the page Label."""

from dataclasses import replace

import pytest

from autodet.access.visitor import Visitor
from autodet.datasets.drafts.journal import add_draft_class, propose_labels, read_drafts, save_draft
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.inference import background_jobs
from autodet.inference.demo import demo_model
from autodet.inference.draft_predictions import keep_predictions
from autodet.inference.label_order_jobs import cancel_look
from autodet.inference.label_orders import look_at_photos
from autodet.records import DraftBox, Prediction
from tests.app.conftest import address, checked, labelled, labels, says, viewer_data
from tests.helpers import draw_photo

BOX = (4.0, 6.0, 30.0, 40.0)
ORDER = "Order of the photos"


@pytest.fixture
def pool(workspace, tmp_path):
    """Five photos without labels."""
    folder = tmp_path / "pool"
    folder.mkdir()
    for number in range(5):
        draw_photo(seed=number).save(folder / f"photo_{number}.png")
    return import_dataset(folder, "pool", workspace=workspace)


def ordered(app, order):
    return checked(labelled(app.selectbox, ORDER).select(order).run())


def clicked(app, label):
    app = checked(labelled(app.button, label).click().run())
    with background_jobs._turn:
        pass
    return checked(app.run())


def shown(app):
    """The photo in the editor, and the reason for its place."""
    data = viewer_data(app, "autodet_label_editor")
    return data["shown"], data["photos"][data["shown"]]["reason"]


def label(pool, file):
    draft = read_drafts(pool).of(file)
    save_draft(pool, replace(draft, boxes=(DraftBox("apple", BOX),), reviewed=True))


def test_at_first_the_photos_come_as_imported(visit, pool):
    app = visit("label")
    assert labelled(app.selectbox, ORDER).value == "imported"
    assert shown(app) == (pool.images[0].file, "")
    assert "Order now" not in labels(app.button)


def test_photos_are_looked_at_once_and_then_ordered(visit, pool):
    app = ordered(visit("label"), "teaches")
    assert "tell which are alike" in says(app) and shown(app)[1] == ""
    assert "Order now" not in labels(app.button)
    app = clicked(app, "Look at 5 photos")
    assert "The photos have been read" in says(app) and shown(app) == (pool.images[0].file, "")
    app = clicked(app, "Order now")
    file, reason = shown(app)
    assert reason.startswith("Looks unlike any photo that is labelled")
    assert "5 photos that wait for labels, ordered by looks alone." in says(app)
    assert shown(ordered(visit("label"), "teaches")) == (file, reason)


def test_the_order_stays_until_a_new_one_is_asked_for(visit, pool):
    look_at_photos(pool, ())
    app = ordered(visit("label"), "teaches")
    first, _ = shown(app)
    label(pool, first)
    app = checked(app.run())
    assert shown(app)[0] == first
    assert "1 photo got labels since." in says(app)
    app = clicked(app, "Order now")
    assert shown(app)[0] != first
    assert "4 photos that wait for labels" in says(app) and "since" not in says(app)


def test_a_model_that_knows_the_classes_says_what_it_is_unsure_about(visit, pool):
    add_draft_class(pool, "apple")
    model = demo_model()
    apple, threshold = model.card.classes.index("apple"), model.card.all_thresholds["apple"]
    unsure = Prediction.of([(12 * x, 4, 12 * x + 9, 30) for x in range(5)], [apple] * 5, [threshold] * 5)
    keep_predictions(model, pool, pool.images, [unsure] * 5)
    look_at_photos(pool, ())
    app = ordered(visit("label"), "teaches")
    photos = viewer_data(app, "autodet_label_editor")["photos"].values()
    assert "The model is unsure about 5 objects." in [photo["reason"] for photo in photos]
    app = checked(app.selectbox(key=f"label order model {pool.id}").select("").run())
    assert "ordered by looks alone" in says(app) and shown(app)[1].startswith("Looks unlike")


def test_no_order_is_made_before_the_look_ends(visit, pool):
    add_draft_class(pool, "apple")
    look_at_photos(pool, ())
    app = ordered(visit("label"), "teaches")
    with background_jobs._turn:
        app = checked(labelled(app.button, "Look at 5 photos").click().run())
        assert "ordered by" not in says(app) and shown(app)[1] == ""
        assert "Order now" not in labels(app.button)
        cancel_look(pool)


def test_proposals_with_low_scores_come_first(visit, pool):
    propose_labels(pool, {pool.images[2].file: [DraftBox("apple", BOX, score=0.31)]}, "model")
    app = ordered(visit("label"), "proposals")
    assert shown(app) == (pool.images[2].file, "Has a proposal with a score of 31%.")


@pytest.mark.parametrize(("named", "shown"), [("random", "random"), ("<b>", "imported")])
def test_the_address_names_the_order(visit, pool, named, shown):
    app = visit("home")
    app.query_params["dataset"], app.query_params["order"] = pool.id, named
    app = checked(app.switch_page("pages/label.py").run())
    assert labelled(app.selectbox, ORDER).value == shown
    assert address(app).get("order") == (None if shown == "imported" else shown)


def test_a_viewer_sees_why_there_is_no_order(visit, pool, monkeypatch):
    monkeypatch.setattr("autodet.access.change.current_visitor", lambda: Visitor("vic", "viewer"))
    app = ordered(visit("label"), "teaches")
    assert "Only editors can start comparisons of photos" in says(app)
    assert not any(name.startswith("Look at") for name in labels(app.button))


def test_a_failed_look_is_told_and_can_be_repeated(visit, pool, monkeypatch):
    photo = pool.photo(pool.images[1])
    content = photo.read_bytes()
    photo.unlink()
    app = clicked(ordered(visit("label"), "teaches"), "Look at 5 photos")
    assert app.error and "Look at 5 photos" in labels(app.button)
    photo.write_bytes(content)
    app = clicked(clicked(app, "Look at 5 photos"), "Order now")
    assert not app.error and "ordered by looks alone" in says(app)
