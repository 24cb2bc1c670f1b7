"""Names of the classes of tables, whose labels may be names, numbers or codes that another file names."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from autodet.datasets.formats.labels import find_nameless, plain_name
from autodet.datasets.formats.source_files import Listing
from autodet.datasets.formats.tables import SEPARATORS, parse_rows, table_files
from autodet.datasets.formats.yolo_settings import read_settings
from autodet.datasets.sources.files import FileError
from autodet.records import Finding

MAX_LIST_BYTES = 16_000_000
MAX_CLASSES = 100_000


@dataclass(frozen=True)
class ClassNames:
    """Names of classes.

    Attributes:
        by_label: Class names by label as written.
        listed: The names that a list of classes has.
        findings: Problems of the names.
    """

    by_label: Mapping[str, str]
    listed: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


def name_classes(listing: Listing, labels: Collection[str], described: Collection[str]) -> ClassNames:
    """Name the labels of tables.

    Args:
        listing: The source's files.
        labels: The labels as written; an empty one stands for boxes of tables without a class.
        described: The tables of boxes, which hold no names.
    """
    written = {label for label in labels if label}
    lists = list(_lists(listing, written, described)) if written else []
    if not written or not all(map(_is_code, written)):
        names = {label: plain_name(label) for label in written}
        listed = next((tuple(keys) for _, keys in lists if not all(map(_is_code, keys))), ())
        return ClassNames(names, listed)
    if not lists:
        lists = [(file, names) for file, names in _numbered(listing) if written <= names.keys()]
    if not lists:
        names = {label: plain_name(f"class_{label[:40]}") for label in written}
        return ClassNames(names, (), (find_nameless("numbers_unnamed", described_file(described), names.values()),))
    (file, names), *others = lists
    differing = [(other, named) for other, named in others if any(named[label] != names[label] for label in written)]
    findings = [_contradiction(file, names, other, named, written) for other, named in differing[:1]]
    return ClassNames({label: names[label] for label in written}, tuple(names.values()), tuple(findings))


def described_file(described: Collection[str]) -> str:
    """Return the only table; empty if there are several."""
    return next(iter(described)) if len(described) == 1 else ""


def _is_code(label: str) -> bool:
    """Return whether a label is a number, or a code of Open Images such as ``/m/0k4j``."""
    return label.lstrip("-").isdigit() or label.startswith(("/m/", "/g/", "/t/", "/j/"))


def _lists(listing: Listing, labels: set[str], described: Collection[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the tables that pair every label with something else, shortest first."""
    found = []
    for path in table_files(listing):
        if path not in described:
            found += [(path, pairs) for pairs in _pairs(listing, path) if labels <= pairs.keys()]
    yield from sorted(found, key=lambda one: len(one[1]))


def _pairs(listing: Listing, path: str) -> Iterator[dict[str, str]]:
    """Yield the columns of a class list as names by key, in both directions."""
    try:
        text = listing.read_text(path, MAX_LIST_BYTES)
        separator = max(SEPARATORS, key=text[:10_000].count)
        rows = [row.cells[:2] for row in parse_rows(text, separator) if len(row.cells) >= 2]
    except FileError:
        return
    if not rows or len(rows) > MAX_CLASSES:
        return
    if len(rows) > 1 and _is_header(rows[0], rows[1:]):
        rows = rows[1:]
    for key, value in ((0, 1), (1, 0)):
        named = {row[key].removesuffix(".0"): plain_name(row[value]) for row in rows}
        if len(named) == len(rows) and all(named.values()):
            yield named


def _is_header(first: tuple[str, ...], rest: list[tuple[str, ...]]) -> bool:
    """Return whether a column holds codes below its first cell only."""
    return any(not _is_code(first[at]) and all(_is_code(row[at]) for row in rest) for at in (0, 1))


def _numbered(listing: Listing) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the names by number of files such as ``classes.txt`` and ``data.yaml``."""
    settings = read_settings(listing)
    for file in (*settings.documents, *settings.lists):
        if file.names and not file.path.lower().endswith((".csv", ".tsv")):  # ``_pairs`` reads those as written
            yield file.path, {str(number): name for number, name in file.names.items()}


def _contradiction(
    file: str, names: Mapping[str, str], other: str, named: Mapping[str, str], labels: Collection[str]
) -> Finding:
    label = min(label for label in labels if named[label] != names[label])
    differing = {"number": label, "name": names[label], "other_name": named[label]}
    return Finding("names_differ", file, "stop", {"file": file, "other": other, "photos": 0, **differing})
