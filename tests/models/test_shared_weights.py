"""The weights of a bundle are stored once, and its graph is complete again when it is read."""

import zipfile

import numpy as np
import onnx
import pytest
import safetensors.numpy
from onnx import helper, numpy_helper

from autodet.errors import BundleError
from autodet.inference.detector import load_detector
from autodet.models import bundle as bundle_module
from autodet.models.bundle import read_bundle, read_card, read_graph, write_bundle
from autodet.models.onnx_graph import check_graph
from autodet.models.shared_weights import share_weights, unshare_weights
from tests.helpers import draw_photo, untrained_bundle
from tests.models.test_onnx_graph import CARD, model, serialised

WEIGHTS = {"layer": np.arange(300, dtype=np.float32), "other": np.arange(300, 600, dtype=np.float32)}
STORED = safetensors.numpy.save(WEIGHTS)
OFFSET = STORED.index(WEIGHTS["other"].tobytes())


def graph_of(*tensors):
    return serialised(model(initializers=tensors))


def tensor_at(location="weights.safetensors", offset=OFFSET, length=1200, **more):
    """A tensor whose numbers are said to be elsewhere."""
    tensor = onnx.TensorProto(name="t", data_type=onnx.TensorProto.FLOAT, dims=[300], data_location=1)
    for key, value in {"location": location, "offset": offset, "length": length, **more}.items():
        if value is not None:
            tensor.external_data.add(key=key, value=str(value))
    return tensor


def test_only_numbers_that_are_weights_are_left_out_and_come_back():
    alike = numpy_helper.from_array(WEIGHTS["other"].reshape(20, 15), "alike")
    twice = numpy_helper.from_array(WEIGHTS["other"], "twice")
    foreign = numpy_helper.from_array(WEIGHTS["other"] + 1, "foreign")
    small = numpy_helper.from_array(WEIGHTS["layer"][:3], "small")
    graph = graph_of(alike, twice, foreign, small)
    shared = share_weights(graph, STORED)
    first, *others = onnx.load_model_from_string(shared).graph.initializer
    expected = tensor_at()
    expected.name, expected.dims[:] = "alike", (20, 15)
    assert first == expected
    assert others == [twice, foreign, small]
    assert unshare_weights(shared, STORED) == graph


@pytest.mark.parametrize(
    ("tensors", "sentence"),
    [
        ([tensor_at("../weights.safetensors")], "files outside the bundle"),
        ([tensor_at("model.json")], "files outside the bundle"),
        ([tensor_at(offset=len(STORED) - 1199)], "files outside the bundle"),
        ([tensor_at(offset=-1)], "files outside the bundle"),
        ([tensor_at(offset="9" * 5000)], "files outside the bundle"),
        ([tensor_at(length=None)], "files outside the bundle"),
        ([tensor_at(checksum="a" * 40)], "files outside the bundle"),
        ([tensor_at(length=8)], "larger than its content"),
        ([tensor_at()] * 4, "more weights than its file"),
    ],
)
def test_a_hostile_reference_is_refused(tensors, sentence):
    with pytest.raises(BundleError, match=sentence):
        check_graph(unshare_weights(graph_of(*tensors), STORED), CARD)


def test_weights_that_are_no_numbers_are_refused():
    weights = safetensors.numpy.save({"layer": np.full(300, np.nan, np.float32)})
    tensor = tensor_at(offset=len(weights) - 1200)
    with pytest.raises(BundleError, match="not all numbers"):
        check_graph(unshare_weights(graph_of(tensor), weights), CARD)


def test_a_reference_outside_the_graphs_own_tensors_is_refused():
    node = helper.make_node("Constant", [], ["n"], value=tensor_at())
    with pytest.raises(BundleError, match="files outside the bundle"):
        check_graph(unshare_weights(serialised(model([node])), STORED), CARD)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A bundle as earlier versions wrote it, with the weights twice."""
    path = untrained_bundle(tmp_path_factory.mktemp("whole") / "whole.autodet", architecture="nanodet_g", image_size=64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bundle_module, "share_weights", lambda graph, _: graph)
        load_detector(path).save(path)
    return path


def test_a_bundle_holds_the_weights_once_and_earlier_ones_are_read(whole, tmp_path):
    (card, weights), (_, graph) = read_bundle(whole), read_graph(whole)
    path = tmp_path / "once.autodet"
    write_bundle(path, card, weights, graph)
    assert path.stat().st_size < len(weights) * 1.05 < whole.stat().st_size * 0.6
    assert (read_card(whole).format, read_card(path).format) == ("autodet-1", "autodet-2")
    assert (read_bundle(path)[1], read_graph(path)[1]) == (weights, graph)
    photo = draw_photo((64, 48))
    once, twice = (load_detector(file, runtime="onnx").predict(photo, 0) for file in (path, whole))
    assert len(once[1])
    for one, other in zip(once, twice, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_reader_of_onnx_finds_the_weights_in_the_extracted_bundle(whole, tmp_path):
    (card, weights), (_, graph) = read_bundle(whole), read_graph(whole)
    write_bundle(tmp_path / "once.autodet", card, weights, graph)
    with zipfile.ZipFile(tmp_path / "once.autodet") as archive:
        archive.extractall(tmp_path / "once")
    extracted, complete = onnx.load(tmp_path / "once" / "model.onnx"), onnx.load_model_from_string(graph)
    for one, other in zip(extracted.graph.initializer, complete.graph.initializer, strict=True):
        np.testing.assert_array_equal(numpy_helper.to_array(one), numpy_helper.to_array(other))
