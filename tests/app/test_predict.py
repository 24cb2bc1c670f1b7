import csv
import io
import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.models.bundle import read_bundle, write_bundle
from autodet.models.store import add_model
from autodet.records import Calibration, ScoreMap
from autodet.ui.predict import predictions_view
from tests.app.conftest import address, checked, components_data, labelled, labels, says, viewer_data


@pytest.fixture
def model(workspace, trained_bundle):
    return add_model(trained_bundle, "sample", workspace)


@pytest.fixture
def photos(sample_dataset):
    """Files as a visitor drops them."""
    records = [record for record in sample_dataset.images if len(record.annotations) >= 3][:3]
    return [(record.file.split("/")[-1], sample_dataset.photo(record).read_bytes(), "image/jpeg") for record in records]


@pytest.fixture
def looks(monkeypatch):
    """The names of the photos that a model looks at, in order."""
    from autodet.inference.detector import Detector

    seen = []
    predict = Detector.predict_named

    def noting(detector, photos, *args, **kwargs):
        seen.extend(name for _, name in photos)
        return predict(detector, photos, *args, **kwargs)

    monkeypatch.setattr(Detector, "predict_named", noting)
    return seen


def drop(app, *files):
    return finished(checked(app.file_uploader[0].set_value(list(files)).run()))


def finished(app):
    """The page once no predictions are under way."""
    while "Cancel" in labels(app.button):
        checked(app.run())
    return app


def sent(app):
    """What the page sends to the browser to show, with the photos of all parts in their order."""
    data = viewer_data(app, "autodet_predictions")
    found = {part["digest"]: part["photos"] for part in components_data(app, "autodet_prediction_part")}
    photos = [photo for digest in data["parts"] for photo in found[digest]]
    return data | {"photos": [photos[index] | {"note": data["notes"][index]} for index in data["order"]]}


def move(app, threshold, hidden=()):
    """Let the sliders go at a threshold for all classes, as the browser reports it."""
    data = sent(app)
    thresholds = [[None if own is None else threshold for own in model["own"]] for model in data["models"]]
    report = {"identity": data["identity"], "thresholds": thresholds, "hidden": list(hidden)}
    app.session_state["predictions view"] = {"shown": report}
    return checked(app.run())


def table(app):
    """Every object that is shown."""
    app.session_state["every object"] = True
    return checked(app.run()).dataframe[0].value


def rows(app, layer="predictions 0"):
    """The boxes of all photos that the browser can show."""
    return [row for photo in sent(app)["photos"] for row in photo["boxes"][layer]]


def test_photos_that_the_browser_has_are_not_sent_again_while_more_arrive(visit, model, sample_dataset, monkeypatch):
    monkeypatch.setattr(predictions_view, "PART", 2)
    files = [sample_dataset.photo(record).read_bytes() for record in sample_dataset.images[:5]]
    named = [(f"{number}.jpg", file, "image/jpeg") for number, file in enumerate(files)]
    app = drop(visit("predict", model=model.id), *named[:3])
    first = sent(app)
    more = sent(drop(app, *named))
    assert [len(one["parts"]) for one in (first, more)] == [2, 3]
    assert more["parts"][0] == first["parts"][0]
    assert more["parts"][1] != first["parts"][1]
    assert [photo["name"] for photo in more["photos"]] == [name for name, *_ in named]


def test_without_a_model_it_says_what_to_do(visit):
    assert "no model yet" in says(visit("predict"))


def test_a_dropped_photo_gets_its_boxes(visit, model, photos):
    app = move(drop(visit("predict"), photos[0]), 0.05)
    found = table(app)
    assert set(found["photo"]) == {photos[0][0]}
    assert set(found["class"]) <= set(model.card.classes)
    assert found["score"].is_monotonic_decreasing
    width, height = Image.open(io.BytesIO(photos[0][1])).size
    assert ((found["x1"] >= 0) & (found["x2"] <= width) & (found["x1"] < found["x2"])).all()
    assert ((found["y1"] >= 0) & (found["y2"] <= height) & (found["y1"] < found["y2"])).all()
    boxes = rows(app)
    assert [row[:4] for row in boxes] == found[["x1", "y1", "x2", "y2"]].to_numpy().tolist()
    assert [row[5] for row in boxes] == pytest.approx(found["score"].to_list(), abs=1e-4)
    assert [model.card.classes[row[4]] for row in boxes] == found["class"].to_list()


def test_the_slider_needs_no_second_look(visit, model, photos, looks):
    app = move(drop(visit("predict"), *photos), 0.05)
    many = len(table(app))
    assert len(looks) == len(photos)
    move(app, 0.95)
    few = len(table(app))
    assert few < many
    assert len(looks) == len(photos)


def model_with(bundle, path, workspace, **facts):
    card, weights = read_bundle(bundle)
    write_bundle(path, replace(card, **facts), weights)
    return add_model(path, "own", workspace)


def test_the_sliders_start_at_the_model_s_own_thresholds(visit, workspace, trained_bundle, photos, tmp_path):
    own = {"apple": 0.9, "banana": 0.07, "orange": 0.07}
    model_with(trained_bundle, tmp_path / "own.autodet", workspace, thresholds=own, calibration=None)
    app = drop(visit("predict"), *photos)
    assert sent(app)["models"][0]["own"] == list(own.values())
    shown = table(app)
    one_for_all = table(move(app, 0.08))
    assert (shown["score"][shown["class"] == "apple"] >= 0.9).all()
    assert (one_for_all["score"] >= 0.08).all()
    assert (one_for_all["score"][one_for_all["class"] == "apple"] < 0.9).any()


def test_what_the_browser_reports_is_used_only_if_it_fits_the_model(visit, model, photos):
    app = drop(visit("predict"), photos[0])
    own = table(app)
    identity, wrong = sent(app)["identity"], [[0.05, 0.05, 0.05]]
    for report in (
        "x",
        {"identity": "other", "thresholds": wrong, "hidden": []},
        {"identity": identity, "thresholds": [[0.05]], "hidden": []},
        {"identity": identity, "thresholds": [["0.05", 0.05, 0.05]], "hidden": []},
        {"identity": identity, "thresholds": wrong, "hidden": "x"},
        {"identity": identity, "thresholds": None, "hidden": []},
    ):
        app.session_state["predictions view"] = {"shown": report}
        assert table(app).equals(own)
    app.session_state["predictions view"] = {"shown": {"identity": identity, "thresholds": wrong, "hidden": [99, "x"]}}
    assert len(table(app)) > len(own)


def test_models_with_the_same_weights_keep_their_own_scores(visit, workspace, trained_bundle, photos, tmp_path):
    plain = model_with(trained_bundle, tmp_path / "plain.autodet", workspace, calibration=None)
    halved = Calibration(ScoreMap((-21.0, 0.0, 21.0), (-21.0, -1.0, 0.0)))  # no score above 0.5
    mapped = model_with(trained_bundle, tmp_path / "mapped.autodet", workspace, calibration=halved)
    app = visit("predict")
    best = {}
    for model in (plain, mapped):
        app = checked(labelled(app.selectbox, "Model").set_value(model.id).run())
        best[model.id] = table(move(drop(app, photos[0]), 0.05))["score"].max()
    assert best[mapped.id] <= 0.5 < best[plain.id]


def test_a_model_without_thresholds_starts_at_one_half(visit, workspace, trained_bundle, photos, tmp_path):
    model_with(trained_bundle, tmp_path / "old.autodet", workspace, thresholds={}, calibration=None)
    assert sent(drop(visit("predict"), photos[0]))["models"][0]["own"] == [0.5, 0.5, 0.5]


def test_only_chosen_classes_are_shown_and_counted(visit, model, photos):
    app = move(drop(visit("predict"), *photos), 0.05)
    several = table(app)["class"]
    name = several.iloc[-1]
    assert several.nunique() > 1
    others = [index for index, other in enumerate(model.card.classes) if other != name]
    app.session_state["counts by photo"] = True
    counts, boxes = (part.value for part in move(app, 0.05, others).dataframe)
    assert list(boxes["class"]) == [name] * sum(several == name)
    assert list(counts.columns) == ["photo", name, "objects"]
    assert list(counts["photo"]) == [*(photo[0] for photo in photos), "All photos"]
    assert counts[name].iloc[-1] == counts[name].iloc[:-1].sum() == len(boxes)


def test_a_reload_finds_thresholds_and_hidden_classes(visit, model, photos):
    app = move(drop(visit("predict"), *photos), 0.05, [1])
    before = table(app)
    again = visit("home")
    again.query_params["dropped"] = address(app)["dropped"]
    again = finished(checked(again.switch_page("pages/predict.py").run()))
    assert sent(again)["begun"] == {"thresholds": [[0.05, 0.05, 0.05]], "hidden": [1]}
    assert table(again).equals(before)
    move(again, 0.95)
    assert sent(again)["begun"]["thresholds"] == [[0.05, 0.05, 0.05]]  # the browser knows what it has reported


def test_the_same_photo_dropped_again_needs_no_second_look(visit, model, photos, looks):
    app = drop(visit("predict"), photos[0])
    drop(app, photos[0], ("another name.jpg", *photos[0][1:]))
    assert len(looks) == 1


def test_what_is_no_photo_gets_its_sentence_and_the_others_their_boxes(visit, model, photos):
    name, content, kind = photos[0]
    app = drop(
        visit("predict"),
        ("notes.txt", b"buy apples", "text/plain"),
        ("cut.jpg", content[: len(content) // 2], kind),
        ("empty.png", b"", "image/png"),
        (name, content, kind),
    )
    move(app, 0.05)
    assert not app.error
    (folded,) = [room for room in app.expander if "could not be read" in room.label]
    assert folded.label.endswith("3 of 4 files could not be read")
    sentences = folded.markdown[0].value.replace("\\", "").splitlines()
    for file, sentence in zip(("notes.txt", "cut.jpg", "empty.png"), sentences, strict=True):
        assert file in sentence
    assert set(table(app)["photo"]) == {name}


def test_only_broken_photos_leave_the_page_whole(visit, model):
    app = drop(visit("predict"), ("notes.txt", b"buy apples", "text/plain"))
    assert len(app.error) == 1
    assert "autodet_predictions" not in [part.proto.component_name for part in app.get("bidi_component")]


def test_a_hostile_file_name_is_shown_as_it_is(visit, model, photos):
    app = drop(visit("predict"), ("![x](http://evil).jpg", *photos[0][1:]), ("**bold**.txt", b"no photo", "text/plain"))
    assert "![x](http://evil)" not in says(app)
    assert r"\*\*bold\*\*" in app.expander[0].markdown[0].value


def test_photos_of_the_data_set_can_be_tried(visit, workspace, model, sample_folder):
    data = import_dataset(sample_folder, "sample", workspace=workspace)
    app = visit("predict")
    assert not app.image
    move(checked(app.toggle[0].set_value(True).run()), 0.05)
    assert set(table(app)["photo"]) <= {record.file for record in data.split("test")}


def test_no_examples_are_offered_where_the_data_set_is_not_here(visit, model):
    assert not visit("predict").toggle


@pytest.mark.slow
def test_the_newest_model_is_offered_or_the_best_of_the_chosen_data_set(visit, model_there, fruit):
    model_there("poor", 0.2)
    model_there("good", 0.9)
    model_there("fair", 0.5)
    model_there("raccoons", 0.99, classes=("raccoon",), dataset="raccoons")
    assert visit("predict").selectbox[0].value == "raccoons"
    assert visit("predict", dataset=fruit.id).selectbox[0].value == "good"
    assert visit("predict", dataset=fruit.id, model="poor").selectbox[0].value == "poor"


@pytest.mark.slow
def test_a_model_that_is_newer_is_offered_on_the_next_visit_unless_one_was_chosen(visit, model_there):
    model_there("older")
    app = visit("predict")
    model_there("newer")
    assert checked(app.run()).selectbox[0].value == "older"  # nothing jumps while the visitor looks
    checked(app.switch_page("pages/home.py").run())
    app = checked(app.switch_page("pages/predict.py").run())
    assert app.selectbox[0].value == "newer"
    checked(app.selectbox[0].select("older").run())
    checked(app.switch_page("pages/home.py").run())
    assert checked(app.switch_page("pages/predict.py").run()).selectbox[0].value == "older"


def test_downloads(visit, model, photos, offered):
    """One photo comes as a picture, several as a zip; every layout holds what is shown."""
    app = move(drop(visit("predict"), photos[0]), 0.05, [0])
    found, stem = table(app), photos[0][0].removesuffix(".webp").removesuffix(".jpg")
    drawn = Image.open(io.BytesIO(offered[f"{stem}-boxes.jpg"]()))
    assert drawn.size == Image.open(io.BytesIO(photos[0][1])).size
    listed = list(csv.DictReader(io.StringIO(offered[f"{stem}-boxes.csv"]().decode())))
    assert [(row["class"], float(row["score"])) for row in listed] == list(
        zip(found["class"], found["score"], strict=True)
    )
    assert len(json.loads(offered[f"{stem}-boxes-coco.json"]())["annotations"]) == len(found)
    for layout, ending in (("yolo", ".txt"), ("voc", ".xml")):
        with zipfile.ZipFile(io.BytesIO(offered[f"{stem}-boxes-{layout}.zip"]())) as archive:
            (labels_there,) = [name for name in archive.namelist() if name.endswith(f"{stem}{ending}")]
            text = archive.read(labels_there).decode()
            assert (len(text.splitlines()) if ending == ".txt" else text.count("<object>")) == len(found)

    drop(app, photos[0], ("a:b<c>|d*?\x07.jpg", *photos[1][1:]), photos[0])
    with zipfile.ZipFile(io.BytesIO(offered["boxes-photos.zip"]())) as archive:
        assert len(set(archive.namelist())) == 3
        assert archive.testzip() is None


def test_a_formula_in_a_file_name_stays_a_text_in_the_csv(visit, model, photos, offered):
    move(drop(visit("predict"), ("=cmd|'/c calc'!A0.jpg", *photos[0][1:])), 0.05)
    (name,) = [name for name in offered if name.endswith("boxes.csv")]
    listed = list(csv.DictReader(io.StringIO(offered[name]().decode())))
    assert listed
    assert not any(row["photo"].startswith(("=", "+", "-", "@")) for row in listed)


def test_thumbnails_are_fetched_by_address_and_sharp_pictures_only_near_the_opened_photo(visit, model, sample_dataset):
    files = [
        (f"{number}.jpg", sample_dataset.photo(record).read_bytes(), "image/jpeg")
        for number, record in enumerate(sample_dataset.images[:6])
    ]
    app = drop(visit("predict"), *files, files[0])
    photos = sent(app)["photos"]
    assert [photo["name"] for photo in photos] == [*(name for name, _, _ in files), "0.jpg"]
    assert len({photo["key"] for photo in photos}) == 7
    assert all(photo["thumbnail"].startswith("/") for photo in photos)
    assert viewer_data(app, "autodet_prediction_pictures") == {}
    app.session_state["predictions view"] = {"opened": photos[3]["key"]}
    sharp = viewer_data(checked(app.run()), "autodet_prediction_pictures")
    assert set(sharp) == {photo["key"] for photo in photos[2:5]}
    before = {photo["key"]: photo["thumbnail"] for photo in photos}
    more = sent(drop(app, *files, files[0], ("more.jpg", files[1][1], "image/jpeg")))["photos"]
    assert before.items() <= {photo["key"]: photo["thumbnail"] for photo in more}.items()


def test_two_models_come_side_by_side_and_those_photos_first_where_they_differ(
    visit, workspace, model, trained_bundle, photos, tmp_path, offered
):
    other = model_with(
        trained_bundle,
        tmp_path / "o.autodet",
        workspace,
        classes=("<b>pear", "Banana", "orange"),
        thresholds={},
        class_ap50={},
        calibration=None,
    )
    app = drop(visit("predict", model=model.id), *photos)
    app = checked(labelled(app.selectbox, "Compare with").set_value(other.id).run())
    data = sent(app)
    names = [name for name, _ in data["classes"]]
    assert [side["name"] for side in data["models"]] == [model.card.name, other.card.name]
    assert names == [*model.card.classes, "<b>pear"]  # "Banana" is the first model's "banana"
    assert data["models"][1]["own"] == [None, 0.5, 0.5, 0.5]
    second = {names[row[4]] for row in rows(app, "predictions 1")}
    assert "apple" not in second
    assert "<b>pear" in second
    differences = [int(photo["note"].split()[0]) if photo["note"][0].isdigit() else 0 for photo in data["photos"]]
    assert differences == sorted(differences, reverse=True)
    assert set(table(move(app, 0.05))["model"]) == {model.card.name, other.card.name}
    checked(labelled(app.radio, "Boxes of").set_value(1).run())
    assert "apple" not in offered["boxes.csv"]().decode()


def test_labels_beside_photos_show_what_is_found_and_missed(visit, model, sample_dataset):
    records = [record for record in sample_dataset.images if len(record.annotations)][:2]
    files = []
    for number, record in enumerate(records):
        files.append((f"{number}.jpg", sample_dataset.photo(record).read_bytes(), "image/jpeg"))
        size, lines = np.float32([record.width, record.height] * 2), []
        for box, class_id in zip(record.annotations.boxes_xyxy, record.annotations.class_ids, strict=True):
            x1, y1, x2, y2 = box / size
            number_there = model.card.classes.index(sample_dataset.classes[class_id])
            lines.append(f"{number_there} {(x1 + x2) / 2} {(y1 + y2) / 2} {x2 - x1} {y2 - y1}")
        files.append((f"{number}.txt", "\n".join(lines).encode(), "text/plain"))
    app = drop(visit("predict"), *files[:3])
    kinds = [layer["kind"] for layer in sent(app)["layers"]]  # from bottom to top
    assert kinds.index("false_positives") < kinds.index("true_positives")
    first, second = sent(app)["photos"]
    assert (first["labelled"], second["labelled"]) == (True, False)
    assert len(first["boxes"]["ground_truth 0"]) == len(first["boxes"]["missed 0"]) == len(records[0].annotations)
    found = [row[5] for row in first["boxes"]["missed 0"] if row[5] is not None]
    assert sorted(found) == sorted(row[5] for row in first["boxes"]["true_positives 0"])
    assert all(photo["labelled"] for photo in sent(drop(app, *files))["photos"])
    checked(labelled(app.toggle, "Check against the labels").set_value(False).run())
    assert not any(photo["labelled"] for photo in sent(app)["photos"])


def test_labels_that_cannot_be_used_are_explained(visit, model, photos):
    stem = photos[0][0].rpartition(".")[0]
    app = drop(visit("predict"), photos[0], (f"{stem}.xml", b"<annotation", "text/xml"))
    assert "labels beside the photos are not used" in says(app) or "fit none of these photos" in says(app)
    assert not sent(app)["photos"][0]["labelled"]
