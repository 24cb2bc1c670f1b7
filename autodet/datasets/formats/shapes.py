"""Upright boxes around the shapes that labelling tools draw: polygons, turned boxes, circles and ellipses."""

from collections.abc import Iterable
from math import cos, hypot, pi, sin
from typing import Any

from autodet.datasets.formats.masks import numbers_of
from autodet.records import BoxXYXY

MIN_TURN = 1e-3  # radians: smaller turns are rounding errors


def points_of(values: Any) -> list[tuple[float, float]] | None:
    """Return points written as ``[x, y]`` or ``{"x": x, "y": y}``; None if one of them is none.

    Args:
        values: The points, as a label file has them.
    """
    if not isinstance(values, list):
        return None
    pairs = [[point.get("x"), point.get("y")] if isinstance(point, dict) else point for point in values]
    points = [(xy[0], xy[1]) for pair in pairs if (xy := numbers_of(pair)) and len(xy) in (2, 3)]
    return points if len(points) == len(pairs) else None


def hull_of_points(points: Iterable[tuple[float, float]]) -> BoxXYXY:
    """Return the upright box around points.

    Args:
        points: ``x, y`` of at least one point.
    """
    xs, ys = zip(*points, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def hull_of_circle(cx: float, cy: float, radius: float) -> BoxXYXY:
    """Return the upright box around a circle."""
    return hull_of_rotated_ellipse(cx, cy, radius, radius)


def hull_of_rotated_box(cx: float, cy: float, width: float, height: float, radians: float = 0.0) -> BoxXYXY:
    """Return the upright box around a box that is turned about its centre.

    Args:
        cx: Centre.
        cy: Centre.
        width: Width before the turn.
        height: Height before the turn.
        radians: Angle of the turn; the direction makes no difference.
    """
    across, down = abs(cos(radians)), abs(sin(radians))
    half_width, half_height = (width * across + height * down) / 2, (width * down + height * across) / 2
    return cx - half_width, cy - half_height, cx + half_width, cy + half_height


def hull_of_rotated_ellipse(cx: float, cy: float, rx: float, ry: float, radians: float = 0.0) -> BoxXYXY:
    """Return the upright box around an ellipse that is turned about its centre.

    Args:
        cx: Centre.
        cy: Centre.
        rx: Radius that lies along x before the turn.
        ry: Radius that lies along y before the turn.
        radians: Angle of the turn; the direction makes no difference.
    """
    half_width = hypot(rx * cos(radians), ry * sin(radians))
    half_height = hypot(rx * sin(radians), ry * cos(radians))
    return cx - half_width, cy - half_height, cx + half_width, cy + half_height


def turned_about_corner(x: float, y: float, width: float, height: float, radians: float) -> list[tuple[float, float]]:
    """Return the corners of a box that is turned about its top left corner.

    Args:
        x: Top left corner, which stays where it is.
        y: Top left corner.
        width: Width before the turn.
        height: Height before the turn.
        radians: Angle of the turn, clockwise on the screen, where y points down.
    """
    across, down = (cos(radians), sin(radians)), (-sin(radians), cos(radians))
    sides = ((0.0, 0.0), (width, 0.0), (width, height), (0.0, height))
    return [(x + a * across[0] + b * down[0], y + a * across[1] + b * down[1]) for a, b in sides]


def is_turned(radians: float) -> bool:
    """Return whether a box turned by this angle is no longer upright; quarter turns leave it upright."""
    rest = abs(radians) % (pi / 2)
    return min(rest, pi / 2 - rest) > MIN_TURN


def is_upright(points: Iterable[tuple[float, float]]) -> bool:
    """Return whether each point is a corner of the upright box around all of them."""
    corners = list(points)
    x1, y1, x2, y2 = hull_of_points(corners)
    near = 1.0  # pixels: tools round corners
    return all(min(x - x1, x2 - x) <= near and min(y - y1, y2 - y) <= near for x, y in corners)


def iou(box_xyxy: BoxXYXY, other_xyxy: BoxXYXY) -> float:
    """Return the intersection over union of two boxes."""
    width = min(box_xyxy[2], other_xyxy[2]) - max(box_xyxy[0], other_xyxy[0])
    height = min(box_xyxy[3], other_xyxy[3]) - max(box_xyxy[1], other_xyxy[1])
    shared = max(width, 0.0) * max(height, 0.0)
    union = _area(box_xyxy) + _area(other_xyxy) - shared
    return shared / union if union > 0 else 0.0


def _area(box_xyxy: BoxXYXY) -> float:
    return (box_xyxy[2] - box_xyxy[0]) * (box_xyxy[3] - box_xyxy[1])
