import io
import zipfile
from pathlib import Path

import pytest

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.models.store import add_model
from autodet.ui.predict.visit import VISIT, visits
from tests.app.conftest import address, checked, labelled, labels, says
from tests.helpers import draw_photo, untrained_bundle

HEIC = Path(__file__).parents[1] / "datasets" / "heic"


@pytest.fixture
def model(workspace, trained_bundle):
    return add_model(trained_bundle, "sample", workspace)


def jpeg(seed=0, size_wh=(64, 48)):
    content = io.BytesIO()
    draw_photo(size_wh, seed=seed).save(content, "JPEG")
    return content.getvalue()


def files(count):
    return [(f"{number}.jpg", jpeg(number), "image/jpeg") for number in range(count)]


def drop(app, *dropped):
    return finished(checked(app.file_uploader[0].set_value(list(dropped)).run()))


def finished(app):
    while "Cancel" in labels(app.button):
        checked(app.run())
    return app


def predicted(app):
    """The photos with a prediction of the batch that the page shows."""
    batch = list(visits.find(app.session_state[VISIT]).batches.values())[-1]
    return [name for (_, name), result in batch.results.items() if not result.prediction.error]


def opened(visit, **address):
    """The page as a link opens it."""
    app = visit("home")
    for key, value in address.items():
        app.query_params[key] = value
    return finished(checked(app.switch_page("pages/predict.py").run()))


def elsewhere_and_back(app):
    checked(app.switch_page("pages/home.py").run())
    return finished(checked(app.switch_page("pages/predict.py").run()))


def test_a_zip_gives_its_photos_and_one_line_tells_of_its_other_files(visit, model):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for number in range(12):
            archive.writestr(f"trip/{number:02d}.jpg", jpeg(number))
        archive.writestr("trip/broken.jpg", b"no photo")
        archive.writestr("trip/drawing.svg", "<svg/>")
    app = drop(visit("predict"), ("trip.zip", content.getvalue(), "application/zip"))
    assert len(predicted(app)) == 12
    assert not app.error
    folded = labelled(app.expander, ":material/broken_image: 1 of 13 files could not be read")
    assert "broken" in folded.markdown[0].value
    assert "Skipped 1 photo in formats that cannot be read" in folded.markdown[0].value


def test_a_broken_zip_alone_is_one_sentence(visit, model):
    app = drop(visit("predict"), ("trip.zip", b"no zip", "application/zip"))
    assert "not a zip" in app.error[0].value
    assert not app.expander


def test_the_way_to_another_page_and_back_keeps_photos_and_predictions(visit, model):
    app = drop(visit("predict"), *files(10))
    back = elsewhere_and_back(app)
    assert len(predicted(back)) == 10
    assert "10 files from before" in says(back)
    more = drop(back, ("more.jpg", jpeg(99), "image/jpeg"))
    assert len(predicted(more)) == 11
    checked(labelled(more.button, "Remove").click().run())
    assert predicted(more) == ["more.jpg"]


def test_a_reload_finds_photos_and_predictions_by_the_address(visit, model):
    app = drop(visit("predict"), *files(3))
    token = address(app)["dropped"]
    other = opened(visit, dropped=token)
    assert predicted(other) == predicted(app) == ["0.jpg", "1.jpg", "2.jpg"]


def test_a_link_to_photos_that_are_gone_says_so(visit, model):
    app = opened(visit, dropped="nothing")
    assert "The photos of this link are deleted" in says(app)
    assert "The photos of this link are deleted" not in says(drop(app, *files(1)))


def test_a_used_up_quota_keeps_what_is_done_and_says_what_is_left(visit, model, monkeypatch):
    monkeypatch.setenv("AUTODET_MODE", "demo")
    monkeypatch.setenv("AUTODET_DEMO_PHOTOS", "9,100")
    app = drop(visit("predict"), *files(12))
    assert len(predicted(app)) == 9
    assert "at most 9 photos an hour" in says(app)
    assert "9 of 12 photos are done" in says(app)
    monkeypatch.setenv("AUTODET_DEMO_PHOTOS", "100,100")
    finished(checked(labelled(app.button, "Continue").click().run()))
    assert len(predicted(app)) == 12


def test_many_photos_of_a_data_set_can_be_predicted(visit, workspace, model, sample_folder):
    data = import_dataset(sample_folder, "sample", workspace=workspace)
    app = opened(visit, dataset=data.id)
    checked(labelled(app.number_input, "Photos").set_value(len(data.images)).run())
    finished(checked(app.toggle[0].set_value(True).run()))
    assert len(predicted(app)) == len(data.images)
    assert len(predicted(elsewhere_and_back(app))) == len(data.images)


def test_tiles_are_offered_for_large_photos_only(visit, model):
    app = drop(visit("predict"), *files(2))
    assert "Look closer at large photos" not in labels(app.toggle)
    large = jpeg(5, (3000, 2000))
    drop(app, *files(2), ("large.jpg", large, "image/jpeg"))
    assert "more false alarms" not in says(app)
    finished(checked(labelled(app.toggle, "Look closer at large photos").set_value(True).run()))
    assert "more false alarms" in says(app)
    batch = list(visits.find(app.session_state[VISIT]).batches.values())[-1]
    tiles = {name: result.prediction.tiles for (_, name), result in batch.results.items()}
    assert tiles["large.jpg"] > 1
    assert tiles["0.jpg"] <= 1
    assert labelled(elsewhere_and_back(app).toggle, "Look closer at large photos").value


def test_a_heic_photo_of_a_phone_is_predicted(visit, model):
    content = (HEIC / "drawn.heic").read_bytes()
    assert predicted(drop(visit("predict"), ("IMG_0001.HEIC", content, "image/heic"))) == ["IMG_0001.HEIC"]


@pytest.mark.slow
def test_the_best_model_is_offered_with_the_reason(visit, model_there):
    model_there("good", 0.9)
    model_there("newest", 0.5)
    app = visit("predict")
    assert app.selectbox[0].value == "good"
    assert "The best of 2 models that were trained on" in says(app)
    checked(app.selectbox[0].select("newest").run())
    assert "The best of" not in says(app)


@pytest.mark.slow
def test_no_model_is_called_the_best_without_a_metric(visit, workspace, tmp_path):
    for seed, name in enumerate(("first", "second")):
        add_model(untrained_bundle(tmp_path / f"{name}.autodet", seed=seed, metrics={}), name, workspace)
    assert "The best of" not in says(visit("predict"))
