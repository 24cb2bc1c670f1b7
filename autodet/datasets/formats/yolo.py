"""YOLO: one text file per photo, one object per line, and the class names in a separate file.

``yolo_lines`` parses the lines, ``yolo_layout`` decides for the whole source what their numbers mean, and
``yolo_marks`` turns them into annotations. ``yolo_settings`` and ``yolo_names`` read names and splits from
``data.yaml``, from Darknet's ``obj.data`` and ``obj.names``, or from lists such as ``classes.txt``.
``yolo_dataset_match`` chooses among several such files, and ``yolo_pairs`` pairs text files with photos.
"""

from collections.abc import Collection
from pathlib import PurePosixPath

from autodet.datasets.formats.labels import LabelledPhoto, OtherReading, Reading
from autodet.datasets.formats.source_files import Listing, original_name, plain
from autodet.datasets.formats.yolo_dataset_match import Claims
from autodet.datasets.formats.yolo_lines import is_label
from autodet.datasets.formats.yolo_marks import PhotoMarks
from autodet.datasets.formats.yolo_pairs import (
    Pairs,
    find_left_over,
    find_shared,
    find_unlabelled,
    label_stems,
    pair_photos,
    without_predictions,
)
from autodet.datasets.formats.yolo_settings import read_settings
from autodet.datasets.formats.yolo_tables import RowTables
from autodet.records import Cause, Finding, Split


def unmet(listing: Listing) -> Cause | None:
    """Return why a source is not YOLO; None if it is YOLO."""
    if not listing.ending(".txt"):
        return Cause("no_txt")
    stems = {stem for photo in listing.photos for stem in label_stems(photo.name)}
    called = ((path, plain(path.rpartition("/")[2][:-4])) for path in listing.ending(".txt"))
    labels = [path for path, stem in called if stem in stems or original_name(stem) in stems]
    if not labels:
        return Cause("no_txt_of_photo")
    if any(is_label(listing, path) for path in labels[:100]):
        return None
    settings = read_settings(listing)
    if any(settings_file.names for settings_file in (*settings.documents, *settings.lists)):
        return None
    return Cause("txt_without_boxes", {"file": labels[0]})


def read(listing: Listing) -> Reading:
    """Read the labels of every photo; a photo without a label file has no objects if most others have one."""
    listing, findings = without_predictions(listing)
    pairs, left_over = pair_photos(listing)
    claims = Claims(listing, read_settings(listing))
    splits, twice = claims.read_splits()
    split_of = _splits_of(listing, pairs, splits)
    unlabelled = find_unlabelled(pairs, split_of)
    listed = bool(splits) and "train" in split_of.values()
    labelled = {photo: path for photo, path in pairs.items() if photo not in unlabelled}
    tables = RowTables(listing, claims, labelled)
    shared, kept_out = find_shared(listing, {photo: path for photo, path in labelled.items() if path})
    photos: list[LabelledPhoto] = []
    for photo, path in labelled.items():
        if photo in tables.damaged:
            continue
        split = split_of[photo]
        read = tables.marks_of(photo, path) if path else PhotoMarks((), (), (), is_centred=False)
        for line, kind, (key, values) in read.damage:
            findings.append(Finding(kind, path or "", "drop", {**values, "line": line}, key, (str(photo),)))
        left_out = (OtherReading("labels_shared", "drop", (), left_out=True),) if photo in kept_out else ()
        photos.append(
            LabelledPhoto(
                photo,
                path or str(photo),
                read.marks,
                split=split,
                relative=True,
                unlisted=listed and split is None,
                notation="center" if read.is_centred else "",
                readings=(*read.readings, *left_out),
            )
        )
    findings += [*tables.findings(), *shared, *twice]
    findings += claims.find_contradictions({photo: path for photo, path in pairs.items() if path}, tables.used)
    findings += _about("label_file_missing", [photo.photo for photo in photos if not pairs[photo.photo]])
    if splits and not listed:
        findings += _about("train_unnamed", [photo.photo for photo in photos if photo.split is None])
    findings += find_left_over(listing, left_over, pairs)
    return Reading(tuple(photos), tuple(findings), tuple(sorted(tables.named)), stale_lists=True)


def _splits_of(listing: Listing, pairs: Pairs, splits: dict[PurePosixPath, Split]) -> dict[PurePosixPath, Split | None]:
    """Return each photo's split from the settings, or else from its folder, unless the settings list that split."""
    named_splits = {None, *splits.values()}
    by_folder = {photo: listing.split_of(photo) for photo in pairs if photo not in splits}
    return {
        photo: splits.get(photo) or (None if by_folder[photo] in named_splits else by_folder[photo]) for photo in pairs
    }


def _about(kind: str, photos: Collection[PurePosixPath]) -> list[Finding]:
    """Report photos that are kept, if there are any."""
    return [Finding(kind, "", "keep", {"photos": len(photos)}, photos=tuple(map(str, photos)))] if photos else []
