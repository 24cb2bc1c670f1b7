import json

import pytest

from autodet.datasets.formats.coco_file import parse_annotation
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.errors import DatasetError
from autodet.messages.findings import problem_sentence
from tests.helpers import draw_photo, workspace_in, write_labelled

CATEGORIES = {1: "apple", 7: "red pear"}


def write_coco(path, photos, annotations, categories=CATEGORIES):
    """A COCO file; ``photos`` are names, ids count from 1."""
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "images": [{"id": i, "file_name": n, "width": 64, "height": 48} for i, n in enumerate(photos, start=1)],
        "annotations": annotations,
        "categories": [{"id": key, "name": name} for key, name in categories.items()],
    }
    path.write_text(json.dumps(document))


QUIET = ("class_empty", "class_rare", "no_validation")
NAMED = {str(key): name for key, name in CATEGORIES.items()}


def write_photos(folder, names, seed=0):
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        draw_photo(seed=seed + number).save(folder / name)


def mark(image=1, category=1, box=(4, 6, 10, 20), **more):
    return {"image_id": image, "category_id": category, "bbox": list(box), **more}


@pytest.mark.parametrize(
    ("annotation", "name", "box", "difficult"),
    [
        (mark(), "apple", (4, 6, 14, 26), False),
        (mark(category=7, box=(0.5, 1, 2, 3.25)), "red pear", (0.5, 1, 2.5, 4.25), False),
        (mark(iscrowd=1), "apple", (4, 6, 14, 26), True),
    ],
)
def test_reads_marks(annotation, name, box, difficult):
    parsed = parse_annotation(annotation, NAMED)
    assert (parsed.name, parsed.box_xyxy, parsed.difficult) == (name, box, difficult)


@pytest.mark.parametrize(
    ("annotation", "problem"),
    [
        (mark(category=3), "category 3, which is not in categories"),
        (mark(box=(1, 2, 3)), "neither a bbox"),
        (mark(box=(1, 2, 3, "four")), "neither a bbox"),
        (mark(box=(1, 2, 3, float("nan"))), "neither a bbox"),
        ({"image_id": 1, "category_id": 1}, "neither a bbox"),
        ("nonsense", "category None"),
    ],
)
def test_says_what_is_wrong_with_a_mark(annotation, problem):
    with pytest.raises(DatasetError, match=problem):
        parse_annotation(annotation, NAMED)


@pytest.mark.parametrize(
    ("photos", "labels", "prefix"),
    [
        ("train2017", "annotations/instances_{}2017.json", ""),
        ("{}", "{}/_annotations.coco.json", ""),
        ("images/{}", "annotations/{}.json", ""),
        ("images/{}", "annotations/{}.json", "images/{}/"),
    ],
)
def test_layouts_of_split_folders(tmp_path, photos, labels, prefix):
    photos = photos.replace("train2017", "{}2017")
    for seed, split in enumerate(("train", "val")):
        write_photos(tmp_path / "set" / photos.format(split), ["a.png", "b.png"], seed=10 * seed)
        names = [prefix.format(split) + name for name in ("a.png", "b.png")]
        write_coco(tmp_path / "set" / labels.format(split), names, [mark(1), mark(2, box=(1, 2, 3, 4 + seed))])
    dataset = import_dataset(tmp_path / "set", workspace=workspace_in(tmp_path))
    assert (dataset.format, dataset.classes) == ("coco", ("apple",))
    assert {problem.kind for problem in dataset.findings} <= {"class_empty", "class_rare"}
    assert dataset.splits == {"train": 2, "val": 2}
    boxes = [record.annotations.boxes_xyxy[0].tolist() for record in dataset.split("val")]
    assert boxes == [[4, 6, 14, 26], [1, 2, 4, 7]]
    for record in dataset.split("val"):
        folder = tmp_path / "set" / photos.format("val")
        assert dataset.photo(record).read_bytes() == (folder / dataset.photo(record).name).read_bytes()


def test_one_file_without_splits_is_split(tmp_path):
    names = [f"{number}.png" for number in range(20)]
    write_photos(tmp_path / "set", names)
    write_coco(tmp_path / "set" / "labels.json", names, [mark(i, 1 if i % 2 else 7) for i in range(1, 21)])
    dataset = import_dataset(tmp_path / "set", workspace=workspace_in(tmp_path))
    assert dataset.classes == ("apple", "red pear") and dataset.splits == {"train": 14, "val": 3, "test": 3}


def test_dirt_is_listed(tmp_path):
    write_photos(tmp_path / "set", ["a.png", "b.png", "c.png"])
    write_coco(tmp_path / "set" / "labels.json", ["a.png", "b.png", "gone.png"], [mark(1), mark(2, 99), mark(3)])
    (tmp_path / "set" / "package.json").write_text("{}")
    dataset = import_dataset(tmp_path / "set", workspace=workspace_in(tmp_path))
    listed = {(problem.file, problem_sentence(problem)) for problem in dataset.findings if problem.kind not in QUIET}
    assert listed == {
        ("b.png", "An annotation has the category 99, which is not in categories."),
        ("c.png", "No labels were found for this photo."),
        ("labels.json", "There is no photo called 'gone.png' for this entry."),
    }
    assert len(dataset.images) == 2


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"images": [], "annotations": []}', "[" * 100_000])
def test_json_of_another_kind_is_not_coco(tmp_path, content):
    write_photos(tmp_path / "set", ["a.png"])
    (tmp_path / "set" / "labels.json").write_text(content)
    with pytest.raises(DatasetError, match=r"COCO: labels\.json: The JSON is (broken|not COCO)"):
        import_dataset(tmp_path / "set", workspace=workspace_in(tmp_path))


@pytest.mark.parametrize(
    "document",
    [
        {"images": [1, {}, {"id": [], "file_name": "a.png"}], "annotations": [None, {}], "categories": [3, {"id": []}]},
        {"images": [{"id": 1, "file_name": ["a"]}], "annotations": [mark(box=(1, 2, 3, 1e999))], "categories": []},
    ],
)
def test_nonsense_inside_ends_in_a_sentence_or_a_data_set(tmp_path, document):
    write_photos(tmp_path / "set", ["a.png"])
    (tmp_path / "set" / "labels.json").write_text(json.dumps(document))
    try:
        dataset = import_dataset(tmp_path / "set", workspace=workspace_in(tmp_path))
    except DatasetError:
        return
    assert dataset.findings


def test_the_format_can_be_said(tmp_path):
    write_labelled(tmp_path / "set", "a")
    write_coco(tmp_path / "set" / "labels.json", ["a.png"], [mark(1, 7)])
    formats = {
        name: import_dataset(tmp_path / "set", name, format=name, workspace=workspace_in(tmp_path))
        for name in ("voc", "coco")
    }
    assert {name: dataset.classes for name, dataset in formats.items()} == {"voc": ("apple",), "coco": ("red pear",)}
