"""Colours shared by charts and drawn boxes; each is readable on a light and on a dark page."""

# Classes differ in hue and lightness, so that colour-blind users can distinguish the first ones too.
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
SIZE_COLOURS = {"small": "#e4572e", "medium": "#0fa3b1", "large": "#6c7bd9"}
BLUE_SHADES = [[0.0, "rgba(47, 127, 214, 0)"], [0.5, "rgba(47, 127, 214, 0.55)"], [1.0, "rgba(47, 127, 214, 1)"]]
GREY = "#8a8f98"
SLATE = "#6f7580"  # white text is readable on it
BROWN = "#8d6346"


def class_colour(class_id: int) -> str:
    """Return the colour of a class, as ``#rrggbb``."""
    return CLASS_COLOURS[class_id % len(CLASS_COLOURS)]
