from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from autodet.access.visitor import Visitor, acting_as
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.versions.derive import derive_dataset
from autodet.inference.demo import demo_model
from autodet.inference.feature_jobs import feature_model
from autodet.inference.photo_features import find_features, kept_features
from autodet.models.store import add_model
from tests.helpers import untrained_bundle, write_voc


@pytest.fixture
def data(tmp_path, workspace):
    return import_dataset(write_voc(tmp_path / "set", photos=8), "set", workspace=workspace)


@pytest.fixture
def model(workspace):
    """The demo model, as a visitor uploads it: it is in the workspace."""
    return add_model(demo_model().path, "everyday objects", workspace)


def computed_photos(model, data):
    done = []
    find_features(model, data, lambda photos, total: done.append((photos, total)))
    return len(done)


def test_photos_and_their_objects_get_vectors_of_length_one_in_the_order_of_the_data_set(model, data):
    found = find_features(model, data)
    assert found.files == tuple(record.file for record in data.images)
    assert found.vectors.shape == (8, 384)
    assert found.object_vectors.shape == (16, 384)
    assert found.object_photos.tolist() == [index for index in range(8) for _ in range(2)]
    assert found.object_boxes.tolist() == [0, 1] * 8
    for vectors in (found.vectors, found.object_vectors):
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-6)


def test_a_photo_is_most_similar_to_itself_whatever_its_size_and_its_format(model, sample_dataset, tmp_path, workspace):
    folder = tmp_path / "pairs"
    folder.mkdir()
    photos = [Image.open(sample_dataset.photo(record)).convert("RGB") for record in sample_dataset.images[:10]]
    for index, photo in enumerate(photos):
        smaller = photo.resize((photo.width * 2 // 3, photo.height * 2 // 3))
        photo.save(folder / f"{index}-a.png")
        smaller.save(folder / f"{index}-b.jpg")
    found = find_features(model, import_dataset(folder, "pairs", workspace=workspace))
    names = [Path(file).name for file in found.files]
    similarity = found.vectors @ found.vectors.T - 2 * np.eye(len(names))
    for name, nearest in zip(names, similarity.argmax(axis=1), strict=True):
        assert names[nearest][0] == name[0]


def test_stored_features_are_those_that_were_computed(model, data):
    assert kept_features(model, data) is None
    found = find_features(model, data)
    kept = kept_features(model, data)
    np.testing.assert_array_equal(kept.vectors, found.vectors)
    np.testing.assert_array_equal(kept.object_vectors, found.object_vectors)
    assert computed_photos(model, data) == 0


def test_a_version_and_other_photos_reuse_what_is_stored(model, data, tmp_path, workspace):
    find_features(model, data)
    version = derive_dataset(data, "renamed", rename={"apple": "pear"}, workspace=workspace)
    assert kept_features(model, version) is not None
    more = import_dataset(write_voc(tmp_path / "more" / "set", photos=11), "more", workspace=workspace)
    assert computed_photos(model, more) == 3


def test_other_boxes_are_computed_for_their_photos_alone(model, data):
    find_features(model, data)
    first, *others = data.images
    moved = replace(first.annotations, boxes_xyxy=first.annotations.boxes_xyxy + 1)
    changed = replace(data, images=(replace(first, annotations=moved), *others))
    assert kept_features(model, changed) is None
    assert computed_photos(model, changed) == 1


def test_other_weights_have_other_features(data, workspace, tmp_path):
    first = add_model(demo_model().path, "one", workspace)
    find_features(first, data)
    card = replace(first.card, weights_sha256="0" * 64)
    assert kept_features(replace(first, card=card), data) is None


def test_a_damaged_file_is_as_good_as_none(model, data):
    expected = find_features(model, data)
    (stored,) = (model.path.parent / "features").rglob("*.npz")
    for content in (b"", stored.read_bytes()[:-200], stored.read_bytes().replace(b"\x3c", b"\x7c")):
        stored.write_bytes(content)
        assert kept_features(model, data) is None
        assert computed_photos(model, data) == 8
        np.testing.assert_array_equal(kept_features(model, data).vectors, expected.vectors)
        for path in stored.parent.iterdir():
            path.unlink()


def test_a_viewer_gets_features_that_are_not_stored(model, data):
    with acting_as(Visitor("anna", "viewer")):
        assert len(find_features(model, data).vectors) == 8
    assert kept_features(model, data) is None


def test_features_of_a_model_outside_the_workspace_lie_with_the_data_set(data):
    find_features(demo_model(), data)
    assert kept_features(demo_model(), data) is not None
    assert list((data.folder / "features").rglob("*.npz"))


def test_a_stopped_computation_keeps_most_photos(model, data, monkeypatch):
    monkeypatch.setattr("autodet.inference.photo_features.FILE_PHOTOS", 2)

    def stop(done, _total):
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        find_features(model, data, stop)
    assert computed_photos(model, data) == 4


def test_of_many_objects_the_largest_get_vectors(model, data, monkeypatch):
    monkeypatch.setattr("autodet.inference.photo_features.MAX_OBJECTS", 8)
    found = find_features(model, data)
    assert len(found.object_vectors) == 8
    areas = data.images[0].annotations.boxes_xyxy
    sides = areas[:, 2:] - areas[:, :2]
    assert set(found.object_boxes.tolist()) == {int(sides.prod(axis=1).argmax())}


def test_photos_without_labels_have_features(model, tmp_path, workspace):
    folder = write_voc(tmp_path / "bare", photos=5)
    for labels in folder.glob("*.xml"):
        labels.unlink()
    found = find_features(model, import_dataset(folder, "bare", workspace=workspace))
    assert (found.vectors.shape, found.object_vectors.shape) == ((5, 384), (0, 384))


def test_the_model_of_a_data_set_is_its_best_or_that_of_its_ancestors(data, workspace, tmp_path):
    assert feature_model(data).id == "demo"
    for name, dataset, map50 in (("weak", "set", 0.4), ("good", "set", 0.8), ("foreign", "elsewhere", 0.9)):
        bundle = untrained_bundle(tmp_path / f"{name}.autodet", dataset=dataset, metrics={"map50": map50})
        add_model(bundle, name, workspace)
    child = derive_dataset(data, "child", rename={"apple": "pear"}, workspace=workspace)
    grandchild = derive_dataset(child, "grandchild", rename={"pear": "quince"}, workspace=workspace)
    assert [feature_model(one).id for one in (data, child, grandchild)] == ["good"] * 3
