"""The ONNX graph of a bundle, checked before ONNX Runtime sees it, without the package ``onnx``.

A graph from an untrusted source may name files to read, declare tensors of any size, or loop forever. The check allows
only what ``autodet.inference.onnx_export`` writes: the known fields of the format, the standard operators that the
networks of the registry need, and tensors whose numbers are all in the file. Field numbers are those of ``onnx.proto``.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from autodet.errors import BundleError
from autodet.models.model_card import ModelCard, one_line
from autodet.models.protobuf import Field, bytes_field, fields_of, varints

MAX_NODES = 100_000
MAX_DEPTH = 3  # of branches within branches
MAX_LIMIT = 100_000  # detections per photo
OPERATORS = frozenset(
    b"Add And ArgMax Cast Clip Concat Constant ConstantOfShape Conv DequantizeLinear Div Equal Exp Expand Flatten "
    b"Floor Gather GatherElements GatherND Gemm GlobalAveragePool Greater GreaterOrEqual HardSigmoid HardSwish "
    b"Identity If InstanceNormalization LeakyRelu Less Log MatMul Max MaxPool Min Mod Mul Neg NonMaxSuppression "
    b"NonZero Not Pad Pow QuantizeLinear Range ReduceMax ReduceMin ReduceProd ReduceSum Relu Reshape Resize "
    b"RoiAlign ScatterElements Shape Sigmoid Slice Softmax Split Sqrt Squeeze Sub Tile TopK Transpose Unsqueeze "
    b"Where Xor".split()
)
DOMAINS = {b"", b"ai.onnx"}
NUMBERS = {1, 2, 3, 6, 7, 9, 11}  # data types: float32, uint8, int8, int32, int64, bool, float64
FLOAT_TYPES = {1: "<f4", 11: "<f8"}


@dataclass(frozen=True)
class Message:
    """A kind of message in an ONNX file.

    Attributes:
        name: Its name in error messages.
        once: Fields that it may have once.
        many: Fields that it may have any number of times.
    """

    name: str
    once: frozenset[int]
    many: frozenset[int] = frozenset()

    def read(self, content: int | memoryview) -> Iterator[Field]:
        """Yield the fields of a message.

        Raises:
            ValueError: The bytes are no message.
            BundleError: It has an unknown field, or one twice.
        """
        seen: set[int] = set()
        for field in fields_of(bytes_of(content)):
            if field.number not in self.once | self.many or field.number in self.once & seen:
                raise BundleError(f"its ONNX graph has a {self.name} that autodet does not write")
            seen.add(field.number)
            yield field


def _message(name: str, once: set[int], many: set[int]) -> Message:
    return Message(name, frozenset(once), frozenset(many))


MODEL = _message("header", {1, 2, 3, 4, 5, 6, 7}, {8, 14})
M_GRAPH, M_OPSET, M_METADATA = 7, 8, 14
GRAPH = _message("graph", {2, 10}, {1, 5, 11, 12, 13})
G_NODE, G_TENSOR, G_OUTPUT = 1, 5, 12
NODE = _message("node", {3, 4, 6, 7}, {1, 2, 5})
N_INPUT, N_OUTPUT, N_NAME, N_OPERATOR, N_ATTRIBUTE, N_DOMAIN = 1, 2, 3, 4, 5, 7
BACKBONE = b"/network/backbone/"  # begins the names of nodes that the exporter made of the backbone with its pyramid
ATTRIBUTE = _message("node's attribute", {1, 2, 3, 4, 5, 6, 13, 20}, {7, 8, 9})
A_TENSOR, A_GRAPH = 5, 6
TENSOR = _message("tensor", {2, 8, 9, 12, 14}, {1, 4, 5, 7, 10, 11, 13})
T_DIMENSIONS, T_TYPE, T_RAW, T_EXTERNAL, T_LOCATION = 1, 2, 9, 13, 14
T_NUMBERS, T_FLOATS = {4, 5, 7, T_RAW, 10, 11}, {4, T_RAW, 10}
OPSET = _message("version", {1, 2}, set())
ENTRY = _message("metadata entry", {1, 2}, set())


def check_graph(graph: bytes, card: ModelCard) -> dict[str, str]:
    """Check the graph of a bundle, and return its metadata.

    Args:
        graph: The serialised graph.
        card: Card of the bundle, to which the graph must belong.

    Raises:
        BundleError: The graph is damaged, could do harm, or is not the card's; the message ends a sentence.
    """
    try:
        metadata = _check_model(memoryview(graph))
    except (ValueError, TypeError) as error:
        raise BundleError("its ONNX graph is not readable") from error
    if metadata.get("weights_sha256") != card.weights_sha256:
        raise BundleError("its ONNX graph was not made from its weights")
    if metadata.get("classes") != classes_text(card.classes):
        raise BundleError("its ONNX graph has other classes than its description")
    if metadata.get("image_size") != str(card.image_size):
        raise BundleError("its ONNX graph has another image size than its description")
    limit = metadata.get("max_detections", "")
    if not (limit.isascii() and limit.isdigit() and len(limit) < 9 and 0 < int(limit) <= MAX_LIMIT):
        raise BundleError("its ONNX graph does not say how many objects it detects at most")
    return metadata


def classes_text(classes: tuple[str, ...]) -> str:
    """Return class names as the metadata of a graph hold them."""
    return json.dumps(classes, ensure_ascii=False)


def read_metadata(graph: bytes) -> dict[str, str]:
    """Return the metadata of a serialised graph that is otherwise not checked.

    Raises:
        ValueError: The graph is damaged.
    """
    return dict(text_entry(field.value) for field in fields_of(memoryview(graph)) if field.number == M_METADATA)


def with_metadata(graph: bytes, metadata: Mapping[str, str]) -> bytes:
    """Return a serialised graph with these metadata in place of its own."""
    kept = [field.encoded for field in fields_of(memoryview(graph)) if field.number != M_METADATA]
    entries = (bytes_field(1, key.encode()) + bytes_field(2, value.encode()) for key, value in metadata.items())
    return b"".join([*kept, *(bytes_field(M_METADATA, entry) for entry in entries)])


def backbone_maps(graph: bytes) -> list[str]:
    """Return the names of the feature maps that the backbone of a network passes to its head, in the graph's order.

    Args:
        graph: The serialised graph, checked.
    """
    made: dict[bytes, None] = {}
    used: set[bytes] = set()
    for node in (field.value for field in fields_of(_nodes_of(graph)) if field.number == G_NODE):
        parts = [(field.number, bytes(bytes_of(field.value))) for field in fields_of(bytes_of(node))]
        is_inside = any(number == N_NAME and text.startswith(BACKBONE) for number, text in parts)
        names = [text for number, text in parts if number == (N_OUTPUT if is_inside else N_INPUT)]
        if is_inside:
            made.update(dict.fromkeys(names))
        else:
            used.update(names)
    return [name.decode() for name in made if name in used]


def with_outputs(graph: bytes, names: Sequence[str]) -> bytes:
    """Return a serialised graph that returns these tensors in place of its own outputs."""
    inner = [field.encoded for field in fields_of(_nodes_of(graph)) if field.number != G_OUTPUT]
    outputs = [bytes_field(G_OUTPUT, bytes_field(1, name.encode())) for name in names]
    outer = [field.encoded for field in fields_of(memoryview(graph)) if field.number != M_GRAPH]
    return b"".join([*outer, bytes_field(M_GRAPH, b"".join([*inner, *outputs]))])


def _nodes_of(graph: bytes) -> memoryview:
    return bytes_of(next(field.value for field in fields_of(memoryview(graph)) if field.number == M_GRAPH))


def _check_model(model: memoryview) -> dict[str, str]:
    """Check a whole file and return its metadata."""
    metadata: dict[str, str] = {}
    for number, value, _ in MODEL.read(model):
        if number == M_GRAPH:
            _check_nodes(value, depth=0)
        elif number == M_OPSET:
            _check_domain(next((field.value for field in OPSET.read(value) if field.number == 1), memoryview(b"")))
        elif number == M_METADATA:
            metadata.update([text_entry(value)])
    return metadata


def text_entry(content: int | memoryview) -> tuple[str, str]:
    """Return the key and the value of a metadata entry."""
    entry = {field.number: str(bytes_of(field.value), "utf-8") for field in ENTRY.read(content)}
    return entry.get(1, ""), entry.get(2, "")


def _check_nodes(graph: int | memoryview, depth: int) -> int:
    """Check a graph, or the branch of a node, and return the number of its nodes."""
    nodes = 0
    for number, value, _ in GRAPH.read(graph):
        if number == G_TENSOR:
            _check_tensor(value)
        elif number == G_NODE:
            nodes += 1 + _check_node(value, depth)
        if nodes > MAX_NODES:
            raise BundleError(f"its ONNX graph has more than {MAX_NODES:,} nodes")
    return nodes


def _check_node(node: int | memoryview, depth: int) -> int:
    """Check a node, and return the number of nodes in its branches."""
    nodes = 0
    for number, value, _ in NODE.read(node):
        if number == N_DOMAIN:
            _check_domain(value)
        elif number == N_OPERATOR and bytes_of(value) not in OPERATORS:
            operator = one_line(str(bytes_of(value), "utf-8", "replace"), 40)
            raise BundleError(f"its ONNX graph has the operator {operator!r}, which no network of autodet needs")
        elif number == N_ATTRIBUTE:
            for attribute in ATTRIBUTE.read(value):
                if attribute.number == A_TENSOR:
                    _check_tensor(attribute.value)
                elif attribute.number == A_GRAPH:
                    if depth == MAX_DEPTH:
                        raise BundleError("its ONNX graph has too many branches within branches")
                    nodes += _check_nodes(attribute.value, depth + 1)
    return nodes


def _check_domain(domain: int | memoryview) -> None:
    if bytes_of(domain) not in DOMAINS:
        raise BundleError("its ONNX graph has operators that are not part of the standard")


def _check_tensor(tensor: int | memoryview) -> None:
    """Check that a tensor's numbers are in the file, as many as it declares, and that none is infinite or no number."""
    dimensions: list[int] = []
    kind, data = 0, []
    for number, value, _ in TENSOR.read(tensor):
        if number == T_EXTERNAL or (number == T_LOCATION and value):
            raise BundleError("its ONNX graph refers to files outside the bundle")
        if number == T_DIMENSIONS:
            dimensions += [value] if isinstance(value, int) else varints(value)
        elif number == T_TYPE:
            kind = value if isinstance(value, int) else 0
        elif number in T_NUMBERS:
            data.append((number, value))
    if kind not in NUMBERS:
        raise BundleError("its ONNX graph has a tensor that does not hold numbers")
    # Every number takes at least a byte, so the memory of a tensor is a small multiple of the file.
    if prod(dimensions) > sum(1 if isinstance(value, int) else len(value) for _, value in data):
        raise BundleError("its ONNX graph has a tensor that is larger than its content")
    for number, value in data:
        is_float = kind in FLOAT_TYPES and number in T_FLOATS
        if is_float and not np.isfinite(np.frombuffer(bytes_of(value), FLOAT_TYPES[kind])).all():
            raise BundleError("its ONNX graph has weights that are not all numbers")


def bytes_of(value: int | memoryview) -> memoryview:
    """Return the value of a field that is not a number.

    Raises:
        ValueError: It is a number.
    """
    if isinstance(value, int):
        raise ValueError("an integer in place of bytes")
    return value
