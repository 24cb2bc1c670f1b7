"""JPEGs that lack nothing but their end: the end marker, as some cameras and downloads leave it out.

A decoder fills missing pixels with grey, or takes whatever bytes follow for pixels. So the test is whether the pixels
depend on the bytes that follow: if they do not, all of them were there.
"""

from collections.abc import Callable

START, END = b"\xff\xd8\xff", b"\xff\xd9"
# Bytes that a decoder takes for pixels if any are missing, with all eight restart markers.
_OTHER_PIXELS = b"".join(
    bytes((73 * number + 41) % 251 for number in range(marker, marker + 48)) + bytes((0xFF, 0xD0 + marker))
    for marker in range(8)
)


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
    shown = pixels(ended)
    return ended if shown is not None and shown == pixels(body + _OTHER_PIXELS + END) else None


def _without_padding(content: bytes) -> bytes:
    """Remove zeros that fill up the file, and half an end marker."""
    body = content.rstrip(b"\0") if content.endswith(b"\0\0") else content
    if body.endswith(b"\xff") and len(body) < len(content):
        return body + b"\0"  # pixels that end in 255, which a JPEG writes as 255, 0
    return body.rstrip(b"\xff")
