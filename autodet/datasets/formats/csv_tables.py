"""CSV: tables with a box in each row, as TensorFlow, keras-retinanet, Open Images, VoTT, VIA, AutoML and people write.

``tables`` splits text into cells, ``table_columns`` recognises columns by name and content, ``table_rows`` groups the
rows by photo, ``table_boxes`` decides what their numbers mean, and ``table_classes`` finds the names of classes.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from autodet.datasets.formats.entries import match_entries
from autodet.datasets.formats.labels import Reading, find_nameless
from autodet.datasets.formats.photo_lookup import PhotoFinder
from autodet.datasets.formats.source_files import Listing, photo_stem, plain
from autodet.datasets.formats.table_boxes import Convention, SizedNumbers, convention_of
from autodet.datasets.formats.table_classes import ClassNames, name_classes
from autodet.datasets.formats.table_columns import (
    Layout,
    holds_masks,
    is_photo_name,
    layout_of,
    number_in,
)
from autodet.datasets.formats.table_rows import BoxTable, PhotoRows, entries_of, group_rows, labels_in, numbers_in
from autodet.datasets.formats.tables import (
    ENDINGS,
    SAMPLE,
    Row,
    laid_out,
    parse_rows,
    read_table,
    sample_rows,
    table_files,
)
from autodet.datasets.sources.files import FileError
from autodet.records import Cause, Finding

NAMELESS = "class_0"  # of tables without a column of classes


def unmet(listing: Listing) -> Cause | None:
    """Return why a source has no tables of boxes; None if it has one."""
    reason = Cause("no_csv")
    for path in table_files(listing):
        try:
            text = read_table(listing, path)
            if found := laid_out(text, layout_of):
                if _names_photos(listing, path, found[1], sample_rows(text, found[0])):
                    return None
                cause = Cause("table_of_others")
            else:
                masks = laid_out(text, lambda rows: rows if holds_masks(rows) else None)
                cause = Cause("table_of_masks" if masks else "table_foreign")
        except FileError as error:
            cause = error.cause
        if path.lower().endswith(ENDINGS):
            reason = Cause("file", {"file": path, "cause": cause.key, "values": cause.values})
    return reason


def read(listing: Listing) -> Reading:
    """Read every table of boxes; skip other tables."""
    tables: list[BoxTable] = []
    findings: list[Finding] = []
    for path in table_files(listing):
        try:
            table = _table_in(listing, path)
        except FileError as error:
            findings.append(Finding("labels_damaged", path, "drop", error.cause.values, error.cause.key))
            continue
        if table:
            table, absent = _of_present_photos(listing, table)
            tables.append(table)
            findings += absent
    tables, predicted = _without_predictions(sorted(tables, key=lambda table: table.split is None))
    grouped = [group_rows(table) for table in tables]
    conventions = _conventions(tables, grouped)
    labels = Counter(label for rows in grouped for label in labels_in(rows.values()))
    names, nameless = _names(listing, tables, labels)
    entries = [
        entry
        for table, rows in zip(tables, grouped, strict=True)
        if not conventions[table.layout].unclear
        for entry in entries_of(table, rows, conventions[table.layout], names.by_label)
    ]
    findings += [
        Finding("labels_damaged", table.path, "drop", {}, "table_unclear")
        for table in tables
        if conventions[table.layout].unclear
    ]
    listed = () if any(table.layout.open_images for table in tables) else names.listed
    return match_entries(listing, entries, listed, [*findings, *predicted, *names.findings, *nameless])


def _names_photos(listing: Listing, path: str, layout: Layout, rows: Sequence[Row]) -> bool:
    rows = rows[1:] if layout.header else rows
    column = _photo_column(listing, path, layout, rows)
    names = [row.cell(column) for row in rows if row.cell(column)]
    return any(is_photo_name(name) or listing.find_photo(name, path) for name in names)


def _table_in(listing: Listing, path: str) -> BoxTable | None:
    text = read_table(listing, path)
    found = laid_out(text, layout_of)
    if not found:
        return None
    separator, layout = found
    rows = list(parse_rows(text, separator))[1 if layout.header else 0 :]
    photo = _photo_column(listing, path, layout, rows[:SAMPLE])
    if photo is None:
        return None
    return BoxTable(path, layout, photo, _label_column(layout, photo, rows), tuple(rows))


def _photo_column(listing: Listing, path: str, layout: Layout, rows: Sequence[Row]) -> int | None:
    """Return the column whose cells name the most photos; the first one if none does."""
    find = PhotoFinder(listing, path)
    hits = {column: sum(bool(find(row.cell(column))) for row in rows) for column in layout.photos}
    sure = [column for column in layout.photos if hits[column] or column not in layout.unsure]
    return max(sure, key=lambda column: hits[column], default=None)


def _label_column(layout: Layout, photo: int, rows: Sequence[Row]) -> int | None:
    """Return the best column of classes: names rather than numbers, if there are both."""
    columns = [column for column in layout.labels if column != photo]
    named = (at for at in columns if any(row.cell(at) and number_in(row.cell(at)) is None for row in rows[:SAMPLE]))
    return next(named, next(iter(columns), None))


def _of_present_photos(listing: Listing, table: BoxTable) -> tuple[BoxTable, list[Finding]]:
    """Leave out rows of absent photos from Open Images, whose tables describe all of its photos."""
    if not table.layout.open_images:
        return table, []
    present = {plain(photo_stem(photo.name)) for photo in listing.photos}
    names = {row.cell(table.photo) for row in table.rows}
    absent = {name for name in names if plain(photo_stem(name.rpartition("/")[2])) not in present}
    if not absent:
        return table, []
    rows = tuple(row for row in table.rows if row.cell(table.photo) not in absent)
    cause = "photos_elsewhere" if len(absent) == len(names) else "photos_of_others"
    return replace(table, rows=rows), [Finding("labels_foreign", table.path, "drop", {"photos": len(absent)}, cause)]


def _without_predictions(tables: Sequence[BoxTable]) -> tuple[list[BoxTable], list[Finding]]:
    """Leave out tables of a detector's results beside tables of labels: only results have varying confidences."""
    predicted = [table for table in tables if _has_confidences(table)]
    if len(predicted) == len(tables):
        return list(tables), []
    values = {"photos": 0, "files": 1}
    findings = [Finding("labels_foreign", table.path, "drop", values, "predictions") for table in predicted]
    return [table for table in tables if table not in predicted], findings


def _has_confidences(table: BoxTable) -> bool:
    said = {number_in(row.cell(table.layout.confidence)) for row in table.rows[:SAMPLE]}
    return any(number is not None and 0 < number < 1 for number in said)


def _conventions(
    tables: Sequence[BoxTable], grouped: Sequence[Mapping[tuple[str, str], PhotoRows]]
) -> dict[Layout, Convention]:
    """Decide what numbers mean for all tables of the same layout at once."""
    boxes: dict[Layout, list[SizedNumbers]] = defaultdict(list)
    for table, rows in zip(tables, grouped, strict=True):
        boxes[table.layout] += numbers_in(rows.values())
    return {layout: convention_of(layout, numbers) for layout, numbers in boxes.items()}


def _names(listing: Listing, tables: Sequence[BoxTable], labels: Mapping[str, int]) -> tuple[ClassNames, list[Finding]]:
    """Name the classes; all boxes are of one class without a name if no table has a column of classes."""
    names = name_classes(listing, labels, [table.path for table in tables])
    if any(label for label in labels) or "" not in labels:
        return names, []
    finding = find_nameless("table_without_classes", tables[0].path, [NAMELESS])
    return ClassNames({"": NAMELESS}), [finding]
