"""Columns of a table of boxes, recognised by their names or, without a header, by their content."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autodet.datasets.formats.labels import Notation
from autodet.datasets.formats.masks import number_of
from autodet.datasets.formats.source_files import OTHER_ENDINGS
from autodet.datasets.formats.split_names import split_called
from autodet.datasets.formats.tables import Row
from autodet.datasets.photo_formats import PHOTO_ENDINGS

Columns = tuple[int, ...]

EMPTY = {"", "nan", "none", "null", "na", "n/a", "-"}


def _names(text: str) -> dict[str, int]:
    return {name: rank for rank, name in enumerate(text.split())}


# Names by what they denote, best first, in lower case and without other characters than letters and digits.
PHOTO = _names(
    "filepath path imagepath imgpath imagefilepath relativepath filename imagefilename imagefile imgfile imgfilename "
    "imgname imagename image img file photo photoname photofile picture picturename imagen archivo bild datei frame "
    "framename imageid imgid photoid fileid externalid imageuri imguri gcsuri uri imageurl imgurl url"
)
PHOTO_IF_FOUND = _names("name id")  # also the names of other columns
LABEL = _names(
    "classname labelname categoryname class label category species objectname objectclass objectlabel classlabel "
    "displayname clsname targetname clase etiqueta classe klasse rotulo cls object target tag tags breed kind type "
    "labels name classid labelid categoryid clsid classidx classindex classnumber catid"
)
SPLIT = _names("split set subset partition usage mluse datasplit datatype settype dataset")
FOLDER = _names("folder dir directory subfolder foldername imagefolder imagedir")
DIFFICULT = _names("difficult isdifficult isgroupof groupof iscrowd crowd ignore isignore ignored")
TRUNCATED = _names("truncated istruncated truncation")
CONFIDENCE = _names("confidence score conf probability prob")
WHOLE = _names(
    "bbox bboxes boxes boundingbox boundingboxes bndbox box objects annotations coordinates coords rect "
    "regionshapeattributes"
)
VIA_SHAPES = "regionshapeattributes"
MASKS = _names("encodedpixels maskpath rle segmentation mask")
LEFT = _names("xmin left x1 xtl minx xleft leftx startx xstart topleftx xtopleft tlx ulx ltx xlt upperleftx x0")
TOP = _names("ymin top y1 ytl miny ytop topy starty ystart toplefty ytopleft tly uly lty ylt upperlefty y0")
RIGHT = _names("xmax right x2 xbr maxx xright rightx endx xend bottomrightx xbottomright brx lrx rbx xrb lowerrightx")
BOTTOM = _names(
    "ymax bottom y2 ybr maxy ybottom bottomy endy yend bottomrighty ybottomright bry lry rby yrb lowerrighty"
)
CENTER_X = _names("cx xcenter centerx xcentre centrex xc ctrx xctr xmid midx xcentroid centroidx")
CENTER_Y = _names("cy ycenter centery ycentre centrey yc ctry yctr ymid midy ycentroid centroidy")
QUADRILATERAL = ("x1", "y1", "x2", "y2", "x3", "y3", "x4", "y4")
ANGLE = _names("angle theta rotation rotationangle boxangle")
BOX_WIDTH, BOX_HEIGHT = _names("w bw boxw bboxw"), _names("h bh boxh bboxh")
PHOTO_WIDTH = _names("imagewidth imgwidth photowidth picturewidth originalwidth imagew imgw framewidth widthimage")
PHOTO_HEIGHT = _names("imageheight imgheight photoheight pictureheight originalheight imageh imgh frameheight")

_PREFIX = re.compile("^(boundingbox|bndbox|bboxes|bbox|box|rect|roi|region|bb|norm|normalized|normalised|rel)(?=.)")
_SUFFIX = re.compile("(?<=.)(px|pixels?|norm|normalized|normalised|rel|relative|abs|absolute|coord|coordinate)$")
_OF_BOX = re.compile("^(boundingbox|bndbox|bboxes|bbox|box|rect|roi|region|bb)|(boundingbox|bbox|box)$")
_NOTATIONS: Mapping[str, Notation] = {
    "xyxy": "corners",
    "x1y1x2y2": "corners",
    "xminyminxmaxymax": "corners",
    "ltrb": "corners",
    "cxcywh": "center",
    "xcycwh": "center",
    "xywh": "top_left",
    "ltwh": "top_left",
    "coco": "top_left",
}


@dataclass(frozen=True)
class Layout:
    """Which column of a table holds what.

    Attributes:
        photos: Columns that may name the photo, best first.
        header: Whether the first row is a header.
        unsure: Those of ``photos`` that may be about something else.
        sides: The columns of the four numbers of a box, or of its four corners; empty if a cell holds whole boxes.
        whole: The column of whole boxes.
        notation: The notation of the four numbers; empty if neither names nor order tell.
        firm: Whether the names of the columns determine the notation.
        labels: Columns that may name the class, best first.
        size_wh: The columns of the photo's width and height.
        split: The column of the split.
        folder: The column of the photo's folder.
        difficult: Columns of flags for difficult objects and groups.
        truncated: The column of the flag for truncated objects.
        confidence: The column of a confidence.
        angle: The column of the angle by which a box is turned.
        attributes: The column of VIA's attributes of a region, one of which is the class.
        open_images: Whether the table is laid out like those of Open Images, which describe all of its photos.
    """

    photos: Columns
    header: bool
    unsure: Columns = ()
    sides: Columns = ()
    whole: int | None = None
    notation: Notation = ""
    firm: bool = False
    labels: Columns = ()
    size_wh: Columns = ()
    split: int | None = None
    folder: int | None = None
    difficult: Columns = ()
    truncated: int | None = None
    confidence: int | None = None
    angle: int | None = None
    attributes: int | None = None
    open_images: bool = False


def layout_of(rows: Sequence[Row]) -> Layout | None:
    """Return the layout of a table of boxes from its first rows; None if it has none."""
    if not rows:
        return None
    return _layout_by_names(rows) or _layout_by_content(rows)


def holds_masks(rows: Sequence[Row]) -> bool:
    """Return whether a table has masks of photos in place of boxes."""
    keys = [_key(name) for name in rows[0].cells] if rows else []
    return bool(_find(keys, PHOTO) and _find(keys, MASKS))


def is_empty(cell: str) -> bool:
    """Return whether a cell holds nothing, as people and programs write it."""
    return cell.lower() in EMPTY


def is_photo_name(cell: str) -> bool:
    """Return whether a cell ends like the name of a photo."""
    return cell.partition("?")[0].lower().endswith((*PHOTO_ENDINGS, *OTHER_ENDINGS))


def number_in(cell: str) -> float | None:
    """Return the number in a cell, with a point or a comma before its decimals; None if it is not one."""
    if not cell or cell[-1].isalpha() or "_" in cell:
        return None
    return number_of(cell.replace(",", ".") if cell.count(",") == 1 else cell)


def sides_of(names: Sequence[str]) -> tuple[Columns, Notation]:
    """Return the columns of the four numbers of a box, and their notation; no columns if there are none."""
    return _sides([_key(name) for name in names])


def _key(name: str) -> str:
    return re.sub(r"\([^)]*\)|\[[^]]*\]|[\W_]+", "", name.casefold())


def _bare(key: str) -> str:
    """Return a column's name without words such as ``bbox`` and ``norm``."""
    return _SUFFIX.sub("", _PREFIX.sub("", key))


def _find(keys: Sequence[str], names: Mapping[str, int]) -> Columns:
    """Return the columns that have one of these names, best first."""
    found = [(names[key], column) for column, key in enumerate(keys) if key in names]
    return tuple(column for _, column in sorted(found))


def _first(keys: Sequence[str], names: Mapping[str, int]) -> int | None:
    return next(iter(_find(keys, names)), None)


def _layout_by_names(rows: Sequence[Row]) -> Layout | None:
    keys = [_key(name) for name in rows[0].cells]
    photos = _find(keys, PHOTO) + _find(keys, PHOTO_IF_FOUND)
    if not photos or sum(number_in(cell) is not None for cell in rows[0].cells) > len(keys) / 2:
        return None
    size_wh = _pair(keys, PHOTO_WIDTH, PHOTO_HEIGHT)
    sides, notation = _sides(keys)
    whole = None if sides else next(iter(_wholes(keys, rows)), None)
    if not sides and whole is None:
        return None
    if not size_wh and {"width", "height"} <= set(keys) and not set(sides) & {keys.index("width")}:
        size_wh = (keys.index("width"), keys.index("height"))
    if whole is not None:
        notation = next((said for word, said in _NOTATIONS.items() if word in keys[whole]), "")
    used = {*sides, *size_wh, whole}
    return Layout(
        photos=photos,
        header=True,
        unsure=_find(keys, PHOTO_IF_FOUND),
        sides=sides,
        whole=whole,
        notation=notation,
        firm=bool(notation) and not (sides and keys[sides[0]] in ("x", "bboxx", "boxx")),
        labels=tuple(column for column in _find(keys, LABEL) if column not in used),
        size_wh=size_wh,
        split=_first(keys, SPLIT),
        folder=_first(keys, FOLDER),
        difficult=_find(keys, DIFFICULT),
        truncated=_first(keys, TRUNCATED),
        confidence=_first(keys, CONFIDENCE),
        angle=_first(keys, ANGLE),
        attributes=_first(keys, {"regionattributes": 0}),
        open_images={"imageid", "labelname", "confidence"} <= set(keys),
    )


def _pair(keys: Sequence[str], first: Mapping[str, int], second: Mapping[str, int]) -> Columns:
    one, other = _first(keys, first), _first(keys, second)
    return () if one is None or other is None else (one, other)


def _sides(keys: Sequence[str]) -> tuple[Columns, Notation]:
    """Return the columns of the four numbers of a box, and their notation."""
    bare = [key if key in PHOTO_WIDTH or key in PHOTO_HEIGHT else _bare(key) for key in keys]
    if {"x0", "x1"} <= set(bare):  # from 0: x1 is the right side
        bare = [re.sub("^([xy])([01])$", lambda found: found[1] + "12"[int(found[2])], key) for key in bare]
    if set(QUADRILATERAL) <= set(bare):
        return tuple(map(bare.index, QUADRILATERAL)), "corners"
    top_left, bottom_right = _pair(bare, LEFT, TOP), _pair(bare, RIGHT, BOTTOM)
    if top_left and bottom_right:
        return (*top_left, *bottom_right), "corners"
    width, height = _box_side(keys, bare, BOX_WIDTH, "width"), _box_side(keys, bare, BOX_HEIGHT, "height")
    if width is None or height is None:
        return (), ""
    center = _pair(bare, CENTER_X, CENTER_Y)
    if center:
        return (*center, width, height), "center"
    top_left = top_left or _pair(bare, {"x": 0}, {"y": 0})
    return ((*top_left, width, height), "top_left") if top_left else ((), "")


def _box_side(keys: Sequence[str], bare: Sequence[str], names: Mapping[str, int], word: str) -> int | None:
    """Return the column of a box's width or height: called so, or the only one of that name."""
    said = [column for column, key in enumerate(keys) if bare[column] == word and _OF_BOX.search(key)]
    named = [*said, *_find(bare, names)]
    plain = [column for column, key in enumerate(bare) if key == word]
    return next(iter([*named, *plain]), None)


def _wholes(keys: Sequence[str], rows: Sequence[Row]) -> Columns:
    """Return the columns whose cells hold whole boxes."""
    named = [column for column, key in enumerate(keys) if key in WHOLE or any(word in key for word in _NOTATIONS)]
    return tuple(
        column
        for column in named
        if keys[column] == VIA_SHAPES or any(re.search(r"\d[^\d]+\d", row.cell(column)) for row in rows[1:])
    )


def _layout_by_content(rows: Sequence[Row]) -> Layout | None:
    """Return the layout of a table without a header: a photo, four numbers and a class in each row."""
    width = max(len(row.cells) for row in rows)
    cells = [[cell for row in rows if not is_empty(cell := row.cell(column))] for column in range(width)]
    photo = next((column for column in range(width) if cells[column] and all(map(is_photo_name, cells[column]))), None)
    if photo is None:
        return None
    numeric = [bool(column) and all(number_in(cell) is not None for cell in column) for column in cells]
    split = next((at for at in range(photo) if cells[at] and all(map(_is_split, cells[at]))), None)
    if vertices := _vertices(numeric, photo):
        return Layout((photo,), False, (), vertices, None, "corners", True, (photo + 1,), split=split)
    start = next((at for at in range(width - 3) if all(numeric[at : at + 4])), None)
    if start is None:
        return None
    rest = [at for at in range(width) if at not in (photo, split, *range(start, start + 4)) and cells[at]]
    texts = [at for at in rest if not numeric[at]]
    sides = tuple(range(start, start + 4))
    behind = tuple(side + 1 for side in sides)
    if not texts and start + 4 in rest and not _are_corners(rows, sides) and _are_corners(rows, behind):
        sides, rest = behind, [start]  # the class number comes first
    labels = tuple(texts + [at for at in rest if numeric[at]])
    return Layout((photo,), False, (), sides, None, "corners", labels=labels, split=split)


def _vertices(numeric: Sequence[bool], photo: int) -> Columns:
    """Return the columns of two opposite corners among the four of a row of Google's AutoML."""
    start = photo + 2
    filled = numeric[start:]
    if len(numeric) not in (start + 7, start + 8) or not (filled[0] and filled[1] and filled[4] and filled[5]):
        return ()
    return start, start + 1, start + 4, start + 5


def _is_split(cell: str) -> bool:
    return cell.upper() == "UNASSIGNED" or split_called(cell) is not None


def _are_corners(rows: Sequence[Row], sides: Columns) -> bool:
    boxes = [[number_in(row.cell(column)) for column in sides] for row in rows]
    return all(x2 > x1 and y2 > y1 for x1, y1, x2, y2 in boxes if None not in (x1, y1, x2, y2))  # type: ignore[operator]
