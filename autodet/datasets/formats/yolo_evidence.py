"""Evidence about the layout of YOLO rows: counts over all rows, and geometry over a sample of them.

A box of four numbers followed by points *frames* them: its points lie inside it. An outline is *traced*: its second
point lies near the others. A pair of numbers is tested as both, because each is sometimes true of the other.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from autodet.datasets.formats.yolo_lines import BOX_NUMBERS, RowTable, hull
from autodet.records import BoxXYXY

MAX_SAMPLE = 1000  # rows per group and folder
MAX_FOLDERS = 100  # folders with evidence of their own
MAX_NUMBERS = 2000  # of a sampled row; longer outlines are cut
MARGIN = 0.1  # of a box: how far keypoints may lie outside it
ON_PHOTO = 0.02  # fraction of the photo by which a box may exceed it
ROUNDING = 0.001
MIN_INSIDE = 0.8  # of the points of a row
CENTRAL = 0.25  # of the points' extent: distance of their middle from the box's centre
MIN_POINTS = 3  # that show how far they fill their box
LOOSE = 0.35  # of the box: points of a smaller extent do not fill it

Group = Literal["five", "even", "odd"]
Values = tuple[float, ...]


class Form(NamedTuple):
    """A form of the numbers after a box.

    Attributes:
        step: Numbers per point: 2, or 3 with a visibility.
        extra: Numbers after the points: confidence and track id.
    """

    step: int
    extra: int


FORMS = tuple(Form(step, extra) for step in (2, 3) for extra in (0, 1, 2))


@dataclass
class RowFacts:
    """Counts over the rows of one group.

    Attributes:
        rows: Number of rows.
        counts: Rows by how many numbers they have.
        confident: Rows whose last number lies within 0..1.
        confident_before: Rows whose last number but one lies within 0..1.
        whole: Rows whose last number is whole and not negative.
        tracked: Rows whose last number is whole, and the one before lies within 0..1.
        above_one: Rows whose last number is whole and above one.
        largest: The largest last number.
        steepest: The largest absolute value of the last two numbers, but those of the box.
        repeated: Files in which a last number repeats.
        several: Files with several of the rows.
        sample: Numbers of some of the rows, evenly spaced.
    """

    rows: int = 0
    counts: Counter[int] = field(default_factory=Counter)
    confident: int = 0
    confident_before: int = 0
    whole: int = 0
    tracked: int = 0
    above_one: int = 0
    largest: float = 0.0
    steepest: float = 0.0
    repeated: int = 0
    several: int = 0
    sample: list[Values] = field(default_factory=list)
    stride: int = 1

    def add(self, values: Values) -> None:
        """Count a row."""
        before, last = values[-2:]
        whole = last >= 0 and last.is_integer()
        confident_before = is_confidence(before)
        self.counts[len(values)] += 1
        self.confident += is_confidence(last)
        self.confident_before += confident_before
        self.whole += whole
        self.tracked += whole and confident_before
        self.above_one += whole and last > 1
        self.largest = max(self.largest, last)
        self.steepest = max(self.steepest, *map(abs, values[BOX_NUMBERS:][-2:]))
        if self.rows % self.stride == 0:
            self.sample.append(values if len(values) <= MAX_NUMBERS else values[: MAX_NUMBERS - 2] + values[-2:])
            if len(self.sample) > MAX_SAMPLE:
                self.sample, self.stride = self.sample[::2], 2 * self.stride
        self.rows += 1

    def nearly_all(self, rows: int) -> bool:
        """Return whether a number of rows is all of them, apart from one in a hundred."""
        return rows >= 0.99 * self.rows

    @property
    def common(self) -> int:
        """The most common count of numbers."""
        return self.counts.most_common(1)[0][0]

    @property
    def constant(self) -> bool:
        """Whether all rows have the same count of numbers, apart from one in twenty."""
        return self.counts[self.common] >= 0.95 * self.rows

    @property
    def is_varied(self) -> bool:
        """Whether the counts differ as those of outlines do."""
        return not self.constant and len(self.counts) > 2


def merged(parts: Iterable[RowFacts]) -> RowFacts:
    """Return the facts of several folders together."""
    total = RowFacts()
    for part in parts:
        for name in ("rows", "confident", "confident_before", "whole", "tracked", "above_one", "repeated", "several"):
            setattr(total, name, getattr(total, name) + getattr(part, name))
        total.counts += part.counts
        total.largest, total.steepest = max(total.largest, part.largest), max(total.steepest, part.steepest)
        total.sample += part.sample
    total.sample = total.sample[:: 1 + len(total.sample) // (2 * MAX_SAMPLE)]
    return total


def group_of(count: int) -> Group:
    """Return the group of a row of more than four numbers."""
    return "five" if count == BOX_NUMBERS + 1 else "odd" if count % 2 else "even"


class Evidence:
    """Facts about all rows of more than four numbers, by group and folder."""

    def __init__(self) -> None:
        self.facts: dict[Group, dict[str, RowFacts]] = defaultdict(dict)
        self.boxes = 0

    def add(self, path: str, table: RowTable) -> None:
        """Count the rows of a label file."""
        self.boxes += len(table.rows) - len(table.numbers)
        last: dict[Group, list[float]] = defaultdict(list)
        for values in table.numbers:
            group = group_of(len(values))
            self.of(group, path).add(values)
            last[group].append(values[-1])
        for group, numbers in last.items():
            facts = self.of(group, path)
            facts.several += len(numbers) > 1
            facts.repeated += len(set(numbers)) < len(numbers)

    def of(self, group: Group, path: str) -> RowFacts:
        """Return the facts about a group of rows in a file's folder."""
        folders = self.facts[group]
        folder = path.rpartition("/")[0]
        if folder not in folders and len(folders) >= MAX_FOLDERS:
            folder = ""
        return folders.setdefault(folder, RowFacts())


class Votes(NamedTuple):
    """How many rows of a sample are a box with points, an outline, or exactly a box and its outline."""

    box: int
    outline: int
    exact: int


def count_votes(sample: Sequence[Values], outline_extra: int) -> Votes:
    """Count what the geometry of each row supports, under the form that fits most boxes.

    Args:
        sample: Numbers of rows.
        outline_extra: Numbers after the points if the rows are outlines.
    """
    bounded = sum(max(values[:BOX_NUMBERS]) > 2 for values in sample) < len(sample) / 2
    found = []
    for form in FORMS:
        votes = [_vote(values, form, outline_extra, bounded=bounded) for values in sample]
        exact = sum(_is_exact(values, form) for values in sample) if form.step == 2 else 0
        found.append(Votes(sum(vote > 0 for vote in votes), sum(vote < 0 for vote in votes), exact))
    return max(found, key=lambda votes: (votes.exact, votes.box - votes.outline))


def is_confidence(value: float) -> bool:
    """Return whether a number lies within 0 to 1, apart from rounding."""
    return -ROUNDING <= value <= 1 + ROUNDING


def has_visibilities(sample: Sequence[Values], count: int) -> bool:
    """Return whether all rows of a count are a box and points of which every third number is 0, 1 or 2."""
    rows = [values for values in sample if len(values) == count]
    for form in FORMS:
        points, rest = divmod(count - BOX_NUMBERS - form.extra, 3)
        if form.step == 3 and points > 1 and not rest and rows:
            columns = [values[6 : count - form.extra : 3] for values in rows]
            if all(value in (0, 1, 2) for column in columns for value in column):
                return True
    return False


def is_four_corners(values: Values) -> bool:
    """Return whether the first eight numbers are the corners of a rectangle, possibly turned."""
    x1, y1, x2, y2, x3, y3, x4, y4 = values[:8]
    size = max(abs(x3 - x1) + abs(y3 - y1), abs(x4 - x2) + abs(y4 - y2))
    return abs(x1 + x3 - x2 - x4) + abs(y1 + y3 - y2 - y4) <= MARGIN * size


def ends_elsewhere(values: Values) -> bool:
    """Return whether the last pair of numbers lies far from the points before it."""
    box = hull(values[0:-2:2], values[1:-2:2])
    return _distance((values[-2], values[-1]), box) > 1


def is_on_photo(values: Values) -> bool:
    """Return whether the first four numbers are a box on the photo."""
    x, y, width, height = values[:BOX_NUMBERS]
    edges = (x - width / 2, y - height / 2, 1 - x - width / 2, 1 - y - height / 2)
    return width > 0 and height > 0 and min(edges) >= -ON_PHOTO


def _vote(values: Values, form: Form, outline_extra: int, *, bounded: bool) -> int:
    """Return 1 for a box with points, -1 for an outline, 0 if both or neither fit."""
    rest = len(values) - BOX_NUMBERS - form.extra
    traced = _is_traced(values[: len(values) - outline_extra])
    if rest < form.step or rest % form.step:
        return -traced
    points = list(_points(values, form))
    if not points:
        return 1  # an outline has no points that are all missing
    if not _is_framed(values, points, bounded=bounded):
        return -traced
    if traced and len(points) >= MIN_POINTS and _is_loose(values, points):
        return -1
    return int(not traced or _is_central(values, points))


def _points(values: Values, form: Form) -> Iterator[tuple[float, float]]:
    """Yield the points after a box, without the missing ones, which are 0, 0 or negative."""
    numbers = values[BOX_NUMBERS : len(values) - form.extra]
    pairs = zip(numbers[:: form.step], numbers[1 :: form.step], strict=False)
    return ((x, y) for x, y in pairs if x >= 0 and y >= 0 and (x or y))


def _is_framed(values: Values, points: Sequence[tuple[float, float]], *, bounded: bool) -> bool:
    if bounded and not is_on_photo(values):
        return False
    x, y, width, height = values[:BOX_NUMBERS]
    across, down = width * (0.5 + MARGIN) + ROUNDING, height * (0.5 + MARGIN) + ROUNDING
    inside = sum(abs(px - x) <= across and abs(py - y) <= down for px, py in points)
    return width > 0 and height > 0 and inside >= MIN_INSIDE * len(points)


def _is_traced(values: Values) -> bool:
    if len(values) < 6 or min(values) < -ON_PHOTO:
        return False
    others = hull((values[0], *values[4::2]), (values[1], *values[5::2]))
    return _distance((values[2], values[3]), others) <= 1


def _is_central(values: Values, points: Sequence[tuple[float, float]]) -> bool:
    x1, y1, x2, y2 = hull(*zip(*points, strict=True))
    x, y, width, height = values[:BOX_NUMBERS]
    across, down = max(x2 - x1, CENTRAL * width), max(y2 - y1, CENTRAL * height)
    return abs((x1 + x2) / 2 - x) <= CENTRAL * across and abs((y1 + y2) / 2 - y) <= CENTRAL * down


def _is_loose(values: Values, points: Sequence[tuple[float, float]]) -> bool:
    x1, y1, x2, y2 = hull(*zip(*points, strict=True))
    return max((x2 - x1) / values[2], (y2 - y1) / values[3]) < LOOSE


def _is_exact(values: Values, form: Form) -> bool:
    """Return whether the points after a box have exactly that box."""
    numbers = values[BOX_NUMBERS : len(values) - form.extra]
    if len(numbers) < 6 or len(numbers) % 2:
        return False
    x1, y1, x2, y2 = hull(numbers[::2], numbers[1::2])
    x, y, width, height = values[:BOX_NUMBERS]
    edges = zip((x1, y1, x2, y2), (x - width / 2, y - height / 2, x + width / 2, y + height / 2), strict=True)
    across = MARGIN / 2 * max(width, height) + ROUNDING
    return all(abs(one - other) <= across for one, other in edges)


def _distance(point: tuple[float, float], box: BoxXYXY) -> float:
    """Return a point's distance from a box on the worse axis, in units of the box's longer side."""
    (x, y), (x1, y1, x2, y2) = point, box
    outside = max(x1 - x, x - x2, y1 - y, y - y2, 0.0)
    side = max(x2 - x1, y2 - y1)
    return outside / side if side else (0.0 if outside <= ROUNDING else 2.0)
