"""Sentences about trials that found nothing, and the likely causes."""

from autodet.messages.templates import Templates, render
from autodet.records import Notice
from autodet.text_format import counted

MAX_CAUSES, MAX_NAMES = 3, 3


def diagnoses_text(diagnoses: tuple[Notice, ...]) -> str:
    """Return diagnoses as two sentences each: the trials, then the causes, the likeliest first."""
    return " ".join(map(_diagnosis_text, diagnoses))


def _diagnosis_text(diagnosis: Notice) -> str:
    values, causes = diagnosis.values, [render(cause, CAUSES) for cause in diagnosis.causes]
    problem = (
        f"Trial {values['trial']} has found nothing in {counted(values['epochs'], 'epoch')}: its mAP@0.5 stays at 0"
    )
    others = f", as does that of {counted(values['others'], 'other trial')}" if values["others"] else ""
    if len(causes) == 1:
        return f"{problem}{others}. The likely cause: {causes[0]}."
    numbered = "; ".join(f"({number}) {cause}" for number, cause in enumerate(causes[:MAX_CAUSES], start=1))
    return f"{problem}{others}. Likely causes, the likeliest first: {numbered}."


def _untaught(cause: Notice) -> str:
    classes = cause.values["classes"]
    names, more = ", ".join(map(repr, classes[:MAX_NAMES])), " and others" if len(classes) > MAX_NAMES else ""
    return (
        f"{cause.values['share']:.0%} of the validation boxes are of classes that no training photo shows "
        f"({names}{more}), so the splits may call the same thing by different names"
    )


def _sizes(cause: Notice) -> str:
    ratio = cause.values["ratio"]
    times, word = (ratio, "larger") if ratio > 1 else (1 / ratio, "smaller")
    return f"objects on validation photos are about {times:.0f} times {word} than on the training photos"


def _few_photos(cause: Notice) -> str:
    photos = counted(cause.values["photos"], "photo")
    return f"it learns from only {photos} ({cause.values['few']} are few, hundreds are good)"


def _few_steps(cause: Notice) -> str:
    steps = counted(cause.values["steps"], "step")
    return f"it was trained for only {steps} ({cause.values['few']} are few), so more epochs may help"


CAUSES: Templates = {
    "learning_rate_high": "its learning rate of {lr:g} is very high ({low:g} to {high:g} is usual)",
    "learning_rate_low": "its learning rate of {lr:.2g} is very low ({low:g} to {high:g} is usual)",
    "loss_grew": "its loss has grown from {first:.3g} to {last:.3g}, so a lower learning rate than {lr:.2g} "
    "should help",
    "boxes_tiny": "half of the boxes are at most {pixels:.2g} pixels wide or high once their photo has the size "
    "{image_size} (less than {least:g} is hard to learn), so try larger photos (image_size), or cut them into parts",
    "parameters_unsuitable": "its parameters do not suit these photos, because other trials find objects",
    "classes_untaught": _untaught,
    "sizes_differ": _sizes,
    "few_photos": _few_photos,
    "few_steps": _few_steps,
    "labels_suspect": "the boxes or class names may be wrong: look at some photos on the page Data sets",
    "photos_differ": "the validation photos may look unlike the training photos",
}
