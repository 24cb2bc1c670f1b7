"""Sentences about the limits of a report's figures."""

from autodet.messages import cautions
from autodet.messages.templates import Templates, render
from autodet.records import MAX_DETECTIONS, Notice
from autodet.text_format import counted, listed, shortened

MAX_NAMES = 5


def limit_text(limit: Notice) -> str:
    """Return a limit as one or two sentences."""
    return render(limit, SENTENCES)


def _no_leakage(limit: Notice) -> str:
    return (
        f"The model was trained on none of these {counted(limit.values['photos'], 'photo')}. Only equal files were "
        "compared: a photo that was resized or saved again, or the next frame of a video, is not recognised."
    )


def _leakage_unknown(limit: Notice) -> str:
    names = [shortened(name) for name in limit.values["datasets"]]
    are = "is" if len(names) == 1 else "are"
    return (
        f"Whether the model was trained on some of these photos is not known: its training data ({listed(names)}) "
        f"{are} not in this workspace."
    )


def _few_photos(limit: Notice) -> str:
    photos, interval = counted(limit.values["photos"], "photo"), limit.values["interval"]
    if not interval:
        return f"Only {photos} were measured; the figures may be very different on others."
    low, high = interval
    return f"Only {photos} were measured: on other photos of this kind, mAP@0.5 is likely from {low:.2f} to {high:.2f}."


def _sizes_unmeasured(limit: Notice) -> str:
    sizes = limit.values["sizes"]
    limits = {"small": "below 32 × 32 pixels", "medium": "up to 96 × 96 pixels", "large": "above 96 × 96 pixels"}
    words = listed([f"{size} objects ({limits[size]})" for size in sizes], "or")
    return f"No photo shows {words}, so they were not measured."


def _crowded(limit: Notice) -> str:
    return (
        f"{counted(limit.values['photos'], 'photo')} with more than {MAX_DETECTIONS} labelled objects: a detector "
        f"finds no more than that on a photo, so {counted(limit.values['objects'], 'object')} cannot be found."
    )


def _rare(limit: Notice) -> str:
    boxes = limit.values["boxes"]
    shown = [f"{shortened(name, 30)} ({count})" for name, count in list(boxes.items())[:MAX_NAMES]]
    more = [f"{len(boxes) - MAX_NAMES} more"] if len(boxes) > MAX_NAMES else []
    return f"Few labelled objects: {listed([*shown, *more])}. Their figures are rough."


def _doubtful(limit: Notice) -> str:
    labels, photos = limit.values["labels"], limit.values["photos"]
    look = "looks" if labels == 1 else "look"
    return (
        f"{counted(labels, 'label')} on {counted(photos, 'photo')} {look} wrong. If so, the figures are "
        "off by the same measure: a correct detection counts as an error there."
    )


def _difficult(limit: Notice) -> str:
    objects = counted(limit.values["boxes"], "object")
    return f"{objects} labelled as difficult or as a crowd neither count as found nor as missed."


SENTENCES: Templates = {
    **cautions.SENTENCES,
    "no_leakage": _no_leakage,
    "leakage_unknown": _leakage_unknown,
    "split_chose_model": "The validation photos chose the model, so figures on them are a little too good. Test photos "
    "have no such part in the training.",
    "same_source": "The photos come from the same data set as the training photos. Other cameras, places, light and "
    "backgrounds were not measured; try the model on photos from where it will be used.",
    "few_photos_measured": _few_photos,
    "no_empty_photos": "Every photo shows an object, so false alarms on photos without one were not measured.",
    "sizes_unmeasured": _sizes_unmeasured,
    "photos_crowded": _crowded,
    "classes_rare": _rare,
    "labels_doubtful": _doubtful,
    "difficult_left_out": _difficult,
    "refit_measured": "The model was trained again on training and validation photos, so only test photos measure it.",
    "thresholds_not_chosen": "The model has no confidence thresholds of its own; 0.5 was used for every class.",
    "sizes_trained": "The longer side of the median training photo has {photo_side:,} pixels. On much larger photos, "
    "objects may be too small for the model.",
}
