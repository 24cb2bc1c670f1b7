"""ONNX files with 8-bit convolutions, and what they gain and lose."""

import json
from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest

from autodet.cli import main
from autodet.errors import BundleError, ModelError
from autodet.evaluation.report import evaluate_predictions
from autodet.inference.detector import load_detector
from autodet.inference.int8_export import can_export_int8, export_int8
from autodet.inference.model_upload import upload_model
from autodet.inference.onnx_export import export_onnx
from autodet.inference.runtime import choose_runtime
from autodet.messages.quantization import quantization_text
from autodet.models.bundle import read_bundle, read_card
from autodet.models.store import find_model, rename_model
from autodet.records import Quantization
from autodet.search.order.initial_weights import read_beginning
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


@pytest.fixture(scope="module")
def only_predicts(trained_bundle, sample_dataset, tmp_path_factory):
    path = tmp_path_factory.mktemp("bundle") / "eight.autodet"
    result = export_int8(find_model(trained_bundle), path, sample_dataset, as_bundle=True)
    return path, result


def test_a_bundle_with_8_bits_predicts_as_the_whole_one_and_has_its_own_metrics(
    only_predicts, trained_bundle, sample_dataset
):
    path, result = only_predicts
    card = read_card(path)
    assert (card.metrics["map50"], card.metrics["map50_95"]) == (result.map50[1], result.map50_95[1])
    assert path.stat().st_size < trained_bundle.stat().st_size / 3
    eight, whole = load_detector(path), load_detector(trained_bundle)
    assert (eight.runtime, choose_runtime(card).reason) == ("onnx", "only_graph")
    report = evaluate_predictions(
        sample_dataset.split("val"), eight.predict_dataset(sample_dataset, sample_dataset.split("val")), card.classes
    )
    assert report.map50 == pytest.approx(result.map50[1], abs=0.01)
    photo = sample_dataset.photo(sample_dataset.split("val")[0])
    assert len(eight.predict(photo)[0]) == pytest.approx(len(whole.predict(photo)[0]), abs=1)


def test_a_bundle_with_8_bits_is_a_model_of_the_workspace_that_cannot_be_trained(only_predicts, workspace, tmp_path):
    model = upload_model(only_predicts[0], "small", workspace)
    assert rename_model(model.id, "smaller", workspace).card.only_predicts
    assert load_detector("smaller", workspace=workspace).save(tmp_path / "copy.autodet").exists()
    assert not can_export_int8(model.card)
    with pytest.raises(BundleError, match=r"only predicts.*Use the model that it was made from"):
        read_bundle(model.path)
    with pytest.raises(BundleError, match="only predicts"):
        load_detector(model, runtime="torch")
    with pytest.raises(BundleError, match="only predicts"):
        read_beginning(model.id, workspace)


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
        (["--int8", "--format", "coco"], "--int8 is for models; leave out --format"),
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
