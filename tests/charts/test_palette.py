import pytest
from PIL import ImageColor

from autodet.charts.palette import CLASS_COLOURS, GREY, SPLIT_COLOURS, class_colour
from autodet.records import SPLITS


def luminance(colour):
    """Relative luminance, as WCAG 2 defines it."""
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (channel / 255 for channel in ImageColor.getrgb(colour))
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("colour", [*CLASS_COLOURS, *SPLIT_COLOURS.values(), GREY])
def test_every_colour_is_seen_on_a_light_and_on_a_dark_page(colour):
    assert 1.05 / (luminance(colour) + 0.05) >= 2  # against white
    assert (luminance(colour) + 0.05) / (luminance("#14181a") + 0.05) >= 3


def test_there_are_more_classes_than_colours():
    assert class_colour(len(CLASS_COLOURS)) == class_colour(0) == CLASS_COLOURS[0]


def test_every_split_has_a_colour():
    assert set(SPLIT_COLOURS) == set(SPLITS)
