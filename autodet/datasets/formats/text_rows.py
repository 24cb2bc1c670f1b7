"""Text files with one object per row, one file per photo; shared by the readers of KITTI, DOTA, ICDAR and others."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from autodet.datasets.formats.entries import LabelEntry, match_entries
from autodet.datasets.formats.labels import MAX_MARKS, LabelError, Notation, Reading
from autodet.datasets.formats.masks import number_of
from autodet.datasets.formats.source_files import Listing
from autodet.datasets.formats.table_boxes import are_fractions
from autodet.datasets.formats.voc_lists import lists_for, read_lists
from autodet.datasets.sources.files import FileError
from autodet.records import BoxXYXY, Cause, Finding, Mark

MAX_TEXT_BYTES = 8_000_000  # of a file
SAMPLED_FILES, SAMPLED_ROWS = 100, 50  # that show what a source and a file hold
MAX_NUMBERS = 32  # more than a row of any format has
MIN_SHARE = 0.5  # of rows in a format, for a file to be in it


class TextRow(NamedTuple):
    """A row of a text file.

    Attributes:
        mark: The annotation; None for a row that is no object.
        notation: The notation of the box; empty for a hull.
        hulled: Whether the box was turned.
        predicted: Whether the row has a confidence, which only a detector's results have.
    """

    mark: Mark | None
    notation: Notation = ""
    hulled: bool = False
    predicted: bool = False


# Parses a row, given the name of its file; returns None for a row that is about the whole file.
ParseRow = Callable[[str, str], TextRow | None]


@dataclass(frozen=True)
class RowFormat:
    """A format of rows.

    Attributes:
        parse: Parses a row; raises LabelError for a row of another format.
        names: Returns the possible names of a file's photo, without extension.
        predictions: Whether rows with a confidence count as labels if there are no others.
    """

    parse: ParseRow
    names: Callable[[str], tuple[str, ...]] = lambda stem: (stem,)
    predictions: bool = False


@dataclass(frozen=True)
class TextFile:
    """The rows of a file, and why others cannot be used."""

    path: str
    rows: tuple[TextRow, ...]
    damage: tuple[Cause, ...]

    @property
    def predicted(self) -> bool:
        """Whether a detector wrote the file."""
        return bool(self.rows) and all(row.predicted for row in self.rows)


def unmet_rows(listing: Listing, format: RowFormat) -> Cause | None:
    """Return why a source has no labels in a format of rows; None if it has some."""
    files = listing.ending(".txt")
    if not files:
        return Cause("no_txt")
    for path in files[:: max(1, len(files) // SAMPLED_FILES)]:
        rows = _rows_if_in_format(listing, path, format)
        are_labels = bool(rows) and (format.predictions or not all(row.predicted for row in rows))
        if are_labels and _has_photo(listing, path, format):
            return None
    return Cause("txt_of_others")


def read_rows(listing: Listing, format: RowFormat) -> Reading:
    """Read the labels of every photo; a file of other rows is damaged if it is named like a photo."""
    files: list[TextFile] = []
    findings: list[Finding] = []
    for path in listing.ending(".txt"):
        if not _has_photo(listing, path, format) and not _rows_if_in_format(listing, path, format):
            continue
        try:
            files.append(_read_file(listing, path, format))
        except FileError as error:
            findings.append(Finding("labels_damaged", path, "drop", error.cause.values, error.cause.key))
    files, predicted = _without_predictions(files)
    boxes = [row.mark.box_xyxy for file in files for row in file.rows if row.mark]
    entries = [_entry(file, format, relative=are_fractions(boxes)) for file in files]
    return with_listed_splits(listing, match_entries(listing, entries, (), [*findings, *predicted]))


def with_listed_splits(listing: Listing, reading: Reading) -> Reading:
    """Give photos the splits of lists such as ``ImageSets/train.txt``."""
    lists, twice = read_lists(listing, [labelled.photo for labelled in reading.photos])
    if not lists:
        return reading
    photos = []
    for labelled in reading.photos:
        named = lists_for(lists, labelled.photo)
        split = named.get(labelled.photo) if named else labelled.split
        photos.append(replace(labelled, split=split, unlisted=bool(named) and split is None))
    return replace(reading, photos=tuple(photos), findings=(*reading.findings, *twice))


def trailing_numbers(words: Sequence[str]) -> list[float]:
    """Return the numbers at the end of a row."""
    numbers: list[float] = []
    for word in reversed(words):
        number = number_of(word)
        if number is None or len(numbers) == MAX_NUMBERS:
            break
        numbers.append(number)
    return numbers[::-1]


def leading_numbers(words: Sequence[str], count: int) -> list[float]:
    """Return the numbers at the beginning of a row, which must have ``count`` of them.

    Raises:
        LabelError: It has fewer.
    """
    numbers = [number for word in words[:count] if (number := number_of(word)) is not None]
    if len(numbers) < count:
        raise LabelError("row_foreign", text=" ".join(words)[:80])
    return numbers


def is_name(text: str) -> bool:
    """Return whether a text can be the name of a class in a row: not only a number."""
    return any(letter.isalpha() for letter in text)


def box_of(numbers: Sequence[float]) -> BoxXYXY:
    """Return four numbers as a box."""
    x1, y1, x2, y2 = numbers
    return x1, y1, x2, y2


def _entry(file: TextFile, format: RowFormat, *, relative: bool) -> LabelEntry:
    notations = {row.notation for row in file.rows if row.mark}
    return LabelEntry(
        names=format.names(_stem(file.path)),
        file=file.path,
        marks=tuple(row.mark for row in file.rows if row.mark),
        relative=relative,
        damage=file.damage,
        notation=notations.pop() if len(notations) == 1 else "",
        hulled=sum(row.hulled for row in file.rows),
    )


def _stem(path: str) -> str:
    return path.rpartition("/")[2][:-4]


def _has_photo(listing: Listing, path: str, format: RowFormat) -> bool:
    return any(listing.find_photo(name, beside=path) for name in format.names(_stem(path)))


def _lines(listing: Listing, path: str) -> Iterator[tuple[int, str]]:
    lines = listing.read_text(path, MAX_TEXT_BYTES).lstrip("\ufeff").splitlines()
    return ((number, text) for number, line in enumerate(lines, start=1) if (text := line.strip("\0 \t")))


def _rows_if_in_format(listing: Listing, path: str, format: RowFormat) -> list[TextRow]:
    """Return the first rows of a file if most of them are in a format."""
    rows: list[TextRow] = []
    others = 0
    try:
        for number, (_, text) in enumerate(_lines(listing, path)):
            if number >= SAMPLED_ROWS:
                break
            try:
                if row := format.parse(text, _stem(path)):
                    rows.append(row)
            except LabelError:
                others += 1
                if not rows and others > 2:
                    return []
    except FileError:
        return []
    return rows if len(rows) >= MIN_SHARE * (len(rows) + others) else []


def _read_file(listing: Listing, path: str, format: RowFormat) -> TextFile:
    rows: list[TextRow] = []
    damage: list[Cause] = []
    for number, text in _lines(listing, path):
        if len(rows) + len(damage) > MAX_MARKS:
            raise LabelError("lines_many", lines=number, most=MAX_MARKS)
        try:
            if row := format.parse(text, _stem(path)):
                rows.append(row)
        except LabelError as error:
            damage.append(Cause(error.cause.key, {**error.cause.values, "line": number}))
    return TextFile(path, tuple(rows), tuple(damage))


def _without_predictions(files: Sequence[TextFile]) -> tuple[list[TextFile], list[Finding]]:
    """Leave out a detector's results beside labels."""
    predicted = [file for file in files if file.predicted]
    if not predicted or not any(file.rows and not file.predicted for file in files):
        return list(files), []
    folders: dict[str, int] = {}
    for file in predicted:
        folder = file.path.rpartition("/")[0]
        folders[folder] = folders.get(folder, 0) + 1
    findings = [
        Finding("labels_foreign", folder, "drop", {"photos": 0, "files": count}, "predictions")
        for folder, count in folders.items()
    ]
    labelled = {file.path.rpartition("/")[0] for file in files if file.rows and not file.predicted}
    aside = folders.keys() - labelled  # also holds empty files, of photos without detections
    return [file for file in files if not file.predicted and file.path.rpartition("/")[0] not in aside], findings
