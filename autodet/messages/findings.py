"""Sentences for findings: the problem, and the action taken or planned."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from autodet.messages.audience import Audience
from autodet.messages.finding_phrases import consent as _consent
from autodet.messages.finding_phrases import decide
from autodet.messages.finding_phrases import few as _few
from autodet.messages.finding_phrases import files as _files
from autodet.messages.findings_yolo import ABOUT_AUDIENCE_YOLO, ACTIONS_YOLO, PROBLEMS_YOLO
from autodet.messages.formats import FORMAT_TITLES, PHOTO_FORMATS
from autodet.records import MAX_LOST_SHARE, Cause, Finding
from autodet.text_format import counted

GIT_POINTER = "is a pointer of Git LFS in place of the file; run 'git lfs pull', or download the file itself"
WITHOUT_BOXES = {
    "train": "a search has nothing to learn from",
    "val": "a search cannot compare its trials",
    "test": "no model can be evaluated on it",
}
MAX_NAMES = 3  # of classes or files in one sentence
NOTHING_IMPORTED, NOTHING_MERGED = "Nothing {was} imported.", "Nothing {was} merged."
LEFT_OUT, KEPT = "The photo {was} left out.", "It {was} kept."
BOX_DROPPED, CLASS_DROPPED = "The box {was} dropped.", "Its boxes {were} dropped."


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


def _box(name: str, box_xyxy: Sequence[float], problem: str) -> str:
    return f"The box of {name!r} at ({', '.join(f'{value:g}' for value in box_xyxy)}) {problem}"


def _sides(size_wh: Sequence[int]) -> str:
    return "{}x{}".format(*size_wh)


def _is_or_are(count: int) -> str:
    return f"{count} {'is' if count == 1 else 'are'}"


def _pair(same: str, file: str, split: str, other_split: str) -> str:
    if split == other_split:
        return f"{file!r} {same}"
    return f"It is in {split}; {file!r} in {other_split} {same}"


def _named_twice(photos: Sequence[str], splits: Sequence[str]) -> str:
    several = f"{len(photos)} photos are named" if len(photos) > 1 else f"{photos[0]} is named"
    return f"{several} for {' and '.join(splits)}; a photo in both is data leakage"


def _unmarked(split: str, photos: int, difficult: bool) -> str:
    lacks = f"{counted(photos, 'photo')} and no boxes{' but difficult ones' * difficult}" if photos else "no photos"
    return f"The split {split} has {lacks}, so {WITHOUT_BOXES[split]}"


def _loss(
    source: str,
    photos: int,
    of_photos: int,
    boxes: int,
    of_boxes: int,
    unlisted: bool,
    examples: Sequence[Mapping[str, Any]],
    *,
    audience: Audience = "terminal",
    **more: int,
) -> str:
    cut = more.get("cut", 0)  # not in files of earlier versions
    counts = [f"{photos} of {of_photos} labelled photos"] * bool(photos) + [f"{boxes} of {of_boxes} boxes"] * bool(
        boxes
    )
    losses = [f"lose {' and '.join(counts)}"] * bool(counts) + [f"cut {cut} of {of_boxes} boxes"] * bool(cut)
    how = " (--decide photo_unlisted=keep)" if audience == "terminal" else ""
    advice = f"Put those that no list names into train{how}. " if unlisted else ""
    return (
        f"{source!r} would {' and '.join(losses)}, more than {MAX_LOST_SHARE:.0%}. {examples_sentence(examples)} "
        f"{advice}Fix them, or agree to import the rest{_consent('large_loss', audience)}"
    )


def _disagreement(
    split: str, boxes: int, lost: int, classes: Sequence[str], more: bool, *, audience: Audience = "terminal"
) -> str:
    named = ", ".join(map(repr, classes)) + " ..." * more
    return (
        f"Of the {counted(boxes, 'box', 'boxes')} in {split}, {lost} are of classes that no photo of train shows "
        f"({named}); give each class one name in every split, or agree to import it as it is"
        f"{_consent('splits_disagree', audience)}"
    )


def _contradiction(
    file: str, other: str, photos: int, number: int, name: str, other_name: str, *, audience: Audience = "terminal"
) -> str:
    about = f"are both about {counted(photos, 'photo')}" if photos else "are about the same labels"
    return (
        f"{file!r} and {other!r} {about}, but class {number} is {name!r} in the first and {other_name!r} in the "
        f"second; remove the wrong one, or agree to use the first{_consent('names_differ', audience)}"
    )


def _similar(name: str, dataset: str, other: str, *, audience: Audience = "terminal") -> str:
    return (
        f"The class {name!r} of {dataset!r} is probably {other!r}; "
        f"{decide('to join them or to keep two classes', 'class_similar', audience, 'fix', 'keep')}"
    )


def _partial(
    name: str,
    photos: int,
    of_photos: int,
    labelled_in: Sequence[str],
    lacking: Sequence[str],
    *,
    audience: Audience = "terminal",
) -> str:
    lacks = (
        f"Only {_quoted(labelled_in)} labels {name!r}: {photos:,} of {counted(of_photos, 'photo')} are labelled "
        f"without it ({_quoted(lacking)})"
    )
    if audience == "page":
        return (
            f"{lacks}. If those photos show it, label it there first, or clear its mark under Keep. If it has another "
            "name there, give both one New name"
        )
    return (
        f"{lacks}, and whatever has no box counts as background. If they show it, label it there first, or leave the "
        f"class out (--map {name}=). If the class has another name there, use one name (--map {name}=NEW). Else agree "
        f"to merge{_consent('class_partial', audience)}"
    )


def _datasets_disagree(photos: int, file: str, first: str, second: str, *, audience: Audience = "terminal") -> str:
    are = "photo is" if photos == 1 else "photos are"
    actions = f"to join the boxes, to use those of {first!r}, or to leave such photos out"
    return (
        f"{photos:,} {are} in both {first!r} and {second!r}, with different boxes ({file!r} is one); "
        f"{decide(actions, 'datasets_disagree', audience, 'fix', 'keep', 'drop')}"
    )


def _leaking(photos: int, of_photos: int, file: str, other: str, *, audience: Audience = "terminal") -> str:
    return (
        f"{photos:,} of {counted(of_photos, 'photo')} look like a photo of another data set in a later split "
        f"({file!r} like {other!r}), which is data leakage; draw new splits, or "
        f"{decide('to leave them out or to keep them', 'photo_leak', audience, 'drop', 'keep')}"
    )


def _quoted(names: Sequence[str]) -> str:
    return " and ".join(map(repr, names[:MAX_NAMES])) + " ..." * (len(names) > MAX_NAMES)


def _disagreeing(file: str, other: str, photo: str, photos: int, *, audience: Audience = "terminal") -> str:
    actions = f"to join their boxes, or to use {file}"
    return (
        f"{file} and {other} mark different boxes on {counted(photos, 'photo')}, such as {photo}; remove the wrong "
        f"file, or {decide(actions, 'labels_disagree', audience, 'fix', 'keep')}"
    )


def _turned_unclear(stated_wh: Sequence[int], width: int, height: int, *, audience: Audience = "terminal") -> str:
    return (
        f"The labels state the size of the photo lying on its side ({_sides(stated_wh)}). Some boxes of such photos "
        f"fit only that, others only the upright photo ({width}x{height}); "
        f"{decide('to turn all boxes with the photo, or none', 'turned_unclear', audience, 'fix', 'keep')}"
    )


def _turned_half(*, audience: Audience = "terminal", **_: Any) -> str:
    return (
        "EXIF mirrors the photo or turns it upside down, and nothing shows whether its boxes were drawn before or "
        f"after; {decide('to turn the boxes with the photo, or not', 'turned_half', audience, 'fix', 'keep')}"
    )


def _size_unclear(stated_wh: Sequence[int], width: int, height: int, *, audience: Audience = "terminal") -> str:
    actions = "to scale the boxes, to leave them as they are, or to leave the photo out"
    return (
        f"The labels say that the photo has the size {_sides(stated_wh)}, but it is {width}x{height}, and the boxes do "
        "not show which is right; "
        f"{decide(actions, 'size_unclear', audience, 'fix', 'keep', 'drop')}"
    )


def _copies_disagree(file: str, photos: int, *, audience: Audience = "terminal") -> str:
    actions = "to join the boxes of all copies, or to keep them as they are"
    return (
        f"It is a copy of {file!r} (identical bytes) with other labels, one of {photos} such copies; "
        f"{decide(actions, 'copies_disagree', audience, 'fix', 'keep')}"
    )


NOTATION_WORDS = {
    "corners": "two corners (xmin, ymin, xmax, ymax)",
    "top_left": "the top left corner, width and height",
    "center": "the center, width and height",
}
UNIT_WORDS = {
    "pixels": " in pixels",
    "fractions": " as fractions of the photo",
    "percent": " in percent of the photo",
    "per_mille": " in thousandths of the photo",
}


def _notation(
    boxes: int,
    misfits: int,
    written: str,
    fitting: Mapping[str, str],
    *,
    audience: Audience = "terminal",
) -> str:
    others = " or as ".join(f"{NOTATION_WORDS[notation]}{UNIT_WORDS[unit]}" for notation, unit in fitting.items())
    return (
        f"Of {counted(boxes, 'box', 'boxes')}, {misfits} reach beyond their photos, have no area or crowd in a corner, "
        f"read as {NOTATION_WORDS[written]}; read as {others}, all fit; "
        f"{decide('how to read them', 'box_notation', audience, *fitting, 'keep')}"
    )


def _people_disagree(file: str, photo: str, *, audience: Audience = "terminal") -> str:
    actions = "to join their boxes or to use the first"
    return (
        f"{file} has several annotations of {photo}, with other boxes; delete the wrong ones or mark one as ground "
        f"truth, or {decide(actions, 'labels_disagree', audience, 'fix', 'keep')}"
    )


def _attribute_unclear(chosen: str, others: Sequence[str], *, audience: Audience = "terminal") -> str:
    return (
        f"The regions have several attributes, {_few([chosen, *others])}, and any of them may be the class; name that "
        f"of the class 'class', or agree to use {chosen!r}{_consent('attribute_unclear', audience)}"
    )


def _other_program(program: str, format: str) -> str:
    whose = f"{FORMAT_TITLES[program]}'s" if program in FORMAT_TITLES else "another program's"
    read = FORMAT_TITLES.get(format, format)
    return f"Its labels are {whose}, and {read} labels were read; export these as {read} too, or import them separately"


# By cause, or by kind where a kind has only one cause: the finding's values in, a sentence without its period out.
PROBLEMS: Mapping[str, Callable[..., str]] = {
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
    # photos
    "photo_git_pointer": lambda name: f"{name!r} {GIT_POINTER}",
    "photo_large": lambda name, bytes: f"The photo {name!r} is larger than {bytes // 1_000_000} MB; make it smaller",
    "photo_unopened": lambda name, reason: f"The photo {name!r} cannot be read ({reason}); check that it is there",
    "photo_forbidden": lambda name, reason: (
        f"The photo {name!r} cannot be read ({reason}); check its name and permissions"
    ),
    "photo_pixels": lambda name, pixels: (
        f"The photo {name!r} has more than {pixels / 1e6:.0f} million pixels; make it smaller, or raise "
        "AUTODET_MAX_PHOTO_MEGAPIXELS"
    ),
    "photo_overfull": lambda name: f"The photo {name!r} has a file far larger than its pixels need; export it again",
    "photo_absent": lambda name: f"The photo {name!r} is not there; check its name",
    "photo_damaged": lambda name: f"The photo {name!r} is cut short or damaged; export or copy it again",
    "photo_foreign": lambda name: f"{name!r} is not a photo that can be read; give a {PHOTO_FORMATS} file",
    "tiff_layout": lambda name: (
        f"The TIFF {name!r} has bands or a compression that cannot be read, such as more than four bands; export it "
        "as RGB with 8 or 16 bits"
    ),
    "photo_converted": lambda format, photos, several, **_: (
        f"{counted(photos, 'photo is', 'photos are')} in the format {format}"
        + f"; {several} of them with several images, of which only the first was read" * bool(several)
    ),
    "wrong_ending": lambda ending, format, **_: f"The file is called {ending} but is a {format} photo",
    "ending_missing": lambda format, **_: f"The file has no extension and is a {format} photo",
    "size_missing": lambda **_: "The labels give no size for the photo, or 0x0",
    "turned": lambda stated_wh, **_: (
        f"The labels are for the photo lying on its side ({_sides(stated_wh)}), as the camera stored it"
    ),
    "turned_upright": lambda stated_wh, **_: (
        f"The labels state the size of the photo lying on its side ({_sides(stated_wh)}), but the boxes of such photos "
        "fit the upright photo only"
    ),
    "turned_half": _turned_half,
    "turned_unclear": _turned_unclear,
    "size_resized": lambda stated_wh, width, height: (
        f"The boxes were drawn when the photo had the size {_sides(stated_wh)}; now it is {width}x{height}"
    ),
    "size_mismatch": lambda stated_wh, width, height: (
        f"The labels say that the photo is {_sides(stated_wh)}, but it is {width}x{height}"
    ),
    "size_unclear": _size_unclear,
    "copy_unlabelled": lambda file: f"It is a copy of {file!r}, which has labels, and has none itself",
    "copies_disagree": _copies_disagree,
    "photo_crowded": lambda boxes, most: (
        f"{boxes} boxes are annotated on the photo, and a detector finds at most {most}"
    ),
    "photo_unlabelled": lambda: "No labels were found for this photo",
    "photo_unlisted": lambda: "No list of a split names this photo",
    "photo_copies": lambda differ=False, **pair: (
        _pair("is the same photo", **pair) + (", with other labels" if differ else "")
    ),
    "photo_alike": lambda **pair: _pair("looks the same", **pair),
    # photos that labels name
    "photo_unsupported": lambda name: f"The photo {name!r} has a format that cannot be read; convert it to JPEG or PNG",
    "photo_of_xml_missing": lambda name: f"There is no photo called {name!r} for this XML",
    "photo_of_entry_missing": lambda name: f"There is no photo called {name!r} for this entry",
    "photo_of_labels_missing": lambda name: f"There is no photo called {name!r} for this file of labels",
    "photo_embedded": lambda name: (
        f"The photo {name!r} is inside the JSON only (imageData); save it as a file of this name beside the JSON"
    ),
    "photos_missing": lambda entries: f"The photos of {entries} more entries are missing too",
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
    "other_labels": lambda files: (
        f"The photos that {counted(files, 'label file')} of this folder belong to have other labels"
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
    # boxes
    "object_unnamed": lambda number: f"Object {number} has no class name",
    "object_boxless": lambda number, name: f"Object {number} ({name}) has no complete <bndbox> of four numbers",
    "line_unreadable": lambda text: f"{text!r} is not a class number and the numbers of a box",
    "line_places": lambda: "Its numbers are not positions on a photo",
    "line_shape": lambda: "A line has neither the four numbers of a box nor the corners of a polygon",
    "number_unnamed": lambda number: f"The class number {number} has no name",
    "mark_boxless": lambda: "An annotation has neither a bbox of four numbers nor a polygon or mask",
    "mask_unreadable": lambda: "An annotation has a mask that cannot be read",
    "mask_empty": lambda: "An annotation has an empty mask",
    "category_unnamed": lambda category: f"An annotation has the category {category}, which is not in categories",
    "shape_unnamed": lambda number: f"Shape {number} has no class",
    "shape_points": lambda number, name: f"Shape {number} ({name}) does not have the points of its type",
    "shape_unknown": lambda number, name, shape: f"Shape {number} ({name}) is of an unknown type, {shape!r}",
    "region_place": lambda number: f"Region {number} does not have the numbers of its shape",
    "region_shape": lambda number, shape: f"Region {number} is of an unknown shape, {shape!r}",
    "region_sizeless": lambda number: f"Region {number} is turned or painted, and the size of its photo is not given",
    "view_turned": lambda number: f"Region {number} was drawn on a turned view of the photo (image_rotation)",
    "coordinates_missing": lambda number: f"Annotation {number} does not have the numbers x, y, width and height",
    "coordinates_unknown": lambda number: f"Annotation {number} counts from an unknown origin or anchor",
    "bbox_missing": lambda number: f"Object {number} has no bbox of four numbers",
    "class_unlisted": lambda number, category: f"Object {number} has the class {category}, which no file names",
    "attribute_missing": lambda called: "No attribute of the regions has a value that could be their class",
    "attribute_chosen": lambda chosen, others: (
        f"The regions have several attributes, {_few([chosen, *others])}; {chosen!r} fits a class best"
    ),
    "attribute_unclear": _attribute_unclear,
    "notation_decided": lambda notation, boxes: (
        f"{counted(boxes, 'box', 'boxes')} cannot be x, y, width and height, or have areas that contradict it"
    ),
    "classes_several": lambda shapes: f"{counted(shapes, 'object has', 'objects have')} several classes",
    "shapes_skipped": lambda shapes: f"{counted(shapes, 'shape is', 'shapes are')} a point, a line or ignored",
    "shapes_grouped": lambda shapes: f"{counted(shapes, 'outline belongs', 'outlines belong')} to another one's object",
    "shapes_hulled": lambda shapes: (
        f"{counted(shapes, 'box is', 'boxes are')} turned, and a detector finds upright boxes"
    ),
    "box_set_aside": lambda name, box_xyxy, file, counting: _box(
        name, box_xyxy, f"is in {file} only; {counting} is used, which lacks it"
    ),
    "box_no_area": lambda name, box_xyxy: _box(name, box_xyxy, "has no area"),
    "box_outside": lambda name, box_xyxy, size_wh: _box(
        name, box_xyxy, f"lies outside the photo, which is {_sides(size_wh)}"
    ),
    "box_overhanging": lambda name, box_xyxy, size_wh, pixels: _box(
        name, box_xyxy, f"reaches {pixels:g} pixels beyond the photo, which is {_sides(size_wh)}"
    ),
    "box_notation": _notation,
    "corners_by_area": lambda boxes: (
        f"Its {counted(boxes, 'box', 'boxes')} hold two corners, x1, y1, x2 and y2: areas and outlines fit only those"
    ),
    "box_swapped": lambda name, box_xyxy: _box(name, box_xyxy, "has its second corner above or left of the first"),
    "box_duplicate": lambda name, box_xyxy: _box(name, box_xyxy, "appears twice"),
    "box_tiny": lambda boxes, pixels, image_size: (
        f"A box is less than {pixels:g} pixels wide or high once the photo has the training size of {image_size}"
    ),
    "boxes_tiny": lambda boxes, pixels, image_size: (
        f"{boxes} boxes are less than {pixels:g} pixels wide or high once the photo has the training size of "
        f"{image_size}"
    ),
    # classes
    "class_spelling": lambda name, boxes, other: (
        f"The class {name!r} ({counted(boxes, 'box', 'boxes')}) is spelled {other!r} elsewhere"
    ),
    "class_empty": lambda name: f"The class {name!r} has no boxes",
    "class_rare": lambda name, boxes: f"The class {name!r} has only {counted(boxes, 'box', 'boxes')}",
    "class_missing": lambda name, split: f"The class {name!r} is on no photo of {split}",
    "class_untaught": lambda name, split, labels: (
        f"The class {name!r} is in {split} (first in {labels!r}) but in no photo of train, so it could not be learned; "
        f"correct its name, add photos of it to train, or remove it from {split}"
    ),
    # merges
    "class_similar": _similar,
    "class_partial": _partial,
    "datasets_disagree": _datasets_disagree,
    "photo_leak": _leaking,
    # the whole data set
    "splits_disagree": _disagreement,
    "large_loss": _loss,
    "unlabelled": lambda photos: f"There are no labels for {counted(photos, 'photo')}",
    "no_boxes": lambda source: (
        f"{source!r} has no boxes; draw some, then import again. Without boxes there is nothing to learn"
    ),
    "no_boxes_left": lambda source: (
        f"No box of {source!r} is left; leave out less. Without boxes there is nothing to learn"
    ),
    "no_validation": lambda: "The source has no photos for validation",
    "too_few_for_validation": lambda: "There are too few photos to set some aside for validation",
    "no_validation_drawn": lambda: "There are no photos for validation",
    "split_unmarked": _unmarked,
    **PROBLEMS_YOLO,
    "recorded": lambda problem, action: problem.removesuffix("."),  # sentences of earlier versions
}

# By cause, or by kind. Templates have the verbs ``was`` and ``were`` in the tense, and the finding's values.
ACTIONS: Mapping[str, Mapping[str, str | Callable[..., str]]] = {
    "text_encoding": {"keep": "Check these names; if they are wrong, save the files in UTF-8, and import again."},
    "unreadable_photo": {"drop": LEFT_OUT},
    "photo_missing": {"drop": LEFT_OUT},
    "photo_of_labels_missing": {"drop": "They {were} left out."},
    "labels_damaged": {"drop": LEFT_OUT},
    "json_git_pointer": {"drop": "Its photos {were} left out."},
    "json_file_large": {"drop": "Its photos {were} left out."},
    "json_broken": {"drop": "Its photos {were} left out."},
    "json_bloated": {"drop": "Its photos {were} left out."},
    "marks_compared": {"drop": "Those {were} left out."},
    "labels_foreign": {"drop": "It {was} skipped."},
    "file_skipped": {"drop": "It {was} skipped."},
    "marks_unlisted": {"drop": "They {were} skipped."},
    "predictions": {"drop": "They {were} left out."},
    "other_program": {"drop": LEFT_OUT},
    "other_format": {"drop": "They {were} ignored."},
    "described_twice": {"drop": "It {was} left out."},
    "other_version": {"drop": lambda others, **_: f"For these, {_files(others)} counts."},
    "other_objects": {"drop": "Their boxes {were} joined."},
    "other_labels": {"drop": "The other labels count."},
    "split_twice": {"fix": "Each {was} put into one split, {first} first."},
    "split_twice_by_folder": {"fix": "Each {was} put into one split: that of its folder's name, else {first} first."},
    "split_twice_train": {
        "fix": "They {were} taken for train; if that leaves no photo for val, splits are drawn from it."
    },
    "photo_unlisted": {"drop": LEFT_OUT, "keep": "It {was} put into train."},
    "train_unnamed": {"keep": "They {were} put into train."},
    "photo_unlabelled": {"drop": LEFT_OUT, "keep": "It {was} kept as a photo without objects."},
    "label_file_missing": {"keep": "They {were} kept as photos without objects."},
    "box_damaged": {"drop": BOX_DROPPED},
    "class_unknown": {"drop": BOX_DROPPED},
    "names_missing": {"keep": "The classes {were} called {called}."},
    "labels_disagree": {
        "stop": NOTHING_IMPORTED,
        "fix": "The boxes of both {were} joined.",
        "keep": "The file named first {was} used.",
    },
    "names_differ": {"keep": "Its names {were} used.", "stop": NOTHING_IMPORTED},
    "attribute_chosen": {"keep": "It {was} used."},
    "attribute_unclear": {"keep": "The first {was} used.", "stop": NOTHING_IMPORTED},
    "notation_decided": {"keep": "They {were} read as two corners."},
    "classes_several": {"keep": "A box for each class {was} made."},
    "shapes_skipped": {"drop": "They {were} left out."},
    "shapes_grouped": {"fix": "One box around each object {was} made.", "keep": "Each outline {was} kept."},
    "drawn_twice": {"drop": "The first {was} used."},
    "ground_truth": {"drop": "The ground truth {was} used."},
    "shapes_hulled": {"fix": "The upright box around each {was} taken."},
    "box_set_aside": {"drop": BOX_DROPPED},
    "box_no_area": {"drop": BOX_DROPPED},
    "box_outside": {"fix": "The box {was} cut to the photo.", "drop": BOX_DROPPED},
    "box_notation": {
        "stop": NOTHING_IMPORTED,
        "keep": "The boxes {were} read as the format says.",
        "corners": "The boxes {were} read as two corners.",
        "top_left": "The boxes {were} read as the top left corner and the size.",
        "center": "The boxes {were} read as the center and the size.",
    },
    "boxes_reread": {"fix": "They {were} read as two corners."},
    "box_swapped": {"fix": "The corners {were} swapped.", "drop": BOX_DROPPED},
    "box_duplicate": {"drop": BOX_DROPPED, "keep": "Both {were} kept."},
    "box_tiny": {"keep": KEPT, "drop": "It {was} dropped."},
    "boxes_tiny": {"keep": "They {were} kept.", "drop": "They {were} dropped."},
    "photo_crowded": {"keep": "All {were} kept."},
    "wrong_ending": {"fix": "It {was} stored as {stored_as}."},
    "photo_converted": {"fix": "Each {was} converted to {stored_as}."},
    "turned": {"fix": "The boxes {were} turned with the photo.", "keep": "The boxes {were} left as they are."},
    "turned_upright": {"keep": "The boxes {were} left as they are.", "fix": "The boxes {were} turned with the photo."},
    "turned_half": {
        "stop": NOTHING_IMPORTED,
        "fix": "The boxes {were} turned with the photo.",
        "keep": "The boxes {were} left as they are.",
    },
    "turned_unclear": {
        "stop": NOTHING_IMPORTED,
        "fix": "The boxes {were} turned with the photo.",
        "keep": "The boxes {were} left as they are.",
    },
    "copy_unlabelled": {"drop": LEFT_OUT, "keep": "It {was} kept as a photo without objects."},
    "copies_disagree": {
        "stop": NOTHING_IMPORTED,
        "fix": "The boxes of all copies {were} joined on one photo.",
        "keep": "All {were} kept as they are.",
    },
    "size_missing": {"keep": "The photo's own size, {width}x{height}, {was} used."},
    "size_resized": {
        "fix": "The boxes {were} scaled to the photo.",
        "keep": "The boxes {were} left as they are.",
        "drop": LEFT_OUT,
    },
    "size_unclear": {
        "stop": NOTHING_IMPORTED,
        "fix": "The boxes {were} scaled to the photo.",
        "keep": "The boxes {were} left as they are.",
        "drop": LEFT_OUT,
    },
    "size_mismatch": {
        "keep": "The photo's own size, {width}x{height}, {was} used.",
        "fix": "The boxes {were} scaled to the photo.",
        "drop": LEFT_OUT,
    },
    "class_spelling": {
        "fix": "They {were} taken as one class, {other!r}.",
        "keep": "They {were} kept as two classes.",
    },
    "class_empty": {"drop": "It {was} left out."},
    "class_rare": {"keep": KEPT, "drop": CLASS_DROPPED},
    "class_missing": {"keep": KEPT, "drop": CLASS_DROPPED},
    "class_untaught": {"keep": KEPT, "drop": CLASS_DROPPED},
    "splits_disagree": {"stop": NOTHING_IMPORTED, "keep": "It {was} imported anyway."},
    "class_similar": {
        "stop": NOTHING_MERGED,
        "fix": "They {were} joined as {other!r}.",
        "keep": "They {were} kept as two classes.",
    },
    "class_partial": {"stop": NOTHING_MERGED, "keep": "It {was} kept."},
    "datasets_disagree": {
        "stop": NOTHING_MERGED,
        "fix": "The boxes of both {were} joined.",
        "keep": "The boxes of {first!r} {were} used.",
        "drop": "They {were} left out.",
    },
    "photo_leak": {"stop": NOTHING_MERGED, "drop": "They {were} left out.", "keep": "They {were} kept."},
    "photo_copies": {"keep": "Both {were} kept.", "drop": LEFT_OUT},
    "photo_alike": {"keep": "Both {were} kept.", "drop": LEFT_OUT},
    "large_loss": {"stop": NOTHING_IMPORTED, "keep": "The rest {was} imported."},
    "unlabelled": {"keep": "They {were} imported without labels."},
    "no_boxes": {"stop": NOTHING_IMPORTED},
    "no_validation": {"keep": "A search needs a photo in val: add photos, then import again."},
    **ACTIONS_YOLO,
    "no_validation_drawn": {"keep": "A search needs photos in val: redraw the splits, with a share for val."},
    "split_unmarked": {"keep": "Draw new splits, or annotate objects on photos of {split}."},
}
ABOUT_AUDIENCE = {
    *("splits_disagree", "large_loss", "names_differ", "labels_disagree", "people_disagree", "attribute_unclear"),
    *("box_notation", "turned_half", "turned_unclear", "size_unclear", "copies_disagree"),
    *("class_similar", "class_partial", "datasets_disagree", "photo_leak"),
    *ABOUT_AUDIENCE_YOLO,
}


def problem_sentence(finding: Finding, audience: Audience = "terminal") -> str:
    """Return the problem as a sentence."""
    return f"{_clause_of(finding, audience)}."


def action_sentence(finding: Finding, *, planned: bool = False) -> str:
    """Return the action for a finding as a sentence, in the past or, if it is ``planned``, as a conditional."""
    if finding.cause == "recorded":
        return str(finding.values["action"])
    actions = ACTIONS.get(finding.cause) or ACTIONS.get(finding.kind, {})
    worded = actions.get(finding.action, "")
    if callable(worded):
        return worded(**finding.values)
    was, were = ("would be", "would be") if planned else ("was", "were")
    return worded.format(was=was, were=were, **finding.values)


def cause_clause(cause: Cause) -> str:
    """Return a cause as a clause, without a period at its end.

    A cause that only a later version knows gets a clause that says so.
    """
    if cause.key not in PROBLEMS:
        return f"A later version of autodet found {cause.key!r} here; update autodet to read it"
    values = dict(cause.values)
    line = f"Line {values.pop('line')}: " if "line" in values else ""
    return line + PROBLEMS[cause.key](**values)


def finding_to_json(finding: Finding, *, planned: bool = False) -> dict[str, Any]:
    """Return the keys ``file, problem, action, kind, photos``, the second and third as sentences."""
    return {
        "file": finding.file,
        "problem": problem_sentence(finding),
        "action": action_sentence(finding, planned=planned),
        "kind": finding.kind,
        "photos": list(finding.photos),
    }


def examples_sentence(examples: Sequence[Mapping[str, Any]]) -> str:
    """Return a sentence with examples of findings.

    Args:
        examples: Per example ``cause`` and ``values``, ``file``, and ``more``: the number of further findings alike.
    """
    clauses = []
    for example in examples:
        file, clause = example["file"], cause_clause(Cause(example["cause"], example["values"]))
        where = "" if not file or file in example["values"].values() else f"{file}: "
        clauses.append(where + clause + (f" (and {example['more']} more like it)" if example["more"] else ""))
    return f"{'; '.join(clauses)}."


def _clause_of(finding: Finding, audience: Audience) -> str:
    cause = finding.cause or finding.kind
    if cause in ABOUT_AUDIENCE:
        return PROBLEMS[cause](**finding.values, audience=audience)
    return cause_clause(Cause(cause, finding.values))
