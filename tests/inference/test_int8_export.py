"""ONNX files with 8-bit convolutions, and what they gain and lose."""

import json
from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest

from autodet.cli import main
from autodet.errors import ModelError
from autodet.inference.int8_export import export_int8
from autodet.inference.onnx_export import export_onnx
from autodet.messages.quantization import quantization_text
from autodet.models.store import find_model
from autodet.records import Quantization
from tests.helpers import untrained_bundle


@pytest.fixture(scope="module")
def exported(trained_bundle, sample_dataset, tmp_path_factory):
    folder = tmp_path_factory.mktemp("int8")
    model = find_model(trained_bundle)
    export_onnx(model, folder / "float.onnx")
    return folder, export_int8(model, folder / "int8.onnx", sample_dataset)


def test_an_int8_file_takes_and_gives_what_the_float_one_does_and_tells_its_loss(exported, sample_dataset):
    folder, result = exported
    plain, int8 = (
        onnxruntime.InferenceSession(folder / name, providers=["CPUExecutionProvider"])
        for name in ("float.onnx", "int8.onnx")
    )
    for of in ("get_inputs", "get_outputs"):
        assert [(one.name, one.type) for one in getattr(plain, of)()] == [
            (one.name, one.type) for one in getattr(int8, of)()
        ]
    facts = int8.get_modelmeta().custom_metadata_map
    told = json.loads(facts.pop("quantization"))
    assert facts == plain.get_modelmeta().custom_metadata_map
    assert told == json.loads(json.dumps(result.to_json()))
    assert (result.calibration_photos, result.measured_photos) == tuple(
        len(sample_dataset.split(split)) for split in ("train", "val")
    )
    assert result.map50[0] - result.map50[1] < 0.1
    assert result.size_bytes[1] < result.size_bytes[0] / 1.5
    assert min(result.milliseconds) > 0


def test_what_predicts_scores_and_boxes_stays_in_float(exported):
    folder, _ = exported
    nodes = onnx.load(folder / "int8.onnx").graph.node
    quantized = {name for node in nodes if node.op_type == "DequantizeLinear" for name in node.output}
    convolutions = [node for node in nodes if node.op_type == "Conv"]
    in_float = [node.name for node in convolutions if node.input[1] not in quantized]  # their weights are
    assert len(in_float) < len(convolutions) / 2
    assert {name.split("/")[-2] for name in in_float} == {"class_score", "box_bins"}
    for node in nodes:
        if node.op_type in ("Gemm", "RoiAlign", "TopK", "NonMaxSuppression", "Softmax", "Exp"):
            assert not np.any([name in quantized for name in node.input[1:]])


def test_nothing_to_calibrate_on_is_a_sentence(trained_bundle, sample_dataset, tmp_path, monkeypatch):
    monkeypatch.setenv("AUTODET_HOME", str(tmp_path / "home"))
    model = find_model(trained_bundle)
    with pytest.raises(ModelError, match=r"data set sample, .* is not here, so there are no photos to calibrate"):
        export_int8(model, tmp_path / "x.onnx")
    no_val = replace(sample_dataset, images=sample_dataset.split("train"))
    with pytest.raises(ModelError, match="no photos in the split 'val'"):
        export_int8(model, tmp_path / "x.onnx", no_val)
    monkeypatch.setattr("autodet.inference.int8_export.PACKAGES", ("no_such_package",))
    with pytest.raises(ModelError, match="pip install no_such_package"):
        export_int8(model, tmp_path / "x.onnx", sample_dataset)
    assert not (tmp_path / "x.onnx").exists()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--data", "fruit"], "--data names the photos for --int8"),
        (["--int8", "--format", "autodet"], "--int8 is for ONNX files"),
    ],
)
def test_options_that_do_not_go_together_are_a_sentence(tmp_path, capsys, options, sentence):
    model = untrained_bundle(tmp_path / "x.autodet")
    assert main(["export", str(model), "--out", str(tmp_path / "x.onnx"), *options]) == 2
    assert sentence in capsys.readouterr().err


def test_gains_and_losses_are_told_in_words():
    result = Quantization("fruit", 80, 60, (0.8, 0.79), (0.5, 0.495), (25.0, 11.0), (15_100_000, 4_000_000))
    text = quantization_text(result)
    assert "loses 0.5 points of mAP50-95 on 60 validation photos of fruit: mAP50 0.800 -> 0.790" in text
    assert "25 -> 11 ms" in text
    assert "gains 0.5 points" in quantization_text(replace(result, map50_95=(0.5, 0.505)))
