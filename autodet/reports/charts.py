"""Charts as static SVG: no script, and colours that follow the page's theme."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from unicodedata import east_asian_width

from autodet.records import Interval
from autodet.reports.markup import Markup, tag
from autodet.text_format import shortened

WIDTH, HEIGHT = 400, 290  # as wide as a phone, so that letters stay readable there
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 12, 40
FIFTHS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
ROW, NAMES = 26, 122  # of a bar chart: height of a row, width of the names
MAX_WIDTH = 15  # of a name beside a bar, in letters
Range = tuple[float, float]
LineStyle = Literal["line", "dashed", "points"]


@dataclass(frozen=True)
class Line:
    """Points that belong together.

    Attributes:
        name: Name in the legend; empty for none.
        colour: Colour, as CSS has it.
        points: x and y.
        style: A line, a dashed line, or points alone.
        mark: A point to emphasise, with its text.
    """

    name: str
    colour: str
    points: Sequence[tuple[float, float]]
    style: LineStyle = "line"
    mark: tuple[float, float, str] | None = None


@dataclass(frozen=True)
class Axes:
    """Titles, ranges and ticks of a chart.

    Attributes:
        x_title: Title of the x axis.
        y_title: Title of the y axis.
        x_range: Lowest and highest x.
        y_range: Lowest and highest y.
        x_ticks: Numbers written along x.
        y_ticks: Numbers written along y.
    """

    x_title: str
    y_title: str
    x_range: Range = (0.0, 1.0)
    y_range: Range = (0.0, 1.0)
    x_ticks: Sequence[float] = FIFTHS
    y_ticks: Sequence[float] = FIFTHS

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return where a point is drawn, in pixels from the top left."""
        across = (x - self.x_range[0]) / (self.x_range[1] - self.x_range[0])
        up = (y - self.y_range[0]) / (self.y_range[1] - self.y_range[0])
        return LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM)


def letters(text: str) -> int:
    """Return the width of a text in letters; Chinese, Japanese and Korean ones count twice."""
    return len(text) + sum(east_asian_width(letter) in "WF" for letter in text)


def narrowed(text: str, most: int) -> str:
    """Truncate a text to a width in letters."""
    if letters(text) <= most:
        return text
    return next(part for end in range(len(text), -1, -1) if letters(part := f"{text[:end]}…") <= most)


def line_chart(title: str, axes: Axes, lines: Sequence[Line]) -> Markup:
    """Return a figure with lines and a legend; ``title`` is its heading, and its name for screen readers."""
    drawing = tag(
        "svg",
        _frame(axes),
        [_drawn(line, axes) for line in lines],
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        aria_label=f"{title}: {axes.y_title} against {axes.x_title}",
    )
    named = [line for line in lines if line.name]
    return tag(
        "figure", tag("h3", title), drawing, legend({line.name: line.colour for line in named}) if named else None
    )


def legend(colours: Mapping[str, str]) -> Markup:
    """Return a legend: names, each beside its colour."""
    entries = [tag("li", _swatch(colour), " ", shortened(name, 40)) for name, colour in colours.items()]
    return tag("ul", entries, class_="legend")


def _swatch(colour: str) -> Markup:
    dot = tag("rect", x=0.5, y=0.5, width=11, height=11, rx=3, fill=colour, class_="grid-edge")
    return tag("svg", dot, viewBox="0 0 12 12", class_="swatch", aria_hidden="true")


def _frame(axes: Axes) -> list[Markup]:
    left, bottom = axes.at(axes.x_range[0], axes.y_range[0])
    right, top = axes.at(axes.x_range[1], axes.y_range[1])
    parts = []
    for tick in axes.y_ticks:
        _, y = axes.at(axes.x_range[0], tick)
        parts.append(tag("path", d=f"M{left:.1f} {y:.1f}H{right:.1f}", class_="grid"))
        parts.append(tag("text", f"{tick:g}", x=left - 6, y=y + 4, text_anchor="end"))
    for tick in axes.x_ticks:
        x, _ = axes.at(tick, axes.y_range[0])
        parts.append(tag("path", d=f"M{x:.1f} {bottom:.1f}V{top:.1f}", class_="grid"))
        parts.append(tag("text", f"{tick:g}", x=x, y=bottom + 16, text_anchor="middle"))
    middle = (top + bottom) / 2
    parts.append(tag("text", axes.x_title, x=(left + right) / 2, y=HEIGHT - 6.0, text_anchor="middle", class_="axis"))
    turned = f"rotate(-90 12 {middle:.1f})"
    parts.append(tag("text", axes.y_title, x=12, y=middle, text_anchor="middle", class_="axis", transform=turned))
    return parts


def _drawn(line: Line, axes: Axes) -> list[Markup]:
    places = [axes.at(x, y) for x, y in line.points]
    parts = []
    if line.style == "points":
        parts = [tag("circle", cx=x, cy=y, r=4, fill=line.colour) for x, y in places]
    elif places:
        path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        dashes = "5 4" if line.style == "dashed" else None
        parts = [tag("path", d=path, fill="none", stroke=line.colour, stroke_width=2, stroke_dasharray=dashes)]
    if line.mark:
        x, y = axes.at(*line.mark[:2])
        title = tag("title", line.mark[2])
        parts.append(tag("circle", title, cx=x, cy=y, r=6, fill=line.colour, class_="mark"))
    return parts


def bar_chart(title: str, rows: Sequence[tuple[str, float | None, Interval | None]], colours: Sequence[str]) -> Markup:
    """Return a figure with a bar from 0 to 1 for each row, and its interval as a thin line.

    Args:
        title: Heading of the figure.
        rows: Name, value and 95 % interval of each row; None if not measured.
        colours: Colour of each row.
    """
    height = ROW * len(rows) + 22
    right = WIDTH - 48  # the value follows

    def across(value: float) -> float:
        return NAMES + value * (right - NAMES)

    parts = [tag("path", d=f"M{across(tick):.1f} 0V{height - 20}", class_="grid") for tick in FIFTHS]
    parts += [tag("text", f"{tick:g}", x=across(tick), y=height - 5, text_anchor="middle") for tick in FIFTHS]
    for number, ((name, value, interval), colour) in enumerate(zip(rows, colours, strict=True)):
        middle = ROW * number + ROW / 2
        name_text = tag("text", narrowed(name, MAX_WIDTH), x=NAMES - 8, y=middle + 4, text_anchor="end", class_="name")
        parts.append(name_text)
        if value is not None:
            parts.append(tag("rect", x=NAMES, y=middle - 7, width=across(value) - NAMES, height=14, rx=2, fill=colour))
        if interval:
            low, high = map(across, interval)
            whisker = f"M{low:.1f} {middle - 4}v8m0 -4H{high:.1f}m0 -4v8"
            parts.append(tag("path", d=whisker, class_="whisker"))
        shown = "–" if value is None else f"{value:.3f}"
        parts.append(tag("text", shown, x=WIDTH - 2, y=middle + 4, text_anchor="end"))
    box = f"0 0 {WIDTH} {height}"
    return tag("figure", tag("h3", title), tag("svg", parts, viewBox=box, role="img", aria_label=title))


def small_bar(share: float, colour: str) -> Markup:
    """Return a bar for a cell of a table; ``share`` is its length, 0 to 1."""
    bar = tag("rect", width=100 * share, height=10, rx=2, fill=colour)
    return tag("svg", bar, viewBox="0 0 100 10", class_="bar", preserveAspectRatio="none", aria_hidden="true")
