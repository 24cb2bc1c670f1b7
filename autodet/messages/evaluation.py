"""Sentences about found, missed and confused objects."""

from collections.abc import Callable, Mapping
from typing import Any

from autodet.messages.follow_ups import curve_sentence
from autodet.records import Interval, PowerLaw
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
ERROR_REMEDIES = {
    "missed": "Add photos with such objects, or lower the threshold.",
    "background": "Check whether labels are missing there, add photos without objects, or raise the threshold.",
    "localization": "Check whether the labels fit tightly, or train with larger photos.",
    "classification": "Check the labels of the confused classes, and add photos of both.",
    "both": "Check the labels of the confused classes.",
    "duplicate": "Check for objects that are labelled in parts, or raise the threshold.",
}
UNLABELLED, MISSED = "not labelled", "missed"  # the last row and column of the confusion matrix
ERRORS_HELP = (
    "A detection is right if it overlaps a label (the ground truth) of its class by at least half (IoU 0.5). Missed "
    "(false negative): a label without a detection. False alarm (false positive): a detection without a label, or a "
    "duplicate. Wrong class: a detection on a label of another class; it is one error, although COCO counts it as a "
    "false negative and a false positive."
)
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
    "blurred": "Blurred: the least sharp fifth",
    "sharp": "Other photos",
}
ISSUE_TITLES = {
    "missing": "Missing label",
    "wrong_class": "Wrong class",
    "poor_box": "Badly placed box",
    "spurious": "Label without an object",
}


def percent(share: float, space: str = " ") -> str:
    """Format a share; only all is 100 %, and only nothing is 0 %. ``space`` is written before the sign."""
    rounded = f"{100 * share:.0f}"
    if share < 1 and float(rounded) == 100:
        return f"over 99{space}%"
    return f"under 1{space}%" if share > 0 and float(rounded) == 0 else f"{rounded}{space}%"


def interval_text(interval: Interval, space: str = " ") -> str:
    """Format an interval of shares: ``88 to 96 %``."""
    low, high = (f"{100 * end:.0f}" for end in interval)
    return f"{low} to {high}{space}%" if low != high else f"{low}{space}%"


def found_text(found: int, boxes: int, interval: Interval | None, objects: str = "") -> str:
    """State the share of the labelled objects that is found, with its interval; none where it says nothing."""
    if not boxes or not interval:
        return "no labelled objects"
    if found == boxes:
        return "finds **the only object**" if boxes == 1 else f"finds **all {boxes:,} objects**"
    if not found:
        return f"finds **none** of {counted(boxes, 'object')}"
    return f"finds **{percent(found / boxes)}**{objects} ({interval_text(interval)})"


def wrong_text(wrong: int, detections: int, interval: Interval | None) -> str:
    """State the share of the detections that is wrong, with its interval; none where it says nothing."""
    if not detections or not interval:
        return "reports nothing"
    if wrong in (0, detections) and detections == 1:
        return f"its **only detection** is {'wrong' if wrong else 'right'}"
    if not wrong:
        return f"**none** of its {detections:,} detections is wrong"
    if wrong == detections:
        return f"**all** of its {detections:,} detections are wrong"
    return f"**{percent(wrong / detections)}** of what it reports is wrong ({interval_text(interval)})"


def errors_text(missed: int = 0, false_alarms: int = 0, confused: int = 0) -> str:
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


def matrix_text(shown: int, erring: int, classes: int) -> str:
    """Say which classes a confusion matrix shows; empty if all."""
    if not erring:
        return "No class has an error at these thresholds."
    if shown < erring:
        return f"The {shown:,} classes with the most errors of {classes:,}."
    return "" if shown == classes else f"The {counted(shown, 'class', 'classes')} of {classes:,} with errors."


def group_text(missed: int, boxes: int, false_positives: int) -> str:
    """Count the errors in a group of objects."""
    return f"{missed:,} of {boxes:,} missed, {counted(false_positives, 'false alarm')}"


def weakest_text(title: str, missed: int, boxes: int, other_missed: int, other_boxes: int) -> str:
    """Say that a group is missed more often than the others."""
    others = f"{percent(other_missed / other_boxes)} of the others"
    return f"{title}: {missed:,} of {boxes:,} missed ({percent(missed / boxes)}; {others})."


def priority_text(kind: str, name: str, loss: float, values: Mapping[str, Any]) -> str:
    """State a loss and its remedy."""
    return _PRIORITIES[kind](name, loss, **values)


def _error_priority(name: str, loss: float, count: int) -> str:
    gain = f"Mending this kind at all scores would add {loss:.3f} to mAP@0.5."
    return f"{error_title(name, count)}. {gain} {ERROR_REMEDIES[name]}"


def _class_priority(name: str, loss: float, ap50: float, training_boxes: int | None, rarest: bool) -> str:
    few = ", the fewest of all classes" if rarest else ""
    boxes = (
        "" if training_boxes is None else f" It has {counted(training_boxes, 'training box', 'training boxes')}{few}."
    )
    return f"{name} is below average: AP@0.5 {ap50:.3f} costs {loss:.3f} of mAP@0.5.{boxes} Add photos of it."


def _group_priority(name: str, loss: float, missed: int, boxes: int) -> str:
    remedy = (
        "Train with larger photos, or predict on parts of a photo."
        if name == "small"
        else "Add photos with such objects."
    )
    return f"{GROUP_TITLES[name]}: {missed:,} of {boxes:,} missed, {percent(loss)} of all objects. {remedy}"


def _labels_priority(_name: str, _loss: float, count: int, boxes: int) -> str:
    return f"{counted(count, 'label')} beside {counted(boxes, 'object')} may be wrong. Check them under Labels."


def _photos_priority(_name: str, _loss: float, curve: PowerLaw) -> str:
    return f"More photos. {curve_sentence(curve)} This extrapolates the learning curve below."


_PRIORITIES: Mapping[str, Callable[..., str]] = {
    "error": _error_priority,
    "class": _class_priority,
    "group": _group_priority,
    "labels": _labels_priority,
    "photos": _photos_priority,
}


def issue_text(kind: str, class_name: str, suggested_class: str | None) -> str:
    """Describe a suspect label."""
    return {
        "missing": f"Looks like {class_name}, without a label",
        "wrong_class": f"Labelled {class_name}, looks like {suggested_class}",
        "poor_box": f"The box of this {class_name} looks badly placed",
        "spurious": f"The model sees no {class_name} here",
    }[kind]


def remedy_text(kind: str, class_name: str, suggested_class: str | None) -> str:
    """Describe the effect of accepting a suggestion."""
    return {
        "missing": f"Add a label {class_name}",
        "wrong_class": f"Label it {suggested_class}",
        "poor_box": "Take the new box",
        "spurious": "Remove the label",
    }[kind]
