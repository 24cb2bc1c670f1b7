"""Kinds of findings and the actions available for each; ``autodet.messages.finding_kinds`` words them.

A decision selects an action for a kind. The first action of a kind is its default.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autodet.errors import DatasetError
from autodet.records import Action, Finding


@dataclass(frozen=True)
class Kind:
    """One kind of finding.

    Attributes:
        actions: Available actions; the default comes first.
        loses: Whether the default discards labelled data; see ``MAX_LOST_SHARE``.
        needs_consent: Whether a user must confirm the decision although no data is lost.
    """

    actions: tuple[Action, ...]
    loses: bool = False
    needs_consent: bool = False

    @property
    def asks(self) -> bool:
        """Whether an interactive import waits for the user's decision."""
        return self.loses or self.needs_consent

    @property
    def default(self) -> Action:
        """The action taken unless a decision overrides it."""
        return self.actions[0]


EXAMPLES = 3
FEW_LOST = 2  # losses up to this number need no consent, even in a small data set

KINDS: dict[str, Kind] = {
    "text_encoding": Kind(("keep",)),
    "unreadable_photo": Kind(("drop",), loses=True),
    "photo_missing": Kind(("drop",), loses=True),
    "labels_damaged": Kind(("drop",), loses=True),
    "labels_foreign": Kind(("drop",)),
    "file_skipped": Kind(("drop",)),
    "labels_twice": Kind(("drop",)),
    "labels_disagree": Kind(("stop", "fix", "keep"), needs_consent=True),
    "labels_shared": Kind(("stop", "keep", "drop"), needs_consent=True),
    "split_twice": Kind(("fix",), needs_consent=True),
    "photo_unlisted": Kind(("drop", "keep"), loses=True),
    "train_unnamed": Kind(("keep",), needs_consent=True),
    "photo_unlabelled": Kind(("drop", "keep"), needs_consent=True),
    "label_file_missing": Kind(("keep",)),
    "box_damaged": Kind(("drop",), loses=True),
    "class_unknown": Kind(("drop",), loses=True),
    "names_missing": Kind(("keep",)),
    "names_differ": Kind(("stop", "keep"), needs_consent=True),
    "attribute_chosen": Kind(("keep",), needs_consent=True),
    "attribute_unclear": Kind(("stop", "keep"), needs_consent=True),
    "classes_several": Kind(("keep",), needs_consent=True),
    "shapes_skipped": Kind(("drop",), needs_consent=True),
    "shapes_grouped": Kind(("fix", "keep"), needs_consent=True),
    "shapes_hulled": Kind(("fix",)),
    "classes_shifted": Kind(("stop", "fix", "keep"), needs_consent=True),
    "names_read": Kind(("keep",)),
    "rows_read": Kind(("keep",)),
    "rows_ambiguous": Kind(("stop", "box", "polygon"), needs_consent=True),
    "rows_turned": Kind(("stop", "turned", "box"), needs_consent=True),
    "box_set_aside": Kind(("drop",), loses=True),
    "box_no_area": Kind(("drop",), loses=True),
    "box_notation": Kind(("stop", "keep", "corners", "top_left", "center"), needs_consent=True),
    "boxes_reread": Kind(("fix",), needs_consent=True),
    "box_outside": Kind(("fix", "drop"), loses=True),
    "box_swapped": Kind(("fix", "drop")),
    "box_duplicate": Kind(("drop", "keep"), needs_consent=True),
    "box_tiny": Kind(("keep", "drop")),
    "photo_crowded": Kind(("keep",)),
    "wrong_ending": Kind(("fix",)),
    "photo_converted": Kind(("fix",)),
    "turned": Kind(("fix", "keep"), needs_consent=True),
    "turned_upright": Kind(("keep", "fix"), needs_consent=True),
    "turned_half": Kind(("stop", "fix", "keep"), needs_consent=True),
    "turned_unclear": Kind(("stop", "fix", "keep"), needs_consent=True),
    "size_missing": Kind(("keep",)),
    "size_resized": Kind(("fix", "keep", "drop"), needs_consent=True),
    "size_mismatch": Kind(("keep", "fix", "drop"), needs_consent=True),
    "size_unclear": Kind(("stop", "fix", "keep", "drop"), needs_consent=True),
    "copy_unlabelled": Kind(("drop", "keep"), needs_consent=True),
    "copies_disagree": Kind(("stop", "fix", "keep"), needs_consent=True),
    "class_spelling": Kind(("fix", "keep"), needs_consent=True),
    "class_empty": Kind(("drop",)),
    "class_rare": Kind(("keep", "drop")),
    "class_missing": Kind(("keep", "drop")),
    "class_untaught": Kind(("keep", "drop"), needs_consent=True),
    "splits_disagree": Kind(("stop", "keep"), needs_consent=True),
    "class_similar": Kind(("stop", "fix", "keep"), needs_consent=True),
    "class_partial": Kind(("stop", "keep"), needs_consent=True),
    "datasets_disagree": Kind(("stop", "fix", "keep", "drop"), needs_consent=True),
    "photo_leak": Kind(("stop", "drop", "keep"), needs_consent=True),
    "photo_copies": Kind(("keep", "drop"), needs_consent=True),
    "photo_alike": Kind(("keep", "drop"), needs_consent=True),
    "large_loss": Kind(("stop", "keep"), needs_consent=True),
    "large_download": Kind(("stop", "keep"), needs_consent=True),
    "unlabelled": Kind(("keep",), needs_consent=True),
    "photo_waiting": Kind(("keep",)),
    "no_boxes": Kind(("stop",), needs_consent=True),
    "no_validation": Kind(("keep",)),
    "split_unmarked": Kind(("keep",)),
}


def examples_of(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Return the first finding of the most common kinds, for ``autodet.messages.findings.examples_sentence``."""
    counts = Counter(finding.kind for finding in findings)
    first = {finding.kind: finding for finding in reversed(findings)}
    return [
        {
            "file": first[kind].file,
            "cause": first[kind].cause or kind,
            "values": first[kind].values,
            "more": count - 1,
        }
        for kind, count in counts.most_common(EXAMPLES)
    ]


@dataclass(frozen=True)
class Decisions:
    """The action for each kind of finding; defaults apply where none is set."""

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
            raise DatasetError(f"{name!r} is not a kind of finding; choose one of {', '.join(KINDS)}.")
        known = {str(action): action for action in KINDS[name].actions}
        if wanted not in known:
            raise DatasetError(f"{wanted!r} is not an action for {name!r}; choose one of {', '.join(known)}.")
        checked[name] = known[wanted]
    return Decisions(checked)


DEFAULTS = decide()


def how_many(findings: Sequence[Finding]) -> int:
    """Count the items that findings of one kind affect; a finding without a file counts its photos."""
    return sum(1 if finding.file else max(1, len(finding.photos)) for finding in findings)


def by_kind(findings: Sequence[Finding]) -> dict[str, list[Finding]]:
    """Group findings by kind: kinds that need the user's decision first, then in the order of ``KINDS``."""
    grouped: dict[str, list[Finding]] = {}
    for finding in findings:
        grouped.setdefault(finding.kind, []).append(finding)
    order = sorted(KINDS, key=lambda kind: not KINDS[kind].asks)
    return {kind: grouped[kind] for kind in order if kind in grouped}
