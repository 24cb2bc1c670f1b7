import json
import sys
from dataclasses import replace

import numpy as np
import onnxruntime
import pytest

from autodet.datasets.photos import open_photo
from autodet.errors import ModelError
from autodet.inference.detector import load_detector
from autodet.inference.onnx_export import export_onnx
from autodet.models import registry
from autodet.models.letterbox import Letterbox
from autodet.models.store import find_model


def test_the_exported_network_sees_what_the_detector_sees(trained_bundle, sample_dataset, tmp_path):
    path = tmp_path / "model.onnx"
    export_onnx(find_model(trained_bundle), path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    metadata = session.get_modelmeta().custom_metadata_map
    detector = load_detector(trained_bundle, device="cpu")
    assert tuple(json.loads(metadata["classes"])) == detector.classes
    side = int(metadata["image_size"])

    found = 0
    for record in sample_dataset.images[:6]:
        photo = open_photo(sample_dataset.photo(record), record.file)
        letterbox = Letterbox.fit(photo.width, photo.height, side)
        square = letterbox.draw(photo).transpose(2, 0, 1)[None]
        boxes, class_ids, scores = session.run(None, {"square": square})
        expected_ids, expected_scores, expected_boxes = detector.predict(photo, threshold=0.0)
        # Scores that are all but equal may change places.
        np.testing.assert_allclose(np.sort(scores), np.sort(expected_scores), atol=1e-4)
        clear = scores > 0.1
        np.testing.assert_array_equal(class_ids[clear], expected_ids[: clear.sum()])
        np.testing.assert_allclose(letterbox.to_photo(boxes[clear]), expected_boxes[: clear.sum()], atol=0.1)
        found += len(scores)
    assert found > 0


def test_a_place_that_cannot_be_written_is_a_sentence(trained_bundle, tmp_path):
    with pytest.raises(ModelError, match="choose another place"):
        export_onnx(find_model(trained_bundle), tmp_path / "no" / "folder" / "model.onnx")


def test_without_the_package_onnx_it_says_what_to_install(trained_bundle, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ModelError, match="pip install onnx"):
        export_onnx(find_model(trained_bundle), tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_network_that_onnx_has_no_words_for_is_refused_with_a_sentence(trained_bundle, tmp_path, monkeypatch):
    default = registry.ARCHITECTURES[registry.DEFAULT_ARCHITECTURE]
    monkeypatch.setitem(registry.ARCHITECTURES, default.name, replace(default, onnx=False))
    with pytest.raises(ModelError, match="cannot be exported to ONNX"):
        export_onnx(find_model(trained_bundle), tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []
