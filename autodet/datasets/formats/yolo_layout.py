"""Layout of YOLO rows, decided once for a whole source from the evidence of all rows.

A row of four numbers is a box. What more numbers mean depends on the program that wrote them: a confidence, a track id,
keypoints, an outline, an angle, or several of these. Rows of five numbers, of an even count and of an odd count have
one layout each; a folder has its own only if its rows clearly differ. The user decides the cases that the evidence
leaves open.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import pi
from typing import Literal, NamedTuple

from autodet.datasets.formats.yolo_evidence import (
    Evidence,
    Group,
    RowFacts,
    count_votes,
    ends_elsewhere,
    group_of,
    has_visibilities,
    is_confidence,
    is_four_corners,
    is_on_photo,
    merged,
)
from autodet.datasets.formats.yolo_lines import BOX_NUMBERS, Row
from autodet.records import Finding

RowReading = Literal["box", "outline", "shorter", "unfit"]
MIN_OWN_ROWS = 10  # of a folder with a layout of its own
MIN_OWN_SHARE = 0.8  # of a folder's rows; if this share fits the common layout, the others are damaged
MAX_MINORITY = 0.05  # of the long rows: an odd count among even ones is damage
MIN_VOTES = 3  # rows that a box with points needs, because chance may place a few points inside
SURE, LIKELY = 9, 2  # how many rows must support a reading for one that contradicts it
MANY_NUMBERS = 11  # outlines of a constant count are rarely longer
MANY_ROWS = 20
MAX_STRAYS = 2  # long rows beside MANY_ROWS plain boxes that are damage rather than a layout
OUTLINES, POINTS = "outlines", "points"
_HINTS = {
    OUTLINES: re.compile(r"seg(ment|mentation)?s?|polygons?|masks?|obb"),
    POINTS: re.compile(r"pose|key_?points?"),
}


class Layout(NamedTuple):
    """The layout of a group of rows.

    Attributes:
        reading: How to read them: the first four numbers as a box, the box around all points, the box around all
            points but the last pair, or not at all.
        cause: Cause of the finding that reports the layout; empty for plain boxes and outlines.
        numbers: The only count of numbers that fits; 0 if any does.
        ask: The kind of finding that asks the user; empty if the evidence decides.
        angle: Which of a row's last two numbers may be an angle.
        degrees: Whether it is in degrees, rather than radians.
    """

    reading: RowReading
    cause: str = ""
    numbers: int = 0
    ask: str = ""
    angle: int = 1
    degrees: bool = False


UNFIT = Layout("unfit")
WITH_SHAPE = Layout("box", "rows_kpt_shape")
# Which of a row's last two numbers is a confidence, by the cause of the layout.
_CONFIDENCE = {
    "rows_confidence": 1,
    "rows_outline_confidence": 1,
    "rows_confidence_track": 0,
    "rows_outline_confidence_track": 0,
}


@dataclass
class Layouts:
    """The layouts of a source's rows.

    Attributes:
        whole: The layout of each group.
        own: Layouts of folders that clearly differ, by group and folder.
        used: Rows that were read under each layout.
        photos: Photos with rows that the user must decide about, by kind of finding.
    """

    whole: Mapping[Group, Layout]
    own: Mapping[tuple[Group, str], Layout]
    used: Counter[tuple[Layout, int]] = field(default_factory=Counter)
    photos: dict[str, list[str]] = field(default_factory=dict)

    def of(self, row: Row, folder: str, kpt_shape: tuple[int, int] | None) -> Layout:
        """Return the layout of a row with more than four numbers; ``UNFIT`` if it fits none."""
        count = row.long.numbers if row.long else BOX_NUMBERS
        if fits_shape(count, kpt_shape):
            return WITH_SHAPE
        group = group_of(count)
        layout = self.own.get((group, folder)) or self.whole.get(group, UNFIT)
        if layout.numbers and layout.numbers != count:
            return UNFIT
        if layout.reading in ("outline", "shorter") and count < (8 if layout.reading == "shorter" else 6):
            return UNFIT
        place = _CONFIDENCE.get(layout.cause)
        if row.long and place is not None and not is_confidence(row.long.last[place]):
            return UNFIT
        return layout

    def count(self, layout: Layout, row: Row, photo: str) -> None:
        """Count a row of a photo that was read under a layout."""
        if row.long and (layout.cause or layout.ask):
            self.used[layout, row.long.numbers] += 1
            if layout.ask:
                photos = self.photos.setdefault(layout.ask, [])
                if not photos or photos[-1] != photo:
                    photos.append(photo)

    def findings(self) -> Iterator[Finding]:
        """Report the layouts that are not plain, with their number of rows, and ask about undecided ones."""
        counted: Counter[Layout] = Counter()
        numbers: dict[Layout, int] = {}
        for (layout, count), rows in self.used.most_common():
            counted[layout] += rows
            numbers.setdefault(layout, count)
        for layout, rows in counted.items():
            values = {"rows": rows, "numbers": numbers[layout]}
            if layout.ask:
                yield Finding(layout.ask, "", "stop", values, photos=tuple(self.photos.get(layout.ask, ())))
            elif layout.cause:
                yield Finding("rows_read", "", "keep", values, layout.cause)


def fits_shape(count: int, kpt_shape: tuple[int, int] | None) -> bool:
    """Return whether a row of this length is a box with keypoints of this shape, a confidence and a track id."""
    return kpt_shape is not None and count - BOX_NUMBERS - kpt_shape[0] * kpt_shape[1] in (0, 1, 2)


def decide_layouts(evidence: Evidence, task: str = "") -> Layouts:
    """Decide the layout of each group of rows.

    Args:
        evidence: Facts about all rows, without those that a ``kpt_shape`` explains.
        task: The task that the settings name, such as ``segment`` or ``pose``; empty if they name none.
    """
    whole: dict[Group, Layout] = {}
    own: dict[tuple[Group, str], Layout] = {}
    facts = {group: merged(folders.values()) for group, folders in evidence.facts.items()}
    if evidence.boxes >= MANY_ROWS and sum(found.rows for found in facts.values()) <= MAX_STRAYS:
        return Layouts(dict.fromkeys(facts, UNFIT), own)  # such as two rows that lack the line break between them
    for group, folders in evidence.facts.items():
        layout = _decided(group, facts[group], _hint_of(task, *folders))
        local = {folder: _decided(group, part, _hint_of(task, folder)) for folder, part in folders.items() if folder}
        if layout.ask and len(local) > 1 and len(local) == len(folders) and not any(one.ask for one in local.values()):
            own |= {(group, folder): one for folder, one in local.items()}
        else:
            differing = ((folder, one) for folder, one in local.items() if not one.ask and one != layout)
            own |= {(group, folder): one for folder, one in differing if _contradicts(folders[folder], layout)}
        whole[group] = layout
    _without_minorities(whole, own, facts)
    return Layouts(whole, own)


def _contradicts(facts: RowFacts, layout: Layout) -> bool:
    """Return whether a folder has enough rows that do not fit a layout, rather than single damaged ones."""
    confident = {"rows_confidence": facts.confident, "rows_confidence_track": facts.tracked}
    return facts.rows >= MIN_OWN_ROWS and confident.get(layout.cause, 0) < MIN_OWN_SHARE * facts.rows


def _without_minorities(
    whole: dict[Group, Layout], own: dict[tuple[Group, str], Layout], facts: Mapping[Group, RowFacts]
) -> None:
    """Mark groups of a few rows as damaged whose count of numbers does not fit the layout of the others."""
    rows = {group: found.rows for group, found in facts.items()}
    pairs: tuple[tuple[Group, Group], ...] = (("odd", "even"), ("even", "odd"), ("five", "odd"))
    for group, other in pairs:
        few = rows.get(group, 0) <= MAX_MINORITY * rows.get(other, 0)
        outlines = group != "five" or whole.get(other, UNFIT).reading == "outline"
        if few and outlines and group in whole and not any(key[0] == group for key in own):
            whole[group] = UNFIT


def _hint_of(task: str, *folders: str) -> str:
    """Return what the settings' task, or else the words of all folders, suggest; empty if nothing."""
    found = set()
    for words in [[task.lower()]] if task else [re.split(r"[/\s._-]+", folder.lower()) for folder in folders]:
        found.add(next((hint for hint, named in _HINTS.items() if any(map(named.fullmatch, words))), ""))
    return found.pop() if len(found) == 1 else ""


def _decided(group: Group, facts: RowFacts, hint: str) -> Layout:
    return _of_five(facts) if group == "five" else _of_many(group, facts, hint)


def _of_five(facts: RowFacts) -> Layout:
    """Decide about a box and a fifth number: a confidence, a track id, or an angle."""
    if facts.nearly_all(facts.confident):
        return Layout("box", "rows_confidence")
    counts_up = facts.several or facts.largest <= facts.rows
    if facts.whole == facts.rows and not facts.repeated and counts_up:
        return Layout("box", "rows_track")
    return Layout("box", ask="rows_turned", degrees=_is_in_degrees(facts))


def _is_in_degrees(facts: RowFacts) -> bool:
    return facts.steepest > 2 * pi + 0.01


def _of_six(facts: RowFacts) -> Layout | None:
    """Decide about a box, a confidence, and a track id or an angle; None if the numbers are neither."""
    if facts.nearly_all(facts.tracked):
        return Layout("box", "rows_confidence_track", facts.common)
    confident = facts.nearly_all(facts.confident), facts.nearly_all(facts.confident_before)
    if sum(confident) == 1 and sum(map(is_on_photo, facts.sample)) >= 0.9 * len(facts.sample):
        return Layout("box", "", facts.common, "rows_turned", int(confident[1]), _is_in_degrees(facts))
    return None


def _of_many(group: Group, facts: RowFacts, hint: str) -> Layout:
    """Decide about six or more numbers."""
    count = facts.common if facts.constant else 0
    if count == BOX_NUMBERS + 2 and (layout := _of_six(facts)):
        return layout
    if count and has_visibilities(facts.sample, count):
        return Layout("box", "rows_visibility", count)
    extra = _outline_extra(group, facts)
    outline = _outline_layout(group, facts, extra)
    if count - extra == 8 and sum(map(is_four_corners, facts.sample)) >= 0.8 * len(facts.sample):
        return outline
    return _by_votes(facts, count, extra, hint) or outline


def _by_votes(facts: RowFacts, count: int, extra: int, hint: str) -> Layout | None:
    """Decide by the geometry of a sample; None for outlines.

    Args:
        facts: The facts about the rows.
        count: The count of numbers that all rows have; 0 if they differ.
        extra: How many numbers would follow the points of outlines.
        hint: ``OUTLINES``, ``POINTS`` or empty.
    """
    votes = count_votes(facts.sample, extra)
    rows = len(facts.sample)
    long = count >= MANY_NUMBERS and facts.rows >= MANY_ROWS
    need_box = 1 if hint == POINTS else LIKELY if long else SURE
    need_outline = 1 if hint == OUTLINES else LIKELY if facts.is_varied else SURE
    if votes.exact >= 0.9 * rows:
        return Layout("box", "rows_box_outline", count)
    if count and votes.box >= max(rows / 2, MIN_VOTES) and votes.box >= need_box * votes.outline:
        return Layout("box", "rows_points", count)
    if votes.outline >= rows / 2 and votes.outline >= need_outline * votes.box:
        return None
    return Layout("box", numbers=count, ask="rows_ambiguous")


def _outline_extra(group: Group, facts: RowFacts) -> int:
    """Return how many numbers follow the points of outlines: none, a confidence, or a confidence and a track id."""
    if group == "odd":
        return 1
    if not facts.nearly_all(facts.tracked):
        return 0
    elsewhere = sum(map(ends_elsewhere, facts.sample)) >= len(facts.sample) / 2
    return 2 if facts.above_one or elsewhere else 0


def _outline_layout(group: Group, facts: RowFacts, extra: int) -> Layout:
    if extra == 2:
        return Layout("shorter", "rows_outline_confidence_track")
    if group == "even":
        return Layout("outline")
    if facts.nearly_all(facts.confident):
        return Layout("outline", "rows_outline_confidence")
    if facts.whole == facts.rows:
        return Layout("outline", "rows_outline_track")
    return Layout("box", ask="rows_ambiguous")
