import json

import pytest

from autodet.datasets.checks.kinds import decide
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.imports.review import review
from autodet.datasets.imports.staged_json import read_staged, write_staged
from autodet.datasets.imports.staging import stage
from autodet.errors import DatasetError
from autodet.messages.findings import action_sentence, problem_sentence
from autodet.terminal import dataset_text
from tests.datasets.formats.layouts import Tree
from tests.helpers import APPLE, BANANA, draw_photo, voc_xml, workspace_in, write_labelled, write_voc


def reviewed(folder, **decisions):
    return review(stage(folder, copies=None, shown=folder.name), decide(decisions))


def kinds(found):
    return {problem.kind for problem in found.findings}


def test_a_clean_source_asks_nothing(tmp_path):
    found = reviewed(write_voc(tmp_path / "set"))
    assert (found.findings, found.asks, found.refusals) == ((), False, ())
    assert len(found.photos) == len(found.hashes) == len(found.splits) == 20


def test_photos_without_labels_can_be_kept_as_photos_without_objects(tmp_path):
    folder = write_voc(tmp_path / "set")
    draw_photo(seed=99).save(folder / "background.png")
    assert len(reviewed(folder).photos) == 20
    found = reviewed(folder, photo_unlabelled="keep")
    assert len(found.photos) == 21 and found.asks
    assert [len(photo.marks) for photo in found.photos].count(0) == 1


@pytest.mark.parametrize(
    ("marks", "decisions", "words"),
    [((), {}, "has no boxes"), ((APPLE,), {"class_rare": "drop"}, "No box of")],
)
def test_what_has_no_box_at_all_is_refused(tmp_path, marks, decisions, words):
    folder = write_voc(tmp_path / "set", 4, marks)
    (refusal,) = reviewed(folder, **decisions).refusals
    assert words in problem_sentence(refusal)
    with pytest.raises(DatasetError, match=words):
        import_dataset(folder, "set", decisions=decisions, workspace=workspace_in(tmp_path))


@pytest.mark.parametrize(
    ("split", "effect"),
    [("val", "a search cannot compare its trials"), ("test", "no model can be evaluated on it")],
)
def test_a_split_without_boxes_is_a_finding_and_stops_nothing(tmp_path, split, effect):
    for name in ("train", "val", "test"):
        write_voc(tmp_path / "set" / name, 12, () if name == split else (APPLE,))
    found = reviewed(tmp_path / "set")
    (problem,) = found.findings
    assert problem.kind == "split_unmarked"
    assert problem_sentence(problem) == f"The split {split} has 12 photos and no boxes, so {effect}."
    assert not found.asks and not found.refusals
    dataset = import_dataset(tmp_path / "set", "set", workspace=workspace_in(tmp_path))
    assert dataset.to_json()["problems"][0]["kind"] == "split_unmarked"
    assert f"Splits without boxes: 1\n  The split {split} has 12 photos" in dataset_text(dataset)


def test_train_without_boxes_is_a_finding_beside_what_it_lacks(tmp_path):
    write_voc(tmp_path / "set" / "train", 12, ())
    write_voc(tmp_path / "set" / "val", 12, (APPLE,))
    found = reviewed(tmp_path / "set", splits_disagree="keep")
    assert {"split_unmarked", "splits_disagree", "class_untaught"} <= kinds(found) and not found.refusals


def test_difficult_boxes_do_not_count_in_a_split(tmp_path):
    write_voc(tmp_path / "set" / "train", 12, (APPLE,))
    write_voc(tmp_path / "set" / "val", 3, (APPLE,))
    for xml in (tmp_path / "set" / "val").glob("*.xml"):
        xml.write_text(xml.read_text().replace("<bndbox>", "<difficult>1</difficult><bndbox>"))
    (problem,) = [one for one in reviewed(tmp_path / "set").findings if one.kind == "split_unmarked"]
    assert "val has 3 photos and no boxes but difficult ones" in problem_sentence(problem)


def test_a_finding_about_a_data_set_without_any_box_is_not_told_twice(tmp_path):
    assert "split_unmarked" not in kinds(reviewed(write_voc(tmp_path / "set", 4, ())))


def test_two_spellings_become_the_more_frequent_one(tmp_path):
    folder = write_voc(tmp_path / "set")
    write_labelled(folder, "other", [("Ap ple", APPLE[1])], seed=50)
    found = reviewed(folder)
    assert {name for photo in found.photos for name in photo.classes} == {"apple", "banana"}
    [problem] = [problem for problem in found.findings if problem.kind == "class_spelling"]
    assert (
        problem.file == "other.xml"
        and problem_sentence(problem) == "The class 'Ap ple' (1 box) is spelled 'apple' elsewhere."
    )
    kept = reviewed(folder, class_spelling="keep")
    assert {name for photo in kept.photos for name in photo.classes} == {"Ap ple", "apple", "banana"}


def test_a_spelling_of_val_alone_is_no_class_that_train_lacks(tmp_path):
    write_voc(tmp_path / "set" / "train", 12, [APPLE])
    write_voc(tmp_path / "set" / "val", 3, [("APPLE", APPLE[1])])
    assert reviewed(tmp_path / "set").refusals == ()


def test_classes_with_few_boxes_and_classes_that_a_split_lacks_are_told_and_can_go(tmp_path):
    write_voc(tmp_path / "set" / "train", 12, [APPLE])
    write_labelled(tmp_path / "set" / "train", "odd", [APPLE, BANANA], seed=40)
    for seed in range(50, 53):
        write_labelled(tmp_path / "set" / "val", f"photo_{seed}", [APPLE], seed=seed)
    found = reviewed(tmp_path / "set")
    assert {(problem.kind, problem_sentence(problem)) for problem in found.findings} == {
        ("class_rare", "The class 'banana' has only 1 box."),
        ("class_missing", "The class 'banana' is on no photo of val."),
    }
    assert not found.asks
    without = reviewed(tmp_path / "set", class_rare="drop")
    assert {name for photo in without.photos for name in photo.classes} == {"apple"}
    assert len(without.photos) == 16


def test_findings_about_labels_of_one_file_for_many_photos_name_the_photo_that_shows_them(tmp_path):
    rows = ["filename,width,height,class,xmin,ymin,xmax,ymax"]
    for number in range(12):
        draw_photo(seed=number).save(tmp_path / f"{number:02}.png")
        rows.append(f"{number:02}.png,64,48,{'pear' if number == 3 else 'fig'},4,5,34,35")
    rows.append("05.png,64,48,fig,4,5,34,35")
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    shown = {(found.kind, found.photos) for found in reviewed(tmp_path).findings}
    assert {("class_rare", ("03.png",)), ("box_duplicate", ("05.png",))} <= shown


def untaught(tmp_path, val_photos):
    """A set of which one photo of val shows a class that train lacks."""
    write_voc(tmp_path / "set" / "train", 12, [APPLE])
    write_voc(tmp_path / "set" / "val", val_photos - 1, [APPLE])
    write_labelled(tmp_path / "set" / "val", "odd", [BANANA], seed=7)
    return tmp_path / "set"


def empty_classes(found):
    return [problem_sentence(problem) for problem in found.findings if problem.kind == "class_empty"]


def test_a_category_or_name_without_boxes_is_told_however_it_is_spelt(tmp_path):
    photos = [f"photo_{number}.png" for number in range(8)]
    for folder in (tmp_path / "coco", tmp_path / "yolo"):
        folder.mkdir()
        for number, name in enumerate(photos):
            draw_photo(seed=number).save(folder / name)
            if folder.name == "yolo":
                (folder / name).with_suffix(".txt").write_text("0 0.5 0.5 0.4 0.4\n")
    categories = [{"id": id, "name": name} for id, name in enumerate(["apple", "Ap ple", "fruit"])]
    marks = [{"image_id": number, "category_id": 0, "bbox": [4, 6, 20, 20]} for number in range(8)]
    images = [{"id": number, "file_name": name, "width": 64, "height": 48} for number, name in enumerate(photos)]
    document = {"images": images, "annotations": marks, "categories": categories}
    (tmp_path / "coco" / "labels.json").write_text(json.dumps(document))
    (tmp_path / "yolo" / "data.yaml").write_text("names: [apple, APPLE, fruit]\n")
    for folder in (tmp_path / "coco", tmp_path / "yolo"):
        found = reviewed(folder)
        assert empty_classes(found) == ["The class 'fruit' has no boxes."]
        assert not found.asks
        write_staged(tmp_path, found.staged)
        assert empty_classes(review(read_staged(tmp_path))) == ["The class 'fruit' has no boxes."]
        assert read_staged(tmp_path) == found.staged


def test_a_class_whose_boxes_cannot_be_used_is_told(tmp_path):
    folder = write_voc(tmp_path / "set")
    write_labelled(folder, "odd", [APPLE, ("dot", (5, 5, 5, 5))], seed=50)
    assert empty_classes(reviewed(folder)) == ["The class 'dot' has no boxes."]


def test_a_class_that_train_lacks_is_told_and_can_go(tmp_path):
    source = untaught(tmp_path, val_photos=6)
    found = reviewed(source)
    assert found.asks and found.refusals == ()
    (told,) = [problem for problem in found.findings if problem.kind == "class_untaught"]
    assert "'banana' is in val" in problem_sentence(told) and action_sentence(told) == "It was kept."
    assert {name for photo in reviewed(source, class_untaught="drop").photos for name in photo.classes} == {"apple"}


def test_splits_whose_classes_do_not_agree_are_not_imported_until_somebody_decides(tmp_path):
    source = untaught(tmp_path, val_photos=4)
    assert "Of the 4 boxes in val, 1 are of classes that no photo of train shows ('banana')" in problem_sentence(
        reviewed(source).refusals[0]
    )
    assert reviewed(source, class_untaught="drop").refusals == ()
    assert reviewed(source, splits_disagree="keep").refusals == ()


def tear(folder, count):
    for number in range(count):
        (folder / f"torn{number}.xml").write_text("<annotation>")
        draw_photo(seed=200 + number).save(folder / f"torn{number}.png")


def test_more_than_a_twentieth_lost_needs_somebody_who_agrees(tmp_path):
    folder = write_voc(tmp_path / "set", 57)
    tear(folder, 3)
    assert reviewed(folder).refusals == (), "three of sixty are a twentieth, not more"
    tear(folder, 4)
    found = reviewed(folder)
    assert "'set' would lose 4 of 61 labelled photos, more than 5%" in problem_sentence(found.refusals[0])
    assert "torn0.xml: The XML is broken" in problem_sentence(found.refusals[0])
    with pytest.raises(DatasetError, match="large_loss=keep"):
        import_dataset(folder, workspace=workspace_in(tmp_path))
    agreed = import_dataset(folder, decisions={"large_loss": "keep"}, workspace=workspace_in(tmp_path))
    assert len(agreed.images) == 57


def test_one_or_two_lost_are_shown_but_stop_nothing_however_small_the_set_is(tmp_path):
    folder = write_voc(tmp_path / "set", 6)
    tear(folder, 2)
    found = reviewed(folder)
    assert found.refusals == () and found.asks


def test_lost_boxes_and_boxes_that_are_cut_a_lot_count_as_lost(tmp_path):
    folder = write_voc(tmp_path / "set", 5, [APPLE, ("apple", (20, 20, 66, 40))])
    assert reviewed(folder).refusals == (), "two pixels are drawn beyond a photo by accident"
    far = write_voc(tmp_path / "far", 5, [APPLE, ("apple", (20, 20, 90, 40))])
    (refusal,) = reviewed(far).refusals
    assert "'far' would cut 5 of 10 boxes, more than 5%. photo_00.xml: The box of 'apple'" in problem_sentence(refusal)
    write_labelled(
        folder, "thin", [("apple", (5, 5, 5, 30)), ("apple", (6, 5, 6, 30)), ("apple", (7, 5, 7, 30))], seed=30
    )
    assert "'set' would lose 3 of 13 boxes, more" in problem_sentence(reviewed(folder).refusals[0])


def test_photos_of_another_size_than_their_labels_can_be_left_out(tmp_path):
    folder = write_voc(tmp_path / "set", 12)
    (folder / "photo_03.xml").write_text(voc_xml("photo_03.png", (128, 96)))
    assert "size_resized" in kinds(reviewed(folder)) and reviewed(folder).asks
    assert len(reviewed(folder, size_resized="drop").photos) == 11


def test_nothing_left_is_a_sentence(tmp_path):
    folder = tmp_path / "set"
    write_labelled(folder, "one")
    (folder / "one.xml").write_text(voc_xml("one.png", (128, 96)))
    with pytest.raises(DatasetError, match="Nothing is left of 'set'"):
        reviewed(folder, size_resized="drop")


def test_a_damaged_file_about_many_photos_loses_them_all(tmp_path):
    tree = Tree(tmp_path / "set")
    for split, numbers in (("train", range(12)), ("val", range(12, 16))):
        for number in numbers:
            tree.photo(f"{split}/{number}.jpg")
        tree.coco(f"annotations/{split}.json", [f"{number}.jpg" for number in numbers])
    path = tree.root / "annotations/val.json"
    path.write_text(path.read_text()[:-40])
    (refusal,) = reviewed(tree.root).refusals
    assert "would lose 5 of 17 labelled photos" in problem_sentence(refusal)
