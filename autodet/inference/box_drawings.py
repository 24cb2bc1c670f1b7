"""Drawing of bounding boxes on photos."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageColor, ImageDraw

from autodet.charts.palette import GREY, class_colour
from autodet.datasets.sources.files import open_regular
from autodet.inference.fonts import Font, font_for
from autodet.records import FloatArray, IntArray
from autodet.workspace import write_atomically

LINE_SHARE, TEXT_SHARE = 0.005, 0.030  # fractions of the photo's longer side
MIN_TEXT_SIZE = 11
MARK = b"autodet: boxes drawn on a photo"  # JPEG comment that distinguishes drawings from photos
MARK_BYTES = 1000  # at the start of a file, searched for the comment
MAX_MARGIN = 0.25  # around the photo, as a fraction of its longer side


@dataclass(frozen=True)
class _Label:
    """A placed label, in pixels of the photo; ``offset`` moves the text from the top left corner."""

    x1: float
    y1: float
    x2: float
    y2: float
    text: str
    colour: str
    font: Font
    offset: tuple[float, float]

    def covers(self, other: "_Label") -> float:
        """Return the area of the overlap with another label, in square pixels."""
        across = min(self.x2, other.x2) - max(self.x1, other.x1)
        down = min(self.y2, other.y2) - max(self.y1, other.y1)
        return max(0.0, across) * max(0.0, down)


def draw_boxes(
    photo: Image.Image,
    boxes_xyxy: FloatArray,
    class_ids: IntArray,
    classes: Sequence[str],
    scores: FloatArray | None = None,
) -> Image.Image:
    """Return a copy of a photo with labelled boxes; line width and text size scale with the photo.

    Args:
        photo: The photo, RGB.
        boxes_xyxy: Boxes in pixels of the photo, shape (N, 4), best first; the first is drawn on top.
        class_ids: Class ids, shape (N,).
        classes: Class names.
        scores: Confidences, shape (N,), appended to the class names.
    """
    drawn = photo.convert("RGB")
    if drawn is photo:
        drawn = photo.copy()
    brush = ImageDraw.Draw(drawn)
    longer = max(photo.size)
    width = max(2, round(LINE_SHARE * longer))
    size = max(MIN_TEXT_SIZE, TEXT_SHARE * longer)
    labels: list[_Label] = []
    for index, class_id in enumerate(map(int, class_ids)):
        font = font_for(classes[class_id], size)
        name = _shortened(classes[class_id], font, photo.width)
        text = name if scores is None else f"{name} {scores[index]:.2f}"
        labels.append(_place_label(brush, drawn.size, boxes_xyxy[index], text, class_colour(class_id), font, labels))
    for (x1, y1, x2, y2), label in reversed(list(zip(boxes_xyxy.tolist(), labels, strict=True))):
        brush.rectangle((x1, y1, max(x1, x2 - 1), max(y1, y2 - 1)), outline=label.colour, width=width)
    for label in reversed(labels):
        _write_label(brush, label)
    return drawn


def drawing_jpeg(drawn: Image.Image) -> bytes:
    """Encode a drawing as a JPEG file that ``is_drawing`` recognises."""
    content = BytesIO()
    drawn.save(content, "JPEG", quality=92, comment=MARK)
    return content.getvalue()


def save_drawing(drawn: Image.Image, path: Path) -> None:
    """Write the output of ``drawing_jpeg`` to a file."""
    write_atomically(path, drawing_jpeg(drawn))


def is_drawing(source: Path | bytes) -> bool:
    """Return whether ``drawing_jpeg`` produced a file, given by its path or content; False if it cannot be read."""
    if isinstance(source, bytes):
        return MARK in source[:MARK_BYTES]
    with suppress(OSError), open_regular(source) as file:
        return MARK in file.read(MARK_BYTES)
    return False


def outline_boxes(photo: Image.Image, boxes_xyxy: FloatArray, colours: Sequence[str]) -> Image.Image:
    """Return a copy of a photo with boxes but no labels, padded with grey where boxes extend beyond the photo.

    Args:
        photo: The photo, RGB.
        boxes_xyxy: Boxes in pixels of the photo, shape (N, 4); the last is drawn on top.
        colours: The colour of each box.
    """
    margin = max(photo.size) * MAX_MARGIN
    left, top = (int(max(0.0, min(margin, -boxes_xyxy[:, axis].min(initial=0.0)))) for axis in (0, 1))
    right, bottom = (
        int(max(0.0, min(margin, boxes_xyxy[:, 2 + axis].max(initial=0.0) - photo.size[axis]))) for axis in (0, 1)
    )
    drawn = Image.new("RGB", (photo.width + left + right, photo.height + top + bottom), GREY)
    drawn.paste(photo, (left, top))
    brush = ImageDraw.Draw(drawn)
    width = max(2, round(2 * LINE_SHARE * max(photo.size)))
    highest = max(drawn.size) + width
    for box, colour in zip(boxes_xyxy, colours, strict=True):
        x1, x2 = sorted(float(side) for side in (box[0::2] + left).clip(-width, highest))
        y1, y2 = sorted(float(side) for side in (box[1::2] + top).clip(-width, highest))
        x2, y2 = max(x1, x2 - 1), max(y1, y2 - 1)
        brush.rectangle((x1 - 1, y1 - 1, x2 + 1, y2 + 1), outline="white", width=width + 2)  # visible on any photo
        brush.rectangle((x1, y1, x2, y2), outline=colour, width=width)
    return drawn


def _shortened(name: str, font: Font, photo_width: int) -> str:
    """Put a class name on one line and truncate it to half the width of the photo."""
    name = " ".join(name.split())
    longest = int(len(name) * photo_width / 2 / max(1.0, font.getlength(name)))
    return name if longest >= len(name) else f"{name[: max(1, longest)]}…"


def _place_label(
    brush: ImageDraw.ImageDraw,
    size_wh: tuple[int, int],
    box_xyxy: FloatArray,
    text: str,
    colour: str,
    font: Font,
    others: Sequence[_Label],
) -> _Label:
    """Place a label above, inside or below its box, at the left or right end, where it overlaps other labels least.

    The first candidate wins a tie: above the box, left-aligned. Labels are moved to lie inside the photo.
    """
    left, top, right, bottom = brush.textbbox((0, 0), text, font=font)
    margin = (bottom - top) * 0.3
    width, height = right - left + 2 * margin, bottom - top + 2 * margin
    x1, y1, x2, y2 = map(float, box_xyxy)
    highest = y1 - height if y1 >= height else y1
    corners = [(x, y) for x in (x1, x2 - width) for y in (highest, y1, y2, y2 - height)]
    inside = [(max(0.0, min(x, size_wh[0] - width)), max(0.0, min(y, size_wh[1] - height))) for x, y in corners]
    labels = [_Label(x, y, x + width, y + height, text, colour, font, (margin - left, margin - top)) for x, y in inside]
    return min(labels, key=lambda label: sum(label.covers(other) for other in others))


def _write_label(brush: ImageDraw.ImageDraw, label: _Label) -> None:
    brush.rectangle((label.x1, label.y1, label.x2, label.y2), fill=label.colour)
    across, down = label.offset
    at = (label.x1 + across, label.y1 + down)
    brush.text(at, label.text, fill=_text_colour(label.colour), font=label.font)


def _text_colour(background: str) -> str:
    """Return black or white, whichever contrasts better with a background (Rec. 601 luma)."""
    red, green, blue = ImageColor.getrgb(background)[:3]
    return "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 150 else "white"
