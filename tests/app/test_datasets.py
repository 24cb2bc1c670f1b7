import time

import pytest

from autodet.datasets.background import start_import, wait_for
from autodet.datasets.importing import import_dataset
from autodet.datasets.manifest import list_datasets
from autodet.datasets.s3.access import S3Credentials
from autodet.errors import DatasetError
from tests.app.conftest import checked, labelled, says
from tests.helpers import draw_photo, voc_xml, write_labelled, write_voc, write_zip, zip_folder

EVIL = "![x](http://evil.example/x.png) <b>*bold*</b> :red[r] $y$"


@pytest.fixture
def fruit(workspace, tmp_path):
    return import_dataset(write_voc(tmp_path / "fruit"), "fruit", workspace=workspace)


def upload(app, path, name=None):
    """Drop a file on the uploader and press Import."""
    app.file_uploader[0].upload(name or path.name, path.read_bytes(), "application/zip")
    app = checked(app.run())
    return imported(checked(labelled(app.button, "Import").click().run()))


def imported(app):
    """The page once no import is at work any more."""
    deadline = time.monotonic() + 60
    while any(button.label == "Cancel" for button in app.button):
        assert time.monotonic() < deadline
        time.sleep(0.1)
        app = checked(app.run())
    return app


def test_a_zip_is_imported_and_shown(visit, workspace, tmp_path):
    app = upload(visit("datasets"), zip_folder(write_voc(tmp_path / "fruit"), tmp_path / "my fruit.zip"))
    (summary,) = list_datasets(workspace)
    assert (summary.name, summary.boxes) == ("my fruit", 40)
    assert {metric.label: metric.value for metric in app.metric}["Photos"] == "20"
    assert "Detected as Pascal VOC" in says(app)
    assert len(app.get("plotly_chart")) == 1
    assert len(app.get("image")) == 12


def test_what_was_imported_last_is_shown(visit, workspace, fruit, tmp_path):
    app = visit("datasets")
    assert labelled(app.selectbox, "Data set").value == "fruit"
    app = upload(app, zip_folder(write_voc(tmp_path / "more", 8), tmp_path / "more.zip"))
    assert labelled(app.selectbox, "Data set").value == "more"
    assert {metric.label: metric.value for metric in app.metric}["Photos"] == "8"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"hello", "is not a zip archive"),
        (b"", "is not a zip archive"),
        (b"PK\x05\x06" + b"\0" * 18, "is empty"),
        ({"a.jpg": b"x"}, "no labels"),
        ({"a.xml": voc_xml("a.jpg")}, "a.xml"),
    ],
)
def test_what_cannot_be_imported_is_a_sentence_and_leaves_nothing(visit, workspace, tmp_path, content, words):
    path = tmp_path / "broken.zip"
    path.write_bytes(content) if isinstance(content, bytes) else write_zip(path, content)
    app = upload(visit("datasets"), path)
    assert words in says(app).replace("\\", "")
    assert list(workspace.datasets.iterdir()) == []


def test_problems_are_listed_and_can_be_searched(visit, workspace, tmp_path):
    folder = write_voc(tmp_path / "dirty", 6)
    write_labelled(folder, "outside", [("apple", (10, 10, 500, 40))])
    (folder / "torn.xml").write_text("<annotation>")
    draw_photo().save(folder / "torn.png")
    dataset = import_dataset(folder, "dirty", workspace=workspace)
    app = visit("datasets")
    assert len(app.dataframe[0].value) == len(dataset.problems) >= 2
    labelled(app.text_input, "Find").input("TORN.xml")
    app = checked(app.run())
    assert "torn.xml" in set(app.dataframe[0].value["file"])
    assert "outside.xml" not in set(app.dataframe[0].value["file"])


def test_the_gallery_is_filtered_by_split_and_class(visit, fruit):
    app = visit("datasets")
    shown = len(app.get("image"))
    assert shown == 12
    app = checked(labelled(app.get("button_group"), "Split").set_value("val").run())
    assert len(app.get("image")) == fruit.splits["val"]


def test_names_from_users_are_shown_letter_by_letter(visit, workspace, tmp_path):
    folder = tmp_path / "evil"
    for number in range(6):
        write_labelled(folder, f"*{number}* <b>", [(EVIL, (4, 6, 30, 40))], seed=number)
    import_dataset(folder, EVIL, workspace=workspace)
    app = visit("datasets")
    assert not any("](http" in text and "\\]" not in text for text in says(app).splitlines())
    captions = [caption for image in app.get("image") for caption in image.captions]
    assert captions
    assert all("*0*" not in caption and "<b>" not in caption for caption in captions)


def test_s3_asks_for_an_address_and_says_what_is_wrong(visit, workspace):
    app = visit("datasets")
    app = checked(labelled(app.button, "Import from S3").click().run())
    assert "begins with s3" in says(app).replace("\\", "")
    labelled(app.text_input, "Address").input("s3://bucket/fruit")
    labelled(app.text_input, "Secret access key").input("half of a key")
    app = checked(labelled(app.button, "Import from S3").click().run())
    assert "both halves" in says(app)


def test_keys_for_s3_go_to_the_import_and_are_not_shown(visit, workspace, monkeypatch):
    asked = []

    def refuse(source, name, *, credentials):
        asked.append((source, credentials))
        raise DatasetError("The server does not let these keys read it.")

    monkeypatch.setattr("autodet.ui.importing.start_import", refuse)
    app = visit("datasets")
    typed = {
        "Address": "s3://bucket/fruit",
        "Access key id": "the id",
        "Secret access key": "the secret",
        "Session token": "the token",
    }
    for label, text in typed.items():
        labelled(app.text_input, label).input(text)
    app = checked(labelled(app.button, "Import from S3").click().run())
    assert asked == [("s3://bucket/fruit", S3Credentials("the id", "the secret", "the token"))]
    assert "does not let these keys" in says(app)
    assert "the secret" not in says(app)
    for label in ("Secret access key", "Session token"):
        assert labelled(app.text_input, label).proto.type == 1  # a password field


def test_the_sample_is_drawn_and_shown(visit, workspace):
    app = visit("datasets")
    app = imported(checked(labelled(app.button, "Use the sample data set").click().run()))
    assert {metric.label: metric.value for metric in app.metric}["Photos"] == "240"
    assert app.session_state["dataset"] == list_datasets(workspace)[0].id


def test_what_was_found_is_decided_before_it_is_imported(visit, workspace, tmp_path):
    folder = write_voc(tmp_path / "wide")
    write_labelled(folder, "wide", [("apple", (10, 10, 300, 40))], seed=77)
    app = upload(visit("datasets"), zip_folder(folder, tmp_path / "wide.zip"))
    assert list_datasets(workspace) == []
    assert "Boxes that reach beyond their photo" in says(app)
    labelled(app.selectbox, "What to do about: Boxes that reach beyond their photo").select("drop")
    app = checked(app.run())
    app = imported(checked(labelled(app.button, "Import 21 photos").click().run()))
    assert {metric.label: metric.value for metric in app.metric}["Boxes"] == "40"


def test_a_large_loss_is_not_imported_until_somebody_agrees(visit, workspace, tmp_path):
    folder = write_voc(tmp_path / "torn", 8)
    for number in range(3):
        (folder / f"torn{number}.xml").write_text("<annotation>")
        draw_photo(seed=99 + number).save(folder / f"torn{number}.png")
    app = upload(visit("datasets"), zip_folder(folder, tmp_path / "torn.zip"))
    assert labelled(app.button, "Import 8 photos").disabled
    labelled(app.selectbox, "What to do about: Much that cannot be used").select("keep")
    app = checked(app.run())
    app = imported(checked(labelled(app.button, "Import 8 photos").click().run()))
    assert list_datasets(workspace)[0].splits["train"] == 6


def test_an_import_outlives_its_page_and_is_offered_on_the_next_visit(visit, workspace, tmp_path):
    wait_for(start_import(str(write_voc(tmp_path / "fruit")), "fruit", workspace=workspace))
    app = visit("datasets")
    assert "fruit has been imported" in says(app)
    app = checked(labelled(app.button, "Look at it").click().run())
    assert labelled(app.selectbox, "Data set").value == "fruit"
    assert "has been imported" not in says(app)


def test_a_class_called_like_the_filters_own_word_can_be_chosen(visit, workspace, tmp_path):
    write_labelled(tmp_path / "odd", "one", [("every class", (4, 6, 30, 40))], seed=1)
    for number in range(8):
        write_labelled(tmp_path / "odd", f"apple_{number}", seed=2 + number)
    import_dataset(tmp_path / "odd", "odd", workspace=workspace)
    app = visit("datasets")
    assert len(app.get("image")) == 9
    app = checked(labelled(app.selectbox, "Class").select_index(2).run())
    assert len(app.get("image")) == 1
