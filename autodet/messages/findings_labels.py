"""Sentences for findings about files, and label files in particular."""

from collections.abc import Callable, Mapping, Sequence

from autodet.messages.audience import Audience
from autodet.messages.finding_phrases import GIT_POINTER, decide
from autodet.messages.finding_phrases import consent as _consent
from autodet.messages.finding_phrases import files as _files
from autodet.messages.formats import FORMAT_TITLES
from autodet.text_format import counted

# Legacy encodings, by Python's names; others are given by their code page.
ENCODINGS = {
    "gb18030": "GBK (Simplified Chinese)",
    "cp950": "Big5 (Traditional Chinese)",
    "cp932": "Shift JIS (Japanese)",
    "euc_jp": "EUC-JP (Japanese)",
    "cp949": "EUC-KR (Korean)",
    "cp1250": "Windows-1250 (Central European)",
    "cp1251": "Windows-1251 (Cyrillic)",
    "cp1252": "Windows-1252 (Western European)",
    "cp1253": "Windows-1253 (Greek)",
    "cp1254": "Windows-1254 (Turkish)",
    "cp1255": "Windows-1255 (Hebrew)",
    "cp1256": "Windows-1256 (Arabic)",
    "cp1257": "Windows-1257 (Baltic)",
    "cp874": "Windows-874 (Thai)",
    "koi8_r": "KOI8-R (Cyrillic)",
    "mac_roman": "Mac Roman (Western European)",
    "utf-8": "UTF-8",
}


def _encoding(name: str) -> str:
    return ENCODINGS.get(name, f"code page {name.removeprefix('cp')}")


def _guessed(encoding: str, files: int, first: str, names: Sequence[str], rival: str) -> str:
    more = f" and {counted(files - 1, 'other file')}" if files > 1 else ""
    are = "are" if files > 1 else "is"
    doubt = f"; {_encoding(rival)} is about as likely" if rival else ""
    quoted = ", ".join(map(repr, names))
    return f"{first}{more} {are} not in UTF-8, but in {_encoding(encoding)} to judge by {quoted}{doubt}"


def _is_or_are(count: int) -> str:
    return f"{count} {'is' if count == 1 else 'are'}"


def _named_twice(photos: Sequence[str], splits: Sequence[str]) -> str:
    several = f"{len(photos)} photos are named" if len(photos) > 1 else f"{photos[0]} is named"
    return f"{several} for {' and '.join(splits)}; a photo in both is data leakage"


def _contradiction(
    file: str, other: str, photos: int, number: int, name: str, other_name: str, *, audience: Audience = "terminal"
) -> str:
    about = f"are both about {counted(photos, 'photo')}" if photos else "are about the same labels"
    return (
        f"{file!r} and {other!r} {about}, but class {number} is {name!r} in the first and {other_name!r} in the "
        f"second; remove the wrong one, or agree to use the first{_consent('names_differ', audience)}"
    )


def _disagreeing(file: str, other: str, photo: str, photos: int, *, audience: Audience = "terminal") -> str:
    actions = f"to join their boxes, or to use {file}"
    return (
        f"{file} and {other} mark different boxes on {counted(photos, 'photo')}, such as {photo}; remove the wrong "
        f"file, or {decide(actions, 'labels_disagree', audience, 'fix', 'keep')}"
    )


def _people_disagree(file: str, photo: str, *, audience: Audience = "terminal") -> str:
    actions = "to join their boxes or to use the first"
    return (
        f"{file} has several annotations of {photo}, with other boxes; delete the wrong ones or mark one as ground "
        f"truth, or {decide(actions, 'labels_disagree', audience, 'fix', 'keep')}"
    )


def _other_program(program: str, format: str) -> str:
    whose = f"{FORMAT_TITLES[program]}'s" if program in FORMAT_TITLES else "another program's"
    read = FORMAT_TITLES.get(format, format)
    return f"Its labels are {whose}, and {read} labels were read; export these as {read} too, or import them separately"


# By cause or kind: the finding's values in, a sentence without its period out.
PROBLEMS_LABELS: Mapping[str, Callable[..., str]] = {
    # files
    "text_encoding": _guessed,
    "git_pointer": lambda: f"It {GIT_POINTER}",
    "file_large": lambda bytes: f"The file is larger than {bytes / 1e6:.0f} MB",
    "link_skipped": lambda target: (
        "It is a device or pipe" if target == "/" else f"It is a link to {target!r}, which is not here"
    ),
    "link_outside": lambda: "It is a link that leads out of the source",
    "entry_is_folder": lambda: "It is both a file and a folder",
    "entry_protected": lambda: "It is protected by a password",
    "entry_unusual": lambda: "It is packed in an unusual way",
    "archive_unread": lambda: "It is an archive that is not read; unpack it, and import the folder",
    "name_undecodable": lambda: "Its name is not valid text",
    # label files
    "json_git_pointer": lambda: f"It {GIT_POINTER}",
    "json_file_large": lambda bytes: f"The file is larger than {bytes / 1e6:.0f} MB",
    "json_broken": lambda: "The JSON is broken and cannot be read",
    "json_bloated": lambda photos: f"The JSON holds far more than {photos} photos need",
    "json_foreign": lambda: "The JSON is not COCO: it has no lists 'images', 'annotations' and 'categories'",
    "xml_broken": lambda: "The XML is broken and cannot be read",
    "xml_foreign": lambda tag: f"The XML is not a VOC annotation: it begins with <{tag}>, not <annotation>",
    "xml_crowded": lambda objects, most: f"The XML has {objects} objects, more than {most} on a photo",
    "xml_several": lambda annotations: f"The XML holds {annotations} annotations that differ; keep the right one",
    "video_without_frames": lambda: (
        "It is about a video, and its frames (frame_000000.png and so on) are not here; export the task as CVAT for "
        "images, with the images"
    ),
    "shape_damaged": lambda shape, name: f"A {shape} of {name!r} lacks a label or the numbers of its place",
    "lines_many": lambda lines, most: f"The file has {lines} lines, more than the {most} annotations of a photo",
    "marks_many": lambda marks, most: f"It has {marks} annotations, more than the {most} of a photo",
    "marks_compared": lambda file, marks: f"With those in {file} it has {marks} annotations, more than are compared",
    "names_ambiguous": lambda file, other: (
        f"Neither {file!r} nor {other!r} is about this photo, and they name different classes; import the folder of "
        "each data set separately"
    ),
    "other_task": lambda: "It holds other labels of the photos, such as keypoints or captions",
    "photos_elsewhere": lambda photos: f"None of the {photos} photos that it describes is here",
    "more_photos": lambda photos: (
        f"It describes {photos} more photos than are here; another file describes exactly those"
    ),
    "photos_of_others": lambda photos: f"It describes {photos} more photos than are here",
    "table_broken": lambda: "The table is broken and cannot be read",
    "table_foreign": lambda: "It has no columns for a photo and the four sides of a box",
    "table_unclear": lambda: (
        "Its columns x and y may be a corner or the centre of each box; call them x_min and y_min, or x_center and "
        "y_center"
    ),
    "table_of_masks": lambda: "It holds masks of pixels, not boxes; convert them to boxes",
    "table_of_others": lambda: "It describes boxes of photos that are not here",
    "row_damaged": lambda text: f"{text!r} are not the four numbers of a box",
    "row_foreign": lambda text: f"{text!r} has not the numbers and the class of an object",
    "row_turned": lambda: "The box is turned by an angle; export the corners of turned boxes, or upright boxes",
    "row_boxless": lambda: "A row has no box, but other rows of the same photo have one",
    "row_unnamed": lambda name: f"A box of {name!r} has no class",
    "numbers_unnamed": lambda called: "No file names the classes, which have only numbers or codes",
    "table_without_classes": lambda called: "The table has no column for the class of a box",
    "marks_unlisted": lambda marks: f"Of its annotations, {_is_or_are(marks)} of photos that it does not list",
    "predictions_only": lambda photos: (
        f"For {counted(photos, 'photo')} it has only predictions of a model; accept or correct them first"
    ),
    "predictions": lambda photos, files: (
        f"It holds {counted(photos, 'photo')} and {counted(files, 'text file')} of a detector's own runs: predictions "
        "are not ground truth"
    ),
    "folder_without_photos": lambda files: f"The photos of {counted(files, 'label file')} of this folder are not here",
    "other_program": _other_program,
    "other_format": lambda format, boxes: (
        f"There are {FORMAT_TITLES[format]} labels too ({counted(boxes, 'box', 'boxes')}), without names of classes"
    ),
    "described_twice": lambda file, photo: f"{file} already describes {photo}",
    "labels_disagree": _disagreeing,
    "people_disagree": _people_disagree,
    "drawn_twice": lambda file, photo: f"Another annotation of {photo} marks the same objects",
    "ground_truth": lambda people, photo: (
        f"One annotation of {photo!r} is marked as ground truth, and {_is_or_are(people)} not"
    ),
    "other_version": lambda photos, others: f"Of its photos, {_is_or_are(photos)} described by {_files(others)} too",
    "other_objects": lambda photos, others: (
        f"Of its photos, {_is_or_are(photos)} described by {_files(others)} too, with other objects"
    ),
    "other_labels": lambda files, boxes=0: (
        f"The photos that {counted(files, 'label file')} of this folder belong to have other labels"
        f"{f', which lack {boxes} of these boxes' * bool(boxes)}"
    ),
    "split_twice": lambda photos, splits, **_: _named_twice(photos, splits),
    "split_twice_by_folder": lambda photos, splits, **_: _named_twice(photos, splits),
    "split_twice_train": lambda photos, splits, **_: _named_twice(photos, splits),
    "train_unnamed": lambda photos: (
        f"No photo is named for train, and {counted(photos, 'photo is', 'photos are')} named for no split"
    ),
    "label_file_missing": lambda photos: f"{counted(photos, 'photo has', 'photos have')} no label file",
    "names_missing": lambda called: "No file names the class numbers (a data.yaml with 'names', or a classes.txt)",
    "categories_missing": lambda called: (
        "The file does not say what its classes are called: 'categories' is missing or empty"
    ),
    "names_differ": _contradiction,
}
