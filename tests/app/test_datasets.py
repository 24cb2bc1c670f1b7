import os
import time
from dataclasses import replace

import pytest

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.imports.import_job import list_imports, start_import
from autodet.datasets.manifest import list_datasets, write_dataset
from autodet.datasets.sources.s3.access import S3Credentials
from autodet.errors import DatasetError
from autodet.records import Annotations
from tests.app.conftest import address, checked, follow, labelled, labels, primary_links, says, trial, viewer_data
from tests.helpers import break_imports, draw_photo, voc_xml, wait_for, write_labelled, write_voc, write_zip, zip_folder
from tests.tiers import PROCESS, implies

EVIL = "![x](http://evil.example/x.png) <b>*bold*</b> :red[r] $y$"


@pytest.fixture
def fruit(workspace, tmp_path):
    return import_dataset(write_voc(tmp_path / "fruit"), "fruit", workspace=workspace)


def upload(app, path, name=None):
    """Drop a file on the uploader and press Import."""
    app.file_uploader[0].upload(name or path.name, path.read_bytes(), "application/zip")
    app = checked(app.run())
    return imported(checked(labelled(app.button, "Import").click().run()))


@implies(PROCESS)
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
    assert len(app.get("image")) == 12
    assert all(image.proto.imgs[0].alt.endswith(".png") for image in app.get("image"))


def test_a_data_set_is_packed_only_when_somebody_downloads_it(visit, workspace, fruit, offered, tmp_path):
    visit("datasets")
    for format in ("coco", "yolo", "voc"):
        archive = tmp_path / f"{format}.zip"
        archive.write_bytes(offered[f"fruit-{format}.zip"]())
        again = import_dataset(archive, format, workspace=workspace)
        assert (again.format, again.classes, again.splits) == (format, fruit.classes, fruit.splits)


def test_a_large_data_set_is_for_the_command_line(visit, fruit, offered, monkeypatch):
    monkeypatch.setattr("autodet.ui.common.export_buttons.MAX_BYTES", 1000)
    app = visit("datasets")
    assert "python -m autodet export fruit --format coco" in app.code[0].value
    assert not any(name.endswith(".zip") for name in offered)


def test_what_was_imported_last_is_shown(visit, workspace, fruit, tmp_path):
    app = visit("datasets")
    assert labelled(app.selectbox, "Data set").value == "fruit"
    app = upload(app, zip_folder(write_voc(tmp_path / "more", 8), tmp_path / "more.zip"))
    assert labelled(app.selectbox, "Data set").value == "more"
    assert {metric.label: metric.value for metric in app.metric}["Photos"] == "8"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"hello", "is not a zip or tar archive"),
        (b"", "is not a zip or tar archive"),
        (b"PK\x05\x06" + b"\0" * 18, "is empty"),
        ({"a.jpg": b"x"}, "is not a photo that can be read"),
        ({"a.jpg": b"x", "a.csv": "x"}, "no labels"),
        ({"a.xml": voc_xml("a.jpg")}, "holds no photos"),
    ],
)
def test_what_cannot_be_imported_is_a_sentence_and_leaves_nothing(visit, workspace, tmp_path, content, words):
    path = tmp_path / "broken.zip"
    path.write_bytes(content) if isinstance(content, bytes) else write_zip(path, content)
    app = upload(visit("datasets"), path)
    assert words in says(app).replace("\\", "")
    assert list(workspace.datasets.iterdir()) == []


def view(app, dataset, name):
    """Turn to another view of the data set."""
    app.session_state[f"views {dataset.id}"] = name
    return checked(app.run())


def test_problems_are_listed_by_kind_and_can_be_searched_and_downloaded(visit, workspace, tmp_path, offered):
    folder = write_voc(tmp_path / "dirty", 6)
    write_labelled(folder, "outside", [("apple", (10, 10, 500, 40))])
    (folder / "torn.xml").write_text("<annotation>")
    draw_photo().save(folder / "torn.png")
    dataset = import_dataset(folder, "dirty", workspace=workspace)
    app = view(visit("datasets"), dataset, f"Findings ({len(dataset.findings)})")
    titles = [expander.label for expander in app.expander]
    assert "**Boxes that reach beyond their photo** · 1" in titles
    assert "**Label files that cannot be read** · 1" in titles
    labelled(app.text_input, "Find").input("TORN.xml")
    app = checked(app.run())
    titles = [expander.label for expander in app.expander if expander.label.startswith("**")]
    assert titles == ["**Label files that cannot be read** · 1"]
    report = offered["dirty-findings.csv"]().decode()
    assert report.splitlines()[0] == "kind,file,problem,action,photos"
    assert len(report.splitlines()) == 1 + len(dataset.findings)
    assert "train/outside.png" in next(line for line in report.splitlines() if "box_outside" in line)


def test_only_a_kind_that_is_opened_shows_its_photos(visit, workspace, tmp_path):
    folder = write_voc(tmp_path / "dirty", 6)
    for number in range(24):
        write_labelled(folder, f"outside_{number}", [("apple", (10, 10, 500, 40))], seed=50 + number)
    dataset = import_dataset(folder, "dirty", decisions={"large_loss": "keep"}, workspace=workspace)
    app = view(visit("datasets"), dataset, f"Findings ({len(dataset.findings)})")
    assert len(app.get("image")) == 0
    app.session_state[f"kind {dataset.id} box_outside"] = True
    app = checked(app.run())
    assert len(app.get("image")) == 20
    assert "Many boxes outside their photos" in says(app)
    enlarge = [button for button in app.button if button.key.startswith("enlarge") and "box_outside" in button.key]
    app = checked(enlarge[1].click().run())
    shown = viewer_data(app)
    assert (shown["count"], shown["photos"]["0"]["name"]) == (1, "train/outside_1.png")
    assert shown["photos"]["0"]["boxes"]["ground_truth"]["rows"]


def test_a_finding_without_photos_is_a_sentence_without_pictures(visit, workspace, tmp_path):
    write_voc(tmp_path / "set" / "train", 12)
    write_voc(tmp_path / "set" / "val", 12, ())
    dataset = import_dataset(tmp_path / "set", "set", workspace=workspace)
    app = view(visit("datasets"), dataset, f"Findings ({len(dataset.findings)})")
    assert "**Splits without boxes** · 1" in [expander.label for expander in app.expander]
    app.session_state[f"kind {dataset.id} split_unmarked"] = True
    app = checked(app.run())
    assert "The split val has 12 photos and no boxes, so a search cannot compare its trials" in says(app)
    assert len(app.get("image")) == 0


def test_a_review_shows_a_finding_without_photos(visit, workspace, tmp_path):
    write_voc(tmp_path / "wide" / "train", 12)
    write_voc(tmp_path / "wide" / "val", 12, ())
    write_labelled(tmp_path / "wide" / "train", "wide", [("apple", (10, 10, 300, 40))], seed=77)
    one = start_import(str(tmp_path / "wide"), "wide", workspace=workspace)
    assert wait_for(one).state == "reviewing"
    app = visit("datasets")
    app = unfolded(app, one.id, "split_unmarked")
    assert "Splits without boxes" in list(app.dataframe[0].value["Finding"])
    assert "no boxes, so a search cannot compare its trials" in says(app)


def test_five_charts_each_say_what_to_worry_about(visit, fruit):
    app = view(visit("datasets"), fruit, "Statistics")
    assert len(app.get("plotly_chart")) == 5
    assert [header.value for header in app.subheader] == [
        "Classes",
        "Sizes of boxes",
        "Positions of boxes",
        "Shapes of boxes",
        "Sizes of photos",
    ]
    assert "Balanced well enough" in says(app)
    assert "100% are smaller than the training size of 320" in says(app)


def test_photos_without_objects_have_a_page_too(visit, workspace, fruit):
    empty = tuple(replace(record, annotations=Annotations.of([], [])) for record in fruit.images)
    write_dataset(replace(fruit, images=empty, classes=()))
    app = visit("datasets")
    assert len(app.get("image")) == 12
    app = view(app, fruit, "Statistics")
    assert "No labels yet" in says(app)
    assert len(app.get("plotly_chart")) == 1


def test_the_gallery_is_filtered_by_split_class_size_and_name(visit, workspace, tmp_path):
    folder = write_voc(tmp_path / "fruit", 10)
    write_labelled(folder, "tiny", [("cherry", (4, 6, 5, 7))], seed=77)
    dataset = import_dataset(folder, "fruit", workspace=workspace)
    app = visit("datasets")
    assert len(app.get("image")) == 11
    app = checked(labelled(app.selectbox, "Class").set_value(dataset.classes.index("cherry")).run())
    assert "**1 photo** of 11" in says(app)
    app = checked(labelled(app.selectbox, "Object size").set_value("large").run())
    assert "No photo meets all of these conditions" in says(app)
    app = checked(labelled(app.button, "Show all photos").click().run())
    assert len(app.get("image")) == 11
    app = checked(labelled(app.selectbox, "Finding").set_value("box_tiny").run())
    assert len(app.get("image")) == 1
    app = checked(labelled(app.selectbox, "Finding").set_value("any").run())
    app = checked(labelled(app.text_input, "File").input("TINY").run())
    assert len(app.get("image")) == 1
    app = checked(labelled(app.text_input, "File").input("").run())
    app = checked(labelled(app.get("button_group"), "Split").set_value("val").run())
    assert len(app.get("image")) == dataset.splits["val"]


def test_filters_stay_and_say_so_while_another_tab_or_page_is_looked_at(visit, workspace, tmp_path):
    folder = write_voc(tmp_path / "fruit", 10)
    write_labelled(folder, "tiny", [("cherry", (4, 6, 5, 7))], seed=77)
    dataset = import_dataset(folder, "fruit", workspace=workspace)
    cherry = dataset.classes.index("cherry")
    app = checked(labelled(visit("datasets").selectbox, "Class").set_value(cherry).run())
    app = view(view(app, dataset, "Statistics"), dataset, "Photos")
    assert (len(app.get("image")), labelled(app.selectbox, "Class").value) == (1, cherry)
    app = checked(checked(app.switch_page("pages/settings.py").run()).switch_page("pages/datasets.py").run())
    assert (len(app.get("image")), labelled(app.selectbox, "Class").value) == (1, cherry)
    assert labelled(app.selectbox, "Object size").value == "any"


def test_a_photo_that_is_gone_is_a_sentence_among_the_others(visit, fruit):
    fruit.photo(fruit.images[1]).unlink()
    app = visit("datasets")
    assert len(app.get("image")) == 11
    assert "is not there" in says(app)


def test_a_photo_is_looked_at_large(visit, fruit):
    app = visit("datasets")
    first = fruit.images[0]
    app = checked(app.button(f"enlarge {fruit.id} {first.file}").click().run())
    data = viewer_data(app)
    assert (data["count"], data["place"]) == (20, 0)
    photo = data["photos"]["0"]
    assert (photo["name"], photo["size"]) == (first.file, [64, 48])
    boxes = photo["boxes"]["ground_truth"]
    assert [name for name, _ in boxes["classes"]] == ["apple", "banana"]
    assert [row[:4] for row in boxes["rows"]] == first.annotations.boxes_xyxy.tolist()
    assert "64 × 48 pixels · train · 2 boxes" in says(app)
    assert list(app.dataframe[0].value["class"]) == ["apple", "banana"]


def test_names_from_users_are_shown_letter_by_letter(visit, workspace, tmp_path):
    folder = tmp_path / "evil"
    for number in range(6):
        write_labelled(folder, f"*{number}* <b>", [(EVIL, (4, 6, 30, 40))], seed=number)
    import_dataset(folder, EVIL, workspace=workspace)
    app = visit("datasets")
    assert not any("](http" in text and "\\]" not in text for text in says(app).splitlines())
    names = [button.label for button in app.button if (button.key or "").startswith("enlarge")]
    assert names
    assert all("*0*" not in name and "<b>" not in name for name in names)
    (legend,) = [html for html in app.get("html") if "evil" in html.body]
    assert "<b>" not in legend.body
    assert "&lt;b&gt;" in legend.body


def test_s3_asks_for_an_address_and_says_what_is_wrong(visit, workspace):
    app = visit("datasets")
    app = checked(labelled(app.button, "Import from S3").click().run())
    assert "begins with s3" in says(app).replace("\\", "")
    labelled(app.text_input, "Address").input("s3://bucket/fruit")
    labelled(app.text_input, "Secret access key").input("half of a key")
    app = checked(labelled(app.button, "Import from S3").click().run())
    assert "Enter both the access key id and the secret" in says(app)


def test_keys_for_s3_go_to_the_import_and_are_not_shown(visit, workspace, monkeypatch):
    asked = []

    def refuse(source, name, *, format, credentials, into):
        asked.append((source, credentials))
        raise DatasetError("The server does not let these keys read it.")

    monkeypatch.setattr("autodet.ui.datasets.import_form.start_import", refuse)
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


def test_what_was_found_is_decided_before_it_is_imported(visit, workspace, tmp_path):
    folder = write_voc(tmp_path / "wide")
    write_labelled(folder, "wide", [("apple", (10, 10, 300, 40))], seed=77)
    app = upload(visit("datasets"), zip_folder(folder, tmp_path / "wide.zip"))
    assert list_datasets(workspace) == []
    assert "Boxes that reach beyond their photo" in says(app)
    choice = labelled(app.radio, "What to do about: Boxes that reach beyond their photo")
    app = checked(choice.set_value("drop").run())
    app = imported(checked(labelled(app.button, "Import 21 photos").click().run()))
    assert {metric.label: metric.value for metric in app.metric}["Boxes"] == "40"


def test_what_was_chosen_is_there_again_after_a_reload(visit, workspace, tmp_path):
    folder = write_voc(tmp_path / "wide")
    write_labelled(folder, "wide", [("apple", (10, 10, 300, 40))], seed=77)
    app = upload(visit("datasets"), zip_folder(folder, tmp_path / "wide.zip"))
    kind = "What to do about: Boxes that reach beyond their photo"
    checked(labelled(app.radio, kind).set_value("drop").run())
    app = visit("datasets")  # another browser session, as a reload begins
    assert labelled(app.radio, kind).value == "drop"
    assert "with **40 boxes**" in says(app)
    checked(labelled(app.radio, kind).set_value("fix").run())
    assert labelled(visit("datasets").radio, kind).value == "fix"


def test_nothing_without_boxes_is_imported(visit, workspace, tmp_path):
    folder = write_voc(tmp_path / "few", 3)
    (folder / "torn.xml").write_text("<annotation>")
    draw_photo(seed=99).save(folder / "torn.png")
    app = upload(visit("datasets"), zip_folder(folder, tmp_path / "few.zip"))
    app = unfolded(app, "few", "class_rare")
    app = checked(labelled(app.radio, "What to do about: Classes with few boxes").set_value("drop").run())
    assert "No box of" in says(app) and "Not possible: **No boxes at all**" in says(app)
    assert labelled(app.button, "Import 3 photos").disabled


def test_an_import_says_what_is_yet_to_be_done_and_speaks_of_this_page(visit, workspace, tmp_path, offered):
    folder = write_voc(tmp_path / "torn", 8)
    write_labelled(folder, "wide", [("apple", (10, 10, 300, 40))], seed=77)
    for number in range(3):
        (folder / f"torn{number}.xml").write_text("<annotation>")
        draw_photo(seed=99 + number).save(folder / f"torn{number}.png")
    app = upload(visit("datasets"), zip_folder(folder, tmp_path / "torn.zip"))
    assert "agree to import the rest here" in says(app) and "command line" not in says(app)
    text = says(opened(app, "torn", "box_outside"))
    assert r"The box would be cut to the photo" in text and "was cut" not in text
    report = offered["torn-findings.csv"]().decode()
    assert "agree to import the rest here" in report and "--decide" not in report
    assert "The box would be cut to the photo" in report and "was cut" not in report


def test_findings_without_a_file_are_counted_by_photos_and_speak_of_this_page(visit, workspace, tmp_path):
    for part in ("images", "labels"):
        (tmp_path / "yolo" / part).mkdir(parents=True)
    for number in range(8):
        draw_photo(seed=number).save(tmp_path / "yolo" / "images" / f"{number}.png")
        if number >= 3:
            (tmp_path / "yolo" / "labels" / f"{number}.txt").write_text("0 0.5 0.5 0.4 0.4\n")
    for name, classes in (("data", "[apple, pear]"), ("old", "[pear, apple]")):
        (tmp_path / "yolo" / f"{name}.yaml").write_text(f"train: images\nnames: {classes}\n")
    app = upload(visit("datasets"), zip_folder(tmp_path / "yolo", tmp_path / "yolo.zip"))
    assert "agree to use the first here" in says(app) and "command line" not in says(app)
    table = unfolded(app, "yolo", "label_file_missing").dataframe[0].value
    assert dict(zip(table["Finding"], table["Count"], strict=True))["Photos without a label file"] == 3


def test_an_import_whose_process_crashed_says_why_and_where(visit, workspace, tmp_path, monkeypatch):
    with monkeypatch.context() as broken:
        break_imports(broken, tmp_path)
        one = start_import(str(write_voc(tmp_path / "fruit")), "fruit", workspace=workspace)
        status = wait_for(one)
    assert status.state == "crashed"
    app = visit("datasets")
    assert "no such library" in says(app) and "import.log" in says(app).replace("\\", "")
    assert "was interrupted" not in says(app)
    app = imported(checked(labelled(app.button, "Try again").click().run()))
    assert labelled(app.selectbox, "Data set").value == "fruit"


def test_a_large_loss_is_not_imported_until_somebody_agrees(visit, workspace, tmp_path):
    folder = write_voc(tmp_path / "torn", 8)
    for number in range(3):
        (folder / f"torn{number}.xml").write_text("<annotation>")
        draw_photo(seed=99 + number).save(folder / f"torn{number}.png")
    app = upload(visit("datasets"), zip_folder(folder, tmp_path / "torn.zip"))
    assert labelled(app.button, "Import 8 photos").disabled
    (agree,) = app.checkbox
    app = checked(agree.check().run())
    app = imported(checked(labelled(app.button, "Import 8 photos").click().run()))
    assert list_datasets(workspace)[0].splits["train"] == 6


def opened(app, one, kind):
    """The page with the list of a kind of finding that needs a decision."""
    return checked(app.button(f"look {one} {kind}").click().run())


def unfolded(app, one, kind):
    """The page with the list of a kind of finding that needs no decision."""
    app.session_state[f"others {one}"] = True
    app = checked(app.run())
    return checked(labelled(app.selectbox, "Show").set_value(kind).run())


def captions(app):
    return [caption for image in app.get("image") for caption in image.captions]


def test_a_box_in_question_is_shown_before_and_after(visit, workspace, tmp_path):
    folder = write_voc(tmp_path / "wide")
    write_labelled(folder, "wide", [("apple", (10, 10, 300, 40))], seed=77)
    app = upload(visit("datasets"), zip_folder(folder, tmp_path / "wide.zip"))
    assert captions(app) == ["Before", "After"]
    assert captions(opened(app, "wide", "box_outside")) == 2 * ["Before", "After"]


def test_photos_of_a_pair_are_shown_side_by_side(visit, workspace, tmp_path):
    folder = write_voc(tmp_path / "fruit")
    write_labelled(folder / "train", "one", seed=77)
    write_labelled(folder / "val", "other", seed=77)
    app = upload(visit("datasets"), zip_folder(folder, tmp_path / "fruit.zip"))
    assert len(app.get("image")) == 2
    shown = filter(None, captions(opened(app, "fruit", "photo_copies")))
    assert sorted(shown) == ["train/one\\.png", "val/other\\.png"]


def test_what_a_decision_brings_up_can_be_decided_too(visit, workspace, tmp_path):
    folder = write_voc(tmp_path / "wide", 10)
    for number in range(9):
        write_labelled(folder, f"wide_{number}", [("cherry", (10, 10, 300 - number, 40))], seed=77 + number)
    app = upload(visit("datasets"), zip_folder(folder, tmp_path / "wide.zip"))
    assert "To be imported: **19 photos** with **29 boxes** of **3 classes**" in says(app)
    choice = labelled(app.radio, "What to do about: Boxes that reach beyond their photo")
    app = checked(choice.set_value("drop").run())
    assert "with **20 boxes** of **2 classes**" in says(app)
    assert "would lose" in says(app)
    assert labelled(app.button, "Import 19 photos").disabled
    (agree,) = app.checkbox
    app = checked(agree.check().run())
    assert not labelled(app.button, "Import 19 photos").disabled
    app = imported(checked(labelled(app.button, "Import 19 photos").click().run()))
    assert list_datasets(workspace)[0].boxes == 20


def test_splits_whose_classes_do_not_agree_are_not_imported_until_something_is_decided(visit, workspace, tmp_path):
    write_voc(tmp_path / "fruit" / "train", 4)
    write_labelled(tmp_path / "fruit" / "val", "new", [("cherry", (4, 6, 30, 40))], seed=77)
    app = upload(visit("datasets"), zip_folder(tmp_path / "fruit", tmp_path / "fruit.zip"))
    assert "are of classes that no photo of train shows" in says(app)
    assert labelled(app.button, "Import 5 photos").disabled
    assert not app.checkbox
    app = checked(labelled(app.radio, "What to do about: Splits with different classes").set_value("keep").run())
    assert not labelled(app.button, "Import 5 photos").disabled


def test_a_second_import_of_a_name_has_a_review_of_its_own(visit, workspace, tmp_path):
    app = visit("datasets")
    for photos, what in ((4, "first"), (6, "second")):
        folder = write_voc(tmp_path / what, photos)
        write_labelled(folder, "wide", [("apple", (10, 10, 300, 40))], seed=77)
        app = upload(app, zip_folder(folder, tmp_path / f"{what}.zip"), "fruit.zip")
        labelled(app.button, f"Import {photos + 1} photos")
        app = checked(labelled(app.button, "Discard").click().run())


def test_what_would_leave_nothing_is_a_sentence_and_can_be_taken_back(visit, workspace, tmp_path):
    folder = tmp_path / "odd"
    for number in range(8):
        xml = write_labelled(folder, f"odd_{number}", seed=number)
        xml.write_text(xml.read_text().replace("<width>64", "<width>99"))
    app = upload(visit("datasets"), zip_folder(folder, tmp_path / "odd.zip"))
    app = checked(labelled(app.button, "Leave the photo out").click().run())
    assert "Nothing is left" in says(app)
    assert labelled(app.button, "Import 8 photos").disabled
    app = checked(labelled(app.button, "Leave the boxes as they are").click().run())
    assert not labelled(app.button, "Import 8 photos").disabled


def test_an_import_outlives_its_page_and_what_came_of_it_troubles_nobody_else(visit, workspace, tmp_path):
    wait_for(start_import(str(write_voc(tmp_path / "fruit")), "fruit", workspace=workspace))
    app = visit("datasets")
    assert "imported" not in says(app).replace("imported just now", "")
    assert labelled(app.selectbox, "Data set").value == "fruit"


def test_imports_of_others_that_failed_are_folded_and_can_be_dismissed(visit, workspace, fruit, tmp_path):
    for name in ("one", "*two*"):
        (tmp_path / name).mkdir()
        wait_for(start_import(str(tmp_path / name), name, workspace=workspace))
    app = visit("datasets")
    assert not app.error
    folded = next(one for one in app.expander if "failed" in one.label)
    assert folded.label == "2 earlier imports failed"
    assert r"\*two\*" in folded.markdown[0].value + folded.markdown[1].value
    app = checked(folded.button[0].click().run())
    assert any(one.label == "1 earlier import failed" for one in app.expander)
    assert len(list_imports(workspace)) == 1


def test_what_is_left_of_finished_imports_is_cleared_away_a_day_later(workspace, tmp_path):
    old, new = (start_import(str(write_voc(tmp_path / name)), name, workspace=workspace) for name in ("old", "new"))
    wait_for(old), wait_for(new)
    yesterday = time.time() - 25 * 3600
    os.utime(workspace.imports / old.id / "request.json", (yesterday, yesterday))
    last = start_import(str(write_voc(tmp_path / "last")), "last", workspace=workspace)
    assert {one.id for one in list_imports(workspace)} == {new.id, last.id}
    wait_for(last)


def test_while_an_import_asks_nothing_else_stands_out(visit, workspace, fruit, tmp_path):
    def prominent(app):
        return [one.label for one in app.button if one.proto.type == "primary" and one.label.startswith("Train")]

    assert prominent(visit("datasets")) == ["Train now"]
    folder = write_voc(tmp_path / "wide")
    write_labelled(folder, "wide", [("apple", (10, 10, 300, 40))], seed=77)
    wait_for(start_import(str(folder), "wide", workspace=workspace))
    app = visit("datasets")
    assert prominent(app) == primary_links(app) == []
    assert follow(app, "Train with more choices").title[0].value == "Train a detector"


def test_a_data_set_without_a_search_is_trained_with_one_click(visit, fruit, launched):
    app = visit("datasets")
    app = checked(labelled(app.button, "Train now").click().run())
    (folder,) = launched
    assert (app.title[0].value, address(app)) == ("Results", {"search": folder.name})
    assert "Train now" not in labels(visit("datasets").button)


def test_a_review_whose_source_is_lost_says_so_and_can_be_discarded(visit, workspace, tmp_path):
    folder = write_voc(tmp_path / "wide")
    write_labelled(folder, "wide", [("apple", (10, 10, 300, 40))], seed=77)
    one = start_import(str(folder), "wide", workspace=workspace)
    wait_for(one)
    (workspace.imports / one.id / "staged.json").write_text("{}")
    app = visit("datasets")
    assert "The files of this import are lost" in says(app)
    app = checked(labelled(app.button, "Discard").click().run())
    assert "is lost" not in says(app) and list_imports(workspace) == []


def test_a_new_import_is_brought_into_view_once(visit, workspace, tmp_path):
    app = visit("datasets")
    app.file_uploader[0].upload("fruit.zip", zip_folder(write_voc(tmp_path / "fruit"), tmp_path / "f.zip").read_bytes())
    app = checked(checked(app.run()).button[0].click().run())
    assert any("scrollTo" in html.proto.body for html in app.get("html"))
    app = imported(app)
    assert "fruit is imported: 20 photos" in says(app).replace("\\", "")
    assert any("scrollTo" in html.proto.body for html in app.get("html"))
    app = checked(app.run())
    assert not any("scrollTo" in html.proto.body for html in app.get("html"))
    assert "fruit is imported" not in says(app)


@pytest.mark.process
def test_a_damaged_import_does_not_hide_the_page_and_can_be_discarded(visit, workspace, fruit, tmp_path):
    one = start_import(str(write_voc(tmp_path / "more")), "more", workspace=workspace)
    wait_for(one)
    (workspace.imports / one.id / "status.json").write_text("not json")
    app = visit("datasets")
    assert "The import 'more' is damaged" in says(app)
    assert labelled(app.selectbox, "Data set").value
    app = checked(labelled(app.button, "Discard").click().run())
    assert "damaged" not in says(app) and not (workspace.imports / one.id).exists()


def test_a_class_called_like_the_filters_own_word_can_be_chosen(visit, workspace, tmp_path):
    write_labelled(tmp_path / "odd", "one", [("every class", (4, 6, 30, 40))], seed=1)
    for number in range(8):
        write_labelled(tmp_path / "odd", f"apple_{number}", seed=2 + number)
    import_dataset(tmp_path / "odd", "odd", workspace=workspace)
    app = visit("datasets")
    assert len(app.get("image")) == 9
    app = checked(labelled(app.selectbox, "Class").select_index(2).run())
    assert len(app.get("image")) == 1


def test_who_deletes_a_data_set_is_told_which_searches_could_not_go_on(visit, fruit, search_there):
    search_there("short", "stopped", [trial(0)], dataset=fruit.id)
    search_there("whole", "finished", [trial(0)], dataset=fruit.id)
    search_there("elsewhere", "stopped", [trial(0)])
    app = checked(labelled(visit("datasets").button, "Delete").click().run())
    assert "these unfinished searches cannot be resumed: **short**." in says(app)


def test_a_data_set_is_deleted_after_a_question_unless_a_search_is_at_work_on_it(
    visit, workspace, fruit, search_there, tmp_path
):
    search_there(state="running", dataset=fruit.id)
    app = checked(labelled(visit("datasets").button, "Delete").click().run())
    assert "still in use by the search fruit" in says(app) and "Delete it" not in labels(app.button)
    (workspace.searches / "fruit").rename(tmp_path / "elsewhere")
    app = checked(labelled(visit("datasets").button, "Delete").click().run())
    assert "will be deleted" in says(app) and len(list_datasets(workspace)) == 1
    assert "cannot be resumed" not in says(app)
    assert labelled(app.button, "Delete it")  # what it does is tested in a browser: dialogs need one
