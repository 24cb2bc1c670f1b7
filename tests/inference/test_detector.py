import errno
import io
import shutil
import warnings
from dataclasses import replace

import numpy as np
import pytest
from PIL import ExifTags, Image

from autodet.errors import AutodetWarning, BundleError, ModelError, NotFoundError, PhotoError
from autodet.inference.detector import load_detector
from autodet.inference.evaluations import evaluate_model, kept_evaluation
from autodet.models.bundle import read_bundle, write_bundle
from autodet.models.detection import detection_limit
from autodet.models.registry import ARCHITECTURES, build_network
from autodet.models.store import add_model, find_model
from autodet.records import Calibration, ScoreMap, TrainedSizes, calibrate
from autodet.workspace import Workspace
from tests.helpers import draw_photo, untrained_bundle

pytestmark = pytest.mark.filterwarnings("ignore::autodet.errors.AutodetWarning")


@pytest.fixture(scope="module")
def detector(trained_bundle):
    return load_detector(trained_bundle, device="cpu")


@pytest.fixture
def photo(sample_dataset):
    return sample_dataset.photo(sample_dataset.split("val")[0])


def test_the_three_lines_give_ids_scores_and_boxes_in_the_photos_own_pixels(detector, photo):
    class_ids, scores, boxes = detector.predict(photo, threshold=0.01)
    assert (class_ids.dtype, scores.dtype, boxes.dtype) == (np.int64, np.float32, np.float32)
    assert len(class_ids) == len(scores) == len(boxes) > 0
    width, height = Image.open(photo).size
    assert (boxes[:, :2] >= 0).all()
    assert (boxes[:, 2] <= width).all()
    assert (boxes[:, 3] <= height).all()
    assert (np.diff(scores) <= 0).all()
    assert set(class_ids) <= set(range(len(detector.classes)))


def test_every_way_to_give_a_photo_gives_the_same_boxes(detector, photo):
    image = Image.open(photo).convert("RGB")
    ways = [photo, str(photo), photo.read_bytes(), io.BytesIO(photo.read_bytes()), Image.open(photo), image]
    first, *others = [detector.predict(way, threshold=0.01) for way in [*ways, np.asarray(image)]]
    for other in others:
        for expected, seen in zip(first, other, strict=True):
            np.testing.assert_array_equal(seen, expected)


def test_many_photos_give_what_each_gives_alone(detector, sample_dataset):
    photos = [sample_dataset.photo(record) for record in sample_dataset.images[:10]]
    together = detector.predict_many(photos, threshold=0.05)
    assert len(together) == 10
    for path, prediction in zip(photos, together, strict=True):
        alone = detector.predict_many([path], threshold=0.05)[0]
        np.testing.assert_allclose(prediction.scores, alone.scores, atol=1e-4)
        np.testing.assert_allclose(prediction.boxes_xyxy, alone.boxes_xyxy, atol=0.05)


def test_a_photo_that_lies_on_its_side_is_seen_upright_as_a_file_and_as_a_pillow_image(detector, photo, tmp_path):
    lying, exif = tmp_path / "lying.png", Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    Image.open(photo).transpose(Image.Transpose.ROTATE_90).save(lying, exif=exif)
    upright, file, image = (detector.predict(way, 0.05) for way in (photo, lying, Image.open(lying)))
    for expected, *others in zip(upright, file, image, strict=True):
        for seen in others:
            np.testing.assert_array_equal(seen, expected)


def load_with(bundle, path, **facts):
    """The same network with other facts on its card."""
    card, weights = read_bundle(bundle)
    write_bundle(path, replace(card, **facts), weights)
    return load_detector(path, device="cpu")


@pytest.fixture
def earlier(trained_bundle, tmp_path):
    """The model as an earlier version would have stored it."""
    return load_with(trained_bundle, tmp_path / "earlier.autodet", calibration=None, thresholds={})


def test_a_model_without_thresholds_has_one_everywhere(earlier, photo):
    ids, scores, _ = earlier.predict(photo)
    (seen,) = earlier.predict_many([photo])
    (streamed,) = earlier.stream([photo])
    expected = earlier.predict(photo, 0.5)[1].tolist()
    assert scores.tolist() == seen.scores.tolist() == streamed.scores.tolist() == expected
    assert len(ids) < len(earlier.predict(photo, 0.01)[0])


def test_each_class_has_the_model_s_own_threshold_unless_one_is_given(trained_bundle, sample_dataset, tmp_path):
    own = {"apple": 0.3, "orange": 0.02}  # and 0.5 for bananas
    detector = load_with(trained_bundle, tmp_path / "own.autodet", calibration=None, thresholds=own)
    photos = [sample_dataset.photo(record) for record in sample_dataset.images]
    everything, shown = detector.predict_many(photos, 0), detector.predict_many(photos)
    limits = np.array([0.3, 0.5, 0.02], np.float32)
    for all_seen, seen, (alone, *_) in zip(everything, shown, map(detector.predict, photos), strict=True):
        assert seen.class_ids.tolist() == alone.tolist()
        assert seen.class_ids.tolist() == all_seen.class_ids[all_seen.scores >= limits[all_seen.class_ids]].tolist()
    together = np.concatenate([seen.scores[seen.class_ids == 2] for seen in shown])
    assert together.min() < 0.3
    report = detector.evaluate(sample_dataset, "val")
    assert report.thresholds == {"apple": 0.3, "banana": 0.5, "orange": 0.02}
    assert report.per_class["orange"].threshold == 0.02


def test_scores_are_calibrated_and_map_stays(trained_bundle, earlier, sample_dataset, tmp_path):
    classes = earlier.classes
    bent = Calibration(ScoreMap((-4.0, 0.0, 4.0), (-5.0, -2.0, 1.0)), {"orange": ScoreMap((-4.0, 4.0), (-2.0, 6.0))})
    detector = load_with(trained_bundle, tmp_path / "bent.autodet", calibration=bent, thresholds={})
    records = sample_dataset.split("val")
    for raw, seen in zip(*(one.predict_dataset(sample_dataset, records) for one in (earlier, detector)), strict=True):
        expected = calibrate(raw, bent.function(classes))
        np.testing.assert_allclose(seen.scores, expected.scores, atol=1e-5)
        assert (np.diff(seen.scores) <= 0).all()
        assert len(seen) == len(raw)
    apple, orange = (bent.function(classes)(np.array([0.5], np.float32), np.array([one])).item() for one in (0, 2))
    assert (apple, orange) == (pytest.approx(0.1192, abs=1e-4), pytest.approx(0.8808, abs=1e-4))
    before, after = earlier.evaluate(sample_dataset, "val"), detector.evaluate(sample_dataset, "val")
    assert (before.map50, before.map50_95, before.map50_voc07) == (after.map50, after.map50_95, after.map50_voc07)


@pytest.mark.parametrize("threshold", [50, -0.1, float("nan"), "0.5"])
def test_a_threshold_that_is_none_is_a_sentence(detector, photo, threshold):
    for predict, given in ((detector.predict, photo), (detector.predict_many, [photo])):
        with pytest.raises(ModelError, match="give a number between 0 and 1"):
            predict(given, threshold)


def test_a_photo_that_cannot_be_read_does_not_lose_the_others(detector, photo, tmp_path):
    notes = tmp_path / "notes.txt"
    notes.write_text("no photo")
    given = [notes, photo, None, *[photo] * 9, tmp_path / "gone.jpg"]
    with pytest.warns(AutodetWarning, match=r"^3 of 13 photos could not be read; the first: .*notes\.txt") as caught:
        seen = detector.predict_many(given)
    assert caught[0].filename == __file__
    errors = [one.error for one in seen]
    assert ["notes.txt' is not a photo" in errors[0], "'photo 3' is of type NoneType" in errors[2]] == [True, True]
    assert "gone.jpg' is not there" in errors[-1]
    assert [(len(one), one.size_wh) for one in seen if one.error] == [(0, (0, 0))] * 3
    expected = detector.predict(photo)
    for one in seen[1:2] + seen[3:-1]:
        assert (one.error, one.size_wh) == ("", Image.open(photo).size)
        np.testing.assert_allclose(one.scores, expected[1], atol=1e-4)
    with pytest.raises(PhotoError, match=r"notes\.txt"):
        detector.predict_many(given, on_error="raise")
    with pytest.raises(ModelError, match="give 'return' or 'raise'"):
        detector.predict_many(given, on_error="ignore")
    with pytest.raises(ModelError, match="give 'return' or 'raise'"):
        detector.stream(given, on_error="ignore")


@pytest.mark.parametrize("given", ["a.jpg", b"content", io.BytesIO(), Image.new("RGB", (9, 9)), np.zeros((9, 9, 3))])
def test_a_single_photo_among_many_is_a_sentence(detector, given):
    with pytest.raises(PhotoError, match="takes a list of photos; for a single photo call predict"):
        detector.predict_many(given)


def test_photos_may_come_one_after_another(detector, photo):
    with pytest.raises(PhotoError, match="given one NoneType"):
        detector.predict_many(None)
    assert detector.predict_many([]) == []
    pixels = np.asarray(Image.open(photo).convert("RGB"))
    for several in ((photo for _ in range(3)), np.stack([pixels] * 3), {photo: 1, str(photo): 2, pixels.tobytes(): 3}):
        assert len(detector.predict_many(several)) == 3
    stream = detector.stream(iter([photo, "gone.jpg"]))
    assert [bool(seen.error) for seen in stream] == [False, True]


@pytest.mark.slow
def test_a_photo_with_more_objects_than_the_limit_is_told(crowded_bundle):
    detector = load_detector(crowded_bundle, device="cpu")
    photos = [draw_photo(seed=seed) for seed in range(3)]
    with pytest.warns(AutodetWarning, match=r"^On 3 of 3 photos the model found 100 objects, its limit"):
        seen = detector.predict_many(photos, threshold=0)
    assert all(one.truncated for one in seen)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        best = float(seen[0].scores[3])
        assert [one.truncated for one in detector.predict_many(photos[:1], best)] == [False]  # lower ones were left out
    with pytest.warns(AutodetWarning, match="On the photo the model found 100 objects"):
        detector.predict(photos[0], threshold=0)


@pytest.mark.slow
def test_every_network_says_how_many_objects_it_finds_at_most():
    limits = {name: detection_limit(build_network(name, 2, pretrained=False)) for name in ARCHITECTURES}
    assert set(limits.values()) == {100, 300}


@pytest.mark.slow
def test_a_large_photo_without_objects_of_a_usual_size_is_told(crowded_bundle):
    detector = load_detector(crowded_bundle, device="cpu")  # trained on photos of 64 pixels
    assert detector.card.trained_sizes == TrainedSizes(64, 24.0, 0.3)
    large, small = draw_photo((900, 600)), draw_photo()
    with pytest.warns(
        AutodetWarning, match=r"On 1 of 2 photos objects may be too small .* 900 pixels, 64 in the median"
    ):
        detector.predict_many([large, small], 0.9)
    with pytest.warns(AutodetWarning, match="On the photo objects may be too small"):
        detector.predict(large, 0.9)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        detector.predict(small, 0.9)


def test_a_trained_model_knows_the_sizes_that_it_was_trained_on(detector, sample_dataset):
    sizes = detector.card.trained_sizes
    assert sizes == TrainedSizes.of(sample_dataset.split("train"))
    assert sizes.photo_side == 400


def test_a_detector_shows_what_it_is(detector, tmp_path):
    assert repr(detector) == (
        "Detector('sample', classes=['apple', 'banana', 'orange'], architecture='nanodet_g', "
        f"image_size=160, map50={detector.card.metrics['map50']:.3}, device=cpu)"
    )
    many = untrained_bundle(tmp_path / "many.autodet", tuple(f"class {number}" for number in range(500)))
    assert len(repr(load_detector(many))) < 300


def test_an_evaluation_on_training_photos_warns(detector, sample_dataset):
    photos = len(sample_dataset.split("train"))
    with pytest.warns(AutodetWarning, match=rf"was trained on all {photos} of these photos") as caught:
        report = detector.evaluate(sample_dataset, split="train")
    assert caught[0].filename == __file__
    assert report.caution == str(caught[0].message)
    with pytest.warns(AutodetWarning, match=rf"was trained on {photos} of these {len(sample_dataset.images)} photos"):
        detector.evaluate(sample_dataset, split="all")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert detector.evaluate(sample_dataset, split="val").caution == ""


def test_the_threshold_only_leaves_out(detector, photo):
    _, scores, _ = detector.predict(photo, threshold=0.01)
    middle = float(np.median(scores))
    _, above, _ = detector.predict(photo, threshold=middle)
    np.testing.assert_array_equal(above, scores[scores >= middle])


def test_a_huge_photo_and_a_tiny_one_work(detector):
    for size_wh in [(3160, 2072), (12, 7)]:
        _, _, boxes = detector.predict(Image.new("RGB", size_wh, (90, 120, 40)), threshold=0.0)
        assert (boxes <= [*size_wh, *size_wh]).all()


@pytest.mark.parametrize("content", [b"not a photo", b"", b"\xff\xd8\xff\xe0cut short"])
def test_a_file_that_is_no_photo_is_a_sentence(detector, tmp_path, content):
    path = tmp_path / "notes.jpg"
    path.write_bytes(content)
    with pytest.raises(PhotoError, match=r"notes\.jpg"):
        detector.predict(path)
    with pytest.raises(PhotoError):
        detector.predict(np.zeros((4, 4), np.float32))


def test_a_saved_detector_sees_the_same_in_another_workspace(detector, photo, tmp_path):
    path = detector.save(tmp_path / "mine")
    assert path.name == "mine.autodet"
    elsewhere = Workspace(tmp_path / "elsewhere")
    stored = add_model(path, "uploaded", elsewhere)
    loaded = load_detector(stored.id, device="cpu", workspace=elsewhere)
    assert replace(loaded.card, graph_sha256="", format=detector.card.format) == replace(detector.card, name="uploaded")
    for expected, seen in zip(detector.predict(photo, 0.05), loaded.predict(photo, 0.05), strict=True):
        np.testing.assert_allclose(seen, expected, atol=0.05)  # the saved one has an ONNX graph


def test_a_save_that_fails_keeps_the_file_that_is_there(detector, tmp_path, monkeypatch):
    path = tmp_path / "mine.autodet"
    path.write_bytes(b"earlier")

    def fill_the_disk(_model, file):
        file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("autodet.inference.detector.shutil.copyfileobj", fill_the_disk)
    with pytest.raises(ModelError, match="No space left on device"):
        detector.save(path)
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("mine.autodet", b"earlier")]


def test_what_cannot_be_loaded_or_saved_is_a_sentence(detector, trained_bundle, tmp_path):
    with pytest.raises(NotFoundError, match="run a search"):
        load_detector("nothing", workspace=Workspace(tmp_path / "empty"))
    with pytest.raises(ModelError, match="choose another place"):
        detector.save(tmp_path / "no" / "such" / "folder" / "x.autodet")
    card, _ = read_bundle(trained_bundle)
    write_bundle(tmp_path / "odd.autodet", card, b"\x08\0\0\0\0\0\0\0{}      ")
    with pytest.raises(BundleError, match="do not fit"):
        load_detector(tmp_path / "odd.autodet")


def test_an_evaluation_is_kept_and_belongs_to_the_very_weights(trained_bundle, sample_dataset, tmp_path):
    here = Workspace(tmp_path / "home")
    model = add_model(trained_bundle, "mine", here)
    assert kept_evaluation(model, sample_dataset, "val") is None
    seen = []
    report, predictions = evaluate_model(model, sample_dataset, "val", lambda done, total: seen.append((done, total)))
    count = len(sample_dataset.split("val"))
    assert seen == [(number, count) for number in range(1, count + 1)]
    assert report.images == len(predictions) == count
    kept = kept_evaluation(find_model("mine", here), sample_dataset, "val")
    assert kept is not None
    assert kept[0] == report
    np.testing.assert_allclose(kept[1][0].boxes_xyxy, predictions[0].boxes_xyxy, atol=0.01)
    assert kept_evaluation(model, sample_dataset, "train") is None
    seen.clear()
    assert evaluate_model(model, sample_dataset, "val", lambda *done: seen.append(done))[0] == report
    detector = load_detector("mine", device="cpu", workspace=here)
    whole = detector.evaluate(sample_dataset, "val", lambda *done: seen.append(done))
    assert replace(whole, conditions={}) == report
    assert seen == []  # nothing was predicted again
    trained = detector.evaluate(sample_dataset, "train")
    kept = kept_evaluation(model, sample_dataset, "train")
    assert kept is not None
    assert (replace(trained, caution="", conditions={}), bool(trained.caution)) == (kept[0], True)


def test_no_evaluation_is_kept_beside_a_file_that_a_user_named(trained_bundle, sample_dataset, tmp_path):
    own = tmp_path / "model.autodet"
    own.write_bytes(trained_bundle.read_bytes())
    load_detector(own, device="cpu").evaluate(sample_dataset, "val")
    assert list(tmp_path.iterdir()) == [own]


def test_the_trainings_own_figure_is_found_again(detector, sample_dataset):
    report = detector.evaluate(sample_dataset, split="val")
    assert report.map50 == pytest.approx(detector.card.metrics["map50"], abs=0.02)


def test_classes_are_matched_by_name_and_unknown_ones_refused(trained_bundle, sample_dataset, tmp_path):
    card, weights = read_bundle(trained_bundle)
    expected = load_detector(trained_bundle, device="cpu").evaluate(sample_dataset, split="val")
    from dataclasses import replace

    renamed = tmp_path / "renamed.autodet"
    write_bundle(
        renamed,
        replace(card, classes=("thing", *card.classes[1:]), thresholds={}, calibration=None, class_ap50={}),
        weights,
    )
    with pytest.raises(ModelError, match=card.classes[0]):
        load_detector(renamed, device="cpu").evaluate(sample_dataset, split="val")
    # The same classes in another order: swap the data set's, so that only the names can tell.
    swapped = replace(
        sample_dataset,
        classes=tuple(reversed(sample_dataset.classes)),
        images=tuple(
            replace(
                record,
                annotations=replace(record.annotations, class_ids=len(card.classes) - 1 - record.annotations.class_ids),
            )
            for record in sample_dataset.images
        ),
    )
    again = load_detector(trained_bundle, device="cpu").evaluate(swapped, split="val")
    assert again.map50 == pytest.approx(expected.map50)
    assert again.per_class.keys() == expected.per_class.keys()


def test_an_empty_split_says_which_splits_there_are(detector, sample_dataset):
    from dataclasses import replace

    train_only = replace(sample_dataset, images=sample_dataset.split("train"))
    with pytest.raises(ModelError, match=r"'test'; it has train .*--split 70,15,15.*derive_dataset\(data, resplit="):
        detector.evaluate(train_only, split="test")


def test_a_photo_with_exif_rotation_is_seen_upright(detector, sample_dataset, photo):
    upright = Image.open(photo).convert("RGB")
    lying = upright.transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6  # turn clockwise to see it upright
    content = io.BytesIO()
    lying.save(content, "PNG", exif=exif)
    for expected, seen in zip(detector.predict(upright, 0.05), detector.predict(content.getvalue(), 0.05), strict=True):
        np.testing.assert_allclose(seen, expected, atol=0.01)


def test_copying_a_bundle_by_hand_is_enough(trained_bundle, tmp_path):
    shutil.copy(trained_bundle, tmp_path / "copied.autodet")
    assert load_detector(str(tmp_path / "copied.autodet")).card == load_detector(trained_bundle).card
