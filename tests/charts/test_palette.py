import math
from itertools import combinations

import pytest
from PIL import ImageColor

from autodet.charts.palette import CLASS_COLOURS, GREY, SPLIT_COLOURS, class_colour
from autodet.records import SPLITS


def linear(colour):
    channels = (channel / 255 for channel in ImageColor.getrgb(colour))
    return [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]


def luminance(colour):
    """Relative luminance, as WCAG 2 defines it."""
    return sum(map(math.prod, zip((0.2126, 0.7152, 0.0722), linear(colour), strict=True)))


def oklab(colour):
    """OKLab coordinates (bottosson.github.io/posts/oklab): their distance is about the difference that people see."""
    to_cones = ((0.41222, 0.53633, 0.05145), (0.2119, 0.6807, 0.1074), (0.0883, 0.28172, 0.62998))
    to_lab = ((0.21045, 0.79362, -0.00407), (1.978, -2.42859, 0.45059), (0.0259, 0.78277, -0.80868))
    cones = [sum(map(math.prod, zip(row, linear(colour), strict=True))) ** (1 / 3) for row in to_cones]
    return [sum(map(math.prod, zip(row, cones, strict=True))) for row in to_lab]


@pytest.mark.parametrize("colour", [*CLASS_COLOURS, *SPLIT_COLOURS.values(), GREY])
def test_every_colour_is_seen_on_a_light_and_on_a_dark_page(colour):
    assert 1.05 / (luminance(colour) + 0.05) >= 2  # against white
    assert (luminance(colour) + 0.05) / (luminance("#14181a") + 0.05) >= 3


def test_the_classes_of_coco_have_colours_that_differ():
    assert len(CLASS_COLOURS) == 80
    closest = min(math.dist(oklab(one), oklab(other)) for one, other in combinations(CLASS_COLOURS, 2))
    among_first = min(math.dist(oklab(one), oklab(other)) for one, other in combinations(CLASS_COLOURS[:10], 2))
    assert closest > 0.9 * among_first


def test_there_are_more_classes_than_colours():
    assert class_colour(len(CLASS_COLOURS)) == class_colour(0) == CLASS_COLOURS[0]


def test_every_split_has_a_colour():
    assert set(SPLIT_COLOURS) == set(SPLITS)
