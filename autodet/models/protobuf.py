"""The wire format of protocol buffers, as far as an ONNX file needs it; protobuf.dev/programming-guides/encoding."""

from collections.abc import Iterator
from typing import NamedTuple

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
FIXED_BYTES = {FIXED64: 8, FIXED32: 4}
MAX_VARINT_BYTES = 10


class Field(NamedTuple):
    """One field of a message.

    Attributes:
        number: Number of the field.
        value: An unsigned integer, or the bytes of anything else: text, a message, packed or fixed-size numbers.
        encoded: The bytes of the whole field.
    """

    number: int
    value: int | memoryview
    encoded: memoryview


def fields_of(message: memoryview) -> Iterator[Field]:
    """Yield the fields of a message, without copying.

    Raises:
        ValueError: The bytes are no message.
    """
    position = 0
    while position < len(message):
        start = position
        key, position = _varint(message, position)
        number, kind = key >> 3, key & 7
        value: int | memoryview
        if kind == VARINT:
            value, position = _varint(message, position)
        else:
            if kind == BYTES:
                length, position = _varint(message, position)
            elif kind in FIXED_BYTES:
                length = FIXED_BYTES[kind]
            else:
                raise ValueError("unknown wire type")
            if position + length > len(message):
                raise ValueError("truncated field")
            value = message[position : position + length]
            position += length
        yield Field(number, value, message[start:position])


def varints(packed: memoryview) -> Iterator[int]:
    """Yield packed integers.

    Raises:
        ValueError: The last one is truncated.
    """
    position = 0
    while position < len(packed):
        value, position = _varint(packed, position)
        yield value


def bytes_field(number: int, content: bytes) -> bytes:
    """Encode a field of text or of a message."""
    return _as_varint(number << 3 | BYTES) + _as_varint(len(content)) + content


def integer_field(number: int, value: int) -> bytes:
    """Encode a field of an unsigned integer."""
    return _as_varint(number << 3 | VARINT) + _as_varint(value)


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    """Return the integer at a position, and the position after it."""
    value = 0
    for index, byte in enumerate(message[position : position + MAX_VARINT_BYTES]):
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, position + index + 1
    raise ValueError("truncated integer")


def _as_varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])
