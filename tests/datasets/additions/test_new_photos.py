"""Single photos that join a data set with proposed boxes."""

from dataclasses import replace

import pytest
from PIL import Image

from autodet.datasets.additions.addition import add_photos
from autodet.datasets.additions.new_photos import NewPhoto, add_new_photos
from autodet.datasets.drafts.journal import add_draft_class, read_drafts, save_draft
from autodet.datasets.drafts.version import derive_labels
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.manifest import list_datasets
from autodet.datasets.versions.waiting_photos import waiting_photos
from autodet.errors import DatasetError, SearchError
from autodet.records import DraftBox, PhotoDraft
from autodet.search.order.dataset_preflight import check_labels
from autodet.search.start import start_search
from tests.helpers import draw_photo, workspace_in, write_labelled, write_voc

APPLE = DraftBox("Apple", (1.0, 2.0, 30.0, 40.0), score=0.4)
PEAR = DraftBox("pear", (5.0, 5.0, 20.0, 20.0), score=0.3)


@pytest.fixture
def workspace(tmp_path):
    return workspace_in(tmp_path)


@pytest.fixture
def fruit(tmp_path, workspace):
    return import_dataset(write_voc(tmp_path / "fruit"), "fruit", workspace=workspace)


@pytest.fixture
def pool(tmp_path, workspace):
    """Three photos, one of them labelled in a draft."""
    folder = tmp_path / "pool"
    folder.mkdir()
    for number in range(3):
        draw_photo(seed=900 + number).save(folder / f"{number}.png")
    pool = import_dataset(folder, "pool", workspace=workspace)
    add_draft_class(pool, "plum")
    save_draft(pool, PhotoDraft(pool.images[0].file, (DraftBox("plum", (1.0, 1.0, 9.0, 9.0)),), reviewed=True))
    return pool


def content(tmp_path, seed):
    path = tmp_path / f"{seed}.png"
    draw_photo(seed=seed).save(path)
    return path.read_bytes()


def test_a_photo_waits_with_its_proposals_in_a_new_version(tmp_path, fruit):
    photo = NewPhoto(content(tmp_path, 500), "../../shot.jpg", (APPLE, PEAR), "model-1")
    made = add_new_photos(fruit, [photo, photo])
    (file,) = made.files.values()
    assert (made.dataset.name, made.added, file) == ("fruit 2", 1, "train/shot.png")
    assert len(made.dataset.images) == len(fruit.images) + 1
    assert waiting_photos(made.dataset) == {file}
    draft = read_drafts(made.dataset).of(file)
    assert [box.class_name for box in draft.proposals] == ["apple", "pear"]  # as the data set spells it
    assert (draft.model, draft.state) == ("model-1", "proposed")
    assert read_drafts(made.dataset).classes == ("apple", "banana", "pear")


def test_no_search_learns_from_photos_that_wait(tmp_path, fruit):
    made = add_new_photos(fruit, [NewPhoto(content(tmp_path, 500), "a.png")])
    with pytest.raises(SearchError, match="1 photo of the data set fruit 2 waits to be labelled"):
        start_search(made.dataset, trials=1, epochs=1)


def test_a_version_of_the_labels_has_the_photos_that_wait_no_more(tmp_path, fruit):
    photos = [NewPhoto(content(tmp_path, seed), f"{seed}.png", (APPLE,), "m") for seed in (500, 501, 502)]
    waits = add_new_photos(fruit, photos).dataset
    corrected, empty, open_one = sorted(waiting_photos(waits))
    box = DraftBox("apple", (1.0, 2.0, 30.0, 41.0))
    save_draft(waits, replace(read_drafts(waits).of(corrected), boxes=(box,), reviewed=True))
    save_draft(waits, replace(read_drafts(waits).of(empty), boxes=(), reviewed=True))
    version = derive_labels(waits)
    files = {record.file for record in version.images}
    assert {corrected, empty} <= files and open_one not in files
    assert len(files) == len(fruit.images) + 2
    assert waiting_photos(version) == frozenset()
    check_labels(version)  # a search may use it


def test_a_photo_that_is_there_is_not_added_again(tmp_path, fruit, pool):
    labelled = NewPhoto(fruit.photo(fruit.images[0]).read_bytes(), "other name.png", (APPLE,), "m")
    made = add_new_photos(fruit, [labelled])
    assert (made.dataset.id, made.added, list(made.files.values())) == (fruit.id, 0, [fruit.images[0].file])
    assert read_drafts(fruit).of(fruit.images[0].file).revision == 0  # its labels count more than a prediction
    bare = NewPhoto(pool.photo(pool.images[1]).read_bytes(), "x.png", (APPLE,), "m")
    again = add_new_photos(pool, [bare, NewPhoto(content(tmp_path, 501), "new.png", (APPLE,), "m")])
    assert (again.added, len(again.dataset.images)) == (1, 4)
    assert {read_drafts(again.dataset).state_of(file) for file in again.files.values()} == {"proposed"}


def test_a_version_appears_with_its_drafts_or_not_at_all(tmp_path, pool, workspace, monkeypatch):
    seen = []

    def publish(version, where):
        seen.append((len(list_datasets(workspace)), (version.folder / "drafts" / "journal.jsonl").read_text()))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("autodet.datasets.versions.storage.publish_dataset", publish)
    with pytest.raises(DatasetError, match="disk is not full"):
        add_new_photos(pool, [NewPhoto(content(tmp_path, 950), "new.png", (), "")])
    [(visible, journal)] = seen
    assert visible == 1 and "plum" in journal
    assert [one.id for one in list_datasets(workspace)] == [pool.id]


def test_a_pool_that_grows_keeps_its_drafts(tmp_path, pool, workspace):
    more = tmp_path / "more"
    more.mkdir()
    draw_photo(seed=901).save(more / "copy.png")
    draw_photo(seed=950).save(more / "new.png")
    grown = add_photos(pool, more, workspace=workspace)
    drafts = read_drafts(grown)
    assert (grown.name, len(grown.images), grown.boxes, drafts.classes) == ("pool 2", 4, 0, ("plum",))
    labels = [drafts.of(record.file).labels for record in grown.images if record.file in drafts.changed]
    assert [[box.class_name for box in boxes] for boxes in labels] == [["plum"]]
    assert len(waiting_photos(grown)) == 4


def test_a_pool_takes_photos_that_look_like_others(tmp_path, pool, workspace):
    more = tmp_path / "more"
    more.mkdir()
    for record in pool.images:  # the same scenes, encoded again
        with Image.open(pool.photo(record)) as photo:
            photo.convert("RGB").save(more / f"again-{record.file[-5]}.jpg", quality=95)
    assert len(add_photos(pool, more, workspace=workspace).images) == 6


def test_labelled_photos_join_a_pool_whose_own_photos_wait(tmp_path, pool, workspace):
    write_labelled(tmp_path / "labelled", "a", [("apple", (10, 10, 50, 40))], seed=5)
    mixed = add_photos(pool, tmp_path / "labelled", workspace=workspace)
    assert (mixed.classes, mixed.boxes, len(mixed.images)) == (("apple",), 1, 4)
    assert len(waiting_photos(mixed)) == 3
    assert "plum" in read_drafts(mixed).classes
    assert len(derive_labels(mixed).images) == 2


def test_labels_of_a_waiting_photo_that_come_later_count(tmp_path, pool, workspace):
    write_labelled(tmp_path / "labelled", "a", [("apple", (10, 10, 50, 40))], seed=5)
    write_labelled(tmp_path / "labelled", "b", [("apple", (1, 1, 20, 20))], seed=901)
    mixed = add_photos(pool, tmp_path / "labelled", workspace=workspace)
    assert (mixed.boxes, len(mixed.images), len(waiting_photos(mixed))) == (2, 4, 2)


def test_photos_in_folders_by_class_bring_the_classes_to_label_with(tmp_path, workspace):
    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        draw_photo(seed=len(name) + ord(name[0])).save(tmp_path / "pets" / name / "a.png")
    pets = import_dataset(tmp_path / "pets", workspace=workspace)
    assert (pets.classes, read_drafts(pets).classes) == ((), ("cat", "dog"))
    new = add_new_photos(pets, [NewPhoto(content(tmp_path, 7), "b.png")])
    assert read_drafts(new.dataset).classes == ("cat", "dog")


def test_a_new_data_set_is_made_where_there_is_none(tmp_path, workspace):
    made = add_new_photos(None, [NewPhoto(content(tmp_path, 3), "", (APPLE,), "m")], "shots", workspace)
    assert (made.dataset.name, made.dataset.boxes) == ("shots", 0)
    assert read_drafts(made.dataset).classes == ("Apple",)


def test_a_phone_photo_is_proposed_on_as_it_is_seen(tmp_path, fruit):
    exif = Image.Exif()
    exif[0x0112] = 6
    draw_photo(seed=60).save(tmp_path / "turned.jpg", exif=exif)
    made = add_new_photos(fruit, [NewPhoto((tmp_path / "turned.jpg").read_bytes(), "turned.jpg", (PEAR,), "m")])
    (file,) = made.files.values()
    record = next(record for record in made.dataset.images if record.file == file)
    assert (record.width, record.height) == draw_photo(seed=60).size[::-1]
    assert read_drafts(made.dataset).of(file).proposals[0].box_xyxy == PEAR.box_xyxy
