"""All rows of a YOLO source, and the decisions about them together: their layout and their class numbers."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from autodet.datasets.formats.labels import find_nameless
from autodet.datasets.formats.source_files import Listing
from autodet.datasets.formats.yolo_class_numbers import Numbering, decide_numbering
from autodet.datasets.formats.yolo_dataset_match import Claims
from autodet.datasets.formats.yolo_evidence import Evidence
from autodet.datasets.formats.yolo_layout import Layout, decide_layouts, fits_shape
from autodet.datasets.formats.yolo_lines import Row, RowTable, read_rows
from autodet.datasets.formats.yolo_marks import MarkReader, PhotoMarks
from autodet.datasets.formats.yolo_pairs import Pairs
from autodet.datasets.formats.yolo_settings import YoloSettings
from autodet.datasets.sources.files import FileError
from autodet.records import Cause, Finding


@dataclass(frozen=True)
class _File:
    """A label file after parsing: its settings, rows and unreadable lines."""

    settings: YoloSettings
    rows: list[Row]
    damage: list[tuple[int, Cause]]


class RowTables:
    """All rows of a source, with the decisions that depend on all of them.

    Attributes:
        used: The class numbers of each label file.
        named: The class names that the settings list.
        damaged: Photos whose labels cannot be read, and why.
    """

    def __init__(self, listing: Listing, claims: Claims, labelled: Pairs) -> None:
        self._files: dict[PurePosixPath, _File] = {}
        self.damaged: dict[PurePosixPath, Finding] = {}
        self.used: dict[str, Collection[int]] = {}
        evidence = Evidence()
        for photo, path in labelled.items():
            if not path:
                continue
            try:
                settings = claims.settings_of(photo, path)
                table = read_rows(listing, path)
            except FileError as error:
                key, values = error.cause
                self.damaged[photo] = Finding("labels_damaged", path, "drop", values, key, (str(photo),))
                continue
            if table.numbers:
                evidence.add(path, _without_shaped(table, settings))
            else:
                evidence.boxes += len(table.rows)
            self.used[path] = {row.number for row in table.rows}
            self._files[photo] = _File(settings, table.rows, table.damage)
        self._notes = claims.find_fallbacks()
        self._layouts = decide_layouts(evidence, _task_of(self._files.values()))
        self._numberings = dict(self._decide_numberings())
        self.named = {name for file in self._distinct().values() for name in file.names.values()}
        numbers = {number for used in self.used.values() for number in used}
        self._reader = MarkReader(listing, named_rows=numbers == {-1})
        self._named_rows = numbers == {-1}
        self._unnamed: set[str] = set()

    def marks_of(self, photo: PurePosixPath, path: str) -> PhotoMarks:
        """Return the annotations of a photo."""
        file = self._files[photo]
        numbering = self._numberings[file.settings.path]
        plain = None if file.damage else self._reader.read_plain(file.rows, numbering)
        if plain:
            return plain
        folder = path.rpartition("/")[0]
        rows = [(row, self._layout_of(row, folder, file, photo)) for row in file.rows]
        read = self._reader.read(photo, rows, numbering)
        if not file.settings.names and not self._named_rows:
            self._unnamed.update(mark.name for mark in read.marks)
        damage = [(line, "box_damaged", cause) for line, cause in file.damage]
        together = tuple(sorted((*damage, *read.damage), key=lambda one: one[0]))
        return PhotoMarks(read.marks, read.readings, together, is_centred=read.is_centred)

    def findings(self) -> Iterator[Finding]:
        """Report the decisions about all rows, and the rows that could not be read."""
        yield from self.damaged.values()
        yield from self._notes
        yield from self._layouts.findings()
        for path, numbering in self._numberings.items():
            if numbering.finding:
                photos = (str(photo) for photo, file in self._files.items() if file.settings.path == path and file.rows)
                yield replace(numbering.finding, file=path, photos=tuple(photos))
        if self._unnamed:
            yield find_nameless("", "", self._unnamed)

    def _layout_of(self, row: Row, folder: str, file: _File, photo: PurePosixPath) -> Layout | None:
        if row.long is None:
            return None
        layout = self._layouts.of(row, folder, file.settings.kpt_shape)
        self._layouts.count(layout, row, str(photo))
        return layout

    def _distinct(self) -> Mapping[str, YoloSettings]:
        return {file.settings.path: file.settings for file in self._files.values()}

    def _decide_numberings(self) -> Iterator[tuple[str, Numbering]]:
        numbers: dict[str, Counter[int]] = defaultdict(Counter)
        for file in self._files.values():
            numbers[file.settings.path].update(row.number for row in file.rows if row.number >= 0)
        for path, settings in self._distinct().items():
            yield path, decide_numbering(settings, numbers[path].keys(), numbers[path].total())


def _without_shaped(table: RowTable, settings: YoloSettings) -> RowTable:
    """Return a table without the long rows that the settings' shape of keypoints explains."""
    if settings.kpt_shape is None:
        return table
    numbers = [values for values in table.numbers if not fits_shape(len(values), settings.kpt_shape)]
    return RowTable(table.rows, numbers, table.damage)


def _task_of(files: Collection[_File]) -> str:
    """Return the task that all settings name; empty if they differ or name none."""
    tasks = {file.settings.task for file in files}
    return tasks.pop() if len(tasks) == 1 else ""
