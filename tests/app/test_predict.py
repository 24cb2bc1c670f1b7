import csv
import io
import zipfile
from dataclasses import replace

import pytest
from PIL import Image

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.models.bundle import read_bundle, write_bundle
from autodet.models.store import add_model
from autodet.records import Calibration, ScoreMap
from tests.app.conftest import checked, labelled, labels, says, viewer_data


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


def move(app, threshold):
    return checked(labelled(app.slider, "Confidence threshold").set_value(threshold).run())


def table(app):
    return app.dataframe[0].value


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
    (boxes,) = viewer_data(app)["photos"]["0"]["boxes"].values()
    assert [row[:4] for row in boxes["rows"]] == found[["x1", "y1", "x2", "y2"]].to_numpy().tolist()
    assert [row[5] for row in boxes["rows"]] == found["score"].to_list()
    assert [boxes["classes"][row[4]][0] for row in boxes["rows"]] == found["class"].to_list()


def test_the_slider_needs_no_second_look(visit, model, photos, looks):
    app = move(drop(visit("predict"), *photos), 0.05)
    many = len(table(app))
    assert len(looks) == len(photos)
    move(app, 0.95)
    few = len(table(app)) if app.dataframe else 0
    assert few < many
    assert len(looks) == len(photos)


def model_with(bundle, path, workspace, **facts):
    card, weights = read_bundle(bundle)
    write_bundle(path, replace(card, **facts), weights)
    return add_model(path, "own", workspace)


def test_the_slider_starts_at_the_model_s_own_thresholds(visit, workspace, trained_bundle, photos, tmp_path):
    own = {"apple": 0.9, "banana": 0.07, "orange": 0.07}
    model_with(trained_bundle, tmp_path / "own.autodet", workspace, thresholds=own, calibration=None)
    app = drop(visit("predict"), *photos)
    assert labelled(app.slider, "Confidence threshold").value == 0.07
    assert "Each class has its own: apple 0.90, banana 0.07 and orange 0.07." in says(app).replace("\\", "")
    shown = table(app)
    move(app, 0.08)
    assert "Each class has its own" not in says(app)
    one_for_all = table(app)
    assert (shown["score"][shown["class"] == "apple"] >= 0.9).all()
    assert (one_for_all["score"] >= 0.08).all()
    assert (one_for_all["score"][one_for_all["class"] == "apple"] < 0.9).any()


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
    app = drop(visit("predict"), photos[0])
    assert labelled(app.slider, "Confidence threshold").value == 0.5
    assert "Each class has its own" not in says(app)


def test_only_chosen_classes_are_shown(visit, model, photos):
    app = move(drop(visit("predict"), *photos), 0.05)
    several = table(app)["class"]
    name = several.iloc[-1]
    assert several.nunique() > 1
    app = checked(labelled(app.multiselect, "Classes").set_value([model.card.classes.index(name)]).run())
    assert list(table(app)["class"]) == [name] * sum(several == name)


def test_the_same_photo_dropped_again_needs_no_second_look(visit, model, photos, looks):
    app = drop(visit("predict"), photos[0])
    drop(app, photos[0], ("another name.jpg", *photos[0][1:]))
    assert len(looks) == 1


def test_when_nothing_scores_that_high_it_says_so(visit, model):
    grey = io.BytesIO()
    Image.new("RGB", (64, 64), (128, 128, 128)).save(grey, "PNG")
    app = move(drop(visit("predict"), ("grey.png", grey.getvalue(), "image/png")), 0.95)
    assert "No detection scores even 0.05" in says(app)
    assert not app.dataframe


def test_when_nothing_scores_that_high_it_says_how_high_something_does(visit, model, photos):
    app = move(drop(visit("predict"), photos[0]), 0.05)
    highest = table(app)["score"].max()
    assert highest < 0.95
    assert rf"the highest score is {highest:.2f}" in says(move(app, 0.95))


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
    (folded,) = app.expander
    assert folded.label.endswith("3 of 4 files could not be read")
    sentences = folded.markdown[0].value.replace("\\", "").splitlines()
    for file, sentence in zip(("notes.txt", "cut.jpg", "empty.png"), sentences, strict=True):
        assert file in sentence
    assert set(table(app)["photo"]) == {name}


def test_only_broken_photos_leave_the_page_whole(visit, model):
    app = drop(visit("predict"), ("notes.txt", b"buy apples", "text/plain"))
    assert len(app.error) == 1
    assert not app.slider


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
    """One photo comes as a picture, several as a zip; the table comes as CSV, with the same rows."""
    app = move(drop(visit("predict"), photos[0]), 0.05)
    rows = list(csv.DictReader(io.StringIO(offered["boxes.csv"].decode())))
    assert [row["class"] for row in rows] == list(table(app)["class"])
    assert all(len(row[side].partition(".")[2]) <= 1 for row in rows for side in ("x1", "y1", "x2", "y2"))
    drawn = Image.open(io.BytesIO(offered[f"{photos[0][0].removesuffix('.webp')}-boxes.jpg"]()))
    assert drawn.size == Image.open(io.BytesIO(photos[0][1])).size

    odd = ("a:b<c>|d*?\x07.jpg", *photos[1][1:])
    drop(app, photos[0], odd, photos[0])
    with zipfile.ZipFile(io.BytesIO(offered["boxes.zip"]())) as archive:
        assert len(set(archive.namelist())) == 3
        assert "2-a-b-c--d---.jpg" in archive.namelist()
        assert archive.testzip() is None
    assert any("photos with their boxes" in label for label in labels(app.download_button))


def test_a_formula_in_a_file_name_stays_a_text_in_the_csv(visit, model, photos, offered):
    move(drop(visit("predict"), ("=cmd|'/c calc'!A0.jpg", *photos[0][1:])), 0.05)
    rows = list(csv.DictReader(io.StringIO(offered["boxes.csv"].decode())))
    assert rows
    assert not any(row["photo"].startswith(("=", "+", "-", "@")) for row in rows)


def test_many_photos_come_in_pages_and_all_are_in_the_table(visit, model, sample_dataset):
    files = [
        (f"{number}.jpg", sample_dataset.photo(record).read_bytes(), "image/jpeg")
        for number, record in enumerate(sample_dataset.images[:10])
    ]
    app = move(drop(visit("predict"), *files), 0.05)
    assert len(app.image) == 8
    assert set(table(app)["photo"]) == {name for name, _, _ in files}
    tiles = [button for button in app.button if (button.key or "").startswith("enlarge")]
    assert [tile.label[0] for tile in tiles] == list("01234567")
    checked(app.pagination[0].set_value(2).run())
    assert len(app.image) == 2
    tiles = [button for button in app.button if (button.key or "").startswith("enlarge")]
    data = viewer_data(checked(tiles[1].click().run()))
    assert (data["count"], data["place"], data["photos"]["9"]["name"]) == (10, 9, "9.jpg")


def test_boxes_lie_where_they_are_on_a_photo_that_is_shown_smaller(visit, model, photos, monkeypatch):
    from autodet.ui.predict import gallery

    monkeypatch.setattr("autodet.ui.predict.gallery.TILE_PIXELS", 100)
    drawn = []
    draw_boxes = gallery.draw_boxes
    monkeypatch.setattr(
        "autodet.ui.predict.gallery.draw_boxes",
        lambda photo, boxes, *args: drawn.append((photo, boxes)) or draw_boxes(photo, boxes, *args),
    )
    app = move(drop(visit("predict"), photos[0], photos[0]), 0.05)
    photo, boxes = drawn[-1]
    scale = 100 / max(Image.open(io.BytesIO(photos[0][1])).size)
    assert max(photo.size) == 100
    found = table(app)[["x1", "y1", "x2", "y2"]].to_numpy()[: len(boxes)]
    assert boxes.tolist() == pytest.approx(found * scale, abs=0.1)
