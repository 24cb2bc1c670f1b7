"""ONNX Runtime and torch see the same, and a model with a graph needs no torch."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import autodet
from autodet.errors import BundleError, ModelError
from autodet.inference import bundle_graph, runtime
from autodet.inference.bundle_graph import add_graph
from autodet.inference.detector import load_detector
from autodet.inference.runtime import choose_runtime
from autodet.models import registry
from autodet.models.bundle import read_bundle, read_card, read_graph, write_bundle
from autodet.models.registry import ARCHITECTURES
from autodet.models.store import add_model, find_model, new_model, put_model, rename_model
from autodet.processes import module_environment
from tests.documents import blocks
from tests.helpers import draw_photo, untrained_bundle
from tests.inference import without_torch

pytestmark = pytest.mark.filterwarnings("ignore::autodet.errors.AutodetWarning")

SCRIPT = next(block.text for block in blocks() if block.document == "docs/bundle.md" and block.language == "python")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """An untrained model with its graph; few tests need one that finds something."""
    path = untrained_bundle(tmp_path_factory.mktemp("small") / "small.autodet", architecture="nanodet_g")
    assert add_graph(path)
    return path


@pytest.fixture(scope="module")
def trained(trained_bundle, tmp_path_factory):
    """The trained model, with its graph."""
    return load_detector(trained_bundle).save(tmp_path_factory.mktemp("saved") / "sample.autodet")


def run_without_torch(code, folder, *words):
    (folder / "code.py").write_text(code, encoding="utf-8")
    command = [sys.executable, without_torch.__file__, folder / "code.py", *words]
    ran = subprocess.run(command, cwd=folder, env=module_environment(), capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def same(first, second, threshold=0.05):
    """Compare predictions as docs/bundle.md promises: the same detections, boxes within 0.5 px, scores within 0.001."""
    found = 0
    for one, other in zip(first, second, strict=True):
        clear = one.scores > threshold + 1e-3
        np.testing.assert_allclose(one.scores[clear], other.scores[: clear.sum()], atol=1e-3)
        np.testing.assert_array_equal(one.class_ids[clear], other.class_ids[: clear.sum()])
        np.testing.assert_allclose(one.boxes_xyxy[clear], other.boxes_xyxy[: clear.sum()], atol=0.5)
        assert (other.scores[clear.sum() :] <= threshold + 2e-3).all()
        found += clear.sum()
    assert found > 0


def test_both_runtimes_see_the_same(trained, sample_dataset):
    photos = [sample_dataset.photo(record) for record in sample_dataset.images]
    onnx, torch = (load_detector(trained, runtime=name) for name in ("onnx", "torch"))
    assert (onnx.runtime, torch.runtime, load_detector(trained).runtime) == ("onnx", "torch", "onnx")
    same(torch.predict_many(photos, 0.02), onnx.predict_many(photos, 0.02))
    assert onnx.evaluate(sample_dataset, "val").map50 == pytest.approx(torch.evaluate(sample_dataset, "val").map50)


@pytest.mark.real_data
@pytest.mark.trains
@pytest.mark.parametrize("data", ["fruit", "raccoon"])
def test_both_runtimes_see_the_same_on_real_photos_with_coco_weights(real_data, tmp_path, data):
    import safetensors.torch

    from autodet.models.coco_classes import COCO_CLASSES
    from autodet.models.registry import build_network

    network = build_network("nanodet_g", len(COCO_CLASSES), pretrained=True, classes=COCO_CLASSES)
    path = untrained_bundle(tmp_path / "coco.autodet", tuple(COCO_CLASSES), architecture="nanodet_g", image_size=320)
    card, _ = read_bundle(path)
    state = {key: value.contiguous() for key, value in network.state_dict().items()}
    write_bundle(path, card, safetensors.torch.save(state))
    assert add_graph(path)
    photos = sorted((real_data / data).rglob("*.jpg"))[::8][:24]
    torch, onnx = (load_detector(path, runtime=name).predict_many(photos, 0.2) for name in ("torch", "onnx"))
    same(torch, onnx, threshold=0.3)


def test_the_three_lines_need_no_torch(trained, sample_dataset, tmp_path):
    photo = sample_dataset.photo(sample_dataset.images[0])
    lines = f"""
import json, autodet
detector = autodet.load_detector({str(trained)!r})
class_ids, scores, boxes = detector.predict({str(photo)!r}, 0.05)
(seen,) = detector.predict_many([{str(photo)!r}], 0.05)
assert detector.runtime == "onnx" and len(seen) == len(scores)
print(json.dumps([class_ids.tolist(), scores.tolist(), boxes.tolist()]))
for fails in (lambda: detector.network, lambda: detector.evaluate({str(sample_dataset.folder)!r})):
    try:
        fails()
    except autodet.AutodetError as error:
        print(error)
print(detector.save({str(tmp_path / "saved")!r}).name)
"""
    seen, *sentences, saved = run_without_torch(lines, tmp_path).splitlines()
    expected = load_detector(trained, runtime="torch").predict(photo, 0.05)
    assert len(expected[0]) > 0
    for told, torch in zip(json.loads(seen), expected, strict=True):
        np.testing.assert_allclose(told, torch, atol=0.5)
    assert ["torch" in sentences[0], len(sentences)] == [True, 2]
    assert saved == "saved.autodet"
    assert (tmp_path / saved).read_bytes() == trained.read_bytes()


def test_a_model_without_a_graph_says_that_it_needs_torch(tmp_path):
    path = untrained_bundle(tmp_path / "old.autodet")
    lines = f"""
import autodet
try:
    autodet.load_detector({str(path)!r})
except autodet.AutodetError as error:
    print(error)
"""
    assert "install torch, or predict with onnxruntime" in run_without_torch(lines, tmp_path)


def test_the_lines_of_the_documentation_need_neither_torch_nor_autodet(trained, sample_dataset, tmp_path):
    assert 10 <= len([line for line in SCRIPT.splitlines() if line.strip()]) <= 20
    assert "autodet." not in SCRIPT.replace('"fruit.autodet"', "")
    found = 0
    for record in sample_dataset.images[:4]:
        photo = sample_dataset.photo(record)
        lines = SCRIPT.replace('"fruit.autodet"', repr(str(trained))).replace('"photo.jpg"', repr(str(photo)))
        told = [json.loads(line) for line in run_without_torch(lines, tmp_path).splitlines()]
        detector = load_detector(trained, runtime="torch")
        class_ids, scores, boxes = detector.predict(photo)
        assert [name for name, *_ in told] == [detector.classes[class_id] for class_id in class_ids]
        np.testing.assert_allclose([score for _, score, _ in told], scores, atol=1e-3)
        np.testing.assert_allclose(np.reshape([box for *_, box in told], (-1, 4)), boxes, atol=0.5)
        found += len(told)
    assert found


def test_the_runtime_is_chosen_and_the_reason_told(small, tmp_path, monkeypatch):
    with_graph, without = read_card(small), read_card(untrained_bundle(tmp_path / "old.autodet"))
    assert [choose_runtime(card).reason for card in (None, with_graph, without)] == ["quicker", "quicker", "no_graph"]
    assert choose_runtime(with_graph, "cuda:0").reason == "device"
    monkeypatch.setattr(runtime, "gpu_count", lambda: 1)
    assert [choose_runtime(with_graph, device).name for device in (None, "cpu")] == ["torch", "onnx"]
    monkeypatch.setitem(sys.modules, "torch", None)
    assert choose_runtime(with_graph).reason == "no_torch"
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert choose_runtime(with_graph).reason == "no_onnxruntime"


def test_a_runtime_that_cannot_be_is_a_sentence(small, tmp_path):
    with pytest.raises(ModelError, match="'tensorflow'; give 'onnx' or 'torch'"):
        load_detector(small, runtime="tensorflow")
    with pytest.raises(ModelError, match="has no ONNX graph; 'export MODEL"):
        load_detector(untrained_bundle(tmp_path / "old.autodet"), runtime="onnx")
    with pytest.raises(ModelError, match="on the CPU, not on 'cuda:0'"):
        load_detector(small, runtime="onnx", device="cuda:0")


def test_the_network_of_torch_is_still_there(small):
    detector = load_detector(small, runtime="onnx")
    assert detector.network is detector.network
    assert not detector.network.training


def test_a_graph_stays_with_its_model(small, workspace):
    model = add_model(small, "first", workspace)
    graph = read_graph(small)[1]
    renamed = rename_model(model.id, "second", workspace)
    assert (renamed.name, read_graph(renamed.path)[1]) == ("second", graph)
    put_model(small, model.id, workspace)
    assert (find_model(model.id, workspace).name, read_graph(renamed.path)[1]) == ("second", graph)
    copy = new_model("third", workspace, renamed.card, read_bundle(renamed.path)[1], graph)
    assert load_detector(copy, runtime="onnx").predict_many([draw_photo()], 0)[0].error == ""


def test_other_weights_lose_the_graph_of_the_old_ones(small, tmp_path, workspace):
    model = add_model(small, "first", workspace)
    put_model(untrained_bundle(tmp_path / "better.autodet", seed=1), model.id, workspace)
    assert read_graph(model.path) == (find_model(model.id, workspace).card, b"")
    autodet.load_detector(model.id)


def test_a_graph_that_comes_too_late_is_not_taken(small, tmp_path, monkeypatch):
    path = untrained_bundle(tmp_path / "model.autodet", architecture="nanodet_g")
    make_graph = bundle_graph.make_graph

    def make_slowly(*given):
        graph = make_graph(*given)
        untrained_bundle(path, architecture="nanodet_g", seed=1)  # a search has found a better model in the meantime
        return graph

    monkeypatch.setattr(bundle_graph, "make_graph", make_slowly)
    add_graph(path)
    assert read_graph(path)[1] == b""


@pytest.mark.parametrize("failure", [MemoryError, RuntimeError("the exporter is broken"), ModelError("no onnx")])
def test_a_failed_export_costs_no_model(tmp_path, monkeypatch, failure):
    path = untrained_bundle(tmp_path / "model.autodet", architecture="nanodet_g")
    content = path.read_bytes()

    def fail(*_):
        raise failure

    monkeypatch.setattr(bundle_graph, "make_graph", fail)
    assert not add_graph(path)
    assert path.read_bytes() == content
    assert not add_graph(tmp_path / "gone.autodet")


def test_a_network_that_cannot_be_exported_has_no_graph(tmp_path, monkeypatch):
    from dataclasses import replace

    path = untrained_bundle(tmp_path / "model.autodet", architecture="nanodet_g")
    monkeypatch.setitem(registry.ARCHITECTURES, "nanodet_g", replace(ARCHITECTURES["nanodet_g"], onnx=False))
    assert not add_graph(path)


def test_the_process_that_a_search_starts_adds_the_graphs(tmp_path):
    paths = [untrained_bundle(tmp_path / f"{name}.autodet", architecture="nanodet_g") for name in "ab"]
    assert bundle_graph.main([str(path) for path in paths]) == 0
    assert all(read_graph(path)[1] for path in paths)
    assert bundle_graph.main([str(tmp_path / "gone.autodet")]) == 1


def test_no_file_beside_the_bundle_is_needed(small, tmp_path):
    alone = tmp_path / "alone.autodet"
    alone.write_bytes(Path(small).read_bytes())
    assert load_detector(alone).runtime == "onnx"
    assert [path.name for path in tmp_path.iterdir()] == ["alone.autodet"]


def test_what_the_graph_refuses_is_a_sentence(small, tmp_path):
    card, weights = read_bundle(small)
    write_bundle(tmp_path / "odd.autodet", card, weights, b"\x08\x08")
    with pytest.raises(BundleError, match=r"^odd\.autodet cannot be used as a model: its ONNX graph was not made from"):
        load_detector(tmp_path / "odd.autodet")
