"""Reader of YOLO's YAML, also where it is not quite YAML: tabs, Windows paths, missing spaces and indentation."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import yaml

MAX_LINES = 20_000
_KEYS = r"names|classes|class_names|nc|path|train|val|valid|test|kpt_shape|task"
_KEY = re.compile(rf"^\s*['\"]?({_KEYS})['\"]?\s*:(.*)$", re.I)
_ANY_KEY = re.compile(r"^[A-Za-z_][\w ]*:(\s|$)")
_PAIRS = {"[": "]", "{": "}", "(": ")"}


class YamlText(NamedTuple):
    """A YAML document.

    Attributes:
        document: Maps, lists and texts; None if the text is no YAML.
        is_repaired: Whether it had to be repaired or read line by line.
    """

    document: Any
    is_repaired: bool = False


def load_yaml(text: str) -> YamlText:
    """Parse YAML with ``no`` as text; without the backslashes of quoted Windows paths, then without tabs, if needed.

    If that fails, read the keys of YOLO line by line.
    """
    for attempt in dict.fromkeys((text, text.replace("\\", "/"), text.replace("\t", " "))):
        try:
            document = yaml.load(attempt, yaml.BaseLoader)  # noqa: S506 - it makes texts, lists and dictionaries only
        except (yaml.YAMLError, ValueError, RecursionError):
            continue
        return YamlText(document, attempt is not text)
    document = _read_by_line(text)
    return YamlText(document or None, bool(document))


def _read_by_line(text: str) -> dict[str, Any]:
    """Return the values of YOLO's keys: each ends where the next key begins."""
    found: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line in text.splitlines()[:MAX_LINES]:
        plain = _without_comment(line)
        if match := _KEY.match(plain):
            current = found.setdefault(match[1].lower(), [])
            plain = match[2]
        elif _ANY_KEY.match(plain):
            current = None
        if current is not None and plain.strip():
            current.append(plain.strip())
    return {key: _value(key, lines) for key, lines in found.items()}


def _value(key: str, lines: list[str]) -> Any:
    if key in ("names", "classes", "class_names"):
        text = "\n".join(lines)
        if text[:1] not in _PAIRS:
            return text
        flow = " ".join(lines)
        end = flow.rfind(_PAIRS[text[0]])
        return flow[: end + 1] if end > 0 else flow + _PAIRS[text[0]]
    if key == "kpt_shape" or (lines and lines[0].startswith("[")):
        return [part.strip(" '\"") for part in " ".join(lines).strip("[] ").split(",")]
    values = [line.removeprefix("-").strip(" '\"") for line in lines]
    return values if len(values) > 1 else (values or [""])[0]


def _without_comment(line: str) -> str:
    return "" if line.lstrip().startswith("#") else re.split(r"\s#", line, maxsplit=1)[0]


def top_numbers(document: Mapping[Any, Any]) -> dict[str, Any]:
    """Return the entries of a map whose keys are numbers: names that are not indented."""
    return {key: value for key, value in document.items() if isinstance(key, str) and key.strip().isdigit()}
