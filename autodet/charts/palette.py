"""Colours shared by charts and drawn boxes; each is readable on a light and on a dark page."""

# The first ones differ in hue and lightness, so that colour-blind users can distinguish them too. Each further one is
# the farthest in OKLab from all before it, among saturated colours that are readable on both pages.
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
    *("#f090c0", "#f000f0", "#60c000", "#90a8f0", "#007800", "#606090", "#6048f0", "#007878", "#60c090", "#d878f0"),
    *("#d89078", "#a800f0", "#c03030", "#a878a8", "#c000a8", "#c07800", "#f00048", "#00a8f0", "#f048c0", "#a84878"),
    *("#a8a860", "#00a818", "#0060d8", "#00c0d8", "#f06078", "#607848", "#a878f0", "#f07800", "#c06060", "#c090d8"),
    *("#7890c0", "#90a800", "#0078a8", "#6060c0", "#189030", "#c048f0", "#d878a8", "#c01860", "#9048f0", "#a84800"),
    *("#9060a8", "#a89000", "#60a890", "#6078a8", "#906078", "#907830", "#a89060", "#009090", "#c060a8", "#0090c0"),
    *("#c000d8", "#f00090", "#187848", "#7890f0", "#78a860", "#d830c0", "#00c060", "#f07860", "#789060", "#a830c0"),
    *("#c06018", "#f060a8", "#78c060", "#d84860", "#c07860", "#7860f0", "#c03090", "#f060f0", "#d80078", "#a86090"),
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
