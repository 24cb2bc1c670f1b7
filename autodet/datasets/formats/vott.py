"""VoTT: the JSON export, a file per photo (``-asset.json``), and the file beside the photos of version 1."""

from collections.abc import Iterator, Mapping
from typing import Any

from autodet.datasets.formats.entries import LabelEntry, match_entries
from autodet.datasets.formats.json_documents import (
    documents,
    find_documents,
    find_unmet,
    splits_of_files,
    stated_size,
    texts_of,
)
from autodet.datasets.formats.labels import Reading, plain_name
from autodet.datasets.formats.masks import number_of, numbers_of
from autodet.datasets.formats.photo_marks import PhotoMarks
from autodet.datasets.formats.shapes import hull_of_points, points_of
from autodet.datasets.formats.source_files import JSON_ENDINGS, Listing
from autodet.records import BoxXYXY, Cause, Finding

NOT_VISITED = 0  # state of an asset; 1 is visited without regions, 2 is tagged
VIDEO = 2  # type of an asset
WITHOUT_AREA = {"POINT", "POLYLINE"}
_SIDES = ("left", "top", "width", "height")
_FRAME_SIDES = ("x1", "y1", "x2", "y2")


def unmet(listing: Listing) -> Cause | None:
    """Return why a source is not VoTT's; None if it is."""
    return find_unmet(listing, _paths(listing), is_vott)


def is_vott(document: Any) -> bool:
    """Return whether a JSON document holds regions of VoTT; a project file (``.vott``) lists its photos only."""
    if not isinstance(document, dict):
        return False
    return any(map(_is_asset, _assets_of(document))) or _is_version_1(document)


def read(listing: Listing) -> Reading:
    """Read all files, and match their assets to photos."""
    findings: list[Finding] = []
    found = list(documents(listing, _paths(listing), is_vott, findings))
    splits = splits_of_files([path for path, _ in found])
    entries: list[LabelEntry] = []
    classes: set[str] = set()
    for path, document in found:
        if _is_version_1(document):
            entries += (_frame(path, name, regions, document) for name, regions in document["frames"].items())
            continue
        entries += (_entry(path, asset, splits[path]) for asset in _assets_of(document) if _is_image(asset))
        tags = document["tags"] if isinstance(document.get("tags"), list) else []
        classes.update(plain_name(tag.get("name") or "") for tag in tags if isinstance(tag, dict))
    return match_entries(listing, entries, classes - {""}, findings)


def _paths(listing: Listing) -> list[str]:
    found = [find_documents(listing, key, ending=JSON_ENDINGS) for key in ("asset", "frames")]
    return sorted({path for paths in found for path in paths})


def _is_version_1(document: Mapping[str, Any]) -> bool:
    frames = document.get("frames")
    known = "inputTags" in document or "visitedFrames" in document
    return known and isinstance(frames, dict) and all(isinstance(regions, list) for regions in frames.values())


def _assets_of(document: Mapping[str, Any]) -> Iterator[Any]:
    """Return the assets with their regions: those of an export, or the only one of a file per asset."""
    assets = document.get("assets")
    return iter(assets.values() if isinstance(assets, dict) else [document])


def _is_asset(asset: Any) -> bool:
    return isinstance(asset, dict) and isinstance(asset.get("asset"), dict) and isinstance(asset.get("regions"), list)


def _is_image(asset: Any) -> bool:
    return _is_asset(asset) and asset["asset"].get("type") != VIDEO


def _entry(path: str, asset: Mapping[str, Any], split: Any) -> LabelEntry:
    about: Mapping[str, Any] = asset["asset"]
    drawn = PhotoMarks()
    for region in asset["regions"]:
        drawn.next_shape()
        fields = region if isinstance(region, dict) else {}
        if str(fields.get("type")).upper() in WITHOUT_AREA:
            drawn.skipped += 1
            continue
        box = _box_of(fields)
        if box is None:
            drawn.refuse("region_place")
            continue
        drawn.add(texts_of(fields.get("tags")), box)  # as VoTT's own exports, a box for each tag
    size = about["size"] if isinstance(about.get("size"), dict) else {}
    facts: dict[str, Any] = {"stated_wh": stated_size(size.get("width"), size.get("height")), "split": split}
    if not asset["regions"] and about.get("state") == NOT_VISITED:
        facts["unlabelled"] = True
    return drawn.entry(_names(about), path, **facts)


def _names(about: Mapping[str, Any]) -> list[str]:
    """Return the photo's possible names: its path on the machine where it was annotated, and its name."""
    said = (about.get("path"), about.get("name"))
    return [name.removeprefix("file:") for name in said if isinstance(name, str) and name] or ["?"]


def _box_of(region: Mapping[str, Any]) -> BoxXYXY | None:
    bounds = region.get("boundingBox")
    sides = numbers_of([bounds.get(key) for key in _SIDES]) if isinstance(bounds, dict) else None
    if sides:
        left, top, width, height = sides
        return left, top, left + width, top + height
    points = points_of(region.get("points"))
    return hull_of_points(points) if points and len(points) > 1 else None


def _frame(path: str, name: str, regions: list[Any], document: Mapping[str, Any]) -> LabelEntry:
    """Return the entry of a photo of version 1, whose boxes are in pixels of the shown photo, of any size."""
    drawn = PhotoMarks()
    for region in regions:
        drawn.next_shape()
        fields = region if isinstance(region, dict) else {}
        sides = numbers_of([fields.get(key) for key in _FRAME_SIDES])
        width, height = number_of(fields.get("width")), number_of(fields.get("height"))
        if not sides or not width or not height:
            drawn.refuse("region_place")
            continue
        x1, y1, x2, y2 = sides
        drawn.add(texts_of(fields.get("tags")), (x1 / width, y1 / height, x2 / width, y2 / height))
    visited = document.get("visitedFrames")
    seen = name in visited if isinstance(visited, list) else True
    return drawn.entry([name], path, relative=True, unlabelled=not regions and not seen)
