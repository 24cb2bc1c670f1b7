"""Boxes drawn on photos."""

from collections.abc import Sequence

from PIL import Image, ImageColor, ImageDraw

from autodet.charts.palette import GREY, class_colour
from autodet.inference.fonts import Font, font_for
from autodet.records import FloatArray, IntArray

LINE_SHARE, TEXT_SHARE = 0.005, 0.030  # of the photo's longer side
SMALLEST_TEXT = 11
MOST_MARGIN = 0.25  # of the photo's longer side, around it


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
    size = max(SMALLEST_TEXT, TEXT_SHARE * longer)
    for index in reversed(range(len(class_ids))):
        class_id = int(class_ids[index])
        font = font_for(classes[class_id], size)
        name = _shortened(classes[class_id], font, photo.width)
        text = name if scores is None else f"{name} {scores[index]:.2f}"
        x1, y1, x2, y2 = (float(side) for side in boxes_xyxy[index])
        colour = class_colour(class_id)
        brush.rectangle((x1, y1, max(x1, x2 - 1), max(y1, y2 - 1)), outline=colour, width=width)
        _write_label(brush, drawn.size, (x1, y1), text, colour, font)
    return drawn


def outline_boxes(photo: Image.Image, boxes_xyxy: FloatArray, colours: Sequence[str]) -> Image.Image:
    """A copy of a photo with boxes on it, without labels; grey is added around it for boxes that reach beyond it.

    Args:
        photo: The photo, RGB.
        boxes_xyxy: Boxes in pixels of the photo, shape (N, 4); the last one is drawn on top.
        colours: The colour of each box.
    """
    margin = max(photo.size) * MOST_MARGIN
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
