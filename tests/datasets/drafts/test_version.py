import errno
import shutil
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from PIL import Image

from autodet.access.visitor import Visitor, acting_as
from autodet.datasets.drafts.acceptance import discard_drafts
from autodet.datasets.drafts.journal import add_draft_class, propose_labels, read_drafts, save_draft
from autodet.datasets.drafts.version import derive_labels, has_new_labels, plan_labels, store_labels, stored_labels
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.manifest import list_datasets, read_dataset
from autodet.datasets.versions import storage
from autodet.datasets.versions.derive import derive_dataset
from autodet.errors import DatasetError
from autodet.messages.versions import change_sentence
from autodet.records import DraftBox
from tests.helpers import draw_photo, write_voc

BOX = DraftBox("pear", (1.07, 2.0, 30.61, 40.145))


@pytest.fixture
def write_pool(workspace, tmp_path):
    """Import unlabelled photos; those of a scene look alike."""

    def written(photos=40, scenes=0, folders=("",)):
        for number in range(photos):
            folder = tmp_path / "pool" / folders[number % len(folders)]
            folder.mkdir(parents=True, exist_ok=True)
            seed = number % 2 if number < scenes else number
            photo = draw_photo((64, 48), seed).resize((640, 480), Image.Resampling.BICUBIC)
            photo.putpixel((number, 0), (number, 0, 0))
            photo.save(folder / f"{number:02}.png")
        return import_dataset(tmp_path / "pool", "pool", workspace=workspace)

    return written


@pytest.fixture
def fruit(workspace, tmp_path):
    return import_dataset(write_voc(tmp_path / "fruit", 20), "fruit", workspace=workspace)


def label(dataset, files, boxes=(BOX,)):
    for name in {box.class_name for box in boxes}:
        add_draft_class(dataset, name)
    for file in files:
        save_draft(dataset, replace(read_drafts(dataset).of(file), boxes=tuple(boxes), reviewed=True))


def files_of(dataset, first=0, last=None):
    return [record.file for record in dataset.images][first:last]


def splits_of(dataset):
    return {record.sha256: record.split for record in dataset.images}


def kinds(version):
    return {change.kind: change.values for change in version.changes}


def test_a_pool_gives_its_labelled_and_its_empty_photos(write_pool):
    pool = write_pool()
    label(pool, files_of(pool, 0, 22))
    label(pool, files_of(pool, 22, 25), ())
    propose_labels(pool, {file: [replace(BOX, score=0.9)] for file in files_of(pool, 25, 30)}, "model-1")
    version = plan_labels(pool)
    assert kinds(version)["labelled"] == {
        "photos": 25, "added": 22, "removed": 0, "changed": 0, "empty": 3, "authors": []
    }  # fmt: skip
    assert kinds(version)["undecided_dropped"]["photos"] == 5
    assert kinds(version)["unlabelled_dropped"]["photos"] == 10
    made = store_labels(version, "pears")
    assert (made.name, made.classes, made.boxes, len(made.images)) == ("pears", ("pear",), 22, 25)
    assert made.splits["val"] >= 3 and made.splits["test"] >= 3
    assert all(made.photo(record).is_file() for record in made.images)
    assert made.parent.id == pool.id and not read_dataset(pool.folder).boxes
    assert len(read_drafts(pool).changed) == 30


def test_what_is_left_out_can_be_taken(write_pool):
    pool = write_pool(12)
    label(pool, files_of(pool, 0, 4))
    propose_labels(pool, {files_of(pool)[0]: [replace(BOX, score=0.9)]}, "model-1")
    assert len(plan_labels(pool).images) == 3
    taken = plan_labels(pool, undecided="keep")
    assert len(taken.images) == 4 and taken.tally.all_boxes["all"] == 4
    assert len(plan_labels(pool, unlabelled="keep", undecided="keep").images) == 12


@pytest.mark.parametrize(
    ("photos", "expected"), [(6, {"train", "val"}), (12, {"train", "val"}), (20, {"train", "val", "test"})]
)
def test_a_few_photos_have_val_and_more_have_test(write_pool, photos, expected):
    pool = write_pool(24)
    label(pool, files_of(pool, 0, photos))
    assert {record.split for record in plan_labels(pool).images} == expected


def test_a_photo_stays_in_its_split_while_the_pool_grows(write_pool):
    pool = write_pool(60)
    before = {}
    for photos in (12, 24, 25, 60):
        label(pool, files_of(pool, max(0, photos - 36), photos))
        made = store_labels(plan_labels(pool))
        assert before.items() <= splits_of(made).items()
        before = splits_of(made)
    shares = Counter(before.values())
    assert shares["test"] == 9 and shares["val"] in (8, 9, 10)
    discard_drafts(pool, files_of(pool, 0, 30))
    store_labels(plan_labels(pool))
    label(pool, files_of(pool, 0, 30))
    assert splits_of(store_labels(plan_labels(pool), "again")) == before


def test_a_later_version_counts_what_is_new_since_the_one_before(write_pool):
    pool = write_pool()
    label(pool, files_of(pool, 0, 22))
    store_labels(plan_labels(pool), "first")
    label(pool, files_of(pool, 20, 25), (BOX, replace(BOX, class_name="fig")))
    (change, *_) = plan_labels(pool).changes
    sentence = "Took over labels of 25 photos, 5 of them new since 'first': 30 boxes added."
    assert change_sentence(change) == sentence


def test_labels_are_new_until_a_version_has_them(write_pool):
    pool = write_pool()
    assert not has_new_labels(pool)
    label(pool, files_of(pool, 0, 20))
    planned = plan_labels(pool)
    label(pool, files_of(pool, 19, 20), [BOX, replace(BOX, box_xyxy=(30.5, 20.25, 60.0, 47.0))])
    store_labels(planned)
    assert has_new_labels(pool)  # the version was planned before the last change
    derive_labels(pool)
    assert not has_new_labels(pool)
    save_draft(pool, replace(read_drafts(pool).of(files_of(pool)[0]), flagged=True))
    propose_labels(pool, {file: [replace(BOX, score=0.9)] for file in files_of(pool, 30, 32)}, "model-1")
    assert not has_new_labels(pool)
    label(pool, files_of(pool, 0, 1), ())
    assert has_new_labels(pool)


def test_copies_of_a_photo_may_have_different_labels(workspace, tmp_path):
    (tmp_path / "pool").mkdir()
    for name in ("one", "other"):
        draw_photo().save(tmp_path / "pool" / f"{name}.png")
    pool = import_dataset(tmp_path / "pool", "pool", workspace=workspace)
    label(pool, files_of(pool, 0, 1))
    label(pool, files_of(pool, 1, 2), [replace(BOX, box_xyxy=(1.0, 2.0, 20.0, 30.0))])
    derive_labels(pool)
    assert not has_new_labels(pool)


def test_corrected_labels_are_new_until_a_version_has_them(fruit):
    save_draft(fruit, replace(read_drafts(fruit).of(files_of(fruit)[0]), flagged=True))
    assert not has_new_labels(fruit)
    label(fruit, files_of(fruit, 0, 1))
    assert has_new_labels(fruit)
    derive_labels(fruit)
    assert not has_new_labels(fruit)


def test_near_duplicates_of_a_test_photo_never_train(write_pool):
    pool = write_pool(90, scenes=16)
    looks = {record.look: record for record in pool.images}
    assert len(looks) < 90
    label(pool, files_of(pool, 0, 60))
    first = store_labels(plan_labels(pool))
    label(pool, files_of(pool, 60, 90))
    second = store_labels(plan_labels(pool))
    for made in (first, second):
        assert not [finding for finding in made.findings if finding.kind in ("photo_alike", "photo_copies")]


def test_folders_named_after_splits_decide(write_pool):
    pool = write_pool(30, folders=("train", "val", "test"))
    label(pool, files_of(pool, 0, 30))
    made = store_labels(plan_labels(pool))
    assert splits_of(made) == splits_of(pool) and made.splits == {"train": 10, "val": 10, "test": 10}


def test_corrected_labels_of_a_data_set_become_a_version_in_the_same_splits(fruit):
    first, second, third, *_ = fruit.images
    drafts = read_drafts(fruit)
    apple, banana = drafts.of(first.file).boxes
    moved = replace(apple, box_xyxy=(5.0, 7.0, 30.0, 40.0))
    label(fruit, [first.file], (moved, banana, replace(BOX, box_xyxy=(50.0, 1.0, 60.0, 6.0))))
    label(fruit, [second.file], (replace(apple, class_name="pear"),))
    save_draft(fruit, replace(drafts.of(third.file), flagged=True))
    version = plan_labels(fruit)
    assert [change.kind for change in version.changes] == ["labelled"]
    assert kinds(version)["labelled"] == {
        "photos": 2, "added": 1, "removed": 1, "changed": 2, "empty": 0, "authors": []
    }  # fmt: skip
    assert change_sentence(version.changes[0]) == (
        "Took over new labels of 2 photos: 1 box added, 1 box removed and 2 boxes changed."
    )
    made = store_labels(version)
    assert made.name == "fruit 2" and made.classes == ("apple", "banana", "pear")
    assert splits_of(made) == splits_of(fruit)
    stored = {record.file: record.annotations for record in made.images}
    assert [made.classes[number] for number in stored[first.file].class_ids] == ["apple", "banana", "pear"]
    assert stored[first.file].boxes_xyxy[0].tolist() == [5, 7, 30, 40]
    assert [made.classes[number] for number in stored[second.file].class_ids] == ["pear"]


def test_photos_without_labels_stay_in_a_data_set_that_has_labels(fruit):
    discarded = fruit.images[0].file
    label(fruit, [discarded], ())
    save_draft(fruit, replace(read_drafts(fruit).of(discarded), reviewed=False))
    assert len(plan_labels(fruit).images) == 20
    assert len(plan_labels(fruit, unlabelled="drop").images) == 19


def test_the_people_who_labelled_are_named_unless_only_the_owner_did(write_pool):
    pool = write_pool(8)
    for name, files in (("ann", files_of(pool, 0, 2)), ("ben", files_of(pool, 2, 4))):
        with acting_as(Visitor(name, "editor")):
            label(pool, files)
    assert kinds(plan_labels(pool))["labelled"]["authors"] == ["ann", "ben"]
    assert "by ann and ben" in change_sentence(plan_labels(pool).changes[0])


def test_nothing_labelled_and_nothing_changed_are_refused(write_pool, fruit):
    pool = write_pool(6)
    with pytest.raises(DatasetError, match="Nothing is labelled yet"):
        plan_labels(pool)
    label(pool, files_of(pool, 0, 2), ())
    with pytest.raises(DatasetError, match="Nothing is labelled yet"):
        plan_labels(pool)
    with pytest.raises(DatasetError, match="have not changed"):
        store_labels(plan_labels(fruit))
    add_draft_class(fruit, "pear")
    assert plan_labels(fruit).classes == fruit.classes
    with pytest.raises(DatasetError, match="Nothing would change"):
        store_labels(plan_labels(fruit))


def test_requests_at_once_make_one_version(write_pool, workspace):
    pool = write_pool(12)
    label(pool, files_of(pool, 0, 10))
    version = plan_labels(pool)
    assert stored_labels(version) is None
    with ThreadPoolExecutor(6) as many:
        made = {one.id for one in many.map(lambda _: store_labels(version), range(6))}
    assert len(made) == 1 and len(list_datasets(workspace)) == 2
    assert stored_labels(plan_labels(pool)).id in made


def test_a_deleted_data_set_and_a_full_disk_end_in_a_sentence(write_pool, workspace, monkeypatch):
    pool = write_pool(12)
    label(pool, files_of(pool, 0, 10))
    version = plan_labels(pool)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(storage, "_share", full)
        with pytest.raises(DatasetError, match="No space left on device; check that the disk is not full"):
            store_labels(version)
    assert len(list_datasets(workspace)) == 1
    shutil.rmtree(pool.folder)
    with pytest.raises(DatasetError, match="deleted"):
        store_labels(version)


def test_versions_that_follow_a_version_keep_its_splits(write_pool):
    pool = write_pool(24)
    label(pool, files_of(pool, 0, 22))
    first = store_labels(plan_labels(pool))
    label(first, files_of(first, 0, 1), (BOX, replace(BOX, box_xyxy=(0.0, 0.0, 9.0, 9.0))))
    corrected = store_labels(plan_labels(first))
    assert splits_of(corrected) == splits_of(first) and corrected.boxes == 23
    renamed = derive_dataset(pool, "other", resplit=(0.5, 0.5), workspace=pool.workspace)
    assert not renamed.boxes and splits_of(store_labels(plan_labels(pool))) == splits_of(first)
