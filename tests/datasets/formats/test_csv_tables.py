"""Tables of boxes as tools and people write them: every dialect gives the same boxes."""

import pytest

from autodet.datasets.formats.format_detection import find_format
from autodet.datasets.formats.source_files import list_files
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.errors import DatasetError
from tests.datasets.formats.layouts import Tree, read_source
from tests.helpers import voc_xml, workspace_in

CAT, DOG = ("cat", 4, 6, 20, 30), ("dog", 24, 12, 40, 36)
BOTH = {"a.jpg": [CAT, DOG], "b.jpg": [DOG]}
NUMBERED = {photo: [(f"class_{number}", *box) for number, (_, *box) in ((0 if b is CAT else 1, b) for b in boxes)]
            for photo, boxes in BOTH.items()}  # fmt: skip


def source(tmp_path, tables, photos=("a.jpg", "b.jpg")):
    tree = Tree(tmp_path / "set")
    for name in photos:
        tree.photo(name)
    for name, text in tables.items():
        tree.text(name, text)
    return tree.root


HEADER = "filename,width,height,class,xmin,ymin,xmax,ymax\n"
ROWS = "a.jpg,64,48,cat,4,6,20,30\na.jpg,64,48,dog,24,12,40,36\nb.jpg,64,48,dog,24,12,40,36\n"

DIALECTS = {
    "tensorflow": HEADER + ROWS,
    "semicolons and decimal commas": (
        "Filename;Class;X Min;Y Min;X Max;Y Max\r\na.jpg;cat;4,0;6,0;20,0;30,0\r\na.jpg;dog;24,0;12,0;40,0;36,0\r\n"
        "b.jpg;dog;24,0;12,0;40,0;36,0\r\n"
    ),
    "tabs and a note of Excel": "sep=\t\n" + (HEADER + ROWS).replace(",", "\t"),
    "a mark of byte order": "\ufeff" + HEADER + ROWS,
    "an index and more columns": (
        ",image_path,label,left,top,right,bottom,annotator,time\n0,a.jpg,cat,4,6,20,30,anna,3\n"
        "1,a.jpg,dog,24,12,40,36,anna,3\n2,b.jpg,dog,24,12,40,36,ben,5\n"
    ),
    "another order": (
        "x2,y2,x1,y1,name,image\n20,30,4,6,cat,a.jpg\n40,36,24,12,dog,a.jpg\n40,36,24,12,dog,b.jpg\n"
    ),
    "corners from 0": (
        "image,x0,y0,x1,y1,category\na.jpg,4,6,20,30,cat\na.jpg,24,12,40,36,dog\nb.jpg,24,12,40,36,dog\n"
    ),
    "sizes": "image_id,x,y,width,height,class\na,4,6,16,24,cat\na,24,12,16,24,dog\nb,24,12,16,24,dog\n",
    "sizes in columns of the box": (
        "file_name,bbox_x,bbox_y,bbox_width,bbox_height,image_width,image_height,class_name,class_id\n"
        "a.jpg,4,6,16,24,64,48,cat,0\na.jpg,24,12,16,24,64,48,dog,1\nb.jpg,24,12,16,24,64,48,dog,1\n"
    ),
    "a left top corner and sizes": (
        "path,left,top,width,height,species\na.jpg,4,6,16,24,cat\na.jpg,24,12,16,24,dog\nb.jpg,24,12,16,24,dog\n"
    ),
    "centres": "image,cx,cy,w,h,label\na.jpg,12,18,16,24,cat\na.jpg,32,24,16,24,dog\nb.jpg,32,24,16,24,dog\n",
    "centres as fractions": (
        "image,x_center,y_center,width,height,label\na.jpg,0.1875,0.375,0.25,0.5,cat\na.jpg,0.5,0.5,0.25,0.5,dog\n"
        "b.jpg,0.5,0.5,0.25,0.5,dog\n"
    ),
    "fractions": (
        "image,xmin,ymin,xmax,ymax,label\na.jpg,0.0625,0.125,0.3125,0.625,cat\na.jpg,0.375,0.25,0.625,0.75,dog\n"
        "b.jpg,0.375,0.25,0.625,0.75,dog\n"
    ),
    "lists of a corner and sizes": (
        'image_id,width,height,bbox,source,class\na,64,48,"[4.0, 6.0, 16.0, 24.0]",x,cat\n'
        'a,64,48,"[24, 12, 16, 24]",x,dog\nb,64,48,"[24, 12, 16, 24]",y,dog\n'
    ),
    "lists of corners by name": (
        'image,bbox_xyxy,label\na.jpg,"[4, 6, 20, 30]",cat\na.jpg,"[24, 12, 40, 36]",dog\n'
        'b.jpg,"[24, 12, 40, 36]",dog\n'
    ),
    "all boxes of a photo in a cell": (
        "file_name,objects\n"
        'a.jpg,"{""bbox"": [[4, 6, 16, 24], [24, 12, 16, 24]], ""categories"": [""cat"", ""dog""]}"\n'
        'b.jpg,"{""bbox"": [[24, 12, 16, 24]], ""categories"": [""dog""]}"\n'
    ),
    "dictionaries of Python": (
        "image,annotations\n"
        "a.jpg,\"[{'x': 4, 'y': 6, 'width': 16, 'height': 24, 'label': 'cat'}, "
        "{'x': 24, 'y': 12, 'width': 16, 'height': 24, 'label': 'dog'}]\"\n"
        "b.jpg,\"[{'x': 24, 'y': 12, 'width': 16, 'height': 24, 'label': 'dog'}]\"\n"
    ),
    "no header": "a.jpg,4,6,20,30,cat\na.jpg,24,12,40,36,dog\n/data/imgs/b.jpg,24,12,40,36,dog\n",
    "no header, the class first": "a.jpg,cat,4,6,20,30\na.jpg,dog,24,12,40,36\nC:\\imgs\\b.jpg,dog,24,12,40,36\n",
    "VoTT": (
        '"image","xmin","ymin","xmax","ymax","label"\n"a.jpg",4.0,6.0,20.0,30.0,"cat"\n'
        '"a.jpg",24.0,12.0,40.0,36.0,"dog"\n"b.jpg",24.0,12.0,40.0,36.0,"dog"'
    ),
    "VIA": (
        "#filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes\n"
        'a.jpg,99,"{}",2,0,"{""name"":""rect"",""x"":4,""y"":6,""width"":16,""height"":24}","{""kind"":""cat""}"\n'
        'a.jpg,99,"{}",2,1,"{""name"":""polygon"",""all_points_x"":[24,40,30],""all_points_y"":[12,20,36]}",'
        '"{""kind"":""dog""}"\n'
        'b.jpg,98,"{}",1,0,"{""name"":""ellipse"",""cx"":32,""cy"":24,""rx"":8,""ry"":12}","{""kind"":{""dog"":true}}"\n'
    ),
    "AutoML": (
        "TRAIN,gs://bucket/a.jpg,cat,0.0625,0.125,,,0.3125,0.625,,\n"
        "TRAIN,gs://bucket/a.jpg,dog,0.375,0.25,0.625,0.25,0.625,0.75,0.375,0.75\n"
        "UNASSIGNED,gs://bucket/b.jpg,dog,0.375,0.25,,,0.625,0.75,,\n"
    ),
    "four corners": (
        "image,x1,y1,x2,y2,x3,y3,x4,y4,label\na.jpg,4,6,20,6,20,30,4,30,cat\na.jpg,32,12,40,24,32,36,24,24,dog\n"
        "b.jpg,24,12,40,12,40,36,24,36,dog\n"
    ),
}  # fmt: skip


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_dialect_gives_the_same_boxes(tmp_path, dialect):
    format, boxes, reading = read_source(source(tmp_path, {"labels.csv": DIALECTS[dialect]}))
    assert format == "csv"
    assert boxes == BOTH
    assert {finding.kind for finding in reading.findings} <= {"shapes_hulled"}


NOT_LABELS = {
    "statistics": "epoch,loss,map\n1,0.5,0.2\n2,0.4,0.3\n",
    "a list of files": "filename,split\na.jpg,train\nb.jpg,val\n",
    "classes of photos": "filename,label\na.jpg,cat\nb.jpg,dog\n",
    "a list of classes": "cat,0\ndog,1\n",
    "image-level labels": "ImageID,Source,LabelName,Confidence\na,verification,/m/0k4j,1\n",
    "sizes of photos": "filename,width,height\na.jpg,64,48\n",
    "landmarks": "image,left_eye_x,left_eye_y,nose_x,nose_y\na.jpg,1,2,3,4\n",
    "words": "hello\n",
    "nothing": "",
    "only a header": "",
}


@pytest.mark.parametrize("table", NOT_LABELS)
def test_other_tables_are_not_taken_for_labels(tmp_path, table):
    root = source(tmp_path, {"table.csv": NOT_LABELS[table]})
    with pytest.raises(DatasetError, match="no labels"):
        find_format(list_files(root, 100), "auto", "set")


def test_masks_are_refused_with_a_sentence(tmp_path):
    root = source(tmp_path, {"train.csv": "ImageId,EncodedPixels\na.jpg,1 3 10 5\nb.jpg,\n"})
    with pytest.raises(DatasetError, match=r"train\.csv: It holds masks of pixels, not boxes"):
        find_format(list_files(root, 100), "auto", "set")


RETINANET = "a.jpg,4,6,20,30,0\na.jpg,24,12,40,36,1\nb.jpg,24,12,40,36,1\n"


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ({"classes.csv": "cat,0\ndog,1\n"}, BOTH),
        ({"classes.csv": "id,name\n0,cat\n1,dog\n2,owl\n"}, BOTH),
        ({"classes.csv": "0;cat\n1;dog\n"}, BOTH),
        ({"classes.txt": "cat\ndog\n"}, BOTH),
        ({"data.yaml": "names: [cat, dog]\n"}, BOTH),
        ({}, NUMBERED),
        ({"classes.csv": "cat,1\ndog,2\n"}, NUMBERED),
    ],
)
def test_numbers_get_names_from_a_list(tmp_path, others, expected):
    _, boxes, reading = read_source(source(tmp_path, {"annotations.csv": RETINANET, **others}))
    assert boxes == expected
    assert ("names_missing" in {finding.kind for finding in reading.findings}) == (expected is NUMBERED)


@pytest.mark.parametrize(
    "text",
    [
        "imgs/a.jpg,4,6,20,30,cat\nimgs/a.jpg,24,12,40,36,dog\nimgs/b.jpg,24,12,40,36,dog\n",
        "imgs/a.jpg 4,6,20,30,0 24,12,40,36,1\nimgs/b.jpg 24,12,40,36,1\n",
        "C:/my set/a.jpg 4,6,20,30,0 24,12,40,36,1\r\nC:/my set/b.jpg 24,12,40,36,1\r\n",
    ],
)
def test_tables_in_text_files(tmp_path, text):
    photos = ["imgs/a.jpg", "imgs/b.jpg", "imgs/c.jpg"]
    texts = {"train.txt": text, "classes.txt": "cat\ndog\n", "notes.txt": "1,2,3,4\n"}
    format, boxes, reading = read_source(source(tmp_path, texts, photos))
    assert format == "csv"
    assert boxes == {f"imgs/{name}": found for name, found in BOTH.items()}
    assert {photo.split for photo in reading.photos} == {"train"} and not reading.findings


def test_lists_that_contradict_each_other_ask(tmp_path):
    tables = {"annotations.csv": RETINANET, "classes.csv": "cat,0\ndog,1\n", "old/classes.csv": "dog,0\ncat,1\n"}
    with pytest.raises(DatasetError, match="class 0 is 'cat' in the first and 'dog' in the second"):
        import_dataset(source(tmp_path, tables), workspace=workspace_in(tmp_path))


def test_a_class_list_of_names_lists_classes_without_boxes(tmp_path):
    tables = {"annotations.csv": "a.jpg,4,6,20,30,cat\nb.jpg,,,,,\n", "classes.csv": "cat,0\ndog,1\n"}
    _, boxes, reading = read_source(source(tmp_path, tables))
    assert boxes == {"a.jpg": [CAT], "b.jpg": []}
    assert reading.classes == ("cat", "dog")


def test_a_table_without_classes_has_one(tmp_path):
    text = 'image_id,width,height,bbox\na,64,48,"[4, 6, 16, 24]"\nb,64,48,"[24, 12, 16, 24]"\n'
    _, boxes, reading = read_source(source(tmp_path, {"train.csv": text}))
    assert boxes == {"a.jpg": [("class_0", 4, 6, 20, 30)], "b.jpg": [("class_0", 24, 12, 40, 36)]}
    assert [finding.cause for finding in reading.findings] == ["table_without_classes"]


@pytest.mark.parametrize("empty", [",,,", "nan,nan,nan,nan", "NaN,,None,null"])
def test_a_row_without_a_box_is_a_photo_without_objects_or_damage(tmp_path, empty):
    header = "ImageId,class_name,class_id,x_min,y_min,x_max,y_max\n"
    text = f"{header}a,cat,0,4,6,20,30\na,No finding,14,{empty}\nb,No finding,14,{empty}\nb,No finding,14,{empty}\n"
    _, boxes, reading = read_source(source(tmp_path, {"train.csv": text}))
    assert boxes == {"a.jpg": [CAT], "b.jpg": []}
    assert [(finding.kind, finding.values, finding.photos) for finding in reading.findings] == [
        ("box_damaged", {"line": 3}, ("a.jpg",))
    ]


@pytest.mark.parametrize(
    ("row", "cause"),
    [
        ("a.jpg,1,2,three,4,cat", "row_damaged"),
        ("a.jpg,1,2,,4,cat", "row_damaged"),
        ("a.jpg,1,2,1e999,4,cat", "row_damaged"),
        ("a.jpg,1,2,inf,4,cat", "row_damaged"),
        ("a.jpg,1,2", "row_damaged"),
        ("a.jpg,1,2,3,4,", "row_unnamed"),
    ],
)
def test_a_damaged_row_is_a_finding(tmp_path, row, cause):
    text = f"image,xmin,ymin,xmax,ymax,label\n{row}\nb.jpg,24,12,40,36,dog\n"
    _, boxes, reading = read_source(source(tmp_path, {"labels.csv": text}))
    assert boxes == {"a.jpg": [], "b.jpg": [DOG]}
    assert [(finding.kind, finding.cause) for finding in reading.findings] == [("box_damaged", cause)]


def test_a_turned_box_is_not_read_as_upright(tmp_path):
    text = "image,x,y,w,h,angle,label\na.jpg,4,6,16,24,0.5,cat\nb.jpg,24,12,16,24,0,dog\n"
    _, boxes, reading = read_source(source(tmp_path, {"labels.csv": text}))
    assert boxes == {"a.jpg": [], "b.jpg": [DOG]}
    assert [finding.cause for finding in reading.findings] == ["row_turned"]


def test_eight_numbers_in_a_list_are_not_two_boxes(tmp_path):
    text = 'image,bbox,label\na.jpg,"[4, 6, 20, 6, 20, 30, 4, 30]",cat\nb.jpg,"[24, 12, 16, 24]",dog\n'
    _, boxes, reading = read_source(source(tmp_path, {"labels.csv": text}))
    assert boxes["a.jpg"] == [] and [finding.cause for finding in reading.findings] == ["row_damaged"]


@pytest.mark.parametrize(
    ("numbers", "notation"),
    [
        (["[4, 6, 20, 30]", "[24, 12, 40, 36]"] * 3, "corners"),  # right of and below the first two, in every row
        (["[4, 6, 16, 24]", "[24, 12, 16, 24]"] * 3, "top_left"),
        (["[40, 30, 20, 10]"], "top_left"),
    ],
)
def test_all_rows_together_tell_the_notation_of_a_list(tmp_path, numbers, notation):
    text = "image,bbox,label\n" + "".join(f'a.jpg,"{box}",cat\n' for box in numbers)
    _, _, reading = read_source(source(tmp_path, {"labels.csv": text}, photos=["a.jpg"]))
    assert reading.photos[0].notation == notation


def test_a_corner_that_may_as_well_be_a_centre_is_not_guessed(tmp_path):
    rows = "a.jpg,0.4,0.4,0.25,0.5,cat\nb.jpg,0.5,0.5,0.25,0.5,dog\n"
    root = source(tmp_path, {"labels.csv": f"image,x,y,width,height,label\n{rows}"})
    with pytest.raises(DatasetError, match="may be a corner or the centre of each box; call them x_min"):
        import_dataset(root, workspace=workspace_in(tmp_path))
    (root / "labels.csv").write_text(f"image,x,y,width,height,label\n{rows}a.jpg,0.1,0.8,0.25,0.1,cat\n")
    assert read_source(root)[2].photos[0].notation == "top_left"
    (root / "labels.csv").write_text(f"image,x,y,width,height,label\n{rows}a.jpg,0.9,0.8,0.2,0.1,cat\n")
    assert read_source(root)[2].photos[0].notation == "center"


def test_a_centre_is_recognised_where_a_corner_would_lead_out_of_the_photo(tmp_path):
    header = "image,width,height,x,y,w,h,label\n"
    text = f"{header}a.jpg,64,48,52,36,16,20,cat\nb.jpg,64,48,32,24,16,24,dog\n"
    _, boxes, _ = read_source(source(tmp_path, {"labels.csv": text}))
    assert boxes == {"a.jpg": [("cat", 44, 26, 60, 46)], "b.jpg": [DOG]}


OPEN_IMAGES = (
    "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf,IsDepiction,IsInside\n"
)


def test_open_images(tmp_path):
    train = OPEN_IMAGES + (
        "a,xclick,/m/01,1,0.0625,0.3125,0.125,0.625,0,1,0,0,0\n"
        "a,xclick,/m/02,1,0.375,0.625,0.25,0.75,0,0,1,0,0\n"
        "a,xclick,/m/01,0,0.1,0.2,0.1,0.2,0,0,0,0,0\n"
        "elsewhere,xclick,/m/01,1,0.1,0.2,0.1,0.2,0,0,0,0,0\n"
    )
    validation = OPEN_IMAGES + "b,xclick,/m/02,1,0.375,0.625,0.25,0.75,-1,-1,-1,-1,-1\n"
    tables = {
        "train-annotations-bbox.csv": train,
        "validation-annotations-bbox.csv": validation,
        "class-descriptions-boxable.csv": "/m/01,cat\n/m/02,dog\n/m/03,owl\n",
        "train-images-boxable-with-rotation.csv": "ImageID,Subset,OriginalURL,Rotation\na,train,http://x/a.jpg,0\n",
    }
    _, boxes, reading = read_source(source(tmp_path, tables, photos=["train/a.jpg", "validation/b.jpg"]))
    assert boxes == {"train/a.jpg": [CAT, DOG], "validation/b.jpg": [DOG]}
    assert [(photo.split, [(m.difficult, m.truncated) for m in photo.marks]) for photo in reading.photos] == [
        ("train", [(False, True), (True, False)]),
        ("val", [(False, False)]),
    ]
    assert [(finding.kind, finding.values) for finding in reading.findings] == [("labels_foreign", {"photos": 1})]


@pytest.mark.parametrize(
    "tables",
    [
        {"train_labels.csv": HEADER + ROWS.splitlines()[0], "test_labels.csv": HEADER + ROWS.splitlines()[2]},
        {"all.csv": "file,set,x1,y1,x2,y2,class\na.jpg,Training,4,6,20,30,cat\nb.jpg,test,24,12,40,36,dog\n"},
        {"a.csv": "TRAIN,gs://x/a.jpg,cat,.0625,.125,,,.3125,.625,,\nTEST,gs://x/b.jpg,dog,.375,.25,,,.625,.75,,\n"},
        {
            "labels.csv": HEADER + "a.jpg,64,48,cat,4,6,20,30\nb.jpg,64,48,dog,24,12,40,36\n",
            "train_labels.csv": HEADER + ROWS.splitlines()[0],
            "test_labels.csv": HEADER + ROWS.splitlines()[2],
        },
    ],
)  # fmt: skip
def test_splits(tmp_path, tables):
    _, boxes, reading = read_source(source(tmp_path, tables))
    assert boxes == {"a.jpg": [CAT], "b.jpg": [DOG]}
    assert {str(photo.photo): photo.split for photo in reading.photos} == {"a.jpg": "train", "b.jpg": "test"}


def test_photos_of_the_same_name_are_told_apart_by_their_folder(tmp_path):
    text = "folder,filename,xmin,ymin,xmax,ymax,class\none,a.jpg,4,6,20,30,cat\ntwo,a.jpg,24,12,40,36,dog\n"
    _, boxes, _ = read_source(source(tmp_path, {"labels.csv": text}, photos=["one/a.jpg", "two/a.jpg"]))
    assert boxes == {"one/a.jpg": [CAT], "two/a.jpg": [DOG]}


def test_a_table_made_from_voc_files_is_the_same_labels(tmp_path):
    tables = {"train_labels.csv": HEADER + ROWS.splitlines()[0], "test_labels.csv": HEADER + ROWS.splitlines()[2]}
    tables |= {
        "a.xml": voc_xml("a.jpg", marks=[(CAT[0], CAT[1:])]),
        "b.xml": voc_xml("b.jpg", marks=[(DOG[0], DOG[1:])]),
    }
    root = source(tmp_path, tables)
    format, boxes, reading = read_source(root)
    assert (format, boxes) == ("csv", {"a.jpg": [CAT], "b.jpg": [DOG]})
    assert {photo.split for photo in reading.photos} == {"train", "test"}
    (root / "b.xml").write_text(voc_xml("b.jpg", marks=[("dog", (1, 1, 9, 9))]))
    with pytest.raises(DatasetError, match="Pascal VOC labels for 2 photos and CSV labels for 2 photos"):
        read_source(root)


def test_a_detectors_results_beside_labels_are_left_out(tmp_path):
    results = "image,label,confidence,xmin,ymin,xmax,ymax\na.jpg,cat,0.83,1,1,9,9\nb.jpg,cat,0.4,1,1,9,9\n"
    _, boxes, reading = read_source(source(tmp_path, {"labels.csv": HEADER + ROWS, "results.csv": results}))
    assert boxes == BOTH
    assert [finding.cause for finding in reading.findings] == ["predictions"]


def test_missing_photos_are_reported_once_each(tmp_path):
    text = HEADER + ROWS + "c.jpg,64,48,dog,1,2,9,9\n" * 3
    _, boxes, reading = read_source(source(tmp_path, {"labels.csv": text}))
    assert boxes == BOTH
    assert [(finding.kind, finding.values["name"]) for finding in reading.findings] == [("photo_missing", "c.jpg")]
