"""Sample photos of a report, with their boxes as lines over the photo."""

from base64 import b64encode
from collections import Counter
from collections.abc import Sequence

from autodet.charts.palette import CLASS_COLOURS
from autodet.messages.evaluation import ERROR_TITLES
from autodet.reports.charts import legend, letters, narrowed
from autodet.reports.markup import Child, Markup, tag
from autodet.reports.model_report import ModelReport
from autodet.reports.sample_photos import DrawnBox, MarkKind, SamplePhoto
from autodet.text_format import counted, listed, shortened

COLOURS: dict[MarkKind, str] = {
    "right": "#1f9d63",
    "false_alarm": CLASS_COLOURS[0],
    "wrong_class": CLASS_COLOURS[4],
    "missed": CLASS_COLOURS[2],
    "truth": "#b9c4bd",
}
TITLES: dict[MarkKind, str] = {
    "right": "right",
    "false_alarm": "false alarm",
    "wrong_class": "wrong class",
    "missed": "missed (dashed)",
    "truth": "label (dashed)",
}
COUNTED: dict[MarkKind, str] = {"right": "right", "missed": "missed", "wrong_class": "of the wrong class"}
DARK_TEXT: set[MarkKind] = {"missed", "truth"}
MAX_LABELLED, MAX_DRAWN = 12, 150  # boxes with a label; boxes
Rectangle = tuple[float, float, float, float]  # x1, y1, x2, y2
TEXT_SHARE, LINE_SHARE, LETTER = 0.045, 0.008, 0.58  # of the width of the picture; width of a letter to its height
MAX_WIDTH = 22  # of a class name, in letters


def photo_section(report: ModelReport) -> Child:
    """Return the best and the worst photos, and examples of the most frequent errors."""
    photos = report.photos
    kinds: list[MarkKind] = ["right", "false_alarm", "wrong_class", "missed", "truth"]
    parts: list[Child] = [
        legend({TITLES[kind]: COLOURS[kind] for kind in kinds}),
        _group(
            "Worst photos",
            "Those with the most errors: missed objects, false alarms and wrong classes.",
            photos.worst,
            "There is no photo with an error.",
        ),
        _group("Best photos", "Every object found, and no false alarm.", photos.best, "There is no such photo."),
    ]
    for kind, examples in photos.errors.items():
        count = report.evaluation.error_kinds[kind].count
        parts.append(_group(f"Typical error: {_lower(ERROR_TITLES[kind])}", f"{count:,} in all.", examples, ""))
    if photos.unread:
        names = listed([shortened(name) for name in photos.unread[:5]])
        parts.append(
            tag("p", f"{counted(len(photos.unread), 'photo')} could not be opened: {names}.", class_="warning")
        )
    return parts


def _lower(title: str) -> str:
    return f"{title[0].lower()}{title[1:]}"


def _group(title: str, words: str, photos: Sequence[SamplePhoto], otherwise: str) -> Child:
    heading = tag("h3", title)
    if not photos:
        return [heading, tag("p", otherwise)] if otherwise else None
    return tag("div", heading, tag("p", words, class_="soft"), tag("div", list(map(_figure, photos)), class_="photos"))


def _figure(photo: SamplePhoto) -> Markup:
    left, top, right, bottom = photo.view
    width, height = right - left, bottom - top
    source = f"data:image/jpeg;base64,{b64encode(photo.jpeg).decode()}"
    drawing = tag(
        "svg",
        tag("image", href=source, x=left, y=top, width=width, height=height, preserveAspectRatio="none"),
        [_outline(box, width) for box in photo.boxes[:MAX_DRAWN]],
        _labels(photo) if len(photo.boxes) <= MAX_LABELLED else None,
        viewBox=f"{left:g} {top:g} {width:g} {height:g}",
        role="img",
        aria_label=f"{photo.file}: {_counts(photo)}",
    )
    return tag("figure", drawing, tag("figcaption", shortened(photo.file), ": ", _counts(photo), "."))


def _counts(photo: SamplePhoto) -> str:
    """Count the boxes on a photo, such as ``3 right, 1 missed``."""
    kinds = Counter(box.kind for box in photo.boxes)
    parts = [f"{kinds[kind]} {word}" for kind, word in COUNTED.items() if kinds[kind]]
    if alarms := kinds["false_alarm"]:
        parts.append(counted(alarms, "false alarm"))
    return ", ".join(parts) or "no object"


def _outline(box: DrawnBox, width: float) -> list[Markup]:
    x1, y1, x2, y2 = box.box
    line = max(1.0, LINE_SHARE * width)
    place = {"x": x1, "y": y1, "width": max(1.0, x2 - x1), "height": max(1.0, y2 - y1), "fill": "none"}
    dashes = f"{3 * line:.1f} {2 * line:.1f}" if box.kind in DARK_TEXT else None
    behind = "#000" if dashes else "#fff"  # so that the line is visible on any photo
    title, colour = tag("title", _text(box)), COLOURS[box.kind]
    return [
        tag("rect", **place, stroke=behind, stroke_opacity=0.55, stroke_width=line * 1.6),
        tag("rect", title, **place, stroke=colour, stroke_width=line, stroke_dasharray=dashes),
    ]


def _labels(photo: SamplePhoto) -> list[list[Markup]]:
    """Return a label for each box, above, below or inside it, where it covers the least of other labels."""
    size = TEXT_SHARE * (photo.view[2] - photo.view[0])
    taken: list[Rectangle] = []
    for box in photo.boxes:
        width, height = LETTER * size * letters(_text(box)) + size * 0.4, 1.3 * size
        places = _places(box, photo.view, width, height)
        taken.append(min(places, key=lambda place: sum(_covered(place, other) for other in taken)))
    return [_label(box, place, size) for box, place in zip(photo.boxes, taken, strict=True)]


def _places(box: DrawnBox, view: Rectangle, width: float, height: float) -> list[Rectangle]:
    """Return where a label can be: at the left or right end, above, inside or below, all within the photo."""
    x1, y1, x2, y2 = box.box
    above = y1 - height if y1 - height >= view[1] else y1
    corners = [(x, y) for y in (above, y1, y2 - height, y2) for x in (x1, x2 - width)]
    inside = [(max(view[0], min(x, view[2] - width)), max(view[1], min(y, view[3] - height))) for x, y in corners]
    return [(x, y, x + width, y + height) for x, y in inside]


def _covered(one: Rectangle, other: Rectangle) -> float:
    across, down = (min(one[end + 2], other[end + 2]) - max(one[end], other[end]) for end in (0, 1))
    return max(0.0, across) * max(0.0, down)


def _label(box: DrawnBox, place: Rectangle, size: float) -> list[Markup]:
    x1, y1, x2, y2 = place
    style = f"font-size: {size:.2f}px; fill: {'#000' if box.kind in DARK_TEXT else '#fff'}"
    return [
        tag("rect", x=x1, y=y1, width=x2 - x1, height=y2 - y1, fill=COLOURS[box.kind], fill_opacity=0.9),
        tag("text", _text(box), x=x1 + size * 0.2, y=y1 + size, style=style),
    ]


def _text(box: DrawnBox) -> str:
    name = narrowed(box.class_name, MAX_WIDTH)
    if box.score is None:
        return f"missed: {name}" if box.kind == "missed" else f"label: {name}"
    return f"{name} {box.score:.2f}"
