"""Sentences for findings about YOLO's rows, class numbers and lists of names."""

from collections.abc import Callable, Mapping, Sequence

from autodet.messages.audience import Audience
from autodet.messages.finding_phrases import consent, decide, few, files
from autodet.text_format import counted

FIVE = 5  # numbers of a row: a box and another
NOTHING_IMPORTED = "Nothing {was} imported."


def _differing_lists(
    file: str, other: str, number: int, name: str, other_name: str, *, audience: Audience = "terminal"
) -> str:
    return (
        f"{file!r} and {other!r} count for different labels of this data set, but class {number} is {name!r} in the "
        f"first and {other_name!r} in the second; correct one of them, or agree to use each for the labels near it"
        f"{consent('names_differ', audience)}"
    )


def _sharing(file: str, photos: Sequence[str], *, audience: Audience = "terminal") -> str:
    actions = "to use it for all of them or to leave them out"
    return (
        f"{files(photos)} are different photos, but {file!r} is the only label file for them; rename the photos and "
        f"give each its own file, or {decide(actions, 'labels_shared', audience, 'keep', 'drop')}"
    )


def _shifted(counting: str) -> Callable[..., str]:
    def sentence(rows: int, first: int, last: int, names: int, file: str, *, audience: Audience = "terminal") -> str:
        said = counting.format(rows=rows, first=first, last=last, names=names, file=file)
        actions = "to move the numbers by one or to keep them as written"
        return f"{said}; correct the names, or {decide(actions, 'classes_shifted', audience, 'fix', 'keep')}"

    return sentence


def _ambiguous(rows: int, numbers: int, *, audience: Audience = "terminal") -> str:
    actions = "to read the first four numbers as a box, or to take the box around all points"
    return (
        f"{counted(rows, 'row')} with more numbers than a box (such as {numbers} after the class) may be a box "
        "followed by points, or an outline; "
        f"{decide(actions, 'rows_ambiguous', audience, 'box', 'polygon')}"
    )


def _turned_rows(rows: int, numbers: int, *, audience: Audience = "terminal") -> str:
    which = "fifth number" if numbers == FIVE else "number"
    actions = "to take the upright box around the turned one, or to ignore the number"
    return (
        f"{counted(rows, 'row')} have a {which} after the box: perhaps the angle of a turned box; it is no confidence, "
        f"because some leave the range 0 to 1; {decide(actions, 'rows_turned', audience, 'turned', 'box')}"
    )


PROBLEMS_YOLO: Mapping[str, Callable[..., str]] = {
    "lists_differ": _differing_lists,
    "names_lenient": lambda file, names: (
        f"{file!r} is not quite a data.yaml of YOLO; its class names were read as {few(list(map(repr, names)))}"
    ),
    "names_counted": lambda file, names, **_: (
        f"{file!r} numbers its {counted(names, 'name')} from 1, and the rows number classes from 0; the first name "
        "counts as class 0"
    ),
    "numbered_from_one": _shifted(
        "The classes of the rows are numbered from 1: they use {first} to {last} and never 0, but {file!r} names "
        "{names} classes from 0"
    ),
    "names_from_one": _shifted(
        "{file!r} numbers its {names} names from 1, but the rows number classes from 0: they use {first} to {last}"
    ),
    "numbers_open": _shifted(
        "{file!r} numbers its {names} names from 1, and the rows, which use {first} to {last}, may number classes from "
        "0 or from 1"
    ),
    "background_used": _shifted(
        "The first of the {names} names in {file!r} is the background, but the rows use its number 0 as a class: they "
        "use {first} to {last}"
    ),
    # rows of YOLO
    "labels_shared": _sharing,
    "rows_ambiguous": _ambiguous,
    "rows_turned": _turned_rows,
    "rows_confidence": lambda rows, numbers: (
        f"{counted(rows, 'row')} hold a box and a confidence: the fifth number is within 0 to 1"
    ),
    "rows_track": lambda rows, numbers: (
        f"{counted(rows, 'row')} hold a box and a track id: the fifth number is whole and unique in each file"
    ),
    "rows_confidence_track": lambda rows, numbers: (
        f"{counted(rows, 'row')} hold a box, a confidence and a track id: the fifth number is within 0 to 1, the sixth "
        "is whole"
    ),
    "rows_kpt_shape": lambda rows, numbers: (
        f"{counted(rows, 'row')} of {numbers} numbers hold a box and keypoints, as kpt_shape says"
    ),
    "rows_visibility": lambda rows, numbers: (
        f"{counted(rows, 'row')} of {numbers} numbers hold a box and keypoints: every third number after the box is a "
        "visibility of 0, 1 or 2"
    ),
    "rows_points": lambda rows, numbers: (
        f"{counted(rows, 'row')} of {numbers} numbers hold a box and points: the points lie inside the box of the "
        "first four numbers"
    ),
    "rows_box_outline": lambda rows, numbers: (
        f"{counted(rows, 'row')} hold a box and its outline: the first four numbers are the box around the others"
    ),
    "rows_outline_confidence": lambda rows, numbers: (
        f"{counted(rows, 'row')} hold an outline and a confidence: they have an odd count of numbers, and the last is "
        "within 0 to 1"
    ),
    "rows_outline_track": lambda rows, numbers: (
        f"{counted(rows, 'row')} hold an outline and a track id: they have an odd count of numbers, and the last is "
        "whole"
    ),
    "rows_outline_confidence_track": lambda rows, numbers: (
        f"{counted(rows, 'row')} hold an outline, a confidence and a track id: the last number is whole, the one "
        "before is within 0 to 1"
    ),
    "line_unlike_others": lambda numbers: (
        f"It has {numbers} numbers after the class, which does not fit the other rows"
    ),
    "line_negative": lambda: "The width or height of its box is negative",
    "name_unlisted": lambda name: f"The class {name!r} is not among the names of the classes",
}
ACTIONS_YOLO: Mapping[str, Mapping[str, str | Callable[..., str]]] = {
    "labels_shared": {
        "stop": NOTHING_IMPORTED,
        "keep": "They {were} imported with the same labels.",
        "drop": "They {were} left out.",
    },
    "lists_differ": {"keep": "Each {was} used for the labels near it.", "stop": NOTHING_IMPORTED},
    "classes_shifted": {
        "stop": NOTHING_IMPORTED,
        "fix": "The numbers {were} moved by one.",
        "keep": "The numbers {were} kept as written.",
    },
    "names_read": {"keep": "These names {were} used."},
    "rows_read": {"keep": "The box around each object {was} used, and nothing else."},
    "rows_ambiguous": {
        "stop": NOTHING_IMPORTED,
        "box": "The first four numbers {were} read as a box.",
        "polygon": "The box around the points {was} used.",
    },
    "rows_turned": {
        "stop": NOTHING_IMPORTED,
        "turned": "The upright box around each turned one {was} used.",
        "box": "The number after the box {was} ignored.",
    },
}
ABOUT_AUDIENCE_YOLO = {
    *("lists_differ", "labels_shared", "rows_ambiguous", "rows_turned"),
    *("numbered_from_one", "names_from_one", "numbers_open", "background_used"),
}
