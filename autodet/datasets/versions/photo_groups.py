"""Which photos belong together, by what they are called: the frames of one film, the photos of one day.

Photos that belong together must not be divided among splits: a detector that has learnt from one frame of a film is
not tested by the next.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from autodet.datasets.formats.split_names import without_split_words
from autodet.errors import DatasetError
from autodet.records import ImageRecord

RULES = {
    "folder": "Photos that came from one folder",
    "number": "Names that are alike up to their last number (clip3_0001, clip3_0002)",
    "prefix": "Names that are alike up to their first _ (garden_a, garden_b)",
}
MAX_PATTERN_LENGTH = 200
PATTERN_SECONDS = 10.0
# A pattern can take longer than the universe will last, and nothing interrupts it but the end of its process.
SEARCH = """
import json, re, sys
pattern, paths = json.load(sys.stdin)
search = re.compile(pattern).search
json.dump([found and found[1] for found in map(search, paths)], sys.stdout)
"""


def group_photos(records: Sequence[ImageRecord], rule: str) -> list[str]:
    """Per photo the name of its group; a photo that the rule says nothing about is a group of its own.

    Args:
        records: Photos of a data set.
        rule: A name of ``RULES``, or a regular expression with one group, which is searched in the path that a photo
            had when it was imported; what the group matches is the name.

    Raises:
        DatasetError: The rule makes no sense, or takes too long.
    """
    paths = [record.origin or record.file.partition("/")[2] for record in records]
    if rule == "folder":
        found: Iterable[str | None] = (without_split_words(path.rpartition("/")[0]) for path in paths)
    elif rule == "number":
        found = (_before_last_number(PurePosixPath(path).stem) for path in paths)
    elif rule == "prefix":
        found = (_before_underscore(PurePosixPath(path).stem) for path in paths)
    else:
        found = _search_all(rule, paths)
    return [record.file if name is None else name for record, name in zip(records, found, strict=True)]


def join_groups(count: int, ties: Iterable[Sequence[int]]) -> list[int]:
    """Groups out of ties, where whatever is tied to one of a group belongs to it.

    Args:
        count: How many things there are.
        ties: Indices of things that belong together.

    Returns:
        Per thing the lowest index of its group.
    """
    lowest = list(range(count))

    def find(index: int) -> int:
        while lowest[index] != index:
            lowest[index] = lowest[lowest[index]]
            index = lowest[index]
        return index

    for tie in ties:
        for other in tie[1:]:
            first, second = sorted((find(tie[0]), find(other)))
            lowest[second] = first
    return [find(index) for index in range(count)]


def _before_last_number(stem: str) -> str | None:
    found = re.match(r"(.*?)[0-9]+[^0-9]*$", stem, re.DOTALL)
    return found[1] if found else None


def _before_underscore(stem: str) -> str | None:
    before, underscore, _ = stem.partition("_")
    return before if underscore else None


def _search_all(pattern: str, paths: Sequence[str]) -> list[str | None]:
    try:
        groups = re.compile(pattern).groups if len(pattern) <= MAX_PATTERN_LENGTH else 0
    except (re.error, RecursionError, OverflowError):
        groups = 0
    if groups != 1:
        raise DatasetError(
            f"{pattern[:MAX_PATTERN_LENGTH]!r} is no rule for groups; give {', '.join(RULES)}, or a regular expression "
            f"of up to {MAX_PATTERN_LENGTH} characters with one group in parentheses, such as '(clip[0-9]+)_'."
        )
    try:
        ran = subprocess.run(
            [sys.executable, "-I", "-c", SEARCH],
            input=json.dumps([pattern, paths]).encode(),
            capture_output=True,
            timeout=PATTERN_SECONDS,
            check=True,
        )
    except subprocess.SubprocessError as error:
        raise DatasetError(
            f"The regular expression {pattern!r} takes too long on these names; write it without repetitions inside "
            "repetitions."
        ) from error
    found: list[str | None] = json.loads(ran.stdout)
    return [name or None for name in found]
