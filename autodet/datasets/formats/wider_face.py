"""WIDER FACE: one text file for many photos, with a photo's path, the number of faces, and a row for each face.

RetinaFace's ``label.txt`` is the same with ``# path`` and landmarks behind each box. Boxes are ``x y width height``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from autodet.datasets.formats.entries import LabelEntry, match_entries
from autodet.datasets.formats.labels import Reading
from autodet.datasets.formats.masks import number_of
from autodet.datasets.formats.photo_lookup import shared_files
from autodet.datasets.formats.source_files import Listing
from autodet.datasets.formats.split_names import split_words
from autodet.datasets.formats.table_columns import is_photo_name
from autodet.datasets.sources.files import FileError
from autodet.records import Cause, Finding, Mark

CLASS = "face"
MAX_TEXT_BYTES = 256_000_000
HEAD = 4_000  # characters that show what a file holds
INVALID = 7  # the column of the flag for faces that do not count


@dataclass
class FacePhoto:
    """The rows of one photo.

    Attributes:
        path: Its path as written.
        rows: The numbers of each row, with its line.
        damage: Why other rows cannot be used.
    """

    path: str
    rows: list[tuple[int, list[float]]] = field(default_factory=list)
    damage: list[Cause] = field(default_factory=list)


def unmet(listing: Listing) -> Cause | None:
    """Return why a source is not WIDER FACE's; None if it is."""
    if not listing.ending(".txt"):
        return Cause("no_txt")
    found = any(_is_wider_face(listing, path) for path in shared_files(listing, ".txt"))
    return None if found else Cause("txt_of_others")


def read(listing: Listing) -> Reading:
    """Read every list of faces."""
    entries: list[LabelEntry] = []
    findings: list[Finding] = []
    for path in shared_files(listing, ".txt"):
        if not _is_wider_face(listing, path):
            continue
        try:
            lines = listing.read_text(path, MAX_TEXT_BYTES).splitlines()
        except FileError as error:
            findings.append(Finding("labels_damaged", path, "drop", error.cause.values, error.cause.key))
            continue
        split = next(reversed(split_words(path.rpartition("/")[2])), None) or listing.split_of(path)
        for photo in parse_lines(lines):
            marks = tuple(_mark(numbers) for _, numbers in photo.rows if any(numbers[:4]))
            damage = tuple(photo.damage)
            entries.append(LabelEntry((photo.path,), path, marks, split=split, damage=damage, notation="top_left"))
    return match_entries(listing, entries, (CLASS,), findings)


def parse_lines(lines: Sequence[str]) -> Iterator[FacePhoto]:
    """Yield the photos of a list with their rows."""
    photo: FacePhoto | None = None
    for number, line in enumerate(lines, start=1):
        words = line.split()
        if not words or (len(words) == 1 and words[0].isdigit()):
            continue  # the number of faces
        if is_photo_name(line.strip()):
            if photo:
                yield photo
            photo = FacePhoto(line.strip().removeprefix("#").strip())
        elif photo:
            numbers = [value for word in words if (value := number_of(word)) is not None]
            if len(numbers) == len(words) >= 4:
                photo.rows.append((number, numbers))
            else:
                photo.damage.append(Cause("row_foreign", {"text": line[:80], "line": number}))
    if photo:
        yield photo


def _is_wider_face(listing: Listing, path: str) -> bool:
    """Return whether a photo's path begins the file, with a count or rows of landmarks below it."""
    try:
        text = listing.read_text(path, MAX_TEXT_BYTES)[:HEAD]
    except FileError:
        return False
    lines = [stripped for line in text.splitlines() if (stripped := line.strip())]
    if len(lines) < 2 or not is_photo_name(lines[0]):
        return False
    words = lines[1].split()
    if lines[0].startswith("#"):
        return len(words) >= 4 and all(number_of(word) is not None for word in words)
    return len(words) == 1 and words[0].isdigit()


def _mark(numbers: Sequence[float]) -> Mark:
    x, y, width, height = numbers[:4]
    invalid = len(numbers) == 10 and numbers[INVALID] == 1
    return Mark(CLASS, (x, y, x + width, y + height), difficult=invalid)
