"""Findings about a data set as values; ``autodet.messages`` words them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from autodet.records.known import known_entries

# After the first four: readings of a row of numbers, then notations of the four numbers of a box.
Action = Literal["fix", "drop", "keep", "stop", "box", "polygon", "turned", "corners", "top_left", "center"]
Values = Mapping[str, Any]
NO_VALUES: Values = {}
MAX_LOST_SHARE = 0.05  # dropping a larger fraction of the labelled photos or boxes needs consent


class Cause(NamedTuple):
    """Why something cannot be used.

    Attributes:
        key: A key of ``autodet.messages.findings.PROBLEMS``.
        values: The names and numbers that the sentence quotes, as JSON values.
    """

    key: str
    values: Values = NO_VALUES


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem of a data set and the action taken.

    Attributes:
        kind: A key of ``autodet.datasets.checks.kinds.KINDS``.
        file: File, relative to the source's root; empty if the finding concerns the whole data set.
        action: Action taken; ``stop`` blocks the import.
        values: The names and numbers that the sentences quote, as JSON values.
        cause: A key of ``autodet.messages.findings.PROBLEMS``; empty if the kind has only one cause.
        photos: Affected photos: paths below the source's root or, once imported, below the data set's ``images``.
    """

    kind: str
    file: str
    action: Action
    values: Values = field(default_factory=dict)
    cause: str = ""
    photos: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Return one line, for notebooks."""
        cause = self.cause or self.kind
        return f"Finding({cause!r}, {self.file!r}, {self.action!r}, {dict(self.values)}, {len(self.photos)} photos)"


def finding_from_json(document: Mapping[str, Any]) -> Finding:
    """Return a finding from the JSON of its attributes, or from the sentences of an earlier version.

    Raises:
        KeyError, TypeError: The document is no finding.
    """
    photos = {"photos": tuple(document["photos"])}
    if "problem" in document:
        sentences = {key: document[key] for key in ("problem", "action")}
        return Finding(document.get("kind", ""), document["file"], "keep", sentences, "recorded", **photos)
    return Finding(**known_entries(Finding, document) | photos)


ChangeKind = Literal[
    "renamed",
    "merged",
    "dropped",
    "doubles_dropped",
    "emptied_kept",
    "emptied_dropped",
    "photos_dropped",
    "resplit",
    "split_unmarked",
    "joined",
    "added",
    "copies_joined",
    "copies_dropped",
    "leaks_dropped",
    "boxes_edited",
    "labelled",
    "unlabelled_dropped",
    "undecided_dropped",
    "splits_continued",
    "recorded",  # a sentence, written by an earlier version
]


class VersionChange(NamedTuple):
    """A difference between a version of a data set and its parent.

    Attributes:
        kind: What changed.
        values: Names and numbers, as JSON values.
    """

    kind: ChangeKind
    values: Values = NO_VALUES


def change_from_json(document: Any) -> VersionChange:
    """Return a change from its JSON, a kind and values, or from the sentence of an earlier version."""
    if isinstance(document, str):
        return VersionChange("recorded", {"sentence": document})
    return VersionChange(*document)
