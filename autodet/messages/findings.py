"""Sentences for findings: the problem, and the action taken or planned."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from autodet.messages.audience import Audience
from autodet.messages.finding_actions import ACTIONS
from autodet.messages.finding_phrases import consent as _consent
from autodet.messages.finding_phrases import decide
from autodet.messages.finding_phrases import few as _few
from autodet.messages.findings_labels import PROBLEMS_LABELS
from autodet.messages.findings_photos import PROBLEMS_PHOTOS
from autodet.messages.findings_yolo import ABOUT_AUDIENCE_YOLO, PROBLEMS_YOLO
from autodet.records import MAX_LOST_SHARE, Cause, Finding
from autodet.text_format import counted

WITHOUT_BOXES = {
    "train": "a search has nothing to learn from",
    "val": "a search cannot compare its trials",
    "test": "no model can be evaluated on it",
}
MAX_NAMES = 3  # of classes or files in one sentence


def _box(name: str, box_xyxy: Sequence[float], problem: str) -> str:
    return f"The box of {name!r} at ({', '.join(f'{value:g}' for value in box_xyxy)}) {problem}"


def _sides(size_wh: Sequence[int]) -> str:
    return "{}x{}".format(*size_wh)


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


def _unlabelled(photos: int, classes: Sequence[str] = ()) -> str:
    folders = f"; their folders ({_quoted(classes)}) become classes to label with" if classes else ""
    return f"No labels were found for {counted(photos, 'photo')}{folders}"


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
        f"{lacks}, and objects without a box count as background. If they show it, label it there first, or leave the "
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


def _attribute_unclear(chosen: str, others: Sequence[str], *, audience: Audience = "terminal") -> str:
    return (
        f"The regions have several attributes, {_few([chosen, *others])}, and any of them may be the class; name that "
        f"of the class 'class', or agree to use {chosen!r}{_consent('attribute_unclear', audience)}"
    )


# By cause, or by kind where a kind has only one cause: the finding's values in, a sentence without its period out.
PROBLEMS: Mapping[str, Callable[..., str]] = {
    **PROBLEMS_PHOTOS,
    **PROBLEMS_LABELS,
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
    "corners_by_fit": lambda boxes: (
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
    "unlabelled": _unlabelled,
    "photo_waiting": lambda: "These photos were added without labels",
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


def assumption_text(title: str, findings: Sequence[Finding], audience: Audience = "terminal") -> str:
    """Describe findings of one kind by the first of them and its action."""
    first = findings[0]
    count = f" ({len(findings):,})" if len(findings) > 1 else ""
    example = f"{first.file}: {problem_sentence(first, audience)}" if first.file else problem_sentence(first, audience)
    return f"{title}{count}. {example} {action_sentence(first)}"


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
