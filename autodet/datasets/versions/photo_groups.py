"""Grouping of related photos by name, such as the frames of one video or the photos of one day.

Related photos must stay in one split to avoid data leakage: after training on one frame of a video, the next frame is
no longer an independent test.
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
    "folder": "Photos from the same folder",
    "number": "Names that are the same up to their last number (clip3_0001, clip3_0002)",
    "prefix": "Names that are the same up to their first _ (garden_a, garden_b)",
}
MAX_PATTERN_LENGTH = 200
PATTERN_SECONDS = 10.0
# Backtracking can take exponential time, and only ending the process interrupts a match.
SEARCH = """
import json, re, sys
pattern, paths = json.load(sys.stdin)
search = re.compile(pattern).search
json.dump([found and found[1] for found in map(search, paths)], sys.stdout)
"""


def group_photos(records: Sequence[ImageRecord], rule: str) -> list[str]:
    """Return the name of each photo's group; a photo that the rule does not cover forms its own group.

    Args:
        records: Photos of a dataset.
        rule: A name of ``RULES``, or a regular expression with one capturing group. It is searched in each photo's
            original path from the import; the captured text is the group's name.

    Raises:
        DatasetError: The rule is invalid or takes too long.
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
    """Merge overlapping ties into groups (union-find).

    Args:
        count: Number of items.
        ties: Indices of items that belong together.

    Returns:
        Per item the lowest index of its group.
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
            f"{pattern[:MAX_PATTERN_LENGTH]!r} is not a rule for groups; give {', '.join(RULES)}, or a regular "
            f"expression of up to {MAX_PATTERN_LENGTH} characters with one group in parentheses, such as "
            "'(clip[0-9]+)_'."
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
