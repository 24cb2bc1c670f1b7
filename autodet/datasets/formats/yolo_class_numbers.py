"""Class numbers of YOLO rows: whether rows and names count from the same number.

YOLO counts classes from 0, but other programs count from 1, or reserve 0 for a background. If rows and names do not
count alike, every class would be called by its neighbour's name, so the user decides.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from autodet.datasets.formats.yolo_settings import YoloSettings
from autodet.records import Finding
from autodet.text_format import spelling_key

BACKGROUND = {"background", "__background__", "_background_", "???"}
KIND = "classes_shifted"
Names = Mapping[int, str]


@dataclass(frozen=True)
class Numbering:
    """The names of class numbers.

    Attributes:
        names: The names as written; without names, classes are called ``class_0`` and so on.
        shifted: The names under the other numbering that the user may choose; None if there is nothing to decide.
        finding: What to report, if anything.
    """

    names: Names
    shifted: Names | None = None
    finding: Finding | None = None


def decide_numbering(settings: YoloSettings, used: Collection[int], rows: int) -> Numbering:
    """Compare the numbers of names with those of rows.

    Args:
        settings: The file that names the classes.
        used: The class numbers of the rows that it is about.
        rows: The number of these rows.
    """
    names = settings.names
    numbers, count = sorted(names), len(names)
    if not names or not used:
        return Numbering(names)
    values = {"rows": rows, "first": min(used), "last": max(used), "names": count, "file": settings.path}
    if settings.from_one:
        return _of_list_from_one(names, used, values)
    if numbers == list(range(count)):
        return _of_names_from_zero(names, used, values)
    if numbers == list(range(1, count + 1)) and 0 in used and count not in used:
        from_zero = {number - 1: name for number, name in names.items()}
        return _asked({**names, 0: "class_0"}, from_zero, "names_from_one", values)
    return Numbering(names)


def _of_list_from_one(names: Names, used: Collection[int], values: Mapping[str, Any]) -> Numbering:
    """Decide about a list whose own numbers begin at 1; ``names`` counts from 0."""
    from_one = {number + 1: name for number, name in names.items()}
    if 0 in used:
        note = Finding("names_read", str(values["file"]), "keep", values, "names_counted")
        return Numbering(names, finding=note)
    if len(names) in used:
        return Numbering(from_one)
    return _asked(from_one, names, "numbers_open", values)


def _of_names_from_zero(names: Names, used: Collection[int], values: Mapping[str, Any]) -> Numbering:
    count = len(names)
    if spelling_key(names[0]) in BACKGROUND and count > 1:
        if 0 in used and max(used) < count - 1:
            without = {number - 1: name for number, name in names.items() if number}
            return _asked(names, without, "background_used", values)
    elif 0 not in used and count in used:
        from_one = {number + 1: name for number, name in names.items()}
        return _asked({**names, count: f"class_{count}"}, from_one, "numbered_from_one", values)
    return Numbering(names)


def _asked(names: Names, shifted: Names, cause: str, values: Mapping[str, Any]) -> Numbering:
    return Numbering(names, shifted, Finding(KIND, "", "stop", values, cause))
