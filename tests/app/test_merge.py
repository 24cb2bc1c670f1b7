import pytest

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.manifest import list_datasets, load_dataset
from autodet.datasets.versions.merge import merge_datasets
from tests.app.conftest import checked, labelled, labels, says
from tests.helpers import APPLE, BANANA, write_labelled

EVIL = "![x](evil.png) *bold*"


@pytest.fixture
def data(workspace, tmp_path):
    """Import a data set of photos in train and val, each with the same marks."""

    def data(name, marks, photos=6, first=None):
        first = sum(map(ord, name)) * 100 if first is None else first
        for number in range(photos + 2):
            write_labelled(
                tmp_path / name / ("val" if number < 2 else "train"), str(number), marks, seed=first + number
            )
        return import_dataset(tmp_path / name, name, workspace=workspace)

    return data


@pytest.fixture
def opened(visit):
    """The page of data set a with the panel open and others chosen, and edits of the table, by row."""

    def opened(*others, edits=None):
        app = visit("datasets", dataset="a", **{"merge a": True})
        if not others:
            return app
        app = checked(labelled(app.multiselect, "Data sets to add").set_value(list(others)).run())
        if edits:
            key = " ".join(["classes merge a", *others])
            app.session_state[key] = {"edited_rows": edits, "added_rows": [], "deleted_rows": []}
            app = checked(app.run())
        return app

    return opened


def button(app):
    return labelled(app.button, "Make the data set")


def counts(app):
    """The last table on the page, by its first column."""
    table = next(frame.value for frame in reversed(app.dataframe) if "Training" in frame.value.columns)
    return {row[0]: list(row[1:]) for row in table.itertuples(index=False)}


def plain(app):
    return says(app).replace("\\", "")


def test_without_another_data_set_it_says_what_to_do(opened, data):
    data("a", [APPLE])
    app = opened()
    assert "no other data set yet" in plain(app) and not app.data_editor
    assert "Make the data set" not in labels(app.button)


def test_two_data_sets_become_one(opened, data, workspace):
    data("a", [APPLE])
    data("b", [("Apple", APPLE[1])])
    app = opened("b")
    table = app.data_editor[0].value
    assert table[["class", "name", "set", "boxes"]].values.tolist() == [
        ["apple", "apple", "a", 8],
        ["Apple", "apple", "b", 8],
    ]
    assert counts(app)["apple"] == ["6 → 12", "2 → 4", "0", "8 → 16"]
    assert not button(app).disabled
    labelled(app.text_input, "Name").input("my *apples*")
    app = checked(button(app).click().run())
    made = load_dataset("my *apples*", workspace)
    assert (made.classes, made.boxes) == (("apple",), 16)
    assert labelled(app.selectbox, "Data set").value == made.id
    assert "Merged from **a** and **b**" in says(app)
    assert "Joined 'a' (8 photos, 8 boxes) and 'b' (8 photos, 8 boxes)." in plain(app)


def test_a_class_that_most_photos_lack_needs_consent_for_exactly_that(opened, data, workspace):
    data("a", [APPLE], photos=10)
    data("b", [APPLE, BANANA], photos=2)
    app = opened("b")
    assert button(app).disabled
    assert "Only 'b' labels 'banana': 12 of 16 photos are labelled without it ('a')" in plain(app)
    assert "Please decide first" in plain(app) and "--" not in plain(app)
    consent = "I have checked this. Merge anyway: the other photos do not show it."
    app = checked(labelled(app.checkbox, consent).check().run())
    assert not button(app).disabled
    app.session_state["classes merge a b"] = {
        "edited_rows": {2: {"name": "pear"}},
        "added_rows": [],
        "deleted_rows": [],
    }
    app = checked(app.run())
    assert button(app).disabled, "the consent was for bananas"
    app = checked(labelled(app.checkbox, consent).check().run())
    checked(button(app).click().run())
    assert load_dataset("a and b", workspace).classes == ("apple", "pear")


def test_similar_names_are_joined_or_kept_by_choice(opened, data, workspace):
    data("a", [APPLE])
    data("b", [("Apples", APPLE[1])])
    app = opened("b")
    question = "What to do about: Classes with similar names in merged data sets"
    assert button(app).disabled and labelled(app.radio, question).value is None
    app = checked(labelled(app.radio, question).set_value("fix").run())
    assert counts(app)["Apples"][-1] == "8 → 0"
    checked(button(app).click().run())
    assert load_dataset("a and b", workspace).classes == ("apple",)


def test_photos_with_two_sets_of_labels_are_a_question(opened, data, workspace):
    data("a", [APPLE], first=0)
    data("b", [BANANA], first=0)
    app = opened("b")
    question = labelled(app.radio, "What to do about: Photos that merged data sets label differently")
    assert "8 photos are in both 'a' and 'b', with different boxes" in plain(app) and button(app).disabled
    app = checked(question.set_value("fix").run())
    assert counts(app)["Photos"][-1] == "16 → 8"
    checked(button(app).click().run())
    assert load_dataset("a and b", workspace).boxes == 16


@pytest.mark.parametrize(
    ("edits", "words"),
    [
        ({1: {"name": None}}, "needs a name that is not blank"),
        ({1: {"name": "Apple"}}, "only by capital letters"),
        ({1: {"keep": False}}, "No class would be left"),
    ],
)
def test_a_mistake_is_a_sentence(opened, data, edits, words):
    data("a", [APPLE])
    data("b", [BANANA])
    app = opened("b", edits=edits)
    assert words in plain(app)
    assert "Make the data set" not in labels(app.button)


def test_names_are_shown_letter_by_letter(opened, data):
    data("a", [APPLE])
    data("b", [(EVIL, APPLE[1])], photos=4)
    text = says(opened("b"))
    assert "![x]" not in text and "\\*bold\\*" in text


def test_a_merged_data_set_tells_what_it_was_made_of(visit, data, workspace):
    a, b = data("a", [APPLE]), data("b", [APPLE])
    made = merge_datasets([a, b], "both", workspace=workspace)
    app = visit("datasets", dataset=made.id, **{f"difference {made.id}": True})
    assert counts(app)["Photos"] == ["12", "4", "0", "16"]
    assert [summary.id for summary in list_datasets(workspace)] == ["both", "b", "a"]
