"""Export of the labels as they stand now, with the photos, for other programs."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from autodet.datasets.drafts.journal import read_drafts
from autodet.datasets.drafts.version import labelled_records
from autodet.datasets.export import write_export
from autodet.datasets.label_layouts import LabelledBox, LabelledPhotos, name_photos
from autodet.datasets.manifest import Dataset, DatasetSummary, as_dataset
from autodet.records import DraftBox


def export_drafts(data: Dataset | DatasetSummary | str, format: str, path: str | Path) -> Path:
    """Export all photos of a data set with their labels as they stand now.

    Only Label Studio gets the proposals that wait for a decision, as predictions with scores.

    Args:
        data: The data set, its id or its name.
        format: ``coco``, ``yolo``, ``voc``, ``cvat`` or ``label_studio``; see ``export_dataset``.
        path: Target file; an existing file is replaced atomically once the new one is complete.

    Returns:
        The path.

    Raises:
        DatasetError: The format does not exist, the file cannot be written, or a photo cannot be read.
    """
    dataset = as_dataset(data)
    drafts = read_drafts(dataset)
    used = (box.class_name for draft in drafts.changed.values() for box in draft.boxes)
    classes = tuple(dict.fromkeys((*drafts.classes, *used)))
    records = labelled_records(drafts, dataset.images, classes)
    photos = []
    for photo in name_photos(records):
        draft = drafts.changed.get(photo.record.file)
        reviewed = drafts.state_of(photo.record.file) in ("labelled", "empty")
        proposals = tuple(_boxes(classes, draft.proposals)) if draft else ()
        photos.append(replace(photo, reviewed=reviewed, proposals=proposals, model=draft.model if draft else ""))
    return write_export(dataset, LabelledPhotos(dataset.name, classes, photos), format, path)


def _boxes(classes: Sequence[str], proposals: Sequence[DraftBox]) -> Iterator[LabelledBox]:
    for box in proposals:
        yield LabelledBox(classes.index(box.class_name), list(box.box_xyxy), box.difficult, box.truncated, box.score)
