from dataclasses import replace

import pytest

from autodet.datasets.drafts.journal import add_draft_class, propose_labels, read_drafts, save_draft
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.manifest import list_datasets, load_dataset
from autodet.records import DraftBox
from autodet.ui.label import version_offer
from tests.app.conftest import checked, labelled, labels, says
from tests.helpers import draw_photo

EVIL = "![x](evil.png) <b>*bold*</b> :red[r]"
BOX = DraftBox(EVIL, (1.0, 2.0, 30.0, 40.0))


@pytest.fixture
def pool(workspace, tmp_path):
    """Photos without labels."""
    (tmp_path / "pool").mkdir()
    for number in range(30):
        draw_photo((64, 48), number).save(tmp_path / "pool" / f"{number:02}.png")
    return import_dataset(tmp_path / "pool", "pool", workspace=workspace)


@pytest.fixture
def opened(visit, pool):
    return lambda: visit("label", dataset=pool.id, **{f"label version {pool.id}": True})


def label(pool, first, last, boxes=(BOX,)):
    add_draft_class(pool, EVIL)
    for record in pool.images[first:last]:
        save_draft(pool, replace(read_drafts(pool).of(record.file), boxes=tuple(boxes), reviewed=True))


def test_the_section_costs_nothing_until_it_is_opened(visit, pool, monkeypatch):
    monkeypatch.delattr(version_offer, "plan_labels")
    assert "Make a version" in labels(visit("label", dataset=pool.id).expander)


def test_the_way_to_the_section_stands_out_when_enough_labels_are_in_no_version(visit, pool):
    def way(app):
        """The button is always there, because an editor below that moves would spoil a drag."""
        button = labelled(app.button, "Make a version")
        return button.proto.type, button.help

    label(pool, 0, 19)
    assert way(visit("label")) == ("secondary", "")
    label(pool, 19, 20)
    app = visit("label")
    assert way(app) == ("primary", "20 photos are labelled, and no version has all of these labels yet.")
    app = checked(labelled(app.button, "Make a version").click().run())
    assert "What would change" in says(app)
    checked(labelled(app.button, "Make the version").click().run())
    assert way(visit("label", dataset=pool.id)) == ("secondary", "")


def test_without_labels_it_says_what_to_do(opened):
    app = opened()
    assert "draw a box on a photo, or accept a proposal" in says(app)
    assert "Make the version" not in labels(app.button)


def test_labels_become_a_version_once_and_more_labels_another_one(opened, pool, workspace):
    label(pool, 0, 12)
    label(pool, 12, 14, ())
    propose_labels(pool, {pool.images[20].file: [replace(BOX, score=0.5)]}, "model-1")
    app = opened()
    text = says(app).replace("\\", "")
    assert "Take over new labels of 14 photos" in text and "12 boxes added and 2 photos without objects" in text
    assert "Leave out 15 unlabelled photos" in text
    assert "Leave out 1 photo with proposals that wait for a decision" in text
    labelled(app.text_input, "Name").input("first")
    app = checked(labelled(app.button, "Make the version").click().run())
    assert "**first** has these labels: 14 photos, 12 boxes" in says(app)
    assert {one.name for one in list_datasets(workspace)} == {"pool", "first"}
    links = [part for part in app.get("page_link") if part.value == "Train a detector"]
    assert "dataset=first&form=quick" in [part.proto.query_string for part in links]
    assert "Make the version" not in labels(app.button)

    label(pool, 14, 20)
    app = opened()
    assert "Compared with the last version, first" in says(app)
    table = app.dataframe[-1].value
    assert table["All"].tolist()[0] == "14 → 20"
    app = checked(labelled(app.button, "Make the version").click().run())
    assert len(load_dataset("pool 2", workspace).images) == 20


def test_what_is_left_out_is_a_choice(opened, pool):
    label(pool, 0, 10)
    app = opened()
    app = checked(
        labelled(app.checkbox, "Take photos that nobody has labelled, as photos without objects").check().run()
    )
    assert "Leave out" not in says(app)
    assert app.dataframe[-1].value["All"].tolist()[:2] == ["30", "30 → 20"]


def test_a_second_click_or_tab_makes_no_second_version(opened, pool, workspace):
    label(pool, 0, 10)
    tabs = [opened(), opened()]
    for tab in tabs:
        assert "has these labels" in says(checked(labelled(tab.button, "Make the version").click().run()))
    assert len(list_datasets(workspace)) == 2


def test_a_viewer_makes_no_version(visit, pool, monkeypatch):
    label(pool, 0, 10)
    monkeypatch.setenv("AUTODET_PASSWORD", "open sesame, please")
    monkeypatch.setenv("AUTODET_VIEWER_PASSWORD", "look, do not touch")
    app = visit("label", dataset=pool.id)
    app.text_input[0].input("look, do not touch")
    app = checked(app.button[0].click().run())
    assert "Make a version" not in labels(app.expander)
    assert "Only editors can create data sets" in says(app)
