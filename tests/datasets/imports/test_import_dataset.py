import os
import resource
import subprocess
import sys
import zipfile

import pytest
from PIL import ExifTags, Image

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.imports.photo_scan import MANY
from autodet.datasets.manifest import load_dataset
from autodet.datasets.photos import open_photo
from autodet.errors import ArchiveError, DatasetError
from autodet.messages.findings import action_sentence, problem_sentence
from tests.helpers import (
    APPLE,
    BANANA,
    draw_photo,
    voc_xml,
    workspace_in,
    write_labelled,
    write_voc,
    write_zip,
    zip_folder,
)


@pytest.fixture
def workspace(tmp_path):
    return workspace_in(tmp_path)


def refuse(source, workspace, match, **options):
    """Import must fail with a sentence and leave nothing."""
    with pytest.raises(DatasetError, match=match):
        import_dataset(source, workspace=workspace, **options)
    assert list(workspace.datasets.iterdir()) == []


def said(dataset):
    return {(problem.file, problem_sentence(problem), action_sentence(problem)) for problem in dataset.findings}


def test_a_folder_of_photos_and_xml_becomes_a_data_set(tmp_path, workspace):
    source = write_voc(tmp_path / "fruit", 20)
    dataset = import_dataset(source, workspace=workspace)
    assert (dataset.id, dataset.name, dataset.format) == ("fruit", "fruit", "voc")
    assert dataset.classes == ("apple", "banana")
    assert dataset.splits == {"train": 14, "val": 3, "test": 3} and dataset.boxes == 40
    assert dataset.findings == ()
    record = dataset.split("val")[0]
    assert (record.width, record.height) == (64, 48)
    assert record.annotations.boxes_xyxy.tolist() == [list(APPLE[1]), list(BANANA[1])]
    assert record.annotations.class_ids.tolist() == [0, 1]
    assert dataset.photo(record).read_bytes() == (source / dataset.photo(record).name).read_bytes()
    assert sorted(path.name for path in workspace.datasets.iterdir()) == ["fruit"]
    assert len(list(source.iterdir())) == 40, "the user's own folder was changed"


@pytest.mark.parametrize("root", ["", "fruit/", "my photos/fruit/"])
def test_a_zip_is_the_same_however_deep_its_root_lies(tmp_path, workspace, root):
    source = write_voc(tmp_path / "fruit", 8)
    archive = write_zip(tmp_path / "a.zip", {root + path.name: path.read_bytes() for path in source.iterdir()})
    dataset = import_dataset(archive, name="Fruit, 2020", workspace=workspace)
    assert (dataset.id, dataset.name) == ("fruit-2020", "Fruit, 2020")
    assert dataset.fingerprint == import_dataset(source, workspace=workspace).fingerprint


@pytest.mark.parametrize(
    "folders", [("train", "val", "test"), ("Training", "valid", "testing"), ("x/train", "x/validation", "x/test")]
)
def test_split_folders_are_kept_and_equal_names_do_not_collide(tmp_path, workspace, folders):
    for number, folder in enumerate(folders):
        for stem in "ab":
            write_labelled(tmp_path / "set" / folder, stem, seed=number)
    dataset = import_dataset(tmp_path / "set", workspace=workspace)
    assert dataset.splits == {"train": 2, "val": 2, "test": 2}
    assert len({dataset.photo(record).read_bytes() for record in dataset.images}) == 3


def test_split_folders_with_annotations_and_images_inside(tmp_path, workspace):
    for split in ("train", "val"):
        path = write_labelled(tmp_path / "set" / split / "images", "a")
        (tmp_path / "set" / split / "Annotations").mkdir()
        path.rename(tmp_path / "set" / split / "Annotations" / "a.xml")
    assert import_dataset(tmp_path / "set", workspace=workspace).splits == {"train": 1, "val": 1}


def test_photos_of_one_name_in_several_folders_are_all_kept(tmp_path, workspace):
    for number in range(4):
        write_labelled(tmp_path / "set" / f"day {number}", "photo", seed=number)
    dataset = import_dataset(tmp_path / "set", workspace=workspace)
    assert len(dataset.images) == len({record.file.casefold() for record in dataset.images}) == 4
    assert len({dataset.photo(record).read_bytes() for record in dataset.images}) == 4


def test_dirt_is_repaired_and_listed(tmp_path, workspace):
    source = write_voc(tmp_path / "set", 12)
    draw_photo(mode="RGBA").save(source / "alpha.jpg", "PNG")
    (source / "alpha.xml").write_text(
        voc_xml("alpha.jpg", (0, 0), [("apple ", (-2, 0, 20, 20)), ("apple", (9, 9, 9, 12))])
    )
    (source / "broken.xml").write_text("<annotation><object>")
    draw_photo().save(source / "broken.png")
    write_labelled(source, "cut")
    (source / "cut.png").write_bytes((source / "cut.png").read_bytes()[:300])
    (source / "lonely.xml").write_text(voc_xml("lonely.png"))
    draw_photo().save(source / "unlabelled.png")
    write_labelled(source, "background", marks=(), seed=99)
    dataset = import_dataset(source, decisions={"large_loss": "keep"}, workspace=workspace)
    assert [problem.kind for problem in dataset.findings if not problem.file] == ["large_loss"]
    assert {one for one in said(dataset) if one[0]} == {
        ("alpha.jpg", "The file is called .jpg but is a PNG photo.", "It was stored as .png."),
        ("alpha.xml", "The labels give no size for the photo, or 0x0.", "The photo's own size, 64x48, was used."),
        (
            "alpha.xml",
            "The box of 'apple' at (-2, 0, 20, 20) reaches 2 pixels beyond the photo, which is 64x48.",
            "The box was cut to the photo.",
        ),
        ("alpha.xml", "The box of 'apple' at (9, 9, 9, 12) has no area.", "The box was dropped."),
        ("broken.xml", "The XML is broken and cannot be read.", "The photo was left out."),
        ("cut.png", "The photo 'cut.png' is cut short or damaged; export or copy it again.", "The photo was left out."),
        ("lonely.xml", "There is no photo called 'lonely.png' for this XML.", "The photo was left out."),
        ("unlabelled.png", "No labels were found for this photo.", "The photo was left out."),
    }
    assert len(dataset.images) == 14
    assert dataset.classes == ("apple", "banana")
    files = {record.file.partition("/")[2]: record for record in dataset.images}
    assert len(files["background.png"].annotations) == 0
    assert files["alpha.png"].annotations.boxes_xyxy.tolist() == [[0, 0, 20, 20]]
    assert [problem["file"] for problem in dataset.to_json()["problems"]] == sorted(p.file for p in dataset.findings)


def test_a_photo_lying_on_its_side_gets_its_boxes_where_a_person_sees_them(tmp_path, workspace):
    source = write_voc(tmp_path / "set", 4)
    stored = Image.new("RGB", (80, 40), "black")
    stored.paste("white", (10, 4, 30, 16))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    stored.save(source / "turned.jpg", exif=exif, quality=95)
    (source / "turned.xml").write_text(voc_xml("turned.jpg", (80, 40), [("apple", (10, 4, 30, 16))]))
    dataset = import_dataset(source, workspace=workspace)
    [record] = [record for record in dataset.images if "turned" in record.file]
    assert (record.width, record.height) == (40, 80)
    x1, y1, x2, y2 = record.annotations.boxes_xyxy[0].astype(int).tolist()
    inside = open_photo(dataset.photo(record), record.file).convert("L").crop((x1, y1, x2, y2))
    assert inside.getextrema()[0] > 200


def test_val_of_a_set_without_val_is_drawn_and_stored(tmp_path, workspace):
    write_voc(tmp_path / "set" / "train", 20)
    write_voc(tmp_path / "set" / "test", 5)
    dataset = import_dataset(tmp_path / "set", workspace=workspace)
    assert dataset.splits == {"train": 17, "val": 3, "test": 5}
    assert load_dataset("set", workspace).splits == dataset.splits


def test_the_seed_decides_the_split_and_the_photos_the_fingerprint(tmp_path, workspace):
    source = write_voc(tmp_path / "set", 12)
    prints = [import_dataset(source, seed=seed, workspace=workspace).fingerprint for seed in (1, 1, 2)]
    assert prints[0] == prints[1] != prints[2]
    draw_photo(seed=99).save(source / "photo_00.png")
    assert import_dataset(source, seed=1, workspace=workspace).fingerprint != prints[0]


def test_the_same_name_twice_gets_another_id(tmp_path, workspace):
    source = write_voc(tmp_path / "fruit", 6)
    assert [import_dataset(source, workspace=workspace).id for _ in range(3)] == ["fruit", "fruit-2", "fruit-3"]


def test_classes_that_differ_in_capitals_become_one_and_are_listed(tmp_path, workspace):
    source = write_voc(tmp_path / "set", 12, [APPLE, BANANA])
    write_labelled(source, "odd", [("Apple", APPLE[1])], seed=50)
    dataset = import_dataset(source, workspace=workspace)
    assert dataset.classes == ("apple", "banana")
    assert said(dataset) == {
        ("odd.xml", "The class 'Apple' (1 box) is spelled 'apple' elsewhere.", "They were taken as one class, 'apple'.")
    }


def test_one_photo_is_a_data_set_that_says_what_it_lacks(tmp_path, workspace):
    dataset = import_dataset(write_voc(tmp_path / "set", 1), workspace=workspace)
    assert dataset.splits == {"train": 1}
    assert {problem.kind for problem in dataset.findings} == {"no_validation", "class_rare"}
    assert "too few photos" in problem_sentence(dataset.findings[0])


def test_progress_rises_to_the_end(tmp_path, workspace):
    told = []
    archive = zip_folder(write_voc(tmp_path / "set", 5), tmp_path / "set.zip")
    import_dataset(archive, workspace=workspace, progress=lambda share, doing: told.append((share, doing)))
    shares = [share for share, _ in told]
    assert shares == sorted(shares) and shares[-1] == pytest.approx(1)
    assert {doing.split()[0] for _, doing in told} == {"Unpacking", "Checking", "Storing"}


@pytest.mark.parametrize(
    ("files", "match"),
    [
        ({"a.png": "png", "labels.csv": "?"}, r"'bad\.zip' holds 1 photo but no labels.*the format 'unlabelled'"),
        (
            {"a.xml": "xml", "b.xml": "xml"},
            r"'bad\.zip' holds no photos that can be read, only other files \(2 \.xml\)",
        ),
        (
            {"b.png": "png", "a.xml": "xml", "c.xml": "xml"},
            r"can be used\. a\.xml: There is no.* \(and 1 more like it\)\.",
        ),
        (
            {"b.png": "png", "a.svg": "<svg/>", "a.xml": "xml"},
            r"a\.xml: The photo 'a\.svg' has a format that cannot be read",
        ),
        (
            {"a.dng": "x", "a.txt": "0 0.5 0.5 1 1"},
            r"no photos that can be read, only other files \(1 \.dng, 1 \.txt\)",
        ),
        ({"a.png": "png", "Label/a.txt": "dog at 4 5"}, r"YOLO: Label/a\.txt: it has no lines of a class number"),
        ({"readme.txt": "hello"}, r"'bad\.zip' holds no photos that can be read"),
        ({"a.png": "png", "a.xml": "<annotation"}, r"'bad\.zip' holds 1 photo but.*a\.xml.*broken"),
        ({"a.png": "not a photo", "a.xml": "xml"}, r"can be used\. 'a\.png' is not a photo that can be read"),
        ({"a.png": "png", "a.xml": "<project/>"}, r"'bad\.zip' holds 1 photo but"),
    ],
)
def test_a_zip_with_nothing_to_learn_from_says_why(tmp_path, workspace, files, match):
    draw_photo().save(tmp_path / "a.png")
    content = {"png": (tmp_path / "a.png").read_bytes(), "xml": voc_xml("a.png")}
    archive = write_zip(tmp_path / "bad.zip", {name: content.get(text, text) for name, text in files.items()})
    refuse(archive, workspace, match)


def test_splits_whose_classes_do_not_agree_are_refused(tmp_path, workspace):
    write_voc(tmp_path / "set" / "train", 3, [APPLE])
    write_voc(tmp_path / "set" / "val", 2, [APPLE, BANANA])
    refuse(tmp_path / "set", workspace, r"Of the 4 boxes in val, 2 are of classes that no photo of train shows")


def test_sources_that_are_not_there_or_no_zip(tmp_path, workspace):
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("notes")
    refuse("", workspace, "No source was given")
    refuse(tmp_path / "gone", workspace, "There is no file or folder")
    refuse(tmp_path / "empty", workspace, "'empty' is empty")
    refuse(tmp_path / "notes.txt", workspace, "'notes.txt' is not a zip")
    refuse(write_voc(tmp_path / "set", 2), workspace, "'yolo9' is not a format", format="yolo9")


def test_a_hostile_zip_leaves_nothing(tmp_path, workspace):
    archive = zip_folder(write_voc(tmp_path / "set", 2), tmp_path / "set.zip")
    with zipfile.ZipFile(archive, "a") as opened:
        opened.writestr("../../evil.txt", "evil")
    with pytest.raises(ArchiveError):
        import_dataset(archive, workspace=workspace)
    assert list(workspace.datasets.iterdir()) == []
    assert not list(tmp_path.rglob("evil.txt"))


def test_a_folder_with_too_many_files_is_refused(tmp_path, workspace, monkeypatch):
    monkeypatch.setenv("AUTODET_MAX_ARCHIVE_FILES", "5")
    refuse(write_voc(tmp_path / "set", 3), workspace, "more than 5 files")


@pytest.mark.parametrize("share", [0.0, 0.65, 0.95])
def test_an_import_that_is_broken_off_leaves_nothing(tmp_path, workspace, share):
    class Stop(Exception):
        pass

    def progress(done, doing):
        if done >= share:
            raise Stop

    with pytest.raises(Stop):
        import_dataset(
            zip_folder(write_voc(tmp_path / "s", 4), tmp_path / "s.zip"), workspace=workspace, progress=progress
        )
    assert list(workspace.datasets.iterdir()) == []


@pytest.mark.parametrize("photos", [3, MANY])
def test_a_full_disk_is_a_sentence(tmp_path, workspace, photos):
    folder = write_voc(tmp_path / "set", 3)
    for number in range(3, photos):
        (folder / f"photo_{number:02}.png").hardlink_to(folder / "photo_00.png")
        (folder / f"photo_{number:02}.xml").hardlink_to(folder / "photo_00.xml")
    ended = subprocess.run(
        [sys.executable, "-m", "autodet", "import", str(folder)],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"AUTODET_HOME": str(workspace.home)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000)),  # less than a photo has
    )
    assert ended.returncode == 2 and ended.stdout == ""
    assert ended.stderr.startswith("'set' could not be imported. The disk is full")
    assert ended.stderr.strip().endswith("free some space.")
    assert list(workspace.datasets.iterdir()) == []


def test_importing_needs_neither_torch_nor_boto3():
    script = (
        "import sys; import autodet.datasets.imports.import_dataset; "
        "print([name for name in ('torch', 'boto3', 'botocore', 'pandas', 'streamlit') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_file_name_that_is_no_text_is_a_sentence(tmp_path, workspace):
    write_voc(tmp_path / "set", 2)
    (tmp_path / "set" / os.fsdecode(b"bad\xff.png")).touch()
    refuse(tmp_path / "set", workspace, "is not valid text; rename the file")


def test_a_lone_test_folder_is_kept_for_evaluation(tmp_path, workspace):
    write_voc(tmp_path / "set" / "test", 4)
    dataset = import_dataset(tmp_path / "set", workspace=workspace)
    assert dataset.splits == {"test": 4}
    found = {problem.kind: problem_sentence(problem) for problem in dataset.findings}
    assert "no photos for validation" in found["no_validation"]
    assert "train has no photos, so a search has nothing to learn from" in found["split_unmarked"]


def test_photos_alone_are_imported_without_labels(tmp_path, workspace):
    for number in range(5):
        draw_photo(seed=number).save(tmp_path / f"IMG_{number}.jpg")
    dataset = import_dataset(tmp_path, name="bare", workspace=workspace)
    assert (dataset.format, dataset.classes, dataset.boxes, len(dataset.images)) == ("unlabelled", (), 0, 5)
    assert {finding.kind for finding in dataset.findings} >= {"unlabelled"}
    assert dataset.splits_from == "drawn" and load_dataset("bare", workspace).splits_from == "drawn"


POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 87\n"


@pytest.mark.parametrize(
    ("name", "text", "match"),
    [
        ("gt/gt.txt", "1,1,6.5,4.3,9,5,1,-1,-1,-1\n2,2,5,4,9,4,1,-1,-1,-1\n", r"gt/gt\.txt may hold labels"),
        ("groundtruth_rect", "12\t4\t20\t22\n13\t4\t20\t22\n", "groundtruth_rect may hold labels"),
        (
            "output.manifest",
            '{"source-ref": "s3://b/0.jpg", "cats": {"annotations": []}}\n',
            "manifest may hold labels",
        ),
        ("0.txt", POINTER, r"0\.txt is a pointer of Git LFS in place of the file; run 'git lfs pull'"),
        ("labels/0.xml", POINTER, r"labels/0\.xml is a pointer of Git LFS"),
    ],
)
def test_photos_beside_labels_that_cannot_be_read_are_not_imported_alone(tmp_path, workspace, name, text, match):
    draw_photo().save(tmp_path / "0.jpg")
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(text)
    with pytest.raises(DatasetError, match=match):
        import_dataset(tmp_path, workspace=workspace)


@pytest.mark.parametrize(
    "text", ["", "0.jpg\n", "Photos of 3 days, 12 to 14 May 2021.\n", "0.jpg 2021-05-12 14:01:22\n"]
)
def test_notes_beside_photos_are_no_labels(tmp_path, workspace, text):
    draw_photo().save(tmp_path / "0.jpg")
    (tmp_path / "about the photos.txt").write_text(text)
    assert import_dataset(tmp_path, workspace=workspace).format == "unlabelled"


def test_labels_can_be_ignored_on_request(tmp_path, workspace):
    folder = write_voc(tmp_path / "set", 3)
    assert import_dataset(folder, format="unlabelled", workspace=workspace).boxes == 0
