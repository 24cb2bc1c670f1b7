"""Labels that a visitor gives beside photos: read as an import reads them, without the photos."""

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from autodet.datasets.checks.photo_checks import check_labels
from autodet.datasets.formats.format_detection import FORMATS, find_format
from autodet.datasets.formats.source_files import list_files
from autodet.datasets.photos import PhotoFacts
from autodet.errors import AutodetError
from autodet.inference.prediction_batches import NamedPhoto
from autodet.models.matching_weights import match_classes
from autodet.records import Annotations, Mark
from autodet.settings import load_settings
from autodet.workspace import hidden_folder, open_workspace, safe_join

NAME_FILE = "classes.txt"  # of the class names of YOLO labels
NAME_ENDINGS = (".yaml", ".yml", ".names", ".data")
UPRIGHT = 1  # EXIF orientation


def read_labels(
    sizes_wh: Mapping[str, tuple[int, int]], labels: Sequence[NamedPhoto], classes: Sequence[str]
) -> dict[str, tuple[Mark, ...]]:
    """Read labels of any format that can be imported; class numbers without names are those of a model.

    Args:
        sizes_wh: Width and height of each upright photo in pixels, by its name.
        labels: Label files with their names.
        classes: Class names of the model.

    Returns:
        The annotations in pixels, by the photo's name; photos without labels are left out.

    Raises:
        AutodetError: The labels cannot be read, or match several formats.
    """
    with hidden_folder(open_workspace().dropped) as folder:
        names = {_write(folder, name, b""): name for name in sizes_wh}
        names.pop("", None)
        for source, name in labels:
            _write(folder, name, source if isinstance(source, bytes) else source.read_bytes())
        written = [PurePosixPath(name).name.lower() for _, name in labels]
        if not any(name == NAME_FILE or name.endswith(NAME_ENDINGS) for name in written):
            (folder / NAME_FILE).write_text("\n".join(classes), encoding="utf-8")
        listing = list_files(folder, load_settings().max_archive_entries)
        reading = FORMATS[find_format(listing, "auto", "These labels").format].read(listing)
    found: dict[str, tuple[Mark, ...]] = {}
    for labelled in reading.photos:
        photo = names.get(str(labelled.photo))
        if photo is not None:
            checked = check_labels(labelled, PhotoFacts("JPEG", sizes_wh[photo], UPRIGHT))
            if checked.has_labels:
                found[photo] = checked.marks
    return found


def marks_of(annotations: Annotations, classes: Sequence[str]) -> tuple[Mark, ...]:
    """Return annotations one by one, with the names of their classes."""
    rows = zip(
        annotations.class_ids.tolist(),
        annotations.boxes_xyxy.tolist(),
        annotations.difficult.tolist(),
        annotations.truncated.tolist(),
        strict=True,
    )
    return tuple(Mark(classes[index], (*box,), *flags) for index, box, *flags in rows)


def model_annotations(marks: Sequence[Mark], classes: Sequence[str]) -> Annotations:
    """Return annotations with the class ids of a model; those of classes that it does not know are left out."""
    names = match_classes(classes, sorted({mark.name for mark in marks})).kept
    known = [mark for mark in marks if mark.name in names]
    return Annotations.of(
        [mark.box_xyxy for mark in known],
        [classes.index(names[mark.name]) for mark in known],
        [mark.difficult for mark in known],
        [mark.truncated for mark in known],
    )


def _write(folder: Path, name: str, content: bytes) -> str:
    """Write a file below a folder; return its path there, empty if it cannot have this name."""
    try:
        path = safe_join(folder, name.replace("\\", "/").lstrip("/"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except (AutodetError, OSError, ValueError):
        return ""
    return path.relative_to(folder.absolute()).as_posix()
