"""Boxes drawn on photos."""

from collections.abc import Sequence

from PIL import Image, ImageColor, ImageDraw, ImageFont

from autodet.charts.palette import class_colour
from autodet.records import FloatArray, IntArray

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

LINE_SHARE, TEXT_SHARE = 0.005, 0.030  # of the photo's longer side
SMALLEST_TEXT = 11


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
    font = ImageFont.load_default(max(SMALLEST_TEXT, TEXT_SHARE * longer))
    for index in reversed(range(len(class_ids))):
        class_id = int(class_ids[index])
        name = _shortened(classes[class_id], font, photo.width)
        text = name if scores is None else f"{name} {scores[index]:.2f}"
        x1, y1, x2, y2 = (float(side) for side in boxes_xyxy[index])
        colour = class_colour(class_id)
        brush.rectangle((x1, y1, max(x1, x2 - 1), max(y1, y2 - 1)), outline=colour, width=width)
        _write_label(brush, drawn.size, (x1, y1), text, colour, font)
    return drawn


def _shortened(name: str, font: Font, photo_width: int) -> str:
    """A class name on one line, of which no more is shown than fits on half the photo."""
    name = " ".join(name.split())
    longest = int(len(name) * photo_width / 2 / max(1.0, font.getlength(name)))
    return name if longest >= len(name) else f"{name[: max(1, longest)]}…"


def _write_label(
    brush: ImageDraw.ImageDraw,
    size_wh: tuple[int, int],
    corner: tuple[float, float],
    text: str,
    colour: str,
    font: Font,
) -> None:
    """A label above its box, or inside it where there is no room above; always inside the photo."""
    left, top, right, bottom = brush.textbbox((0, 0), text, font=font)
    margin = (bottom - top) * 0.3
    width, height = right - left + 2 * margin, bottom - top + 2 * margin
    x = max(0.0, min(corner[0], size_wh[0] - width))
    y = corner[1] - height if corner[1] >= height else max(0.0, min(corner[1], size_wh[1] - height))
    brush.rectangle((x, y, x + width, y + height), fill=colour)
    brush.text((x + margin - left, y + margin - top), text, fill=_text_colour(colour), font=font)


def _text_colour(background: str) -> str:
    """Black or white, whichever is read better on a colour (relative luminance of Rec. 601)."""
    red, green, blue = ImageColor.getrgb(background)[:3]
    return "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 150 else "white"
