"""Boxes drawn on photos."""

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

LINE_SHARE, TEXT_SHARE = 0.005, 0.030  # of the photo's longer side
MIN_TEXT_SIZE = 11
MARK = b"autodet: boxes drawn on a photo"  # the comment of a JPEG file, by which a drawing is known from a photo
MARK_BYTES = 1000  # within which it stands
MAX_MARGIN = 0.25  # of the photo's longer side, around it


@dataclass(frozen=True)
class _Label:
    """A label at its place, in pixels of the photo; the offset is that of its text."""

    x1: float
    y1: float
    x2: float
    y2: float
    text: str
    colour: str
    font: Font
    offset: tuple[float, float]

    def covers(self, other: "_Label") -> float:
        """The area that both cover, in square pixels."""
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
    """A copy of a photo with boxes and their labels on it; lines and text grow with the photo.

    Args:
        photo: The photo, RGB.
        boxes_xyxy: Boxes in pixels of the photo, shape (N, 4).
        class_ids: Classes, shape (N,).
        classes: Class names.
        scores: Confidences, shape (N,), written behind the names; the best is drawn on top.
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
    """A photo with boxes on it as the bytes of a JPEG file that ``is_drawing`` tells from a photo."""
    content = BytesIO()
    drawn.save(content, "JPEG", quality=92, comment=MARK)
    return content.getvalue()


def save_drawing(drawn: Image.Image, path: Path) -> None:
    """Write ``drawing_jpeg`` into a file."""
    write_atomically(path, drawing_jpeg(drawn))


def is_drawing(path: Path) -> bool:
    """Whether a file is one of ``drawing_jpeg``."""
    with suppress(OSError), open_regular(path) as file:
        return MARK in file.read(MARK_BYTES)
    return False


def outline_boxes(photo: Image.Image, boxes_xyxy: FloatArray, colours: Sequence[str]) -> Image.Image:
    """A copy of a photo with boxes on it, without labels; grey is added around it for boxes that reach beyond it.

    Args:
        photo: The photo, RGB.
        boxes_xyxy: Boxes in pixels of the photo, shape (N, 4); the last one is drawn on top.
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
        brush.rectangle((x1 - 1, y1 - 1, x2 + 1, y2 + 1), outline="white", width=width + 2)  # seen on any photo
        brush.rectangle((x1, y1, x2, y2), outline=colour, width=width)
    return drawn


def _shortened(name: str, font: Font, photo_width: int) -> str:
    """A class name on one line, of which no more is shown than fits on half the photo."""
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
    """A label above its box, else inside it, below it or at its right end: where it covers least of the others.

    It is always inside the photo.
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
    """Black or white, whichever is read better on a colour (relative luminance of Rec. 601)."""
    red, green, blue = ImageColor.getrgb(background)[:3]
    return "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 150 else "white"
