"""Kinds of data set problems: why each matters, and the actions available for it.

A decision selects an action for a kind. The first action of a kind is its default.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from autodet.errors import DatasetError
from autodet.records import Problem

Action = Literal["fix", "drop", "keep", "stop"]


@dataclass(frozen=True)
class Kind:
    """One kind of problem.

    Attributes:
        title: Title, in the plural.
        why: One sentence on why it matters.
        choices: Available actions with their descriptions; the default comes first.
        loses: Whether the default discards labelled data; see ``MAX_LOST_SHARE``.
        judged: Whether a user must confirm the decision although no data is lost.
    """

    title: str
    why: str
    choices: Mapping[Action, str]
    loses: bool = False
    judged: bool = False

    @property
    def asks(self) -> bool:
        """Whether an interactive import waits for the user's decision."""
        return self.loses or self.judged

    @property
    def default(self) -> Action:
        """The action taken unless a decision overrides it."""
        return next(iter(self.choices))


MAX_LOST_SHARE = 0.05  # dropping a larger fraction of the labelled photos or boxes needs consent
FEW_LOST = 2  # losses up to this number need no consent, even in a small data set

KINDS: dict[str, Kind] = {
    "unreadable_photo": Kind(
        "Photos that cannot be read",
        "A detector cannot learn from a photo that is cut short, damaged, or no photo at all.",
        {"drop": "Leave the photo out"},
        loses=True,
    ),
    "photo_missing": Kind(
        "Labels without their photo",
        "The labels name a photo that is not there: it may be missing, or have another name.",
        {"drop": "Leave the labels out"},
        loses=True,
    ),
    "labels_damaged": Kind(
        "Label files that cannot be read",
        "The labels of these photos cannot be read, so the photos cannot be used.",
        {"drop": "Leave the photo out"},
        loses=True,
    ),
    "labels_foreign": Kind(
        "Files that were passed over",
        "They belong to photos that are not here, have an unsupported format, or are predictions of a detector.",
        {"drop": "Pass the file over"},
    ),
    "labels_twice": Kind(
        "Photos that are described twice",
        "Both versions of the same labels would mark each object twice, so one counts; other objects are joined.",
        {"drop": "Count each object once"},
    ),
    "split_twice": Kind(
        "Photos that are named for two splits",
        "Photos in both training and test are data leakage: figures would look better than they are.",
        {"fix": "Keep each photo in one split"},
        judged=True,
    ),
    "photo_unlisted": Kind(
        "Photos that no list of a split names",
        "The data set's own lists leave these photos out: on purpose, or because photos came after the lists.",
        {"drop": "Leave the photo out", "keep": "Put it into train"},
        loses=True,
    ),
    "train_unnamed": Kind(
        "Photos that no split names",
        "The data set says which photos are to test with, but not which to learn from.",
        {"keep": "Learn from all other photos"},
        judged=True,
    ),
    "photo_unlabelled": Kind(
        "Photos without labels",
        "They may show no object, or still lack labels; a detector trained on those would learn to miss objects.",
        {"drop": "Leave the photo out", "keep": "Keep it as a photo without objects"},
        judged=True,
    ),
    "label_file_missing": Kind(
        "Photos without a label file",
        "YOLO's sign that a photo shows no object, unless its labels were forgotten.",
        {"keep": "Keep it as a photo without objects"},
    ),
    "box_damaged": Kind(
        "Marks that cannot be read",
        "A mark without four numbers or without a class says nothing.",
        {"drop": "Leave the mark out"},
        loses=True,
    ),
    "class_unknown": Kind(
        "Marks of a class without a name",
        "The labels use a class that the list of classes does not name.",
        {"drop": "Leave the mark out"},
        loses=True,
    ),
    "names_missing": Kind(
        "Classes that are only numbers",
        "The labels use class numbers, and no file names them.",
        {"keep": "Call them class_0, class_1 and so on"},
    ),
    "names_differ": Kind(
        "Files that name the classes differently",
        "They are about the same photos, and with the wrong one each class would be called by another's name.",
        {"stop": "Do not import", "keep": "Use the file that is named first"},
        judged=True,
    ),
    "box_set_aside": Kind(
        "Boxes that only another version of the labels has",
        "Of several versions one counts: a mixture would bring back boxes that were removed or moved.",
        {"drop": "Leave the box out"},
        loses=True,
    ),
    "box_no_area": Kind(
        "Boxes of no area",
        "Nothing can be found in a box that is thinner than a pixel.",
        {"drop": "Leave the box out"},
        loses=True,
    ),
    "box_outside": Kind(
        "Boxes that reach beyond their photo",
        "What lies outside a photo cannot be seen; many such boxes mean that labels and photos do not belong together.",
        {"fix": "Cut the box to the photo", "drop": "Leave the box out"},
        loses=True,
    ),
    "box_duplicate": Kind(
        "Boxes that are marked twice",
        "A detector finds an object once, so the second mark would count as missed.",
        {"drop": "Leave the second one out", "keep": "Keep both"},
        judged=True,
    ),
    "box_tiny": Kind(
        "Very small boxes",
        "They are less than 8 pixels wide or high at the size that photos are trained at, and hard to learn.",
        {"keep": "Keep the box", "drop": "Leave the box out"},
    ),
    "photo_crowded": Kind(
        "Photos with very many boxes",
        "A detector finds at most 100 objects in a photo, and all others count as missed; cut such photos into parts.",
        {"keep": "Keep the photo"},
    ),
    "wrong_ending": Kind(
        "Photos with a wrong ending",
        "Programs that trust a file's name would fail on them; autodet checks the content.",
        {"fix": "Store it with the right ending"},
    ),
    "turned": Kind(
        "Photos that lie on their side",
        "The labels are for the photo as the camera stored it, but people see it turned by its EXIF orientation.",
        {"fix": "Turn the boxes with the photo", "keep": "Leave the boxes as they are"},
        judged=True,
    ),
    "size_missing": Kind(
        "Labels without a size",
        "The labels do not say how large their photo is, so nothing shows that the two belong together.",
        {"keep": "Use the photo's own size"},
    ),
    "size_mismatch": Kind(
        "Labels for a photo of another size",
        "Either the stated size is wrong, or the photo was resized after its boxes were drawn.",
        {"keep": "Leave the boxes as they are", "fix": "Scale the boxes to the photo", "drop": "Leave the photo out"},
        judged=True,
    ),
    "class_spelling": Kind(
        "Classes spelt in two ways",
        "Names that differ only in capital letters or spaces are almost always one class; two would share its photos.",
        {"fix": "Use the more frequent spelling", "keep": "Keep two classes"},
        judged=True,
    ),
    "class_empty": Kind(
        "Classes without boxes",
        "A detector cannot learn a class without boxes; the list of classes may be longer than the labelled ones.",
        {"drop": "Leave the class out"},
    ),
    "class_rare": Kind(
        "Classes with few boxes",
        "A class needs about ten boxes to be found at all, and a hundred to be found well.",
        {"keep": "Keep the class", "drop": "Leave its boxes out"},
    ),
    "class_missing": Kind(
        "Classes that a split lacks",
        "How well such a class is found cannot be measured there.",
        {"keep": "Keep the class", "drop": "Leave its boxes out"},
    ),
    "class_untaught": Kind(
        "Classes that train lacks",
        "A detector cannot find a class that it never saw in training.",
        {"keep": "Keep the class", "drop": "Leave its boxes out"},
        judged=True,
    ),
    "splits_disagree": Kind(
        "Splits whose classes do not agree",
        "If many boxes are of classes that train lacks, the splits probably call the same thing by different names.",
        {"stop": "Do not import", "keep": "Import it nevertheless"},
        judged=True,
    ),
    "photo_copies": Kind(
        "Photos that are there twice",
        "A copy adds nothing; in two splits, it makes figures look better than they are.",
        {"keep": "Keep the copies", "drop": "Leave the copies out"},
        judged=True,
    ),
    "photo_alike": Kind(
        "Photos that look alike across splits",
        "Near-duplicates in training and test are data leakage: figures look better than they are.",
        {"keep": "Keep both", "drop": "Leave the one in train out"},
        judged=True,
    ),
    "large_loss": Kind(
        "Much that cannot be used",
        f"More than {MAX_LOST_SHARE:.0%} of the labelled photos or boxes cannot be used; look at why before you go on.",
        {"stop": "Do not import", "keep": "Import what is left"},
        judged=True,
    ),
    "large_download": Kind(
        "Large downloads",
        "Gigabytes take time and room, and some networks charge for them.",
        {"stop": "Do not fetch it", "keep": "Fetch it"},
        judged=True,
    ),
    "no_boxes": Kind(
        "No boxes at all",
        "A detector learns from boxes; without any there is nothing to learn.",
        {"stop": "Do not import"},
        judged=True,
    ),
    "no_validation": Kind(
        "No photos for validation",
        "A search chooses its best epoch on photos that it is not trained on.",
        {"keep": "Import nevertheless"},
    ),
    "split_unmarked": Kind(
        "Splits without boxes",
        "Without boxes, train has nothing to learn from, and no trial or model can be measured on val or test.",
        {"keep": "Import nevertheless"},
    ),
}


def examples_of(problems: Sequence[Problem]) -> str:
    """Return a sentence with the first example of the three most common kinds and the number of others of each kind."""
    counts = Counter(problem.kind for problem in problems)
    first = {problem.kind: problem for problem in reversed(problems)}
    told = []
    for kind, count in counts.most_common(3):
        file, problem = first[kind].file, first[kind].problem.removesuffix(".")
        where = "" if not file or repr(file) in problem else f"{file}: "
        told.append(where + problem + (f" (and {count - 1} more like it)" if count > 1 else ""))
    return "; ".join(told) + "."


@dataclass(frozen=True)
class Decisions:
    """The action for each kind of problem; defaults apply where none is set."""

    actions: Mapping[str, Action]

    def __getitem__(self, kind: str) -> Action:
        return self.actions.get(kind, KINDS[kind].default)


def decide(actions: Mapping[str, str] | None = None) -> Decisions:
    """Validate the actions that a user chose.

    Raises:
        DatasetError: A kind does not exist, or an action is not available for it.
    """
    checked: dict[str, Action] = {}
    for name, wanted in (actions or {}).items():
        if name not in KINDS:
            raise DatasetError(f"{name!r} is no kind of problem; choose among {', '.join(KINDS)}.")
        known = {str(action): action for action in KINDS[name].choices}
        if wanted not in known:
            raise DatasetError(f"{wanted!r} cannot be done about {name!r}; choose among {', '.join(known)}.")
        checked[name] = known[wanted]
    return Decisions(checked)


DEFAULTS = decide()


def how_many(problems: Sequence[Problem]) -> int:
    """Count the items that problems of one kind affect; a problem without a file counts its photos."""
    return sum(1 if problem.file else max(1, len(problem.photos)) for problem in problems)


def by_kind(problems: Sequence[Problem]) -> dict[str, list[Problem]]:
    """Group problems by kind: kinds that need the user's decision first, then in the order of ``KINDS``."""
    found: dict[str, list[Problem]] = {}
    for problem in problems:
        found.setdefault(problem.kind, []).append(problem)
    order = sorted(KINDS, key=lambda kind: not KINDS[kind].asks)
    return {kind: found[kind] for kind in order if kind in found}
