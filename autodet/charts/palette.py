"""Colours that charts and drawn boxes share; each is readable on a light and on a dark page."""

# Classes are told apart by hue and by lightness, so that the first ones differ for colour-blind people too.
CLASS_COLOURS = (
    "#e4572e",
    "#2f7fd6",
    "#e0a30b",
    "#2a9d6f",
    "#a855c9",
    "#0fa3b1",
    "#d6438a",
    "#7a8b1f",
    "#8d6346",
    "#6c7bd9",
)
SPLIT_COLOURS = {"train": "#2f7fd6", "val": "#2a9d6f", "test": "#e0a30b"}
GREY = "#8a8f98"


def class_colour(class_id: int) -> str:
    """The colour of a class, as ``#rrggbb``."""
    return CLASS_COLOURS[class_id % len(CLASS_COLOURS)]
