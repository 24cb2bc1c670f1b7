"""The weights that a bundle's graph and its safetensors have in common, stored once.

A tensor of the graph names its numbers by their place in ``weights.safetensors``: ONNX's external data. ONNX Runtime
reads them if both entries are files of one folder. autodet puts them back into the graph, and checks that, so ONNX
Runtime never opens a file that a graph names.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence

from autodet.errors import BundleError
from autodet.models.onnx_graph import G_TENSOR, M_GRAPH, T_EXTERNAL, T_LOCATION, T_RAW, bytes_of, text_entry
from autodet.models.protobuf import bytes_field, fields_of, integer_field

WEIGHTS_ENTRY = "weights.safetensors"
MIN_SHARED_BYTES = 1024  # a reference takes about 70
EXTERNAL = 1  # as the location of a tensor's numbers
LENGTH_BYTES = 8  # of a safetensors file's header


def share_weights(graph: bytes, weights: bytes) -> bytes:
    """Replace the numbers of tensors that equal weights with the weights' places.

    Args:
        graph: The serialised graph, with all its numbers.
        weights: A state dict as safetensors.

    Returns:
        The graph without these numbers; the whole graph if either cannot be read, which readers of a bundle refuse.
    """

    def share(tensor: memoryview) -> bytes:
        fields = list(fields_of(tensor))
        numbers = [bytes_of(field.value) for field in fields if field.number == T_RAW]
        place = places.pop(_digest(numbers[0]), None) if numbers and len(numbers[0]) >= MIN_SHARED_BYTES else None
        if place is None:
            return bytes(tensor)
        return b"".join(_reference(*place) if field.number == T_RAW else field.encoded for field in fields)

    try:
        places = _places(weights)
        return _with_tensors(memoryview(graph), share)
    except ValueError:
        return graph


def unshare_weights(graph: bytes, weights: bytes) -> bytes:
    """Undo ``share_weights``: put the weights into a graph; references to anything else stay.

    Args:
        graph: The serialised graph, unchecked.
        weights: The bundle's weights as safetensors.

    Raises:
        BundleError: The graph is damaged, or its tensors together are larger than the weights.
    """
    content = memoryview(weights)
    left = len(content)

    def fill(tensor: memoryview) -> bytes:
        nonlocal left
        fields = list(fields_of(tensor))
        place = _place(dict(text_entry(field.value) for field in fields if field.number == T_EXTERNAL), len(content))
        if place is None:
            return bytes(tensor)
        left -= place[1] - place[0]
        if left < 0:
            raise BundleError("its ONNX graph has more weights than its file")
        kept = (field.encoded for field in fields if field.number not in (T_EXTERNAL, T_LOCATION))
        return b"".join([*kept, bytes_field(T_RAW, bytes(content[slice(*place)]))])

    try:
        return _with_tensors(memoryview(graph), fill)
    except ValueError as error:
        raise BundleError("its ONNX graph is not readable") from error


def _with_tensors(
    message: memoryview, change: Callable[[memoryview], bytes], path: Sequence[int] = (M_GRAPH, G_TENSOR)
) -> bytes:
    """Return a serialised model with changed tensors of its graph."""
    if not path:
        return change(message)
    return b"".join(
        bytes_field(path[0], _with_tensors(bytes_of(field.value), change, path[1:]))
        if field.number == path[0]
        else field.encoded
        for field in fields_of(message)
    )


def _places(weights: bytes) -> dict[bytes, tuple[int, int]]:
    """Return the offset and the end of each tensor in safetensors, by the digest of its numbers."""
    start = LENGTH_BYTES + int.from_bytes(weights[:LENGTH_BYTES], "little")
    return {_digest(memoryview(weights)[begin:end]): (begin, end) for begin, end in _offsets(weights[:start], start)}


def _offsets(header: bytes, start: int) -> Iterator[tuple[int, int]]:
    for name, tensor in json.loads(header[LENGTH_BYTES:]).items():
        if name != "__metadata__":
            begin, end = tensor["data_offsets"]
            yield start + begin, start + end


def _reference(begin: int, end: int) -> bytes:
    entries = {"location": WEIGHTS_ENTRY, "offset": str(begin), "length": str(end - begin)}
    texts = (bytes_field(1, key.encode()) + bytes_field(2, value.encode()) for key, value in entries.items())
    return b"".join(bytes_field(T_EXTERNAL, text) for text in texts) + integer_field(T_LOCATION, EXTERNAL)


def _place(reference: Mapping[str, str], size: int) -> tuple[int, int] | None:
    """Return the offset and the end of a reference; None if it does not lead to weights of this many bytes."""
    if reference.keys() != {"location", "offset", "length"} or reference["location"] != WEIGHTS_ENTRY:
        return None
    numbers = reference["offset"], reference["length"]
    if not all(number.isascii() and number.isdigit() and len(number) <= len(str(size)) for number in numbers):
        return None
    begin, length = map(int, numbers)
    return (begin, begin + length) if begin + length <= size else None


def _digest(content: memoryview) -> bytes:
    return hashlib.sha256(content).digest()
