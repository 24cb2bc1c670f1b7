"""Sentences about imports: the current step, the detected format, and questions to the user."""

from collections.abc import Callable, Mapping, Sequence

from autodet.messages.audience import Audience
from autodet.messages.findings import cause_clause
from autodet.messages.formats import FORMAT_TITLES
from autodet.records import Cause, ImportStep, SplitOrigin, VersionChange
from autodet.text_format import counted, duration, size_text


def _download_text(step: ImportStep) -> str:
    share = min(step.done / (step.total or 1), 1.0)
    text = f"Downloading: {size_text(step.done)} of {size_text(step.total)} ({share:.0%})"
    return text if step.seconds_left is None else f"{text}, about {duration(step.seconds_left)} left"


_STEPS: Mapping[str, Callable[[ImportStep], str]] = {
    "start": lambda step: "Starting",
    "wait": lambda step: "Waiting for other imports",
    "draw": lambda step: "Drawing the sample",
    "list": lambda step: f"Listing: {counted(step.done, 'file')}, {size_text(step.total)}",
    "download": _download_text,
    "unpack": lambda step: "Unpacking",
    "check": lambda step: f"Checking photo {step.done} of {step.total}",
    "store": lambda step: f"Storing photo {step.done} of {step.total}",
    "end": lambda step: "Imported",
}

# Why a source is not in a format, as clauses.
_UNMET: Mapping[str, Callable[..., str]] = {
    "no_xml": lambda: "there is no .xml file",
    "no_cvat_xml": lambda: "no .xml file holds the <annotations> of CVAT",
    "txt_of_others": lambda: "no .txt file has its rows",
    "no_json": lambda: "there is no .json file",
    "json_other": lambda: "no .json file is of such a format",
    "no_jsonl": lambda: "there is no metadata.jsonl with objects",
    "parquet": lambda file: f"{file}: Parquet is not read; save the data set as an image folder with a metadata.jsonl",
    "no_csv": lambda: "there is no .csv file",
    "no_txt": lambda: "there are no .txt label files",
    "no_txt_of_photo": lambda: "no .txt file has the name of a photo",
    "txt_without_boxes": lambda file: f"{file}: it has no lines of a class number and the four numbers of a box",
    "file": lambda file, cause, values: f"{file}: {cause_clause(Cause(cause, values))}",
    "maybe_labels": lambda file: f"{file} may hold labels",
    "fewer_labels": lambda photos: f"its files label {counted(photos, 'photo')}",
}


# Reasons that say nothing about the files that are there.
NO_FILES = {"no_xml", "no_cvat_xml", "no_json", "no_jsonl", "json_other", "no_txt", "txt_of_others", "no_csv"}


def step_text(step: ImportStep) -> str:
    """Describe the current work of an import in a few words."""
    return _STEPS[step.kind](step)


def unmet_clause(reason: Cause) -> str:
    """Return why a source is not in a format, as a clause."""
    return _UNMET[reason.key](**reason.values)


def detection_sentence(format: str, unmet: Mapping[str, Cause], *, asked: bool) -> str:
    """Explain the choice of a format.

    Args:
        format: The format.
        unmet: Why the source is not in each of the other formats.
        asked: Whether the user chose the format.
    """
    if asked:
        return f"Read as {FORMAT_TITLES[format]}, as you chose."
    titles: dict[str, list[str]] = {}
    for other, reason in unmet.items():
        if reason.key in NO_FILES:
            continue
        titles.setdefault(unmet_clause(reason), []).append(FORMAT_TITLES[other])
    others = "; ".join(f"for {_listed(names)}, {clause}" for clause, names in titles.items())
    return f"Detected as {FORMAT_TITLES[format]}{': ' * bool(others)}{others}."


SPLIT_ORIGINS: Mapping[SplitOrigin, str] = {
    "drawn": "The source has no splits, so they were drawn at random.",
    "train_only": "The source has photos for training only, so the splits were drawn at random.",
    "val_drawn": "The source has no photos for validation, so some of train were drawn at random.",
    "redrawn": "The splits were drawn at random for this version, or for one that it was made from.",
    "parents": "The splits are those of the merged data sets.",
    "folders": "The splits are those of the source's folders.",
    "labels": "The splits are those that the source's lists or label files name.",
    "": "",
}


def _listed(names: Sequence[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def imported_sentence(name: str, photos: int, boxes: int, classes: int) -> str:
    """Say that a data set is imported."""
    marks = f"{counted(boxes, 'box', 'boxes')} of {counted(classes, 'class', 'classes')}"
    return f"{name} is imported: {counted(photos, 'photo')} {f'with {marks}' if boxes else 'without labels'}."


def added_sentence(name: str, changes: Sequence[VersionChange]) -> str:
    """Say that photos were added, from the changes that made the version."""
    values = {change.kind: change.values for change in changes}
    known = values.get("copies_joined", {}).get("photos", 0)
    added = sum(one["photos"] for one in values["added"]["datasets"]) - known
    there = f"; {counted(known, 'photo')} {'was' if known == 1 else 'were'} there already" if known else ""
    return f"{name} is made, with {counted(added, 'photo')} more{there}."


def apart_sentence(name: str, why: str) -> str:
    """Say that photos could not be added, and where the visitor decides."""
    return f"The photos are a data set of their own for now: {name}. {why} Decide below, under Merge with others."


def format_question(source: str, photos: Mapping[str, int], audience: Audience = "terminal") -> str:
    """Ask which of several formats to import; ``photos`` is the number of labelled photos per format."""
    counts = {FORMAT_TITLES[format]: counted(count, "photo") for format, count in photos.items()}
    labels = " and ".join(f"{title} labels for {count}" for title, count in counts.items())
    options = " or ".join(f"--format {format}" for format in photos)
    how = " here" if audience == "page" else f" (on the command line with {options})"
    return f"{source!r} holds {labels}; choose one of the formats{how}."


def download_question(source: str, files: int, bytes: int, audience: Audience = "terminal") -> str:
    """Ask for consent to a large download."""
    how = " here" if audience == "page" else " (on the command line with --decide large_download=keep)"
    return (
        f"{source!r} holds {counted(files, 'file')}, {size_text(bytes)}; agree to download that much{how}, or choose a "
        "smaller folder."
    )
