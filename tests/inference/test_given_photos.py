import io
import zipfile

import pytest

from autodet.errors import ArchiveError
from autodet.inference.box_drawings import drawing_jpeg
from autodet.inference.given_photos import MAX_PHOTOS, GivenFile, UnpackedArchives, sort_files
from tests.helpers import draw_photo


@pytest.fixture
def archives(workspace):
    found = UnpackedArchives()
    yield found
    found.discard()
    assert not list(workspace.dropped.iterdir())


def jpeg(seed=0):
    content = io.BytesIO()
    draw_photo(seed=seed).save(content, "JPEG")
    return content.getvalue()


def zipped(**files):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()


def given(path, content):
    return GivenFile(f"id of {path}", path, content)


def names(photos):
    return [name for _, name in photos]


def test_a_file_given_by_itself_counts_as_a_photo_whatever_it_is(archives):
    found = sort_files([given("a.jpg", jpeg()), given("notes.txt", b"buy apples")], archives)
    assert names(found.photos) == ["a.jpg", "notes.txt"]
    assert not found.passed_over


def test_other_files_of_a_folder_are_counted_by_reason(archives):
    files = {
        "trip/a.jpg": jpeg(),
        "trip/day/b.PNG": jpeg(1),
        "trip/without-ending": jpeg(2),
        "trip/a.xml": b"<annotation/>",
        "trip/.DS_Store": b"",
        "trip/clip.mp4": b"",
        "trip/drawing.svg": b"<svg/>",
        "trip/a-boxes.jpg": drawing_jpeg(draw_photo()),
    }
    found = sort_files([given(path, content) for path, content in files.items()], archives)
    assert names(found.photos) == ["trip/a.jpg", "trip/day/b.PNG", "trip/without-ending"]
    assert names(found.labels) == ["trip/a.xml"]
    assert found.passed_over == {
        ("hidden", "without an ending"): 1,
        ("other", ".mp4"): 1,
        ("format", ".svg"): 1,
        ("drawing", ".jpg"): 1,
    }


def test_a_zip_gives_its_photos_once_and_its_files_end_with_it(archives, workspace):
    files = {"day/a.jpg": jpeg(), "b.jpg": jpeg(1), "day/readme.md": b"x", "inner.zip": zipped(**{"c.jpg": jpeg(2)})}
    upload = given("trip.zip", zipped(**files))
    found = sort_files([upload], archives)
    assert names(found.photos) == ["b.jpg", "day/a.jpg", "inner/c.jpg"]
    assert [source.read_bytes() for source, _ in found.photos] == [jpeg(1), jpeg(), jpeg(2)]
    assert sort_files([upload], archives).photos == found.photos
    archives.discard(keep=[upload.id])
    assert found.photos[0][0].exists()
    archives.discard()
    assert not found.photos[0][0].exists()


@pytest.mark.parametrize("content", [b"no zip", zipped(), zipped(**{"../../out.jpg": b"x"}), zipped(a=b"x")[:-30]])
def test_a_broken_or_hostile_zip_is_one_sentence_beside_the_photos(archives, content):
    bad = given("bad.zip", content)
    found = sort_files([bad, given("a.jpg", jpeg())], archives)
    assert names(found.photos) == ["a.jpg"]
    assert len(found.errors) == 1
    with pytest.raises(ArchiveError):
        archives.files_of(bad)


def test_a_zip_may_unpack_to_what_a_visitor_may_upload(archives, monkeypatch):
    monkeypatch.setenv("AUTODET_MAX_VISITOR_UPLOADS_MB", "1")
    found = sort_files([given("large.zip", zipped(**{"a.bmp": bytes(1_500_000)}))], archives)
    assert "more than 1 MB" in found.errors[0]


def test_photos_beyond_the_limit_are_counted(archives):
    found = sort_files([given(f"f/{number}.jpg", b"x") for number in range(MAX_PHOTOS + 3)], archives)
    assert (len(found.photos), found.left_out) == (MAX_PHOTOS, 3)
