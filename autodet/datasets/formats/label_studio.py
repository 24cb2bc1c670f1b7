"""Label Studio: JSON of tasks, each a photo with the annotations of one or several people, and JSON-MIN.

Predictions, drafts, and cancelled annotations are not ground truth. ``label_studio_regions`` reads the regions.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from autodet.datasets.formats.entries import LabelEntry, match_entries
from autodet.datasets.formats.json_documents import documents, find_documents, find_unmet, is_set
from autodet.datasets.formats.label_studio_regions import Region, add_regions, classes_of, has_place
from autodet.datasets.formats.labels import Reading
from autodet.datasets.formats.photo_marks import PhotoMarks
from autodet.datasets.formats.source_files import OTHER_ENDINGS, Listing, original_name, plain
from autodet.datasets.photo_formats import PHOTO_ENDINGS
from autodet.records import Cause, Finding

_REGION_KEYS = ("result", "original_width", "rectanglelabels", "polygonlabels", "ellipselabels", "brushlabels")
MAX_TEXT = 2000  # characters of a path; longer texts are texts
KEYS = ("annotations", "completions", "predictions")  # completions in versions before 1.0
_ENDINGS = (*PHOTO_ENDINGS, *OTHER_ENDINGS)
_OF_ANNOTATION = ("annotation_id", "annotator", "lead_time")  # fields of JSON-MIN
_PHOTO_FIELDS = ("image", "img", "photo", "picture", "url", "image_url")


class Shown(NamedTuple):
    """A photo of a task.

    Attributes:
        names: Possible names of the photo, best first.
        object: The object of the labelling page that shows it, if the task has several photos side by side.
        place: Its place in a series of photos; None if there is none.
    """

    names: tuple[str, ...]
    object: str = ""
    place: int | None = None


@dataclass(frozen=True)
class Task:
    """A photo, or several ones shown together, with its annotations.

    Attributes:
        photos: The photos.
        annotations: The results of each annotation that counts.
        aside: Number of annotations that do not count because another one is the ground truth.
    """

    photos: tuple[Shown, ...]
    annotations: tuple[Sequence[Region], ...]
    aside: int = 0


def unmet(listing: Listing) -> Cause | None:
    """Return why a source is not Label Studio's; None if it is."""
    return find_unmet(listing, _paths(listing), is_label_studio)


def is_label_studio(document: Any) -> bool:
    """Return whether a JSON document is an export of Label Studio."""
    return any(_is_task(task) or _is_minimal(task) for task in _tasks_of(document))


def read(listing: Listing) -> Reading:
    """Read all exports, and match their tasks to photos."""
    findings: list[Finding] = []
    entries: list[LabelEntry] = []
    uploaded = _names_before_upload(listing)
    for path, document in documents(listing, _paths(listing), is_label_studio, findings):
        predicted = sum(map(_is_only_predicted, _tasks_of(document)))
        if predicted:
            findings.append(Finding("labels_foreign", path, "drop", {"photos": predicted}, "predictions_only"))
        for number, fields in enumerate(_tasks_of(document)):
            task = _parsed(fields)
            if task.aside:
                values = {"people": task.aside, "photo": next(iter(task.photos[0].names), "")[:200]}
                findings.append(Finding("labels_twice", path, "drop", values, "ground_truth"))
            entries += _entries(path, number, task, uploaded)
    return match_entries(listing, entries, findings=findings)


def _paths(listing: Listing) -> list[str]:
    exports = [find_documents(listing, key) for key in (*KEYS, *_REGION_KEYS)]
    return sorted({path for paths in exports for path in paths})


def _tasks_of(document: Any) -> list[Mapping[str, Any]]:
    """Return the tasks of a document: a list of tasks, one task, or one annotation as cloud storage gets it."""
    if isinstance(document, dict) and isinstance(document.get("task"), dict) and "result" in document:
        return [{**document["task"], "annotations": [document]}]
    listed = document.get("tasks", [document]) if isinstance(document, dict) else document
    return [task for task in listed if isinstance(task, dict)] if isinstance(listed, list) else []


def _is_task(task: Mapping[str, Any]) -> bool:
    data = task.get("data")
    if not isinstance(data, dict) or not any(isinstance(task.get(key), list) for key in KEYS):
        return False
    return any(
        _is_photo_name(value) or _are_photo_names(value) or "/" in str(value)[:MAX_TEXT] for value in data.values()
    )


def _is_only_predicted(task: Mapping[str, Any]) -> bool:
    """Return whether a model has labelled a task, and no person."""
    return bool(task.get("predictions")) and not any(task.get(key) for key in ("annotations", "completions"))


def _is_minimal(task: Mapping[str, Any]) -> bool:
    fields = task.values()
    return any(map(_is_photo_name, fields)) and any(map(_are_regions, fields))


def _are_regions(field: Any) -> bool:
    """Return whether a field of JSON-MIN holds regions."""
    return isinstance(field, list) and any(
        isinstance(value, dict) and has_place(value) and ("original_width" in value or bool(classes_of(value)))
        for value in field
    )


def _parsed(fields: Mapping[str, Any]) -> Task:
    if not _is_task(fields):
        return _parsed_minimal(fields)
    given: list[Any] = next((fields[key] for key in KEYS[:2] if isinstance(fields.get(key), list)), [])
    counting = [one for one in given if isinstance(one, dict) and _counts(one)]
    starred = [one for one in counting if one.get("ground_truth") is True]
    chosen = starred if len(starred) == 1 else counting
    results = tuple(_regions(one.get("result")) for one in chosen)
    objects = [str(region["to_name"]) for result in results for region in result if region.get("to_name")]
    photos = _photos({**fields["data"], "file_upload": fields.get("file_upload")}, objects)
    return Task(photos, results, len(counting) - len(chosen))


def _counts(annotation: Mapping[str, Any]) -> bool:
    """Return whether an annotation is complete: not skipped, and not a draft."""
    return not is_set(annotation.get("was_cancelled")) and not is_set(annotation.get("skipped"))


def _parsed_minimal(fields: Mapping[str, Any]) -> Task:
    """Parse a task of JSON-MIN: its fields are those of the photo and one for each kind of region, of any name."""
    regions = [
        {**value, "value": value}
        for field in fields.values()
        if _are_regions(field)
        for value in field
        if isinstance(value, dict)
    ]
    for region in regions:
        region.pop("id", None)
    done = bool(regions) or any(key in fields for key in _OF_ANNOTATION)
    return Task(_photos(fields, []), (regions,) if done else ())


def _regions(result: Any) -> list[Region]:
    return [region for region in result if isinstance(region, dict)] if isinstance(result, list) else []


def _photos(data: Mapping[str, Any], objects: Sequence[str]) -> tuple[Shown, ...]:
    """Return the photos of a task.

    Args:
        data: The fields of the task; any of them may hold the photo.
        objects: Names of the objects that were annotated, often those of the fields.
    """
    side_by_side = [name for name in dict.fromkeys(objects) if _is_photo_name(data.get(name))]
    if len(side_by_side) > 1:
        return tuple(Shown((data[name],), object=name) for name in side_by_side)
    order = [*side_by_side, *_PHOTO_FIELDS]
    keys = sorted(data, key=lambda key: order.index(key) if key in order else len(order))
    named = [data[key] for key in keys if _is_photo_name(data[key])]
    if named:
        uploaded = [str(name) for name in (data.get("file_upload"),) if _is_photo_name(name)]
        return (Shown(tuple(dict.fromkeys([named[0], *uploaded]))),)
    series: list[str] = next((data[key] for key in keys if _are_photo_names(data[key])), [])
    if series:
        return tuple(Shown((name,), place=place) for place, name in enumerate(series))
    paths = [name for key in keys if isinstance(name := data[key], str) and "/" in name and len(name) < MAX_TEXT]
    return (Shown(tuple(paths[:1])),)


def _are_photo_names(values: Any) -> bool:
    return isinstance(values, list) and bool(values) and all(map(_is_photo_name, values))


def _is_photo_name(value: Any) -> bool:
    """Return whether a text is a path or an address of a photo."""
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        return False
    return any(name.lower().endswith(_ENDINGS) for name in (value, value.partition("?")[0]))


def _entries(path: str, number: int, task: Task, uploaded: Mapping[str, str]) -> Iterator[LabelEntry]:
    for photo in task.photos:
        before = (uploaded.get(plain(original_name(re.split(r"[/\\]", name)[-1]))) for name in photo.names)
        names = (*photo.names, *filter(None, before)) or (f"task {number + 1}",)
        if not task.annotations:
            yield LabelEntry(names, path, unlabelled=True)
        for version, regions in enumerate(task.annotations):
            drawn = PhotoMarks()
            size = add_regions(drawn, [region for region in regions if _is_on(region, photo)])
            yield drawn.entry(names, path, relative=True, stated_wh=size, version=f"{number}.{version}")


def _names_before_upload(listing: Listing) -> dict[str, str]:
    """Return the photos by the names that they get on upload, which have ``_`` for spaces and lack brackets and such.

    Names that two photos would get are left out.
    """
    found: dict[str, list[str]] = {}
    for path, photo in listing.photo_at.items():
        name = re.sub(r"[^-\w.]", "", photo.name.strip().replace(" ", "_"))
        if name != photo.name:
            found.setdefault(plain(name), []).append(path)
    return {name: paths[0] for name, paths in found.items() if len(paths) == 1}


def _is_on(region: Region, photo: Shown) -> bool:
    if photo.object:
        return region.get("to_name") == photo.object
    return photo.place is None or (region.get("item_index") or 0) == photo.place
