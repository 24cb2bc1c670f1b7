"""Sentences about what a detector finds, misses and confuses."""

from collections.abc import Mapping

from autodet.records import Interval
from autodet.text_format import counted

ERROR_TITLES = {
    "missed": "Missed",
    "background": "Nothing labelled there",
    "localization": "Badly placed box",
    "classification": "Wrong class",
    "both": "Wrong class and badly placed",
    "duplicate": "Reported twice",
}
ERROR_TERMS = {
    "missed": "a labelled object that no detection is about (false negative)",
    "background": "a detection where no label is (false positive)",
    "localization": "a detection of the right class whose box overlaps the label by 0.1 to 0.5 IoU",
    "classification": "a detection on a label of another class",
    "both": "a detection near a label of another class",
    "duplicate": "a second detection of an object",
}
UNLABELLED, MISSED = "not labelled", "missed"  # the last row and column of the confusion matrix
GROUP_TITLES = {
    "small": "Small objects, below 32 px",
    "medium": "Medium objects, 32 to 96 px",
    "large": "Large objects, from 96 px",
    "1 object": "Photos with 1 object",
    "2 to 5 objects": "Photos with 2 to 5 objects",
    "6 to 20 objects": "Photos with 6 to 20 objects",
    "over 20 objects": "Photos with over 20 objects",
    "dark": "Dark photos",
    "usual light": "Photos in usual light",
    "bright": "Bright photos",
    "blurred": "Blurred photos, the least sharp fifth",
    "sharp": "Other photos",
}
ISSUE_TITLES = {
    "missing": "Missing label",
    "wrong_class": "Wrong class",
    "poor_box": "Badly placed box",
    "spurious": "Label without an object",
}


def percent(share: float) -> str:
    """Format a share; what is not all or nothing is never rounded to it."""
    rounded = f"{100 * share:.0f}"
    if share < 1 and float(rounded) == 100:
        return "over 99 %"
    return "under 1 %" if share > 0 and float(rounded) == 0 else f"{rounded} %"


def interval_text(interval: Interval) -> str:
    """Format an interval of shares: ``88 to 96 %``."""
    low, high = (f"{100 * end:.0f}" for end in interval)
    return f"{low} to {high} %" if low != high else f"{low} %"


def found_text(found: int, boxes: int, interval: Interval | None, objects: str = "") -> str:
    """Say what share of the labelled objects is found, with its interval."""
    if not boxes or not interval:
        return "no labelled objects"
    return f"finds **{percent(found / boxes)}**{objects} ({interval_text(interval)})"


def wrong_text(wrong: int, detections: int, interval: Interval | None) -> str:
    """Say what share of what is reported is wrong, with its interval."""
    if not detections or not interval:
        return "reports nothing"
    return f"**{percent(wrong / detections)}** of what it reports is wrong ({interval_text(interval)})"


def errors_text(missed: int, false_alarms: int, confused: int = 0) -> str:
    """Count errors; confused pairs of a detection and a label are in neither of the other counts."""
    parts = (
        f"{missed:,} missed" * bool(missed),
        counted(false_alarms, "false alarm") * bool(false_alarms),
        f"{confused:,} of the wrong class" * bool(confused),
    )
    return ", ".join(filter(None, parts)) or "all objects found, no false alarms"


def error_title(kind: str, count: int) -> str:
    """Name the errors of a kind."""
    return f"{counted(count, 'error')}: {ERROR_TITLES[kind]}"


def cell_title(labelled: str, detected: str, count: int) -> str:
    """Name a cell of the confusion matrix; an empty class stands for background."""
    if not labelled:
        what = f"reported as {detected} where nothing is labelled"
    elif not detected:
        what = f"labelled {labelled}, missed"
    elif labelled == detected:
        what = f"{labelled}, found"
    else:
        what = f"labelled {labelled}, detected as {detected}"
    return f"{count:,} {what}"


def group_text(missed: int, boxes: int, false_positives: int) -> str:
    """Say what is missed in a group of objects."""
    return f"{missed:,} of {boxes:,} missed, {counted(false_positives, 'false alarm')}"


def weakest_text(title: str, missed: int, boxes: int, rest: Mapping[str, int]) -> str:
    """Name the group with the largest share of missed objects, beside the share of the other groups."""
    others = f"; {percent(rest['missed'] / rest['boxes'])} of the others" if rest["boxes"] else ""
    return f"{title}: {missed:,} of {boxes:,} missed ({percent(missed / boxes)}{others})."


def issue_text(kind: str, class_name: str, suggested_class: str | None) -> str:
    """Say what is wrong with a label, and what the detection suggests."""
    return {
        "missing": f"Looks like {class_name}, without a label",
        "wrong_class": f"Labelled {class_name}, looks like {suggested_class}",
        "poor_box": f"The box of this {class_name} looks badly placed",
        "spurious": f"The model sees no {class_name} here",
    }[kind]


def remedy_text(kind: str, class_name: str, suggested_class: str | None) -> str:
    """Say what accepting a suggestion does."""
    return {
        "missing": f"Add a label {class_name}",
        "wrong_class": f"Label it {suggested_class}",
        "poor_box": "Take the new box",
        "spurious": "Remove the label",
    }[kind]
