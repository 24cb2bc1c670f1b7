import os
from io import BytesIO

import numpy as np
import pytest
from PIL import ExifTags, Image

from autodet.datasets.photos import check_photo, open_photo
from autodet.datasets.staging import stage
from autodet.errors import DatasetError, PhotoError
from tests.datasets.sources.hostile_files import (
    bmp_of_runs,
    encoded,
    jpeg_of_scans,
    jpeg_segment,
    jpeg_with,
    png_chunk,
    png_with,
)
from tests.helpers import draw_photo


def turned(image, orientation):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    return encoded(image, "JPEG", quality=95, exif=exif)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "BMP"])
def test_opens_every_format_whatever_the_file_is_called(tmp_path, format):
    path = tmp_path / "photo.txt"
    path.write_bytes(encoded(draw_photo(), format))
    photo = open_photo(path, "photo.txt")
    assert (photo.mode, photo.size) == ("RGB", (64, 48))


@pytest.mark.parametrize("mode", ["L", "1", "CMYK", "P", "LA", "RGBA"])
def test_opens_every_kind_of_colour(mode):
    image = draw_photo().convert("L") if mode == "LA" else draw_photo()
    format = "JPEG" if mode == "CMYK" else "PNG"
    assert open_photo(encoded(image.convert(mode), format), "photo").mode == "RGB"


def test_16_bit_grey_keeps_its_shades():
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    grey = np.asarray(open_photo(encoded(Image.fromarray(ramp)), "ramp.png"))[..., 0].ravel()
    assert abs(grey.astype(int) - np.arange(256)).max() <= 1


def test_what_is_transparent_becomes_white():
    image = Image.new("RGBA", (2, 1), (255, 0, 0, 255))
    image.putpixel((0, 0), (0, 0, 0, 0))
    photo = open_photo(encoded(image), "photo.png")
    assert [photo.getpixel((x, 0)) for x in (0, 1)] == [(255, 255, 255), (255, 0, 0)]


def test_a_palette_with_a_transparent_colour_becomes_white_there():
    image = Image.new("P", (2, 1), 1)
    image.putpalette([0, 0, 0, 0, 255, 0])
    image.putpixel((0, 0), 0)
    photo = open_photo(encoded(image, transparency=0), "photo.png")
    assert [photo.getpixel((x, 0)) for x in (0, 1)] == [(255, 255, 255), (0, 255, 0)]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_stands_upright_whichever_way_the_camera_lay(orientation):
    """Store the photo as a camera held that way would, by undoing what a viewer does."""
    upright = Image.new("RGB", (40, 20), "blue")
    upright.paste("red", (0, 0, 20, 10))
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Image.Transpose numbers that undo each EXIF orientation
    stored = upright.transpose(Image.Transpose(undo[orientation])) if orientation in undo else upright
    content = turned(stored, orientation)
    photo = open_photo(content, "photo.jpg")
    assert photo.size == (40, 20)
    assert photo.getpixel((5, 4))[0] > 200 and photo.getpixel((35, 15))[2] > 200 and photo.getpixel((35, 4))[2] > 200


def test_says_how_large_a_photo_is_upright(tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(turned(draw_photo((64, 48)), 6))
    facts = check_photo(path, "photo.jpg")
    assert (facts.format, facts.stored_wh, facts.upright_wh) == ("JPEG", (64, 48), (48, 64))


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "BMP"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_a_photo_cut_short_is_named(tmp_path, format, share):
    content = encoded(draw_photo((200, 150)), format)
    path = tmp_path / "cut.jpg"
    path.write_bytes(content[: int(len(content) * share)])
    for read in (open_photo, check_photo):
        with pytest.raises(PhotoError, match=r"'cut\.jpg'"):
            read(path, "cut.jpg")


@pytest.mark.parametrize("content", [b"", b"just some text", b"\xff\xd8\xff\xe0", encoded(draw_photo(), "GIF")])
def test_what_is_no_photo_is_named(content):
    with pytest.raises(PhotoError, match=r"'notes\.txt'.*(JPEG|copy it again)"):
        open_photo(content, "notes.txt")


DAMAGED = {
    "turned": turned(draw_photo(), 6),
    "progressive": encoded(draw_photo(), "JPEG", progressive=True),
    "ink": encoded(draw_photo().convert("CMYK"), "JPEG", icc_profile=b"no profile"),
    "frames": encoded(draw_photo(), "MPO", save_all=True, append_images=[draw_photo(seed=1)]),
    "png": encoded(draw_photo()),
    "palette": encoded(draw_photo().convert("P"), transparency=3),
    "grey": encoded(draw_photo().convert("I;16")),
    "webp": encoded(draw_photo(), "WEBP"),
    "lossless": encoded(draw_photo(), "WEBP", lossless=True),
    "bmp": encoded(draw_photo(), "BMP"),
    "runs": bmp_of_runs(20, 20, b"\5\1\0\0\0\2\1\1\0\4abcd\0\1"),
}


@pytest.mark.filterwarnings("ignore::UserWarning", "error::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("kind", DAMAGED)
def test_damaged_bytes_give_a_photo_or_a_sentence(kind, tmp_path):
    rng = np.random.default_rng(0)
    whole = np.frombuffer(DAMAGED[kind], np.uint8)
    path = tmp_path / "damaged"
    for number in range(60):
        damaged = whole.copy()
        damaged[rng.integers(0, min(len(whole), 400 if number % 2 else 60), 3)] = rng.choice([*range(256), 255, 0], 3)
        path.write_bytes(damaged[: rng.integers(1, len(whole)) if number % 5 == 0 else None].tobytes())
        for read in (open_photo, check_photo):
            try:
                assert read(path, "damaged")
            except PhotoError as error:
                assert "'damaged'" in str(error)


@pytest.mark.parametrize(
    "content",
    [
        jpeg_with(jpeg_segment(0xFE, b"") * 2_000_000),
        jpeg_with(jpeg_segment(0xE0, bytes(65_000)) * 600),
        png_with(png_chunk(b"prVt", b"") * 1_000_000),
        png_with(png_chunk(b"prVt", bytes(40_000_000))),
        jpeg_of_scans(500, 1000),
        bmp_of_runs(9000, 9000, b"\0\0" * 2_000_000),
    ],
    ids=["segments", "metadata", "chunks", "a chunk", "scans", "runs"],
)
def test_a_photo_that_is_made_to_take_time_or_memory_is_named(content):
    with pytest.raises(PhotoError, match="'bomb' has far more in its file than its pixels need"):
        open_photo(content, "bomb")


def test_a_long_photo_is_no_bomb():
    """Many metadata, many scans, and whatever lies behind the end, as phones write it."""
    long = jpeg_with(jpeg_segment(0xE5, bytes(65_000)) * 100) + bytes(50_000_000)
    assert open_photo(long, "long").size == (64, 48)
    assert open_photo(jpeg_of_scans(100, 50), "scans").size == (100, 100)


def test_a_pipe_is_neither_waited_for_nor_read(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(PhotoError, match=r"'pipe\.jpg'"):
        open_photo(tmp_path / "pipe.jpg", "pipe.jpg")


def test_an_open_file_stays_open():
    file = BytesIO(encoded(draw_photo()))
    assert open_photo(file, "photo").size == open_photo(file, "photo").size == (64, 48)


def test_a_photo_that_is_not_there_is_named(tmp_path):
    with pytest.raises(PhotoError, match=r"'gone\.jpg' is not there"):
        open_photo(tmp_path / "gone.jpg", "gone.jpg")


@pytest.mark.filterwarnings("error::PIL.Image.DecompressionBombWarning")
def test_more_pixels_than_the_settings_allow_are_not_decoded(monkeypatch):
    monkeypatch.setenv("AUTODET_MAX_PHOTO_MEGAPIXELS", "1")
    bomb = encoded(Image.new("1", (4000, 4000)))
    with pytest.raises(PhotoError, match="more than 1 million pixels"):
        open_photo(bomb, "bomb.png")
    with pytest.raises(PhotoError, match="more than 1 million pixels"):
        open_photo(encoded(Image.new("1", (1200, 1200))), "large.png")


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 38123\n"


def test_a_pointer_of_git_lfs_is_told_with_what_to_do(tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(POINTER)
    for source in (path, POINTER, BytesIO(POINTER)):
        with pytest.raises(PhotoError, match=r"'photo\.jpg' is a pointer of Git LFS.*'git lfs pull', or download"):
            open_photo(source, "photo.jpg")


@pytest.mark.parametrize(("label", "format"), [("a.xml", "voc"), ("labels.json", "coco"), ("a.txt", "yolo")])
def test_labels_that_are_pointers_of_git_lfs_are_told(tmp_path, label, format):
    draw_photo().save(tmp_path / "a.jpg")
    (tmp_path / label).write_bytes(POINTER)
    (tmp_path / "data.yaml").write_text("names: [apple]\n")
    with pytest.raises(DatasetError, match=f"{label}: It is a pointer of Git LFS"):
        stage(tmp_path, copies=None, shown="set", format=format)
