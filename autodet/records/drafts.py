"""Drafts of labels: changes by people and models that a version takes over."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, Self

from autodet.records.known import known_entries
from autodet.records.photos import BoxXYXY
from autodet.records.reports import LabelIssue

# The photo has no labels; a model's proposals wait for a decision; it has labels; it has no objects, as a person
# confirmed.
DraftState = Literal["unlabelled", "proposed", "labelled", "empty"]
DRAFT_STATES: tuple[DraftState, ...] = ("unlabelled", "proposed", "labelled", "empty")


@dataclass(frozen=True, slots=True)
class DraftBox:
    """One box of a draft.

    Attributes:
        class_name: Name of its class, one of the draft's classes.
        box_xyxy: Box in pixels of the photo, within it.
        difficult: Whether metrics ignore it.
        truncated: Whether the object extends beyond its box.
        score: Calibrated confidence of a model's proposal, 0 to 1; None for a label that a person made or accepted.
    """

    class_name: str
    box_xyxy: BoxXYXY
    difficult: bool = False
    truncated: bool = False
    score: float | None = None

    @property
    def is_proposal(self) -> bool:
        """Whether a model proposed it and no person has accepted it."""
        return self.score is not None

    def to_json(self) -> dict[str, Any]:
        """Return the attributes as a JSON document."""
        return _shallow(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Invert ``to_json``; written out, because a journal may have 100,000 boxes."""
        return cls(
            document["class_name"],
            tuple(document["box_xyxy"]),
            document.get("difficult", False),
            document.get("truncated", False),
            document.get("score"),
        )


@dataclass(frozen=True, slots=True)
class PhotoDraft:
    """The labels of one photo as they stand now.

    Attributes:
        file: The photo, as the data set names it.
        boxes: Labels and proposals; the first one is on top.
        reviewed: Whether a person has confirmed or changed the labels; an empty photo then has no objects.
        flagged: Whether a person wants it to be looked at again.
        issues: Labels that look wrong to a model, until a person reviews the photo.
        revision: Number of the last change; 0 if the photo is as the data set has it.
        author: Name of the visitor who made the last change; empty if unknown.
        time: Time of the last change, ISO 8601 in UTC; empty at revision 0.
        model: Id of the model that made the last proposals, also once all are decided; empty if there were none.
        accepted_from: Ids of the models that proposed labels of the photo, which a person accepted as they were.
    """

    file: str
    boxes: tuple[DraftBox, ...]
    reviewed: bool = False
    flagged: bool = False
    issues: tuple[LabelIssue, ...] = ()
    revision: int = 0
    author: str = ""
    time: str = ""
    model: str = ""
    accepted_from: tuple[str, ...] = ()

    @property
    def labels(self) -> tuple[DraftBox, ...]:
        """The boxes that count as labels."""
        return tuple(box for box in self.boxes if not box.is_proposal)

    @property
    def proposals(self) -> tuple[DraftBox, ...]:
        """The boxes that a model proposed and no person has accepted."""
        return tuple(box for box in self.boxes if box.is_proposal)

    @property
    def state(self) -> DraftState:
        """State of the photo."""
        if self.proposals:
            return "proposed"
        if self.boxes:
            return "labelled"
        return "empty" if self.reviewed else "unlabelled"

    @property
    def needs_look(self) -> bool:
        """Whether a person flagged it, or a model doubts its labels."""
        return self.flagged or bool(self.issues)

    def to_json(self) -> dict[str, Any]:
        """Return the attributes as a JSON document."""
        boxes, issues = ([one.to_json() for one in many] for many in (self.boxes, self.issues))
        return _shallow(self) | {"boxes": boxes, "issues": issues}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Invert ``to_json``."""
        known = known_entries(cls, document)
        known["boxes"] = tuple(map(DraftBox.from_json, document["boxes"]))
        known["issues"] = tuple(map(LabelIssue.from_json, document.get("issues", ())))
        known["accepted_from"] = tuple(document.get("accepted_from", ()))
        return cls(**known)


@dataclass(frozen=True, slots=True)
class AcceptedProposals:
    """The change that an acceptance of proposals made on one photo, so that it can be taken back.

    Attributes:
        revision: Revision of the draft with the accepted boxes.
        scores: Score of each of its boxes before; None for one that was a label already.
        reviewed: Whether the photo was reviewed before.
        accepted_from: ``PhotoDraft.accepted_from`` before.
    """

    revision: int
    scores: tuple[float | None, ...]
    reviewed: bool
    accepted_from: tuple[str, ...]

    @classmethod
    def of(cls, before: PhotoDraft) -> Self:
        """Return the record of an acceptance that is the next change of a draft."""
        scores = tuple(box.score for box in before.boxes)
        return cls(before.revision + 1, scores, before.reviewed, before.accepted_from)

    def taken_back(self, draft: PhotoDraft) -> PhotoDraft:
        """Return the draft of that revision with its boxes as they were before."""
        boxes = tuple(replace(box, score=score) for box, score in zip(draft.boxes, self.scores, strict=True))
        return replace(draft, boxes=boxes, reviewed=self.reviewed, accepted_from=self.accepted_from)

    def to_json(self) -> dict[str, Any]:
        """Return the attributes as a JSON document."""
        return _shallow(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Invert ``to_json``."""
        known = known_entries(cls, document)
        return cls(**known | {name: tuple(known[name]) for name in ("scores", "accepted_from")})


def _shallow(record: DraftBox | PhotoDraft | AcceptedProposals) -> dict[str, Any]:
    """Return the attributes; ``asdict`` copies each value, which takes longer than writing a journal."""
    return {field.name: getattr(record, field.name) for field in fields(record)}
