import shutil

import pytest

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.manifest import list_datasets, load_dataset
from autodet.datasets.versions.derive import derive_dataset
from tests.app.conftest import checked, labelled, labels, says
from tests.helpers import APPLE, BANANA, write_labelled, write_voc

EVIL = "![x](evil.png) <b>*bold*</b> :red[r] $y$"


@pytest.fixture
def fruit(workspace, tmp_path):
    folder = write_voc(tmp_path / "fruit", 20, [APPLE, BANANA, (EVIL, (1, 1, 20, 20))])
    for number in range(6):
        write_labelled(folder, f"clip{number // 3}_{number}", [APPLE], seed=100 + number)
    return import_dataset(folder, "fruit", workspace=workspace)


@pytest.fixture
def opened(visit, fruit):
    """The page with the panel open, and edits of the table of classes made by a visitor, by row."""

    def opened(edits=None):
        app = visit("datasets", dataset="fruit", **{"new version fruit": True})
        if edits:
            app.session_state["classes fruit"] = {"edited_rows": edits, "added_rows": [], "deleted_rows": []}
            app = checked(app.run())
        return app

    return opened


def pressed(app, label="Create the version"):
    return checked(labelled(app.button, label).click().run())


def difference(app):
    """The last table on the page, by its first column."""
    table = next(frame.value for frame in reversed(app.dataframe) if "Training" in frame.value.columns)
    return {row[0]: list(row[1:]) for row in table.itertuples(index=False)}


def test_the_panel_costs_nothing_until_it_is_opened(visit, fruit):
    app = visit("datasets")
    assert "New version" in labels(app.expander)
    assert not app.data_editor


def test_nothing_changed_makes_nothing(opened):
    app = opened()
    assert "No changes yet" in says(app)
    assert "Create the version" not in labels(app.button)
    assert app.data_editor[0].value["boxes"].tolist() == [20, 26, 20]


def test_a_class_is_renamed_and_another_dropped(opened, workspace):
    app = opened({1: {"name": "pome"}, 2: {"keep": False}})
    assert difference(app)["pome"] == ["0 → 18", "0 → 4", "0 → 4", "0 → 26"]
    assert difference(app)["banana"][-1] == "20 → 0"
    assert "Rename 'apple' to 'pome' (26 boxes)." in says(app).replace("\\", "")
    labelled(app.text_input, "Name").input("my *pomes*")
    app = pressed(app)
    version = load_dataset("my *pomes*", workspace)
    assert "pome" in version.classes and "banana" not in version.classes
    assert version.id == "my-pomes" == labelled(app.selectbox, "Data set").value
    assert "Version of **fruit**" in says(app)
    assert "Renamed 'apple' to 'pome' (26 boxes)." in says(app).replace("\\", "")


def test_names_are_shown_letter_by_letter(opened, workspace):
    app = opened({0: {"name": "**bold**"}})
    assert EVIL in difference(app) and "**bold**" in difference(app)
    text = says(pressed(app))
    assert "![x]" not in text and "**bold**" not in text and "\\*\\*bold\\*\\*" in text


@pytest.mark.parametrize(
    ("edits", "words"),
    [
        ({1: {"name": None}}, "needs a name that is not blank"),
        ({1: {"name": "Banana"}}, "only by capital letters"),
        ({0: {"keep": False}, 1: {"keep": False}, 2: {"keep": False}}, "No class would be left"),
    ],
)
@pytest.mark.slow
def test_a_mistake_is_a_sentence(opened, edits, words):
    app = opened(edits)
    assert words in says(app)
    assert "Create the version" not in labels(app.button)


def test_photos_that_lose_every_box_can_be_left_out(opened, workspace):
    app = opened({1: {"keep": False}})
    assert difference(app)["Photos without boxes"][-1] == "0 → 6"
    app = checked(labelled(app.radio, "Photos that lose all boxes").set_value("drop").run())
    assert difference(app)["Photos"][-1] == "26 → 20"
    pressed(app)
    assert len(load_dataset("fruit 2", workspace).images) == 20


@pytest.mark.process
def test_splits_are_drawn_anew_with_groups_that_are_shown_first(opened, workspace):
    app = opened()
    app = checked(labelled(app.toggle, "Redraw the splits").set_value(True).run())
    labelled(app.number_input, "Training, %").set_value(60)
    labelled(app.selectbox, "Keep together").set_value("pattern")
    app = checked(app.run())
    labelled(app.text_input, "Regular expression").input("(clip[0-9])_")
    app = checked(app.run())
    groups = next(frame.value for frame in app.dataframe if "Group" in frame.value.columns)
    assert sorted(groups[["Group", "Photos"]].values.tolist()) == [["clip0", 3], ["clip1", 3]]
    assert "such as those of one scene, stay in one split: 2 groups." in says(app).replace("\\", "")
    pressed(app)
    version = load_dataset("fruit 2", workspace)
    for clip in ("clip0", "clip1"):
        assert len({record.split for record in version.images if clip in record.origin}) == 1


def test_shares_beyond_everything_are_a_sentence(opened):
    app = checked(labelled(opened().toggle, "Redraw the splits").set_value(True).run())
    labelled(app.number_input, "Validation, %").set_value(60)
    assert "cannot be the shares" in says(checked(app.run()))


def test_a_class_that_a_split_lacks_is_told_before(opened):
    app = checked(labelled(opened().toggle, "Redraw the splits").set_value(True).run())
    labelled(app.number_input, "Training, %").set_value(96)
    labelled(app.number_input, "Validation, %").set_value(4)
    app = checked(labelled(app.selectbox, "Keep together").set_value("number").run())
    assert any("on no photo of val" in warning.value for warning in app.warning)


def test_a_version_tells_what_it_was_made_from_and_what_has_changed(visit, workspace, fruit):
    second = derive_dataset(fruit, drop=["banana"], workspace=workspace)
    third = derive_dataset(second, "third", rename={"apple": "pome"}, workspace=workspace)
    app = visit("datasets", dataset="third", **{"difference third": True})
    assert "Version of **fruit 2**, a version of **fruit**" in says(app)
    assert difference(app)["pome"][-1] == "0 → 26"
    shutil.rmtree(second.folder)
    text = says(visit("datasets", dataset=third.id))
    assert "Version of fruit\\-2, which has been deleted" in text and "Renamed" in text
    assert [one.id for one in list_datasets(workspace)] == ["third", "fruit"]
