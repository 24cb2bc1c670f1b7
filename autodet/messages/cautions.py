"""Sentences about metrics and predictions that need care."""

from autodet.messages.templates import Templates, render, render_all
from autodet.records import Notice
from autodet.text_format import counted, listed

SPLIT_WORDS = {"train": "training", "val": "validation", "test": "test"}
MAX_NAMES = 5
REPEAT = (
    "to train combinations again with other seeds, turn on repeats (on the page Train, repeat=True in Python, "
    "--repeat on the command line)"
)
TILES = "turn on tiles (on the page, tiles=True in Python, --tiles on the command line)"
REMEDY = "Cut such photos into parts, and predict on each part."


def caution_text(caution: Notice) -> str:
    """Return a caution as a sentence."""
    return render(caution, SENTENCES)


def cautions_text(cautions: tuple[Notice, ...]) -> str:
    """Return cautions as sentences; empty if there are none."""
    return render_all(cautions, SENTENCES)


def _start_leakage(caution: Notice) -> str:
    known = [
        f"{known:,} of {counted(photos, f'{SPLIT_WORDS[split]} photo')}"
        for split, (known, photos) in caution.values["photos"].items()
    ]
    return (
        f"The model {caution.values['model']} was trained on {' and '.join(known)} of this data set (data leakage), so "
        "metrics on them look better than they would on new photos."
    )


def _evaluation_leakage(caution: Notice) -> str:
    known, photos = caution.values["known"], caution.values["photos"]
    these = f"all {photos:,} of these photos" if known == photos else f"{known:,} of these {photos:,} photos"
    return (
        f"The model was trained on {these} (data leakage), so the metrics look better than they would on new photos; "
        "evaluate it on photos that it was not trained on, such as the test split of its data set."
    )


def _unmeasured(caution: Notice) -> str:
    classes = caution.values["classes"]
    more = [f"{len(classes) - MAX_NAMES} more"] if len(classes) > MAX_NAMES else []
    are, them = ("is", "it") if len(classes) == 1 else ("are", "them")
    names = listed([*classes[:MAX_NAMES], *more])
    photo = f"{SPLIT_WORDS[caution.values['split']]} photo" if caution.values["split"] in SPLIT_WORDS else "photo"
    return f"{names} {are} not evaluated: no {photo} shows {them}."


def _unknown(caution: Notice) -> str:
    boxes = caution.values["boxes"]
    names = [f"{name} ({counted(count, 'box', 'boxes')})" for name, count in list(boxes.items())[:MAX_NAMES]]
    more = [f"{len(boxes) - MAX_NAMES} more"] if len(boxes) > MAX_NAMES else []
    return f"The model does not know {listed([*names, *more])}, so these labels are left out."


def _capped(caution: Notice) -> str:
    count = caution.values["combinations"]
    return (
        f"There {'is' if count == 1 else 'are'} only {counted(count, 'combination')} of parameters, so the search "
        f"plans {counted(count, 'trial')} instead of {caution.values['trials']}; {REPEAT}."
    )


def _unread(caution: Notice) -> str:
    unread, photos = caution.values["unread"], counted(caution.values["photos"], "photo")
    return f"{unread:,} of {photos} could not be read; the first: {caution.values['detail']}"


def _truncated(caution: Notice) -> str:
    where = _on(caution.values["truncated"], caution.values["photos"])
    return f"{where} the model found {caution.values['limit']} objects, its limit; there may be more. {REMEDY}"


def _too_small(caution: Notice) -> str:
    large, side, photo_side = (caution.values[name] for name in ("large", "side", "photo_side"))
    return (
        f"{_on(large, caution.values['photos'])} objects may be too small for the model: the longer side has "
        f"{'up to ' * (large > 1)}{side:,} pixels, {photo_side:,} in the median training photo, "
        f"and nothing, or mostly small objects, was found. If the objects are small there, {TILES}."
    )


def _tiles_truncated(caution: Notice) -> str:
    where = _on(caution.values["truncated"], caution.values["photos"])
    return f"{where} the model reached its limit of {caution.values['limit']} objects on a tile; there may be more."


def _tiles_limited(caution: Notice) -> str:
    where = _on(caution.values["limited"], caution.values["photos"])
    return (
        f"{where} the tiles are larger than the training photos, because a photo has at most {caution.values['most']} "
        f"of them; very small objects may still be missing. {REMEDY}"
    )


def _on(count: int, photos: int) -> str:
    """Begin a sentence with the number of photos concerned."""
    return "On the photo" if photos == 1 else f"On {count:,} of {counted(photos, 'photo')}"


SENTENCES: Templates = {
    "weights_skipped": "{file} is damaged or not the published file, so {network} starts from a copy in another place.",
    "start_leakage": _start_leakage,
    "evaluation_leakage": _evaluation_leakage,
    "classes_unmeasured": _unmeasured,
    "classes_unknown": _unknown,
    "trials_capped": _capped,
    "photos_unread": _unread,
    "detections_truncated": _truncated,
    "tiles_truncated": _tiles_truncated,
    "tiles_limited": _tiles_limited,
    "objects_too_small": _too_small,
}
