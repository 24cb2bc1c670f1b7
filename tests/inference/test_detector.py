import io
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from autodet.errors import BundleError, ModelError, NotFoundError, PhotoError
from autodet.inference.detector import load_detector
from autodet.inference.evaluations import evaluate_model, kept_evaluation
from autodet.models.bundle import read_bundle, write_bundle
from autodet.models.store import add_model, find_model
from autodet.workspace import Workspace


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
    ways = [photo, str(photo), photo.read_bytes(), image, np.asarray(image)]
    first, *others = [detector.predict(way, threshold=0.01) for way in ways]
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
    assert loaded.card == replace(detector.card, name="uploaded")
    for expected, seen in zip(detector.predict(photo, 0.01), loaded.predict(photo, 0.01), strict=True):
        np.testing.assert_array_equal(seen, expected)


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


def test_the_trainings_own_figure_is_found_again(detector, sample_dataset):
    report = detector.evaluate(sample_dataset, split="val")
    assert report.map50 == pytest.approx(detector.card.metrics["map50"], abs=0.02)


def test_classes_are_matched_by_name_and_unknown_ones_refused(trained_bundle, sample_dataset, tmp_path):
    card, weights = read_bundle(trained_bundle)
    expected = load_detector(trained_bundle, device="cpu").evaluate(sample_dataset, split="val")
    from dataclasses import replace

    renamed = tmp_path / "renamed.autodet"
    write_bundle(renamed, replace(card, classes=("thing", *card.classes[1:])), weights)
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
    with pytest.raises(ModelError, match=r"'test'; it has train"):
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
