"""Rows of a table of boxes, grouped by the photo that they are about."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from autodet.datasets.formats.entries import LabelEntry
from autodet.datasets.formats.labels import LabelError, corners_of
from autodet.datasets.formats.split_names import split_called, split_words
from autodet.datasets.formats.table_boxes import Convention, SizedNumbers, WrittenBox, boxes_in, value_in
from autodet.datasets.formats.table_columns import Layout, is_empty, number_in
from autodet.datasets.formats.tables import Row
from autodet.records import Cause, Mark, Split

CLASS_WORDS = ("class", "label", "name", "category", "type", "species", "object")  # of VIA's attributes, best first


@dataclass(frozen=True)
class BoxTable:
    """A table of boxes.

    Attributes:
        path: The file.
        layout: What its columns hold.
        photo: The column that names the photos.
        label: The column that names the classes, if any.
        rows: The rows below the header.
    """

    path: str
    layout: Layout
    photo: int
    label: int | None
    rows: tuple[Row, ...]

    @property
    def split(self) -> Split | None:
        """The split that the file's name denotes."""
        return next(reversed(split_words(self.path.rpartition("/")[2])), None)


class RowBox(NamedTuple):
    """A box with what its row says about it; the label is as written."""

    written: WrittenBox
    label: str
    difficult: bool
    truncated: bool


@dataclass
class PhotoRows:
    """The labels of one photo in the rows of a table.

    Attributes:
        first: The first row.
        boxes: The boxes.
        damage: Why rows cannot be used.
        without_box: The lines of rows without a box.
        size_wh: The photo's size in pixels, if the rows state it.
    """

    first: Row
    boxes: list[RowBox] = field(default_factory=list)
    damage: list[Cause] = field(default_factory=list)
    without_box: list[int] = field(default_factory=list)
    size_wh: tuple[int, int] | None = None


def group_rows(table: BoxTable) -> dict[tuple[str, str], PhotoRows]:
    """Return the rows of each photo, by its folder and name as the table writes them."""
    grouped: dict[tuple[str, str], PhotoRows] = {}
    attribute = _class_attribute(table)
    layout = table.layout
    for row in table.rows:
        if is_empty(name := row.cell(table.photo)):
            continue
        rows = grouped.setdefault((row.cell(layout.folder), name), PhotoRows(row, size_wh=_size_wh(row, layout)))
        if layout.open_images and number_in(row.cell(layout.confidence)) == 0:
            continue  # verified as absent
        try:
            boxes = _boxes_of(row, table, attribute)
        except LabelError as error:
            rows.damage.append(Cause(error.cause.key, {**error.cause.values, "line": row.line}))
            continue
        rows.boxes += boxes
        if not boxes:
            rows.without_box.append(row.line)
    return grouped


def entries_of(
    table: BoxTable,
    grouped: Mapping[tuple[str, str], PhotoRows],
    convention: Convention,
    names: Mapping[str, str],
) -> Iterator[LabelEntry]:
    """Yield the labels of each photo in a table.

    Args:
        table: The table.
        grouped: Its rows by photo.
        convention: What its numbers mean.
        names: Class names by label as written; a label without a name is damage.
    """
    split_at = table.layout.split
    for (folder, name), rows in grouped.items():
        marks, damage = [], list(rows.damage)
        for box in rows.boxes:
            if class_name := names.get(box.label):
                corners = corners_of(box.written.numbers, box.written.notation or convention.notation)
                marks.append(Mark(class_name, corners, box.difficult, box.truncated))
            else:
                damage.append(Cause("row_unnamed", {"name": name[:80]}))
        if rows.boxes or rows.damage:  # a photo without objects has no other rows
            damage += [Cause("row_boxless", {"line": line}) for line in rows.without_box]
        yield LabelEntry(
            names=(f"{folder}/{name}", name) if folder else (name,),
            file=table.path,
            marks=tuple(marks),
            stated_wh=rows.size_wh,
            split=_split_in(rows.first.cell(split_at)) if split_at is not None else table.split,
            relative=convention.relative,
            damage=tuple(damage),
            hulled=sum(box.written.hulled for box in rows.boxes),
            notation="" if any(box.written.notation for box in rows.boxes) else convention.notation,
        )


def numbers_in(grouped: Iterable[PhotoRows]) -> list[SizedNumbers]:
    """Return the numbers of all boxes whose cells do not tell the notation."""
    return [(box.written.numbers, rows.size_wh) for rows in grouped for box in rows.boxes if not box.written.notation]


def labels_in(grouped: Iterable[PhotoRows]) -> Counter[str]:
    """Count the labels of all boxes, as written."""
    return Counter(box.label for rows in grouped for box in rows.boxes)


def _boxes_of(row: Row, table: BoxTable, attribute: str) -> list[RowBox]:
    layout = table.layout
    label = _attribute_in(row, layout, attribute) if attribute else row.cell(table.label)
    written = boxes_in(row, layout)
    if is_empty(label) and all(max(box.numbers) <= 0 for box in written):
        return []
    difficult = any(map(_is_set, map(row.cell, layout.difficult)))
    labels = _labels_for(label, len(written))
    return [
        RowBox(box, _plain_label(box.label or one), difficult, _is_set(row.cell(layout.truncated)))
        for box, one in zip(written, labels, strict=True)
    ]


def _labels_for(label: str, boxes: int) -> list[str]:
    """Return the label of each box of a row: one for all, or a list of them."""
    labels = value_in(label) if label.startswith("[") else None
    if isinstance(labels, list) and len(labels) == boxes:
        return [str(one) for one in labels]
    return [label] * boxes


def _plain_label(label: str) -> str:
    """Return a label without the decimals that spreadsheets add to class numbers."""
    label = label.strip()
    number = label.removesuffix(".0")
    return number if number.lstrip("-").isdigit() else ("" if is_empty(label) else label)


def _size_wh(row: Row, layout: Layout) -> tuple[int, int] | None:
    width, height = [number_in(row.cell(column)) or 0 for column in layout.size_wh] or (0, 0)
    return (int(width), int(height)) if width >= 1 and height >= 1 else None


def _split_in(cell: str) -> Split | None:
    return split_called(cell) or next(iter(split_words(cell)), None)


def _is_set(cell: str) -> bool:
    return cell.lower() in ("true", "yes", "t", "y") or (number_in(cell) or 0) > 0


def _class_attribute(table: BoxTable) -> str:
    """Return which of VIA's attributes is the class: the one called so, or else the one of the most regions."""
    if table.layout.attributes is None:
        return ""
    counts = Counter(key for row in table.rows for key in _attributes_in(row, table.layout))
    called = (key for word in CLASS_WORDS for key in sorted(counts) if word in key.lower())
    return next(called, next((key for key, _ in counts.most_common(1)), ""))


def _attributes_in(row: Row, layout: Layout) -> dict[str, Any]:
    value = value_in(row.cell(layout.attributes))
    return value if isinstance(value, dict) else {}


def _attribute_in(row: Row, layout: Layout, attribute: str) -> str:
    """Return the value of an attribute: text, or the option that is ticked."""
    value = _attributes_in(row, layout).get(attribute, "")
    if isinstance(value, dict):
        value = next((option for option, ticked in value.items() if ticked), "")
    return str(value)
