"""COCO segmentations (polygons and masks) and their bounding boxes."""

from typing import Any

from autodet.datasets.formats.labels import LabelError
from autodet.records import BoxXYXY

MAX_RUNS = 1_000_000  # per mask: more than any photo needs


def number_of(value: Any) -> float | None:
    """Convert a number or numeric text to a coordinate; None if it is invalid or implausibly large."""
    if type(value) in (float, int) and abs(value) < 1e9:  # fast path for almost all values
        return float(value)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value) if not isinstance(value, int) or abs(value) < 1 << 63 else float("inf")
    except ValueError:
        return None
    return number if abs(number) < 1e9 else None


def numbers_of(values: Any) -> list[float] | None:
    """Convert a list of such values; None if it is not a list or a value is invalid."""
    if not isinstance(values, list):
        return None
    numbers = [number for value in values if (number := number_of(value)) is not None]
    return numbers if len(numbers) == len(values) else None


def box_of_polygons(segmentation: list[Any]) -> BoxXYXY | None:
    """Return the bounds of polygons, ``[[x, y, x, y, ...], ...]``, or of a single one; None if they are malformed."""
    one = _is_points(segmentation) or not (segmentation and isinstance(segmentation[0], list))
    rings = [segmentation] if one else segmentation
    xs: list[float] = []
    ys: list[float] = []
    for ring in rings:
        flat = [value for point in ring for value in point] if _is_points(ring) else ring
        numbers = numbers_of(flat)
        if numbers is None or len(numbers) < 6 or len(numbers) % 2:
            return None
        xs += numbers[0::2]
        ys += numbers[1::2]
    return min(xs), min(ys), max(xs), max(ys)


def _is_points(ring: Any) -> bool:
    return isinstance(ring, list) and bool(ring) and all(isinstance(point, list) and len(point) == 2 for point in ring)


def box_of_mask(mask: dict[str, Any]) -> BoxXYXY:
    """Return the bounds of a run-length encoded mask: column-wise runs, alternately outside and inside.

    Raises:
        LabelError: The mask is unreadable or empty.
    """
    size, counts = numbers_of(mask.get("size")), mask.get("counts")
    runs = _unpacked(counts) if isinstance(counts, str) else numbers_of(counts)
    if size is None or len(size) != 2 or not runs or len(runs) > MAX_RUNS:
        raise LabelError("mask_unreadable")
    height, at = int(size[0]), 0
    columns: list[int] = []
    rows: list[int] = []
    for number, run in enumerate(int(value) for value in runs):
        if run < 0 or height <= 0:
            raise LabelError("mask_unreadable")
        if number % 2 and run:
            first, last = divmod(at, height), divmod(at + run - 1, height)
            columns += [first[0], last[0]]
            rows += [first[1], last[1]] if first[0] == last[0] else [0, height - 1]
        at += run
    if not columns:
        raise LabelError("mask_empty")
    return float(min(columns)), float(min(rows)), float(max(columns) + 1), float(max(rows) + 1)


def _unpacked(text: str) -> list[int] | None:
    """Decode the runs of a compressed mask: five bits per character, differences from the fourth run on.

    The encoding is that of the COCO API's ``rleToString``.
    """
    runs: list[int] = []
    value = shift = 0
    for letter in text[: MAX_RUNS * 2]:
        bits = ord(letter) - 48
        if not 0 <= bits < 64 or shift > 40:
            return None
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    return runs
