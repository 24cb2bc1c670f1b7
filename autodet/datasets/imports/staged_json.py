"""JSON serialisation of a staged source, so that different processes can read the source and show its review."""

import json
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from autodet.datasets.formats.format_detection import Detection
from autodet.datasets.formats.labels import LabelledPhoto, OtherReading
from autodet.datasets.imports.staging import Staged, StagedPhoto
from autodet.datasets.photos import PhotoFacts
from autodet.errors import AutodetError, DatasetError
from autodet.records import Cause, Mark, finding_from_json
from autodet.workspace import read_json, write_atomically

STAGED = "staged.json"


def write_staged(folder: Path, staged: Staged) -> None:
    """Write a staged source into a folder."""
    document = {
        "root": str(staged.root),
        "shown": staged.shown,
        "detection": asdict(staged.detection) | {"unmet": staged.detection.unmet},
        "photos": [_photo_to_json(photo) for photo in staged.photos],
        "unlabelled": [_photo_to_json(photo) for photo in staged.unlabelled],
        "classes": staged.classes,
        "stale_lists": staged.stale_lists,
        "splits_from": staged.splits_from,
        "findings": [asdict(finding) for finding in staged.findings],
    }
    write_atomically(folder / STAGED, json.dumps(document).encode())


def read_staged(folder: Path) -> Staged:
    """Read a staged source from a folder; inverse of ``write_staged``.

    Raises:
        DatasetError: The file is missing or damaged.
    """
    path = folder / STAGED
    try:
        return _read(path, path.stat().st_mtime_ns)
    except (AutodetError, OSError, KeyError, TypeError, ValueError) as error:
        raise DatasetError("The files of this import are lost; import the source again.") from error


@lru_cache(maxsize=4)
def _read(path: Path, _modified: int) -> Staged:
    document = read_json(path)
    return Staged(
        root=Path(document["root"]),
        shown=document["shown"],
        detection=_detection_from_json(document["detection"]),
        photos=tuple(_photo_from_json(photo) for photo in document["photos"]),
        unlabelled=tuple(_photo_from_json(photo) for photo in document["unlabelled"]),
        findings=tuple(map(finding_from_json, document["findings"])),
        classes=tuple(document["classes"]),
        stale_lists=document["stale_lists"],
        splits_from=document["splits_from"],
    )


def _photo_to_json(photo: StagedPhoto) -> list[Any]:
    labelled, facts = photo.labelled, photo.facts
    return [
        str(labelled.photo),
        labelled.labels,
        _marks_to_json(labelled.marks),
        labelled.stated_wh,
        labelled.split,
        labelled.relative,
        labelled.unlisted,
        _marks_to_json(labelled.aside),
        labelled.notation,
        labelled.listed,
        [[kind, action, _marks_to_json(marks)] for kind, action, marks in labelled.readings],
        [facts.format, facts.stored_wh, facts.orientation, facts.look, facts.several],
        photo.sha256,
    ]


def _photo_from_json(document: list[Any]) -> StagedPhoto:
    photo, labels, marks, stated, split, relative, unlisted, aside, notation, listed, readings, facts, sha256 = document
    format_, stored, *seen = facts
    labelled = LabelledPhoto(
        photo=PurePosixPath(photo),
        labels=labels,
        marks=_marks_from_json(marks),
        stated_wh=tuple(stated) if stated else None,
        split=split,
        relative=relative,
        unlisted=unlisted,
        aside=_marks_from_json(aside),
        notation=notation,
        listed=listed,
        readings=tuple(OtherReading(kind, action, _marks_from_json(marks)) for kind, action, marks in readings),
    )
    return StagedPhoto(labelled, PhotoFacts(format_, tuple(stored), *seen), sha256)


def _marks_to_json(marks: tuple[Mark, ...]) -> list[Any]:
    return [[mark.name, mark.box_xyxy, mark.difficult, mark.truncated] for mark in marks]


def _marks_from_json(document: list[Any]) -> tuple[Mark, ...]:
    return tuple(Mark(name, tuple(box), *flags) for name, box, *flags in document)


def _detection_from_json(document: dict[str, Any]) -> Detection:
    return Detection(**document | {"unmet": {format: Cause(*reason) for format, reason in document["unmet"].items()}})
