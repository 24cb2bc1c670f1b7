"""KITTI: a text file per photo, with a type, fourteen numbers and perhaps a score in each row.

KITTI's tracking labels, one file per sequence with the frame and the track before the type, are read too.
"""

from collections import defaultdict
from pathlib import PurePosixPath

from autodet.datasets.formats.entries import LabelEntry, match_entries
from autodet.datasets.formats.labels import MAX_MARKS, LabelError, Reading, plain_name
from autodet.datasets.formats.source_files import Listing
from autodet.datasets.formats.text_rows import (
    MAX_TEXT_BYTES,
    RowFormat,
    TextRow,
    box_of,
    is_name,
    read_rows,
    trailing_numbers,
    unmet_rows,
)
from autodet.datasets.sources.files import FileError
from autodet.records import Cause, Finding, Mark

NUMBERS = 14  # truncation, occlusion, angle, box, size in metres, place, rotation
IGNORED = "dontcare"  # regions without labels; not a class

Frames = dict[int, list[Mark]]


def unmet(listing: Listing) -> Cause | None:
    """Return why a source is not KITTI's; None if it is."""
    reason = unmet_rows(listing, FORMAT)
    return None if reason and _sequences(listing) else reason


def read(listing: Listing) -> Reading:
    """Read the labels of every photo, or of every frame of a sequence."""
    if sequences := _sequences(listing):
        return _read_sequences(listing, sequences)
    return read_rows(listing, FORMAT)


def parse_row(text: str, _file: str) -> TextRow:
    """Parse a row of object labels.

    Raises:
        LabelError: The row is not KITTI's.
    """
    words = text.split()
    numbers = trailing_numbers(words[1:])
    name = plain_name(" ".join(words[: len(words) - len(numbers)]))
    if len(numbers) not in (NUMBERS, NUMBERS + 1) or not is_name(name) or not -1 <= numbers[1] <= 4:
        raise LabelError("row_foreign", text=text[:80])
    predicted = len(numbers) > NUMBERS
    if name.lower() == IGNORED:
        return TextRow(None, "corners", predicted=predicted)
    return TextRow(Mark(name, box_of(numbers[3:7]), truncated=numbers[0] > 0), "corners", predicted=predicted)


FORMAT = RowFormat(parse_row, predictions=True)


def _sequences(listing: Listing) -> dict[str, dict[int, PurePosixPath]]:
    """Return the frames of each file of tracking labels: photos named by number, in a folder of the file's name."""
    files = [path for path in listing.ending(".txt") if path.rpartition("/")[2][:-4].isdigit()]
    if not files or listing.find_photo(files[0].rpartition("/")[2][:-4], files[0]):
        return {}
    frames: dict[str, dict[int, PurePosixPath]] = defaultdict(dict)
    for photo in listing.photos:
        if photo.stem.isdecimal() and len(photo.stem) < 12:
            frames[photo.parent.name][int(photo.stem)] = photo
    found = {path: frames[name] for path in files if (name := path.rpartition("/")[2][:-4]) in frames}
    return {path: photos for path, photos in found.items() if _tracks(listing, path)[0]}


def _read_sequences(listing: Listing, sequences: dict[str, dict[int, PurePosixPath]]) -> Reading:
    entries: list[LabelEntry] = []
    findings: list[Finding] = []
    for path, photos in sequences.items():
        frames, damage = _tracks(listing, path)
        for frame, photo in photos.items():
            entries.append(LabelEntry((str(photo),), path, tuple(frames.pop(frame, ())), notation="corners"))
        names = [f"{path.rpartition('/')[2][:-4]}/{frame:06}" for frame in frames]
        findings += [Finding("photo_missing", path, "drop", {"name": name}, "photo_of_entry_missing") for name in names]
        findings += [Finding("box_damaged", path, "drop", cause.values, cause.key) for cause in damage]
    return match_entries(listing, entries, (), findings)


def _tracks(listing: Listing, path: str) -> tuple[Frames, list[Cause]]:
    """Return the annotations of each frame, and why rows cannot be used."""
    frames: Frames = defaultdict(list)
    damage: list[Cause] = []
    try:
        lines = listing.read_text(path, MAX_TEXT_BYTES * 8).splitlines()
    except FileError:
        return frames, damage
    for number, line in enumerate(lines, start=1):
        frame, _, rest = line.strip().partition(" ")
        row = None
        try:
            row = parse_row(rest.partition(" ")[2], path) if frame.isdecimal() else None
        except LabelError as error:
            damage.append(Cause(error.cause.key, {**error.cause.values, "line": number}))
        if row and len(frame) < 12 and len(frames[int(frame)]) < MAX_MARKS:
            frames[int(frame)] += [row.mark] if row.mark else []
    return (frames, damage) if len(damage) <= len(frames) else ({}, [])
