"""JPEGs that lack nothing but their end: the end marker, as some cameras and downloads leave it out.

A decoder fills missing pixels with grey, or takes whatever bytes follow for pixels. So a JPEG is complete if no bytes
that follow change its pixels, and if all of its scans are there: a progressive JPEG has several, each finer.
"""

import re
from collections.abc import Callable, Iterator
from itertools import islice

START, END = b"\xff\xd8\xff", b"\xff\xd9"
MIN_ZEROS = 16  # at the end of a file, from which on zeros are no pixels
COEFFICIENTS = 64  # per block
MAX_SEGMENTS = 10_000  # of a JPEG
MAX_COMPONENTS = 4
_MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])")
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # markers of the header that lists the components
_SCAN = 0xDA


def _followers(flip: int) -> bytes:
    """Return bytes that a decoder takes for pixels if any are missing, with all eight restart markers."""
    pixels = bytes(((73 * number + 41) % 250 + 1) ^ flip for number in range(48)).replace(b"\xff", b"\xfe")
    return b"".join(pixels + bytes((0xFF, 0xD0 + number)) for number in range(8))


_FOLLOWERS = (_followers(0), _followers(0xFF))  # their first bits differ, so missing bits change the pixels


def is_zero_filled(content: bytes) -> bool:
    """Return whether a JPEG ends in zeros in place of an end marker, as an interrupted download does."""
    return content.endswith(bytes(MIN_ZEROS)) and content.startswith(START) and not content.rstrip(b"\0").endswith(END)


def with_end(content: bytes, pixels: Callable[[bytes], bytes | None]) -> bytes | None:
    """Return a JPEG with an end marker in place of what follows its pixels; None if it lacks more than that.

    Args:
        content: The file's bytes.
        pixels: Decodes a photo; returns None if it cannot be read.
    """
    if not content.startswith(START):
        return None
    body = _without_padding(content)
    ended = body + END
    if not _has_all_scans(body) or (shown := pixels(ended)) is None:
        return None
    return ended if all(pixels(body + follower + END) == shown for follower in _FOLLOWERS) else None


def _without_padding(content: bytes) -> bytes:
    """Remove zeros that fill up the file, and half an end marker."""
    body = content.rstrip(b"\0") if content.endswith(b"\0\0") else content
    if body.endswith(b"\xff") and len(body) < len(content):
        return body + b"\0"  # pixels that end in 255, which a JPEG writes as 255, 0
    return body.rstrip(b"\xff")


def _has_all_scans(body: bytes) -> bool:
    """Return whether the scans hold every coefficient of every component to its last bit."""
    wanted: set[tuple[int, int]] = set()
    found: set[tuple[int, int]] = set()
    for marker, header in islice(_segments(body), MAX_SEGMENTS):
        if marker in _FRAMES:
            wanted = {(id_, place) for id_ in header[6::3][:MAX_COMPONENTS] for place in range(COEFFICIENTS)}
        elif marker == _SCAN and 4 <= len(header) <= 4 + 2 * MAX_COMPONENTS and header[-1] & 15 == 0:
            found |= {(id_, place) for id_ in header[1:-3:2] for place in range(header[-3], header[-2] + 1)}
    return bool(wanted) and wanted <= found


def _segments(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the marker and the header of each segment."""
    at = len(START) - 1
    while marker := _MARKER.search(body, at):
        at = marker.end() + max(int.from_bytes(body[marker.end() : marker.end() + 2], "big"), 2)
        yield marker[1][0], body[marker.end() + 2 : at]
