"""Class names by number, in all notations that people and programs write."""

import ast
import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from autodet.datasets.formats.labels import plain_name

MAX_LINES = 100_000
MAX_DEPTH = 3  # of a settings file below which names are looked for
NAME_KEYS = ("names", "classes", "class_names", "classnames", "categories", "labels")
_NUMBER_KEYS = ("id", "class_id", "classid", "category_id", "label_id", "index", "idx", "number")
_ENTRY_KEYS = ("display_name", "name", "title", "label", "class", "class_name", "classname", "value")
_HEADERS = {*NAME_KEYS, *_NUMBER_KEYS, *_ENTRY_KEYS}
_NUMBERED = re.compile(r"^['\"]?(\d{1,6})['\"]?\s*[:\s,;=.)]\s*(.*\S)\s*$")
_NUMBERED_BY_COLON = re.compile(r"^['\"]?(\d{1,6})['\"]?\s*[:=]\s*(.*\S)\s*$")
_NUMBER_LAST = re.compile(r"^(.*\S)\s*[:,;=\t]\s*['\"]?(\d{1,6})['\"]?$")
_NUMBERS_IN_LINE = re.compile(r"(?:^|[\s,;]+)['\"]?(\d{1,6})['\"]?\s*[:=]\s*")
_FILE = re.compile(r"\.(names|txt|json|ya?ml|pbtxt|csv)$", re.I)
_COLOURS = "# label:color"  # first line of the label maps that CVAT writes
_ITEM = re.compile(r"\bitem\s*\{([^{}]*)\}")
_ITEM_ID = re.compile(r"\bid\s*:\s*(\d{1,6})\b")
_ITEM_NAME = re.compile(r"\b(display_name|name)\s*:\s*(?:\"([^\"]*)\"|'([^']*)')")


class NameList(NamedTuple):
    """Class names.

    Attributes:
        names: The names by number; a list whose own numbers begin at 1 is moved to 0.
        from_one: Whether its own numbers begin at 1.
    """

    names: dict[int, str]
    from_one: bool = False


NO_NAMES = NameList({})


def names_of(value: Any, count: int = 0) -> dict[int, str]:
    """Return the class names of a value from YAML or JSON.

    Args:
        value: A list of names or of maps, a map from number to name or from name to number, or one text.
        count: The number of classes, if stated; it divides a text of names without commas.
    """
    if isinstance(value, str):
        return _names_of_text(value, count)
    if isinstance(value, list):
        return _names_of_list(value[:MAX_LINES], count)
    if isinstance(value, dict):
        return _names_of_map(value)
    return {}


def is_file(value: object) -> bool:
    """Return whether a value names a file, rather than classes."""
    return isinstance(value, str) and "\n" not in value and bool(_FILE.search(value.strip()))


def names_in_text(text: str) -> NameList:
    """Read a list of one name per line, in the order of the class numbers or with its number."""
    lines = text.splitlines()[:MAX_LINES]
    if lines and lines[0].lower().startswith(_COLOURS):
        lines = [line.partition(":")[0] for line in lines[1:]]
    if len([line for line in lines if line.strip()]) == 1 and re.search(r"[,;]|^\s*[\[{(]", text):
        return _from_zero(_names_of_text(text.strip(), 0))
    return _from_zero(_names_of_lines(lines))


def names_in_json(text: str) -> NameList:
    """Read names from the JSON of Label Studio's notes, a list, a map, or a document that contains one."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return NO_NAMES
    if isinstance(document, dict) and {"annotations", "images", "shapes"} & document.keys():
        return NO_NAMES
    named = next((found for found in _named_values(document) if found), {})
    return _from_zero(named or _names_of_bare(document))


def names_in_pbtxt(text: str) -> NameList:
    """Read a label map of TensorFlow: ``item { id: 1 name: 'cat' }``."""
    names = {}
    for item in list(_ITEM.finditer(text))[:MAX_LINES]:
        number = _ITEM_ID.search(item[1])
        called = {match[1]: match[2] or match[3] or "" for match in _ITEM_NAME.finditer(item[1])}
        name = plain_name(called.get("display_name") or called.get("name") or "")
        if number and name:
            names[int(number[1])] = name
    return _from_zero(names)


def names_in_csv(text: str) -> NameList:
    """Read a table of numbers and names, with or without a header, in any order of columns."""
    separator = max(",;\t", key=text[:10_000].count)
    try:
        rows = [row for row in csv.reader(text.splitlines()[:MAX_LINES], delimiter=separator) if any(row)]
    except csv.Error:
        return NO_NAMES
    header = [cell.strip().lower() for cell in rows[0]] if rows else []
    if header and all(cell in _HEADERS for cell in header):
        rows = rows[1:]
    else:
        header = []
    columns = [[cell.strip() for cell in column] for column in zip(*rows, strict=False)]
    numbers = next((column for column in columns if column and all(map(_is_number, column))), None)
    called = [at for at, title in enumerate(header) if title in _ENTRY_KEYS and at < len(columns)]
    texts = [columns[called[0]]] if called else [column for column in columns if column is not numbers]
    if not texts or (len(columns) > 2 and not header):
        return NO_NAMES
    pairs = zip(map(int, numbers), texts[0], strict=True) if numbers else enumerate(texts[0])
    return _from_zero({number: name for number, text in pairs if (name := _clean(text))})


def named_in(document: Any) -> tuple[Any, dict[str, Any]]:
    """Return the value of a settings document that holds the names, and the map that it is in; ``{}`` if none does."""
    for level in _maps_in(document):
        for key in NAME_KEYS:
            found = next((level[one] for one in level if isinstance(one, str) and one.strip().lower() == key), None)
            if found is not None:
                return found, level
    return None, {}


def _named_values(document: Any) -> Iterator[dict[int, str]]:
    for level in _maps_in(document):
        yield from (names_of(level[key]) for key in NAME_KEYS if key in level and not isinstance(level[key], str))


def _maps_in(document: Any, depth: int = MAX_DEPTH) -> Iterator[dict[Any, Any]]:
    """Yield the maps of a document, outer ones first."""
    if isinstance(document, dict):
        yield document
        for value in list(document.values())[:100] if depth else ():
            if isinstance(value, dict):
                yield from _maps_in(value, depth - 1)


def _names_of_bare(document: Any) -> dict[int, str]:
    """Return the names of a document that is nothing but a list or a map of names."""
    if isinstance(document, list) and all(isinstance(item, str | dict) for item in document):
        return _names_of_list(document[:MAX_LINES], 0)
    if isinstance(document, dict) and document:
        keys, values = map(str, document), map(str, document.values())
        if all(map(_is_number, keys)) or all(map(_is_number, values)):
            return _names_of_map(document)
    return {}


def _names_of_list(items: Sequence[Any], count: int) -> dict[int, str]:
    if len(items) == 1 and (isinstance(items[0], list) or (isinstance(items[0], str) and count > 1)):
        return names_of(items[0], count)
    if items and all(isinstance(item, dict) for item in items):
        if len(items) > 1 or len(items[0]) == 1 or _value_of(items[0], _ENTRY_KEYS):
            entries = [_entry(item, position) for position, item in enumerate(items)]
            return {number: name for number, name in entries if name}
        return names_of(items[0], count)
    texts = [plain_name(item) for item in items]
    return _numbered(texts, _NUMBERED_BY_COLON) or {number: name for number, name in enumerate(texts) if name}


def _entry(item: Mapping[Any, Any], position: int) -> tuple[int, str]:
    """Return the number and name of one class: of ``{id: 0, name: cat}``, ``{0: cat}`` or ``{cat: 0}``."""
    number, name = _value_of(item, _NUMBER_KEYS), _value_of(item, _ENTRY_KEYS)
    if name:
        return int(number) if _is_number(number) else position, name
    for key, value in list(item.items())[:1]:
        if _is_number(str(key).strip()):
            return int(key), plain_name(value)
        return int(value) if _is_number(str(value)) else position, plain_name(key)
    return position, ""


def _value_of(item: Mapping[Any, Any], keys: Sequence[str]) -> str:
    lower = {str(key).lower(): value for key, value in item.items()}
    return next((plain_name(lower[key]) for key in keys if plain_name(lower.get(key, []))), "")


def _names_of_map(names: Mapping[Any, Any]) -> dict[int, str]:
    called = {str(key).strip(): value for key, value in list(names.items())[:MAX_LINES]}
    if called and all(value in (None, "") for value in called.values()):
        return _names_of_lines(list(called))
    numbers = {key: _value_of(value, _NUMBER_KEYS) for key, value in called.items() if isinstance(value, dict)}
    texts = {
        key: _value_of(value, _ENTRY_KEYS) if isinstance(value, dict) else plain_name(value)
        for key, value in called.items()
    }
    if numbers and not any(map(_is_number, called)) and all(map(_is_number, numbers.values())):
        return {int(number): texts[key] or plain_name(key) for key, number in numbers.items()}
    if texts and all(map(_is_number, texts.values())) and not any(map(_is_number, texts)):
        return {int(number): plain_name(name) for name, number in texts.items()}
    return {int(key): name for key, name in texts.items() if _is_number(key) and name}


def _names_of_text(text: str, count: int) -> dict[int, str]:
    text = text.strip()
    if not text or is_file(text):
        return {}
    if text[0] + text[-1] in ("[]", "()", "{}"):
        return names_of(_literal(text)) or _names_of_text(text[1:-1], count)
    if "\n" in text:
        return _names_of_lines(text.splitlines())
    before, *numbered = _NUMBERS_IN_LINE.split(text)
    if not before and numbered:
        pairs = zip(numbered[::2], numbered[1::2], strict=True)
        return {int(number): name for number, part in pairs if (name := _clean(part))}
    dashes = re.match(r"-\s", text) or 1 < count == len(re.split(r"\s-\s", text))
    separator = r"(?:^|\s)-\s+" if dashes else r"[,;]" if re.search("[,;]", text) else ""
    words = text.split()
    parts = re.split(separator, text) if separator else words if len(words) == count else [text]
    return dict(enumerate(name for part in parts if (name := _clean(part))))


def _literal(text: str) -> Any:
    """Return the value of a Python literal, with tuples and sets as lists; None if it is none."""
    try:
        literal = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    return list(literal) if isinstance(literal, tuple | set) else literal


def _names_of_lines(lines: Sequence[str]) -> dict[int, str]:
    listed = [line.strip() for line in lines if not line.lstrip().startswith("#")]
    written = [line for line in listed if line]
    if written and all(line.startswith("-") for line in written):
        written = listed = [line[1:].strip() for line in written]
    if numbered := _numbered(written):
        return numbered
    return {number: name for number, line in enumerate(listed) if (name := _clean(line))}


def _numbered(texts: Sequence[str], first: re.Pattern[str] = _NUMBERED) -> dict[int, str]:
    """Return names with their numbers, from 0 or 1, if every text has one; empty otherwise."""
    for pattern, at in ((first, 1), (_NUMBER_LAST, 2)):
        matches = [match for text in texts if (match := pattern.match(text))]
        numbers = sorted(int(match[at]) for match in matches)
        if matches and len(matches) == len(texts) and numbers in (_count(0, numbers), _count(1, numbers)):
            names = {int(match[at]): _clean(match[3 - at]) for match in matches}
            if len(set(names.values())) == len(names) and all(names.values()):
                return names
    return {}


def _count(start: int, numbers: Sequence[int]) -> list[int]:
    return list(range(start, start + len(numbers)))


def _from_zero(names: dict[int, str]) -> NameList:
    if names and sorted(names) == list(range(1, len(names) + 1)):
        return NameList({number - 1: name for number, name in names.items()}, from_one=True)
    return NameList(names)


def _clean(text: str) -> str:
    text = text.strip().rstrip(",;").strip()
    return plain_name(text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 7
