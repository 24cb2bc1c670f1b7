"""Label Studio's exports."""

import json
from math import sqrt

import pytest
from PIL import Image

from autodet.datasets.formats import label_studio
from autodet.datasets.formats.source_files import list_files
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.errors import DatasetError
from autodet.messages.findings import problem_sentence
from tests.datasets.formats.layouts import Tree
from tests.helpers import draw_photo, workspace_in

VALUE = {"x": 25, "y": 50, "width": 50, "height": 25, "rotation": 0}
BOX = (0.25, 0.5, 0.75, 0.75)
SIZE = {"original_width": 64, "original_height": 48, "image_rotation": 0}


def region(value=VALUE, type="rectanglelabels", labels=("dog",), **more):
    named = {type: list(labels)} if labels else {}
    return {**SIZE, "value": {**value, **named}, "id": "r1", "from_name": "l", "to_name": "image", "type": type} | more


def annotation(*regions, **more):
    return {"id": 1, "result": list(regions), "was_cancelled": False, "ground_truth": False} | more


def task(*annotations, photo="/data/upload/1/4bc0de11-a.jpg", **more):
    return {"id": 1, "data": {"image": photo}, "annotations": list(annotations), "predictions": []} | more


def reading_of(tmp_path, document, photos=("a.jpg",)):
    tree = Tree(tmp_path / "set")
    for photo in photos:
        tree.photo(photo)
    tree.text("project-1.json", json.dumps(document))
    listing = list_files(tree.root, 1000)
    assert label_studio.unmet(listing) is None
    return label_studio.read(listing)


@pytest.mark.parametrize(
    ("drawn", "box", "turned"),
    [
        (region(), BOX, False),
        (region(VALUE | {"rotation": 360}), BOX, False),
        (region({"points": [[25, 50], [75, 60], [50, 75]]}, "polygonlabels"), BOX, False),
        (region({"x": 50, "y": 62.5, "radiusX": 25, "radiusY": 12.5, "rotation": 0}, "ellipselabels"), BOX, False),
        (region(VALUE, "labels"), BOX, False),
        (region({"x": 50, "y": 50, "width": 30, "height": 20, "rotation": 90}), (0.35, 0.5, 0.5, 0.9), False),
        (
            region({"x": 50, "y": 50, "width": 12.5, "height": 8 / 48 * 100, "rotation": 45}),
            (0.5 - 4 * sqrt(2) / 64, 0.5, 0.5 + 4 * sqrt(2) / 64, 0.5 + 8 * sqrt(2) / 48),
            True,
        ),
    ],
)
def test_regions_become_boxes(tmp_path, drawn, box, turned):
    reading = reading_of(tmp_path, [task(annotation(drawn))])
    (photo,) = reading.photos
    assert photo.relative and photo.stated_wh == (64, 48)
    if drawn["value"].get("rotation") == 90:  # 20 % of 48 pixels are 15 % of 64
        box = (0.5 - 0.2 * 48 / 64, 0.5, 0.5, 0.5 + 0.3 * 64 / 48)
    assert [(mark.name, mark.box_xyxy) for mark in photo.marks] == [("dog", pytest.approx(box))]
    assert [finding.kind for finding in reading.findings] == ["shapes_hulled"] * turned


def packed(bits):
    """A brush mask from runs: (same, values), in words of 8 bits and lengths of 4, 8, 12 and 16 bits."""
    count = sum(len(values) for _, values in bits)
    stream = f"{count:032b}{7:05b}" + "".join(f"{size - 1:04b}" for size in (4, 8, 12, 16))
    for same, values in bits:
        stream += f"{int(same)}11{len(values) - 1:016b}"
        stream += "".join(f"{value:08b}" for value in (values[:1] if same else values))
    stream += "0" * (-len(stream) % 8)
    return [int(stream[at : at + 8], 2) for at in range(0, len(stream), 8)]


def test_a_brush_that_painted_nothing_marks_no_area(tmp_path):
    empty = region({"format": "rle", "rle": []}, "brushlabels", id="r2")
    wiped = region({"format": "rle", "rle": packed([(1, [0] * (64 * 48 * 4))])}, "brushlabels", id="r3")
    reading = reading_of(tmp_path, [task(annotation(region(), empty, wiped))])
    assert [mark.box_xyxy for mark in reading.photos[0].marks] == [BOX]
    assert [(finding.kind, finding.values) for finding in reading.findings] == [("shapes_skipped", {"shapes": 2})]


def test_brush_masks(tmp_path):
    width = 64
    runs = [(True, [0] * 4 * (2 * width + 10)), (False, [0, 0, 0, 255] * 5), (True, [0] * 4 * (width - 15))]
    runs += [(True, [255] * 4 * 20), (True, [0] * 4 * (48 * width - 3 * width - 20))]
    rle = region({"format": "rle", "rle": packed(runs)}, "brushlabels")
    reading = reading_of(tmp_path, [task(annotation(rle))])
    assert reading.photos[0].marks[0].box_xyxy == pytest.approx((0, 2 / 48, 20 / 64, 4 / 48))


@pytest.mark.parametrize("rle", [[1, 2], "text", [300], [255] * 40, None])
def test_damaged_masks_are_told(tmp_path, rle):
    reading = reading_of(tmp_path, [task(annotation(region(), region({"rle": rle}, "brushlabels", id="r2")))])
    assert [len(photo.marks) for photo in reading.photos] == [1]
    assert [finding.kind for finding in reading.findings] == ["box_damaged"] * (rle is not None)
    assert all("mask" in problem_sentence(finding) for finding in reading.findings)


@pytest.mark.parametrize(
    ("drawn", "problem"),
    [
        (region(labels=()), "has no class"),
        (region({"x": 1, "y": 2, "width": None, "height": 4}), "numbers of its shape"),
        (region({"x": 1e999, "y": 2, "width": 3, "height": 4}), "numbers of its shape"),
        (region({"points": [[1, 2], [3, 4]]}, "polygonlabels"), "numbers of its shape"),
        (region(image_rotation=90), "turned view"),
        (region(VALUE | {"rotation": 30}, original_width=None), "size of its photo is not given"),
        (region({"sequence": []}, "videorectangle"), "numbers of its shape"),
    ],
)
def test_what_cannot_be_used_is_told(tmp_path, drawn, problem):
    reading = reading_of(tmp_path, [task(annotation(drawn, "nonsense", None))])
    (finding,) = reading.findings
    assert finding.kind == "box_damaged" and problem in problem_sentence(finding) and not reading.photos


def test_a_rectangle_its_label_and_its_text_are_one_object(tmp_path):
    parts = [region(type="rectangle", labels=()), region(type="labels"), region(type="textarea", labels=())]
    parts[2]["value"]["text"] = ["AB 123"]
    chosen = [region(type="rectangle", labels=(), id="r2"), region(type="choices", labels=("cat",), id="r2")]
    about_the_photo = {"value": {"choices": ["blurred"]}, "id": "x", "type": "choices"}
    reading = reading_of(tmp_path, [task(annotation(*parts, *chosen, about_the_photo, {"type": "relation"}))])
    assert [mark.name for mark in reading.photos[0].marks] == ["dog", "cat"] and not reading.findings


def test_several_labels_and_key_points(tmp_path):
    point = region({"x": 5, "y": 5, "width": 0.5}, "keypointlabels", id="r2")
    reading = reading_of(tmp_path, [task(annotation(region(labels=("dog", "small")), point))])
    assert [mark.name for mark in reading.photos[0].marks] == ["dog", "small"]
    assert {finding.kind for finding in reading.findings} == {"classes_several", "shapes_skipped"}


def test_predictions_drafts_and_skipped_annotations_do_not_count(tmp_path):
    guess = {"predictions": [annotation(region(labels=("cat",)))], "drafts": [annotation(region(labels=("cat",)))]}
    document = [
        task(
            annotation(region(), was_cancelled=False), annotation(region(labels=("cat",)), was_cancelled=True), **guess
        ),
        task(photo="b.jpg", **guess),
        task(annotation(was_cancelled=True), photo="c.jpg"),
        task(annotation(), photo="d.jpg"),
    ]
    reading = reading_of(tmp_path, document, ("a.jpg", "b.jpg", "c.jpg", "d.jpg"))
    assert {str(photo.photo): [mark.name for mark in photo.marks] for photo in reading.photos} == {
        "a.jpg": ["dog"],
        "d.jpg": [],
    }


def people(*values):
    return [annotation(*(region(value, id=f"r{number}") for number, value in enumerate(one))) for one in values]


def test_annotations_of_several_people_agree_or_are_a_question(tmp_path):
    near, far = VALUE | {"x": 25.5}, VALUE | {"x": 40}
    other = VALUE | {"x": 0, "y": 0, "height": 20}
    same = reading_of(tmp_path / "same", [task(*people([VALUE], [near]))])
    assert [mark.box_xyxy for mark in same.photos[0].marks] == [BOX]
    assert [finding.kind for finding in same.findings] == ["labels_twice"]
    differ = reading_of(tmp_path / "differ", [task(*people([VALUE], [near, other]))])
    assert [finding.action for finding in differ.findings] == ["stop"]
    assert len(differ.photos[0].readings[0].marks) == 2
    assert reading_of(tmp_path / "far", [task(*people([VALUE], [far]))]).findings[0].kind == "labels_disagree"
    empty = reading_of(tmp_path / "empty", [task(*people([VALUE], []))])
    assert empty.findings[0].kind == "labels_disagree"
    starred = people([VALUE], [far])
    starred[1]["ground_truth"] = True
    chosen = reading_of(tmp_path / "starred", [task(*starred)])
    assert chosen.photos[0].marks[0].box_xyxy[0] == 0.4 and chosen.findings[0].cause == "ground_truth"


def test_people_who_disagree_stop_an_import(tmp_path):
    tree = Tree(tmp_path / "set")
    tree.photo("a.jpg")
    tree.text("a.json", json.dumps([task(*people([VALUE], [VALUE | {"x": 0}]))]))
    with pytest.raises(DatasetError, match=r"several annotations of a\.jpg, with other boxes"):
        import_dataset(tree.root, workspace=workspace_in(tmp_path))
    joined = import_dataset(tree.root, decisions={"labels_disagree": "fix"}, workspace=workspace_in(tmp_path))
    assert joined.boxes == 2


@pytest.mark.parametrize(
    "document",
    [
        [{"id": 1, "data": {"image": "a.jpg"}, "completions": [annotation(region())]}],
        {"id": 1, "result": [region()], "task": {"id": 4, "data": {"image": "a.jpg"}}},
        task(annotation(region())),
        {"tasks": [task(annotation(region()))]},
        [{"image": "a.jpg", "id": 1, "label": [VALUE | SIZE | {"rectanglelabels": ["dog"]}], "annotator": 1}],
        [{"picture of it": "s3://b/x/a.jpg", "what": [VALUE | {"rectanglelabels": ["dog"]}], "id": 1}],
        [{"img": "a.jpg", "box": [VALUE | SIZE], "label": [VALUE | SIZE | {"labels": ["dog"]}], "annotation_id": 3}],
    ],
)
def test_versions_and_json_min(tmp_path, document):
    (photo,) = reading_of(tmp_path, document).photos
    assert [(mark.name, mark.box_xyxy) for mark in photo.marks] == [("dog", BOX)]


def test_json_min_without_regions(tmp_path):
    regions = [VALUE | SIZE | {"rectanglelabels": ["dog"]}]
    document = [
        {"image": "a.jpg", "id": 1, "label": regions, "annotation_id": 1},
        {"image": "b.jpg", "id": 2, "annotation_id": 2, "lead_time": 3.5},
        {"image": "c.jpg", "id": 3},
    ]
    reading = reading_of(tmp_path, document, ("a.jpg", "b.jpg", "c.jpg"))
    assert {str(photo.photo): len(photo.marks) for photo in reading.photos} == {"a.jpg": 1, "b.jpg": 0}


@pytest.mark.parametrize(
    ("written", "photo"),
    [
        ("/data/upload/1/4bc0de11-a.jpg", "a.jpg"),
        ("/data/upload/1/4bc0de11-a.jpg", "images/4bc0de11-a.jpg"),
        ("/data/local-files/?d=set%5Cphotos%5Ca%20b.jpg", "photos/a b.jpg"),
        ("s3://bucket/some/a.jpg", "some/a.jpg"),
        ("/data/upload/1/4bc0de11-my_cat_1.jpg", "my cat (1).jpg"),
        ("https://host/some/a.jpg?token=1.2", "a.jpg"),
        ("C:\\photos\\a.jpg", "a.jpg"),
    ],
)
def test_photos_are_found_by_what_the_data_say(tmp_path, written, photo):
    for field in ("image", "Bild", "my photo"):
        document = [task(annotation(region()), data={"id": "b.jpg"[:1], "text": "a cat", field: written})]
        reading = reading_of(tmp_path / field, document, (photo, "b.png"))
        assert [str(found.photo) for found in reading.photos] == [photo]


def test_photos_shown_together(tmp_path):
    series = [task(annotation(region(item_index=1)), data={"pages": ["a.jpg", "b.jpg"]})]
    photos = reading_of(tmp_path / "series", series, ("a.jpg", "b.jpg")).photos
    assert {str(photo.photo): len(photo.marks) for photo in photos} == {"a.jpg": 0, "b.jpg": 1}
    pair = [
        region(to_name="left"),
        region(to_name="right", id="r2"),
        region(VALUE | {"x": 0}, to_name="right", id="r3"),
    ]
    document = [task(annotation(*pair), data={"left": "a.jpg", "right": "b.jpg"})]
    photos = reading_of(tmp_path / "pair", document, ("a.jpg", "b.jpg")).photos
    assert {str(photo.photo): len(photo.marks) for photo in photos} == {"a.jpg": 1, "b.jpg": 2}


def test_two_uploads_of_one_name_are_not_joined(tmp_path):
    document = [
        task(annotation(region()), photo="/data/upload/1/4bc0de11-a.jpg"),
        task(annotation(region(VALUE | {"x": 0})), photo="/data/upload/1/4bc0de12-a.jpg"),
    ]
    assert [finding.kind for finding in reading_of(tmp_path, document).findings] == ["labels_disagree"]


def test_a_photo_resized_after_the_annotation_has_the_same_fractions(tmp_path):
    tree = Tree(tmp_path / "set")
    tree.photo("a.jpg")
    tree.text("a.json", json.dumps([task(annotation(region(original_width=640, original_height=480)))]))
    dataset = import_dataset(tree.root, workspace=workspace_in(tmp_path))
    assert dataset.images[0].annotations.boxes_xyxy.tolist() == [[16, 24, 48, 36]]
    assert "size_mismatch" not in {finding.kind for finding in dataset.findings}


@pytest.mark.parametrize(
    ("size", "box"), [((48, 64), [12, 32, 36, 48]), ((64, 48), [12, 16, 24, 48]), ((4800, 6400), [12, 32, 36, 48])]
)
def test_a_photo_on_its_side(tmp_path, size, box):
    """Browsers turn photos as the camera says; old ones showed them as stored, and the stated size tells."""
    tree = Tree(tmp_path / "set")
    tree.photo("b.jpg")
    exif = Image.Exif()
    exif[274] = 6  # stored as 64x48, upright 48x64
    draw_photo(seed=7).save(tree.root / "a.jpg", exif=exif)
    drawn = region(original_width=size[0], original_height=size[1])
    tree.text("a.json", json.dumps([task(annotation(drawn)), task(annotation(), photo="b.jpg")]))
    dataset = import_dataset(tree.root, workspace=workspace_in(tmp_path))
    (marked,) = [record for record in dataset.images if len(record.annotations.boxes_xyxy)]
    assert marked.annotations.boxes_xyxy.tolist() == [box]
    kinds = {finding.kind for finding in dataset.findings}
    assert ("turned" in kinds) == (size == (64, 48)) and "size_mismatch" not in kinds
