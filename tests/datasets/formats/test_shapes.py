"""Upright boxes around shapes."""

from math import cos, pi, radians, sin, sqrt

import pytest

from autodet.datasets.formats.shapes import (
    hull_of_circle,
    hull_of_points,
    hull_of_rotated_box,
    hull_of_rotated_ellipse,
    is_turned,
    is_upright,
    turned_about_corner,
)


def traced_ellipse(cx, cy, rx, ry, angle):
    """Many points on a turned ellipse."""
    for step in range(10_000):
        u, v = rx * cos(step * pi / 5000), ry * sin(step * pi / 5000)
        yield cx + u * cos(angle) - v * sin(angle), cy + u * sin(angle) + v * cos(angle)


def test_points_and_circles():
    assert hull_of_points([(4, 9)]) == (4, 9, 4, 9)
    assert hull_of_points([(4, 9), (2, 11), (7, 10)]) == (2, 9, 7, 11)
    assert hull_of_circle(10, 20, 3) == pytest.approx((7, 17, 13, 23))


@pytest.mark.parametrize("degrees", [0, 30, 45, 90, 123, -20, 270, 359])
def test_turned_shapes_are_enclosed_exactly(degrees):
    angle = radians(degrees)
    assert hull_of_rotated_ellipse(50, 40, 20, 7, angle) == pytest.approx(
        hull_of_points(traced_ellipse(50, 40, 20, 7, angle)), abs=1e-4
    )
    corners = turned_about_corner(50, 40, 20, 7, angle)
    cx, cy = (sum(values) / 4 for values in zip(*corners, strict=True))
    assert hull_of_points(corners) == pytest.approx(hull_of_rotated_box(cx, cy, 20, 7, angle))


def test_turns_about_the_corner_are_clockwise_on_the_screen():
    assert hull_of_points(turned_about_corner(10, 10, 20, 5, pi / 2)) == pytest.approx((5, 10, 10, 30))
    assert hull_of_rotated_box(0, 0, 2, 2, pi / 4) == pytest.approx((-sqrt(2), -sqrt(2), sqrt(2), sqrt(2)))


@pytest.mark.parametrize(
    ("degrees", "turned"), [(0, False), (90, False), (-180, False), (360, False), (89, True), (-7, True)]
)
def test_quarter_turns_stay_upright(degrees, turned):
    assert is_turned(radians(degrees)) is turned
    assert is_upright(turned_about_corner(100, 100, 80, 60, radians(degrees))) is not turned or degrees == 89
