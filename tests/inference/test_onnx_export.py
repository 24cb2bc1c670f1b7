import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import ExifTags, Image

from autodet.datasets.photos import open_photo
from autodet.errors import ModelError
from autodet.inference.detector import load_detector
from autodet.inference.onnx_export import export_onnx
from autodet.inference.onnx_trace import trace
from autodet.models import onnx_graph, registry
from autodet.models.bundle import read_bundle, write_bundle
from autodet.models.letterbox import Letterbox
from autodet.models.store import find_model
from autodet.records import Calibration, ScoreMap

pytestmark = pytest.mark.filterwarnings("ignore::autodet.errors.AutodetWarning")


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
        apart = np.abs(letterbox.to_photo(boxes[clear])[:, None] - expected_boxes[: clear.sum()]).max(-1)
        apart[class_ids[clear][:, None] != expected_ids[: clear.sum()]] = np.inf
        assert all((apart.min(axis, initial=np.inf) < 0.1).all() for axis in (0, 1))
        found += len(scores)
    assert found > 0


def test_the_graph_calibrates_scores_and_names_the_thresholds(trained_bundle, sample_dataset, tmp_path):
    card, weights = read_bundle(trained_bundle)
    bent = Calibration(ScoreMap((-4.0, 0.0, 4.0), (-5.0, -2.0, 1.0)), {"orange": ScoreMap((-4.0, 4.0), (-2.0, 6.0))})
    write_bundle(
        tmp_path / "bent.autodet", replace(card, calibration=bent, thresholds={"apple": 0.3, "orange": 0.6}), weights
    )
    test_the_exported_network_sees_what_the_detector_sees(tmp_path / "bent.autodet", sample_dataset, tmp_path)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    assert json.loads(session.get_modelmeta().custom_metadata_map["thresholds"]) == [0.3, 0.5, 0.6]


class Bright(torch.nn.Module):
    """A network that finds an object of class 1 wherever the first row of a square has a pixel above 200."""

    def forward(self, square):
        row = square[0, 0, 0].float()
        scores = row[row > 200] / 255
        return [{"boxes": scores[:, None].repeat(1, 4), "labels": torch.ones_like(scores).long(), "scores": scores}]


def test_the_graph_calibrates_any_number_of_detections():
    bent = Calibration(ScoreMap((-4.0, 0.0, 4.0), (-5.0, -2.0, 1.0))).function(("apple", "banana"))
    graph = onnxruntime.InferenceSession(trace(Bright(), 32, bent), providers=["CPUExecutionProvider"])
    square = np.full((1, 3, 32, 32), 114, np.uint8)
    assert [output.shape for output in graph.run(None, {"square": square})] == [(0, 4), (0,), (0,)]
    square[0, 0, 0, :3] = 230, 250, 240
    boxes, class_ids, scores = graph.run(None, {"square": square})
    raw = np.array([250, 240, 230], np.float32) / 255
    np.testing.assert_allclose(boxes[:, 0], raw, rtol=1e-6)
    np.testing.assert_allclose(scores, bent(raw, class_ids), atol=1e-6)
    assert class_ids.tolist() == [1, 1, 1]


WITHOUT_TORCH = "raise ImportError('there is no torch')"
LINES = re.search(r"```python\n(.*?)```", Path("docs/onnx.md").read_text(), re.DOTALL)[1]


def predict_by_the_documentation(onnx, photo, folder):
    """What the lines of docs/onnx.md print, run without autodet and torch: class, score and box of each detection."""
    for name in ("torch", "autodet"):
        (folder / f"{name}.py").write_text(WITHOUT_TORCH)
    lines = LINES.replace('"fruit.onnx"', repr(str(onnx))).replace('"photo.jpg"', repr(str(photo)))
    (folder / "lines.py").write_text(lines)
    command = [sys.executable, "lines.py"]
    environment = os.environ | {"PYTHONPATH": str(folder)}
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    for line in ran.stdout.splitlines():
        name, score, box = re.fullmatch(r"(.+) (\S+) (\[.*\])", line).groups()
        yield name, float(score), json.loads(box)


def compare_with_the_documentation(detector, onnx, photos, folder):
    found = 0
    for photo in photos:
        class_ids, scores, boxes = detector.predict(photo)
        told = list(predict_by_the_documentation(onnx, photo, folder))
        assert [name for name, *_ in told] == [detector.classes[class_id] for class_id in class_ids]
        np.testing.assert_allclose([score for _, score, _ in told], scores, atol=0.006)
        np.testing.assert_allclose(np.reshape([box for *_, box in told], (-1, 4)), boxes, atol=0.2)
        found += len(told)
    assert found


@pytest.fixture
def exported(trained_bundle, tmp_path):
    export_onnx(find_model(trained_bundle), tmp_path / "fruit.onnx")
    return tmp_path / "fruit.onnx"


def test_the_lines_of_the_documentation_predict_the_same_without_torch(
    trained_bundle, sample_dataset, exported, tmp_path
):
    photos = [sample_dataset.photo(record) for record in sample_dataset.images[:4]]
    lying = tmp_path / "lying.jpg"
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    Image.open(photos[0]).transpose(Image.Transpose.ROTATE_90).save(lying, quality=95, exif=exif)
    compare_with_the_documentation(load_detector(trained_bundle, device="cpu"), exported, [*photos, lying], tmp_path)


@pytest.mark.real_data
def test_the_lines_of_the_documentation_predict_the_same_on_real_photos(trained_bundle, exported, real_data, tmp_path):
    photos = sorted((real_data / "fruit" / "val").glob("*.jpg"))[::4]
    compare_with_the_documentation(load_detector(trained_bundle, device="cpu"), exported, photos, tmp_path)


def test_the_file_says_how_it_is_to_be_used(exported):
    metadata = onnxruntime.InferenceSession(exported).get_modelmeta().custom_metadata_map
    table = Path("docs/onnx.md").read_text().partition("| key | value |")[2]
    documented = re.findall(r"`(\w+)`", " ".join(line.split("|")[1] for line in table.splitlines() if "|" in line))
    assert {*metadata, "quantization"} == set(documented)  # that one is only in files with 8 bits
    told = ("image_size", "colour", "batch_size", "pad_position", "pad_value", "min_score", "max_detections")
    assert [metadata[key] for key in told] == ["160", "RGB", "1", "centre", "114", "0.01", "100"]


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


def test_a_graph_that_readers_would_refuse_is_not_written(trained_bundle, tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_graph, "OPERATORS", onnx_graph.OPERATORS - {b"Conv"})
    with pytest.raises(ModelError, match="exported to ONNX: its ONNX graph has the operator 'Conv'"):
        export_onnx(find_model(trained_bundle), tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []
