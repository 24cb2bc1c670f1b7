"""Photos that nobody has labelled yet: a training would take them for photos without objects."""

from collections.abc import Sequence

from autodet.datasets.manifest import Dataset
from autodet.records import Finding

WAITING = "photo_waiting"  # the kind of finding that names them in a data set with labels


def waiting_photos(dataset: Dataset) -> frozenset[str]:
    """Return the photos that wait to be labelled: all of a data set without boxes, else those that were added so."""
    if not dataset.boxes:
        return frozenset(record.file for record in dataset.images)
    return frozenset(photo for finding in dataset.findings if finding.kind == WAITING for photo in finding.photos)


def waiting_findings(files: Sequence[str]) -> list[Finding]:
    """Return the finding that names waiting photos; none if there are none."""
    return [Finding(WAITING, "", "keep", photos=tuple(files))] if files else []
