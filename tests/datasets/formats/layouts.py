"""Data sets as tools and people really lay them out: trees of files, and what must come of them."""

import hashlib
import json
from pathlib import Path

from autodet.datasets.formats.format_detection import FORMATS, find_format
from autodet.datasets.formats.labels import Reading
from autodet.datasets.formats.source_files import list_files
from autodet.datasets.imports.import_dataset import import_dataset
from tests.helpers import draw_photo, voc_xml, workspace_in

LINE = "1 0.5 0.5 0.25 0.5\n"
CATEGORIES = ((1, "cat"), (2, "dog"))
BOXES = {"voc": (4, 5, 34, 35), "coco": (4, 5, 34, 35), "yolo": (24, 12, 40, 36)}
ALWAYS = {"class_empty", "class_rare", "class_missing", "no_validation", "split_unmarked"}  # of any tiny data set


class Tree:
    """A folder to be filled, each photo another one, of 64 x 48 pixels.

    A photo of a ``split`` must be imported into it.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.splits: dict[str, str] = {}
        self._drawn = 0

    def photo(self, name: str, split: str | None = None) -> None:
        path = self._place(name)
        self._drawn += 1
        draw_photo(seed=self._drawn).save(path, "PNG" if path.suffix.lower() == ".png" else "JPEG")
        if split:
            self.splits[hashlib.sha256(path.read_bytes()).hexdigest()] = split

    def text(self, name: str, content: str, encoding: str = "utf-8") -> None:
        self._place(name).write_text(content, encoding=encoding)

    def voc(self, photo: str, xml: str, split: str | None = None, filename: str | None = None) -> None:
        self.photo(photo, split)
        self.text(xml, voc_xml(Path(photo).name if filename is None else filename, marks=[("dog", BOXES["voc"])]))

    def yolo(self, photo: str, label: str, line: str = LINE, split: str | None = None) -> None:
        self.photo(photo, split)
        self.text(label, line)

    def coco(self, name: str, photos: list[str], categories=CATEGORIES, **changes) -> None:
        self.text(name, json.dumps(coco(photos, categories) | changes))

    def _place(self, name: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


def coco(photos, categories=CATEGORIES):
    """A COCO document with a mark of the last category on each photo."""
    images = [{"id": number, "file_name": name, "width": 64, "height": 48} for number, name in enumerate(photos)]
    marks = [
        {"id": number, "image_id": number, "category_id": categories[-1][0], "bbox": [4, 5, 30, 30], "iscrowd": 0}
        for number in range(len(photos))
    ]
    named = [{"id": id_, "name": name, "supercategory": "none"} for id_, name in categories]
    return {"info": {}, "images": images, "annotations": marks, "categories": named}


def layouts_of(names: dict) -> list:
    """The functions of a module that lay out a tree and return what must come of it: ``voc_...``, ``coco_...``."""
    own = [one for one in names.values() if getattr(one, "__module__", "") == names["__name__"]]
    return [one for one in own if one.__name__.partition("_")[0] in BOXES]


def assert_imported(tmp_path: Path, layout) -> None:
    """Import a tree, and compare everything that matters with what its layout promises."""
    tree = Tree(tmp_path / "set")
    expected = layout(tree)
    format = layout.__name__.partition("_")[0]
    dataset = import_dataset(tree.root, workspace=workspace_in(tmp_path))
    images = expected.get("images") or sum(expected["splits"].values())
    assert dataset.format == format
    assert len(dataset.images) == images
    assert dataset.boxes == expected.get("boxes", images)
    assert dataset.classes == expected.get("classes", ("dog",))
    assert dataset.splits == expected.get("splits", dataset.splits)
    imported = {record.sha256: record.split for record in dataset.images}
    assert {photo: imported.get(photo) for photo in tree.splits} == tree.splits
    boxes = {
        tuple(box) for record in dataset.images for box in record.annotations.boxes_xyxy.astype(float).round(2).tolist()
    }
    assert boxes == expected.get("boxes_xyxy", {BOXES[format]})
    kinds = {problem.kind for problem in dataset.findings} - ALWAYS
    assert kinds == expected.get("kinds", set())
    assert sum(int(record.annotations.difficult.sum()) for record in dataset.images) == expected.get("difficult", 0)
    assert sum(int(record.annotations.truncated.sum()) for record in dataset.images) == expected.get("truncated", 0)


def read_source(root: Path) -> tuple[str, dict[str, list[tuple]], Reading]:
    """Detect the format of a folder of photos of 64 x 48 pixels, and read it.

    Returns:
        The format, the boxes of each photo as ``(class, x1, y1, x2, y2)`` in pixels, and the reading.
    """
    listing = list_files(root, 1000)
    format = find_format(listing, "auto", root.name).format
    reading = FORMATS[format].read(listing)
    found = {}
    for photo in reading.photos:
        across, down = (64, 48) if photo.relative else (1, 1)
        scales = (across, down, across, down)
        found[str(photo.photo)] = [
            (mark.name, *(round(value * scale, 2) for value, scale in zip(mark.box_xyxy, scales, strict=True)))
            for mark in photo.marks
        ]
    return format, found, reading
