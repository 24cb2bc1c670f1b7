"""Records of photos as columns, in which the manifest of 50,000 photos opens in well under a second."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autodet.records import Annotations, ImageRecord

DECIMALS = 4  # of box coordinates in the manifest: finer than float32 for photos of 4,000 pixels


def records_to_columns(records: Sequence[ImageRecord]) -> dict[str, Any]:
    """Return the columns as JSON values, one list per column."""
    marked = [record.annotations for record in records]
    converted = {str(index): record.origin_sha256 for index, record in enumerate(records) if record.origin_sha256}
    return {
        "file": [record.file for record in records],
        "width": [record.width for record in records],
        "height": [record.height for record in records],
        "split": [record.split for record in records],
        "sha256": [record.sha256 for record in records],
        "origin": [record.origin for record in records],
        "look": [f"{record.look:032x}" for record in records],
        **({"origin_sha256": converted} if converted else {}),
        "marks": [len(marks) for marks in marked],
        "boxes_xyxy": _joined([marks.boxes_xyxy for marks in marked]).astype(float).round(DECIMALS).ravel().tolist(),
        "class_ids": _joined([marks.class_ids for marks in marked]).tolist(),
        "difficult": np.flatnonzero(_joined([marks.difficult for marks in marked])).tolist(),
        "truncated": np.flatnonzero(_joined([marks.truncated for marks in marked])).tolist(),
    }


def _joined(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate(arrays) if arrays else np.zeros(0)


def records_from_columns(columns: dict[str, Any]) -> Iterator[ImageRecord]:
    """Yield the records of ``records_to_columns``.

    Raises:
        KeyError: A column is missing.
        ValueError: The columns do not fit together.
    """
    count = sum(columns["marks"])
    flags = (_flags(columns[key], count) for key in ("difficult", "truncated"))
    marks = Annotations.of(columns["boxes_xyxy"], columns["class_ids"], *flags)
    if len(marks) != count or len(marks.boxes_xyxy) != count:
        raise ValueError
    rows = (columns[key] for key in ("file", "width", "height", "split"))
    more = (columns[key] for key in ("sha256", "origin", "look"))
    converted = columns.get("origin_sha256", {})
    photos = zip(*rows, split_annotations(marks, columns["marks"]), *more, strict=True)
    for index, (file, width, height, split, annotations, sha256, origin, look) in enumerate(photos):
        origin_sha256 = converted.get(str(index), "") if converted else ""
        yield ImageRecord(file, width, height, split, annotations, sha256, origin, int(look, 16), origin_sha256)


def split_annotations(marks: Annotations, counts: Iterable[int]) -> Iterator[Annotations]:
    """Split the concatenated annotations of many photos into those of each photo, given the count per photo."""
    boxes, class_ids, difficult, truncated = marks.boxes_xyxy, marks.class_ids, marks.difficult, marks.truncated
    start = 0
    for count in counts:
        part = slice(start, start + count)
        yield Annotations(boxes[part], class_ids[part], difficult[part], truncated[part])
        start += count


def _flags(indices: Sequence[int], count: int) -> NDArray[np.bool_]:
    flags = np.zeros(count, bool)
    flags[list(indices)] = True
    return flags
