"""Hostile ONNX graphs: each is refused with a sentence, before ONNX Runtime sees it."""

import tracemalloc

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from autodet.errors import BundleError, ModelError
from autodet.inference import model_upload, onnx_runtime
from autodet.inference.detector import load_detector
from autodet.inference.model_upload import upload_model
from autodet.inference.onnx_export import onnx_metadata
from autodet.models.bundle import read_bundle, read_card, write_bundle
from autodet.models.model_card import ModelCard
from autodet.models.onnx_graph import check_graph, with_metadata
from autodet.models.protobuf import bytes_field, fields_of
from autodet.models.store import add_model, list_models
from tests.helpers import draw_photo, untrained_bundle

CARD = ModelCard("m", ("a", "b"), "nanodet_g", 32, "data", "f", {"map50": 0.5}, weights_sha256="w" * 64)
NODES = {"boxes": [[1.0, 2.0, 30.0, 20.0]], "class_ids": [1], "scores": [0.9]}


def constant(name, values, kind=None):
    array = np.asarray(values, kind or (np.int64 if name == "class_ids" else np.float32))
    return helper.make_node("Constant", [], [name], value=onnx.numpy_helper.from_array(array))


def model(nodes=(), initializers=(), side=32, inputs=None, kinds=(), **answers):
    """A graph that always sees the same, whatever else it does; as a message that a test can change."""
    constants = [
        constant(name, answers.get(name, values), np.float32 if name in dict(kinds) else None)
        for name, values in NODES.items()
    ]
    given = inputs or [helper.make_tensor_value_info("square", TensorProto.UINT8, [1, 3, side, side])]
    types = {"boxes": TensorProto.FLOAT, "class_ids": TensorProto.INT64, "scores": TensorProto.FLOAT} | dict(kinds)
    outputs = [helper.make_tensor_value_info(name, kind, None) for name, kind in types.items()]
    graph = helper.make_graph([*constants, *nodes], "g", given, outputs, list(initializers))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def serialised(message, card=CARD):
    return with_metadata(message.SerializeToString(), onnx_metadata(card, 100))


def tensor(**facts):
    message = TensorProto(name="t", data_type=TensorProto.FLOAT, dims=[2], raw_data=b"\0" * 8)
    for name, value in facts.items():
        if name == "dims":
            message.dims[:] = value
        elif name == "external":
            entry = message.external_data.add()
            entry.key, entry.value = "location", value
            message.data_location = TensorProto.EXTERNAL
            message.ClearField("raw_data")
        else:
            setattr(message, name, value)
    return message


def branches(depth):
    nodes = [helper.make_node("Identity", ["square"], ["deep"])]
    for level in range(depth):
        answer = helper.make_tensor_value_info("deep", TensorProto.UINT8, None)
        inner = helper.make_graph(nodes, f"g{level}", [], [answer])
        decide = helper.make_node("If", ["flag"], ["deep"], then_branch=inner, else_branch=inner)
        nodes = [constant("flag", True, np.bool_), decide]
    return nodes


LOOP = helper.make_node("Loop", ["", "flag"], ["n"], body=helper.make_graph([], "body", [], []))
FOREIGN = helper.make_node("Inverse", ["square"], ["n"], domain="com.microsoft")
HUGE = tensor(dims=[1 << 40])
NOT_A_NUMBER = tensor(raw_data=np.array([1, np.nan], np.float32).tobytes())
TEXT = tensor(data_type=TensorProto.STRING)


def with_function():
    message = model()
    message.functions.append(helper.make_function("x", "f", [], [], [], []))
    return message


def with_domain():
    message = model()
    message.opset_import.append(helper.make_opsetid("ai.onnx.ml", 3))
    return message


def with_training():
    message = model()
    message.training_info.add()
    return message


def with_sparse():
    message = model()
    message.graph.sparse_initializer.add()
    return message


HOSTILE = {
    "a file beside the bundle": (model(initializers=[tensor(external="secret.bin")]), "files outside the bundle"),
    "a file in a constant": (
        model([helper.make_node("Constant", [], ["n"], value=tensor(external="/etc/passwd"))]),
        "files outside the bundle",
    ),
    "only the location": (model(initializers=[tensor(data_location=1)]), "files outside the bundle"),
    "a huge tensor": (model(initializers=[HUGE]), "larger than its content"),
    "a huge constant": (model([helper.make_node("Constant", [], ["n"], value=HUGE)]), "larger than its content"),
    "dimensions that overflow": (model(initializers=[tensor(dims=[1 << 32, 1 << 32])]), "larger than its content"),
    "a negative dimension": (model(initializers=[tensor(dims=[-1])]), "larger than its content"),
    "a weight that is no number": (model(initializers=[NOT_A_NUMBER]), "not all numbers"),
    "a tensor of texts": (model(initializers=[TEXT]), "does not hold numbers"),
    "an unknown operator": (model([helper.make_node("Frobnicate", ["square"], ["n"])]), "operator 'Frobnicate'"),
    "a loop": (model([LOOP]), "operator 'Loop'"),
    "an operator of Microsoft's": (model([FOREIGN]), "not part of the standard|operator 'Inverse'"),
    "a domain": (with_domain(), "not part of the standard"),
    "a function": (with_function(), "a header that autodet does not write"),
    "a training graph": (with_training(), "a header that autodet does not write"),
    "a sparse tensor": (with_sparse(), "a graph that autodet does not write"),
    "branches in branches": (model(branches(6)), "too many branches"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_graph_is_refused(kind, monkeypatch):
    monkeypatch.setattr(onnxruntime, "InferenceSession", None)  # it is not asked
    message, sentence = HOSTILE[kind]
    tracemalloc.start()
    with pytest.raises(BundleError, match=f"^its ONNX graph .*({sentence})"):
        check_graph(serialised(message), CARD)
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


def test_what_harms_nobody_is_let_through():
    assert check_graph(serialised(model(branches(2), [tensor()])), CARD)["weights_sha256"] == CARD.weights_sha256


@pytest.mark.parametrize("content", [b"", b"text", b"\x3a\xff\xff\x0f", b"\xff" * 30, b"\x38\x01", b"\0"])
def test_bytes_that_are_no_graph_are_refused(content):
    with pytest.raises(BundleError, match=r"^its ONNX graph"):
        check_graph(content, CARD)


def test_a_graph_cut_short_anywhere_is_refused_or_still_whole():
    content = serialised(model([], [tensor()]))
    ends = {len(content[: -len(field.encoded)]) for field in [*fields_of(memoryview(content))][-1:]}
    for length in range(len(content)):
        try:
            check_graph(content[:length], CARD)
        except BundleError as error:
            assert str(error).startswith("its ONNX graph")
        else:
            assert length in ends  # only the last entry of the metadata is gone, which autodet does not need


def test_a_part_that_comes_twice_is_refused():
    """A second part would be merged with the first one: small tensors would add up to a large one."""
    content = serialised(model())
    (graph,) = (field for field in fields_of(memoryview(content)) if field.number == 7)
    with pytest.raises(BundleError, match="a header that autodet does not write"):
        check_graph(content + bytes(graph.encoded), CARD)


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("weights_sha256", "0" * 64, "was not made from its weights"),
        ("weights_sha256", None, "was not made from its weights"),
        ("classes", '["a"]', "other classes"),
        ("classes", '["b", "a"]', "other classes"),
        ("image_size", "64", "another image size"),
        ("max_detections", "many", "how many objects"),
        ("max_detections", "-1", "how many objects"),
        ("max_detections", "9" * 5000, "how many objects"),
        ("max_detections", "²", "how many objects"),
    ],
)
def test_a_graph_of_another_card_is_refused(key, value, sentence):
    metadata = onnx_metadata(CARD, 100) | {key: value}
    content = with_metadata(model().SerializeToString(), {k: v for k, v in metadata.items() if v is not None})
    with pytest.raises(BundleError, match=sentence):
        check_graph(content, CARD)


def test_metadata_are_written_as_onnx_writes_them():
    content = with_metadata(serialised(model()), {"name": "Gurke 🥒", "long": "x" * 300})
    message = onnx.load_model_from_string(content)
    assert {entry.key: entry.value for entry in message.metadata_props} == {"name": "Gurke 🥒", "long": "x" * 300}
    assert message.graph == model().graph
    assert bytes_field(1, b"") == b"\x0a\x00"


# In a bundle


@pytest.fixture
def bundle(tmp_path):
    """Write a bundle with a graph that somebody else made."""
    path = untrained_bundle(tmp_path / "odd.autodet", ("a", "b"), architecture="nanodet_g", image_size=32)
    card, weights = read_bundle(path)

    def write(message):
        write_bundle(path, card, weights, serialised(message, card))
        return path

    return write


def test_a_graph_of_another_origin_is_used_if_it_is_sound(bundle):
    class_ids, scores, boxes = load_detector(bundle(model())).predict(draw_photo((64, 32)))
    assert (class_ids.tolist(), scores.tolist(), boxes.tolist()) == ([1], [np.float32(0.9)], [[2, 0, 60, 24]])


def test_no_file_is_read(bundle, workspace, monkeypatch):
    """ONNX Runtime would read the file: the check comes first."""
    message = model([helper.make_node("Identity", ["t"], ["n"])], [tensor(external="secret.bin")])
    path = bundle(message)
    (path.parent / "secret.bin").write_bytes(b"\0" * 8)
    (path.parent / "model.onnx").write_bytes(message.SerializeToString())
    onnxruntime.InferenceSession(path.parent / "model.onnx", providers=["CPUExecutionProvider"])
    monkeypatch.setattr(onnxruntime, "InferenceSession", None)
    for read in (load_detector, lambda bundle: add_model(bundle, "mine", workspace)):
        with pytest.raises(BundleError, match=r"^odd\.autodet cannot be used .* refers to files outside the bundle"):
            read(path)
    assert list_models(workspace) == []
    assert read_card(path).graph_sha256


@pytest.mark.parametrize(
    "message",
    [
        model(side=64),
        model(inputs=[helper.make_tensor_value_info("photo", TensorProto.UINT8, [1, 3, 32, 32])]),
        model(inputs=[helper.make_tensor_value_info("square", TensorProto.FLOAT, [1, 3, 32, 32])]),
        model(kinds={"class_ids": TensorProto.FLOAT}),
        model(kinds={"more": TensorProto.FLOAT}, nodes=[constant("more", [1.0])]),
        model([helper.make_node("Conv", ["missing", "gone"], ["n"])]),
    ],
)
def test_other_inputs_or_outputs_are_a_sentence(bundle, message):
    with pytest.raises(BundleError, match=r"^odd\.autodet cannot be used as a model: .*ONNX graph.*\. Download"):
        load_detector(bundle(message))


@pytest.mark.parametrize(
    "answers",
    [
        {"class_ids": [2]},
        {"class_ids": [-1]},
        {"scores": [1.5]},
        {"scores": [0.5, 0.4]},
        {"scores": [[0.5]]},
        {"boxes": [[1.0, 2.0, 3.0]]},
        {"boxes": [1.0, 2.0, 3.0, 4.0]},
        {"boxes": [[1.0, 2.0, 3.0, 4.0]] * 101, "class_ids": [0] * 101, "scores": [0.5] * 101},
    ],
)
def test_answers_that_are_no_detections_are_a_sentence(bundle, answers):
    detector = load_detector(bundle(model(**answers)))
    with pytest.raises(ModelError, match="does not return detections"):
        detector.predict(draw_photo((32, 32)))


def bomb(operator, count):
    """Fill memory with numbers: how many is only known when the graph runs."""
    steps = [
        helper.make_node("Cast", ["square"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMax", ["floats"], ["brightest"], keepdims=0, axes=[0, 1, 2, 3]),
        helper.make_node("Cast", ["brightest"], ["whole"], to=TensorProto.INT64),
        constant("count", [count], np.int64),
        helper.make_node("Add", ["whole", "count"], ["much"]),
    ]
    if operator == "ConstantOfShape":
        steps.append(helper.make_node(operator, ["much"], ["filled"]))
    else:
        steps += [constant("one", [1.0], np.float32), helper.make_node(operator, ["one", "much"], ["filled"])]
    return model([*steps, helper.make_node("ReduceSum", ["filled"], ["n"])])


@pytest.mark.parametrize("operator", ["ConstantOfShape", "Expand", "Tile"])
def test_memory_is_bounded_when_a_graph_runs(bundle, operator):
    detector = load_detector(bundle(bomb(operator, onnx_runtime.MAX_MEMORY_BYTES)))
    with pytest.raises(ModelError, match="ONNX graph failed on a photo"):
        detector.predict(draw_photo((32, 32)))


SEVEN = [constant("seven", [7]), helper.make_node("Reshape", ["square", "seven"], ["n"])]


@pytest.mark.process
@pytest.mark.parametrize(
    "message", [model(SEVEN), model(scores=[1.5]), bomb("Tile", onnx_runtime.MAX_MEMORY_BYTES)], ids=range(3)
)
def test_a_graph_that_cannot_run_is_not_added(bundle, workspace, message):
    path = bundle(message)
    add_model(path, "unchecked", workspace)  # the check of its parts finds nothing
    with pytest.raises(BundleError, match=r"^odd\.autodet cannot .*: ONNX Runtime cannot run its ONNX graph "):
        upload_model(path, "mine", workspace)
    assert [stored.name for stored in list_models(workspace)] == ["unchecked"]


@pytest.mark.process
def test_a_graph_that_runs_too_long_is_not_added(bundle, workspace, monkeypatch):
    monkeypatch.setattr(model_upload, "MAX_SECONDS", 0.02)
    with pytest.raises(BundleError, match=r"cannot run its ONNX graph within 0\.02 seconds and 8 GB of memory"):
        upload_model(bundle(model()), "mine", workspace)
    assert list_models(workspace) == []


@pytest.mark.process
def test_a_graph_that_runs_is_added(bundle, workspace):
    assert upload_model(bundle(model()), "mine", workspace).card.graph_sha256
