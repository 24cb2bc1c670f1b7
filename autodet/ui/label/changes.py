"""Changes that the label editor sends: stored one by one, with an answer for each."""

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

from autodet.datasets.drafts.checks import draft_from_browser
from autodet.datasets.drafts.journal import add_draft_class, earlier_proposals, read_drafts, save_draft
from autodet.datasets.manifest import Dataset
from autodet.errors import AutodetError, DraftConflictError, sentence_for
from autodet.messages.evaluation import issue_text
from autodet.messages.people import person_text
from autodet.records import PhotoDraft

MAX_CHANGES = 500  # photos and classes of one message; the browser sends what is left in the next one


def store_changes(dataset: Dataset, message: Mapping[str, Any]) -> dict[str, Any]:
    """Store the changes of a message from the browser, and return an answer to each.

    Args:
        dataset: The data set that is labelled.
        message: ``{"classes": [name], "photos": [document for draft_from_browser]}``; nothing in it is trusted.

    Returns:
        ``{"classes": {name: {"saved": name} or {"refused": sentence}}, "photos": {file: {"saved": revision}, or
        {"conflict": draft} if another change came first, or {"refused": sentence}}}``.
    """
    classes = [name for name in _listed(message, "classes") if isinstance(name, str)]
    photos = [photo for photo in _listed(message, "photos") if isinstance(photo, Mapping)]
    return {
        "classes": {name: _class_answer(dataset, name) for name in classes},
        "photos": {str(photo.get("file")): _photo_answer(dataset, photo) for photo in photos},
    }


def draft_document(draft: PhotoDraft) -> dict[str, Any]:
    """Return a draft as the browser gets it."""
    return {
        "revision": draft.revision,
        "reviewed": draft.reviewed,
        "flagged": draft.flagged,
        "author": person_text(draft.author),
        "time": draft.time,
        "issues": [
            {
                "kind": issue.kind,
                "class": issue.class_name,
                "box": list(issue.box),
                "text": issue_text(issue.kind, issue.class_name, issue.suggested_class),
            }
            for issue in draft.issues
        ],
        "boxes": [_box_document(asdict(box)) for box in draft.boxes],
    }


def _box_document(fields: dict[str, Any]) -> dict[str, Any]:
    return {"class": fields.pop("class_name"), "box": list(fields.pop("box_xyxy")), **fields}


def _listed(message: Mapping[str, Any], key: str) -> list[Any]:
    values = message.get(key)
    return values[:MAX_CHANGES] if isinstance(values, list) else []


def _class_answer(dataset: Dataset, name: str) -> dict[str, Any]:
    try:
        return {"saved": add_draft_class(dataset, name)}
    except (AutodetError, OSError) as error:
        return _refusal(error)


def _photo_answer(dataset: Dataset, photo: Mapping[str, Any]) -> dict[str, Any]:
    try:
        earlier = partial(earlier_proposals, dataset, str(photo.get("file")))
        return {"saved": save_draft(dataset, draft_from_browser(read_drafts(dataset), photo, earlier)).revision}
    except DraftConflictError as conflict:
        if not isinstance(conflict.current, PhotoDraft):
            raise
        return {"conflict": draft_document(conflict.current)}
    except (AutodetError, OSError) as error:
        return _refusal(error)


def _refusal(error: Exception) -> dict[str, Any]:
    return {"refused": sentence_for(error) or "The change could not be stored; reload the page."}
