"""What rows of more than four numbers mean, decided for the whole source."""

import math
import random

import pytest

from autodet.datasets.formats import yolo
from autodet.datasets.formats.source_files import Listing
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.errors import DatasetError
from autodet.messages.findings import problem_sentence
from tests.helpers import draw_photo, workspace_in

PHOTOS, ROWS = 8, 3


def corners(box):
    x, y, width, height = box
    return [(x + across * width / 2, y + down * height / 2) for across, down in ((-1, -1), (1, -1), (1, 1), (-1, 1))]


def outline(box, chance, count=0):
    """A closed line around the middle of a box that touches all of its sides."""
    x, y, width, height = box
    sides = [(x - width / 2, y), (x, y - height / 2), (x + width / 2, y), (x, y + height / 2)]
    turns = [chance.uniform(0, 2 * math.pi) for _ in range(count or chance.randrange(3, 12))]
    inner = [(x + 0.45 * width * math.cos(turn), y + 0.45 * height * math.sin(turn)) for turn in turns]
    start = chance.randrange(4)
    points = sorted(sides + inner, key=lambda point: math.atan2(point[1] - y, point[0] - x))
    return points[start:] + points[:start]


def inside(box, chance, count):
    x, y, width, height = box
    return [(x + chance.uniform(-0.4, 0.4) * width, y + chance.uniform(-0.4, 0.4) * height) for _ in range(count)]


def flat(points, *more):
    return [number for point in points for number in (*point, *(part() for part in more))]


LAYOUTS = {
    "confidence": lambda box, chance, row: [*box, chance.uniform(0.2, 1)],
    "track": lambda box, chance, row: [*box, row],
    "confidence_track": lambda box, chance, row: [*box, chance.uniform(0.2, 1), row],
    "landmarks": lambda box, chance, row: [*box, *flat(inside(box, chance, 5))],
    "landmarks_missing": lambda box, chance, row: [*box, *(flat(inside(box, chance, 5)) if row % 3 else [-1] * 10)],
    "landmarks_confidence": lambda box, chance, row: [*box, *flat(inside(box, chance, 5)), chance.uniform(0.2, 1)],
    "plate": lambda box, chance, row: [*box, *flat(corners(box))],
    "visible": lambda box, chance, row: [*box, *flat(inside(box, chance, 4), lambda: chance.choice((1, 2)))],
    "predicted_pose": lambda box, chance, row: [*box, *flat(inside(box, chance, 17), lambda: chance.uniform(0.3, 1))],
    "box_outline": lambda box, chance, row: [*box, *flat(outline(box, chance))],
    "outline": lambda box, chance, row: flat(outline(box, chance)),
    "outline_confidence": lambda box, chance, row: [*flat(outline(box, chance)), chance.uniform(0.2, 1)],
    "outline_track": lambda box, chance, row: [*flat(outline(box, chance)), row],
    "outline_confidence_track": lambda box, chance, row: [*flat(outline(box, chance)), chance.uniform(0.2, 1), row],
    "outline_of_seven": lambda box, chance, row: flat(outline(box, chance, 3)),
    "four_corners": lambda box, chance, row: flat(corners(box)),
    "four_corners_confidence": lambda box, chance, row: [*flat(corners(box)), chance.uniform(0.2, 1)],
    "four_corners_confidence_track": lambda box, chance, row: [*flat(corners(box)), chance.uniform(0.2, 1), row],
    "boxes_and_outlines": lambda box, chance, row: box if row % 2 else flat(outline(box, chance)),
}


def lay_out(folder, layout, seed=0, settings="names: [cat, dog]\n"):
    """Write photos of 64 x 48 pixels and their rows; return the boxes of each photo in fractions."""
    chance, row, boxes = random.Random(seed), 0, {}
    (folder / "images").mkdir(parents=True)
    (folder / "labels").mkdir()
    for photo in range(PHOTOS):
        draw_photo(seed=photo).save(folder / "images" / f"{photo}.png")
        lines = []
        for _ in range(ROWS):
            row += 1
            width, height = chance.uniform(0.15, 0.3), chance.uniform(0.15, 0.3)
            x, y = chance.uniform(width / 2, 1 - width / 2), chance.uniform(height / 2, 1 - height / 2)
            numbers = layout((x, y, width, height), chance, row)
            lines.append(" ".join(("1", *(f"{number:.6g}" for number in numbers))))
            boxes.setdefault(f"images/{photo}.png", []).append(
                (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
            )
        (folder / "labels" / f"{photo}.txt").write_text("\n".join(lines))
    (folder / "data.yaml").write_text(settings)
    return boxes


def listed(folder):
    return Listing(folder, tuple(sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*"))))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", LAYOUTS)
def test_each_layout_gives_the_boxes_of_its_objects(tmp_path, name, seed):
    expected = lay_out(tmp_path / "set", LAYOUTS[name], seed)
    reading = yolo.read(listed(tmp_path / "set"))
    assert not [finding for finding in reading.findings if finding.kind not in ("rows_read",)]
    assert {str(photo.photo) for photo in reading.photos} == set(expected)
    for photo in reading.photos:
        found = [mark.box_xyxy for mark in photo.marks]
        for box, wanted in zip(found, expected[str(photo.photo)], strict=True):
            assert box == pytest.approx(wanted, abs=1e-5)
    said = [problem_sentence(finding) for finding in reading.findings]
    plain = name in ("outline", "outline_of_seven", "four_corners", "boxes_and_outlines")
    assert len(said) == (0 if plain else 1), said
    if said:
        assert f"{PHOTOS * ROWS} rows" in said[0]


def test_only_boxes_have_a_notation(tmp_path):
    for name in ("confidence", "outline"):
        lay_out(tmp_path / name, LAYOUTS[name])
    assert {photo.notation for photo in yolo.read(listed(tmp_path / "confidence")).photos} == {"center"}
    assert {photo.notation for photo in yolo.read(listed(tmp_path / "outline")).photos} == {""}


def test_a_shape_of_keypoints_needs_no_other_evidence(tmp_path):
    settings = "kpt_shape: [2, 2]\nnames: [cat, dog]\n"
    expected = lay_out(tmp_path / "set", lambda box, chance, row: [*box, 0.9, 0.1, 0.2, 0.8], settings=settings)
    [finding] = (reading := yolo.read(listed(tmp_path / "set"))).findings
    assert "kpt_shape" in problem_sentence(finding)
    assert reading.photos[0].marks[0].box_xyxy == pytest.approx(expected["images/0.png"][0], abs=1e-5)


def test_an_angle_is_asked_about_and_can_be_read_either_way(tmp_path):
    lay_out(tmp_path / "set", lambda box, chance, row: [0.5, 0.5, 0.5, 0.25, math.pi / 2])
    with pytest.raises(DatasetError, match=r"fifth number.*angle.*rows_turned=turned or --decide rows_turned=box"):
        import_dataset(tmp_path / "set", workspace=workspace_in(tmp_path))
    for action, box in (("box", [16, 18, 48, 30]), ("turned", [26, 8, 38, 40])):
        decided = import_dataset(tmp_path / "set", decisions={"rows_turned": action}, workspace=workspace_in(tmp_path))
        assert decided.images[0].annotations.boxes_xyxy[0].round(2).tolist() == box


def test_rows_that_fit_a_box_and_an_outline_are_asked_about(tmp_path):
    numbers = [0.5, 0.5, 0.6, 0.6, 0.5, 0.55, 0.75, 0.79, 0.72, 0.55]
    lay_out(tmp_path / "set", lambda box, chance, row: numbers)
    with pytest.raises(DatasetError, match=r"24 rows .*rows_ambiguous=box or --decide rows_ambiguous=polygon"):
        import_dataset(tmp_path / "set", workspace=workspace_in(tmp_path))
    photo = yolo.read(listed(tmp_path / "set")).photos[0]
    boxes = {reading.action: reading.marks[0].box_xyxy for reading in photo.readings}
    assert boxes["box"] == pytest.approx((0.2, 0.2, 0.8, 0.8))
    assert boxes["polygon"] == pytest.approx((0.5, 0.5, 0.75, 0.79))


@pytest.mark.parametrize(
    ("name", "row", "sentence"),
    [
        ("outline", "1 .5 .5 .6 .5 .6 .6 .5", "7 numbers after the class"),
        ("landmarks", "1 .5 .5 .2 .2 .5 .5 .5 .5 .5 .5", "10 numbers after the class"),
        ("confidence_track", "1 .5 .5 .2 .2 7.5 1", "6 numbers after the class"),
        ("confidence", "1 .5 .5 -.2 .2 .5", "negative"),
    ],
)
def test_single_rows_that_do_not_fit_are_damaged(tmp_path, name, row, sentence):
    folder = tmp_path / "set"
    for part in range(5):
        lay_out(folder / str(part), LAYOUTS[name], part)
    labels = folder / "0" / "labels" / "0.txt"
    labels.write_text(f"{labels.read_text()}\n{row}\n")
    damaged = [finding for finding in yolo.read(listed(folder)).findings if finding.kind == "box_damaged"]
    assert [finding.values["line"] for finding in damaged] == [ROWS + 1]
    assert sentence in problem_sentence(damaged[0])


def test_folders_of_different_layouts_are_told_apart(tmp_path):
    folder = tmp_path / "set"
    expected = {f"a/{photo}": boxes for photo, boxes in lay_out(folder / "a", LAYOUTS["landmarks"]).items()}
    expected |= {f"b/{photo}": boxes for photo, boxes in lay_out(folder / "b", LAYOUTS["outline_of_seven"], 1).items()}
    for photo in yolo.read(listed(folder)).photos:
        found = [mark.box_xyxy for mark in photo.marks]
        assert [pytest.approx(box, abs=1e-5) for box in expected[str(photo.photo)]] == found
