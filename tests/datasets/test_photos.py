import os
import struct
import tempfile
import zlib
from io import BytesIO, TextIOWrapper
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from autodet.datasets.imports.staging import stage
from autodet.datasets.perceptual_hash import MAX_BITS
from autodet.datasets.photos import check_photo, open_photo
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


def exif_of(orientation):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    return exif


def turned(image, orientation):
    return encoded(image, "JPEG", quality=95, exif=exif_of(orientation))


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


def png_of_16_bits(pixels):
    """A PNG of 16 bits a channel: grey (H, W, 1), RGB (H, W, 3) or RGBA (H, W, 4); Pillow writes grey ones only."""
    height, width, channels = pixels.shape
    head = struct.pack(">IIBBBBB", width, height, 16, {1: 0, 3: 2, 4: 6}[channels], 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    chunks = png_chunk(b"IHDR", head) + png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_a_photo_of_16_bits_is_as_bright_as_one_of_the_bits_that_it_uses(bits, channels):
    ramp = np.linspace(0, 2**bits - 1, 256).astype(np.uint16).reshape(16, 16, 1).repeat(channels, 2)
    content = png_of_16_bits(ramp)
    shown = np.asarray(open_photo(content)).reshape(256, 3).astype(int)
    assert abs(shown - np.arange(256)[:, None]).max() <= 1
    if channels == 1:
        for image in (Image.open(BytesIO(content)), Image.fromarray(ramp[..., 0].astype(np.int32))):
            np.testing.assert_array_equal(np.asarray(open_photo(image)).reshape(256, 3), shown)


def test_a_dark_photo_of_16_bits_stays_dark_and_transparency_keeps_its_own_depth():
    dark = np.random.default_rng(0).integers(0, 40, (8, 8, 3))  # the noise of a covered lens
    assert np.asarray(open_photo(png_of_16_bits(dark))).max() < 40
    clear = np.full((8, 8, 4), 4095)
    clear[..., 3], clear[0, 0, 3] = 65535, 0
    clear[..., 1:3] = 0
    shown = open_photo(png_of_16_bits(clear))
    assert [shown.getpixel(place) for place in ((0, 0), (5, 5))] == [(255, 255, 255), (255, 0, 0)]


def test_photos_of_16_bits_do_not_look_alike_to_the_import():
    drawn = [np.random.default_rng(seed).integers(300, 4096, (9, 9, 1)).repeat(8, 0).repeat(8, 1) for seed in (1, 2)]
    looks = [check_photo(png_of_16_bits(pixels), "x.png").look for pixels in drawn]
    assert (looks[0] ^ looks[1]).bit_count() > MAX_BITS


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


@pytest.mark.parametrize("content", [b"", b"just some text", b"\xff\xd8\xff\xe0", encoded(draw_photo(), "JPEG2000")])
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
@pytest.mark.slow
def test_a_photo_that_is_made_to_take_time_or_memory_is_named(content):
    with pytest.raises(PhotoError, match="'bomb' has a file far larger than its pixels need"):
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
    with pytest.raises(DatasetError, match=rf"{label}:? .*is a pointer of Git LFS"):
        stage(tmp_path, copies=None, shown="set", format=format)


# However a photo is given


class Upload(BytesIO):
    """As Streamlit gives it."""

    name = "upload.jpg"


class Storage:
    """As Flask gives it: no file, but a way to one; its name is that of the form's field."""

    name, filename = "photo", "flask.jpg"

    def __init__(self, content):
        self.stream = tempfile.SpooledTemporaryFile()  # noqa: SIM115 - it is closed with this object
        self.stream.write(content)

    def __getattr__(self, name):
        return getattr(self.stream, name)


class Socket:
    """What cannot be rewound, and gives a little at a time."""

    def __init__(self, content):
        self.left = BytesIO(content)

    def read(self, size):
        return self.left.read(min(size, 100))


def ways(path):
    content = path.read_bytes()
    return [
        path,
        str(path),
        content,
        bytearray(content),
        memoryview(content),
        BytesIO(content),
        path.open("rb"),
        Upload(content),
        Storage(content),
        Socket(content),
        Image.open(path),
        Image.open(path).copy(),
    ]


PHOTOS = {
    "upright": turned(draw_photo(), 1),
    "turned": turned(draw_photo(), 6),
    "mirrored": turned(draw_photo(), 5),
    "transparent": encoded(draw_photo(mode="RGBA"), exif=exif_of(8)),
    "palette": encoded(draw_photo().convert("P"), transparency=3),
    "grey and alpha": encoded(draw_photo().convert("LA")),
    "ink": encoded(draw_photo().convert("CMYK"), "JPEG"),
    "12 bits": png_of_16_bits(np.random.default_rng(0).integers(0, 4096, (48, 64, 1))),
    "webp": encoded(draw_photo(), "WEBP", exif=exif_of(3)),
}


@pytest.mark.parametrize("kind", PHOTOS)
def test_a_photo_is_the_same_however_it_is_given(kind, tmp_path):
    path = tmp_path / "photo.bin"
    path.write_bytes(PHOTOS[kind])
    expected = open_photo(path, "photo")
    assert expected.mode == "RGB"
    for way in ways(path):
        photo = open_photo(way)
        assert (photo.mode, photo.size) == (expected.mode, expected.size), way
        np.testing.assert_array_equal(np.asarray(photo), np.asarray(expected), err_msg=repr(way))
    np.testing.assert_array_equal(np.asarray(open_photo(np.asarray(expected))), np.asarray(expected))


def test_a_file_is_read_from_its_start_and_left_open_and_a_pillow_image_as_it_was():
    file = BytesIO(encoded(draw_photo()))
    file.read(50)
    assert open_photo(file).size == (64, 48)
    assert not file.closed
    given = Image.open(BytesIO(turned(draw_photo(), 6)))
    before = np.asarray(given).copy()
    open_photo(given).paste("red", (0, 0, 20, 20))
    np.testing.assert_array_equal(np.asarray(given), before)
    assert given.getexif()[ExifTags.Base.Orientation] == 6


def closed(image):
    image.close()
    return image


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (None, "'photo' is of type NoneType, not a photo; give a path, the bytes"),
        (7, "of type int"),
        (["a.jpg"], "'photo' is a list.*predict_many"),
        ("https://example.org/a.jpg", "'https://example.org/a.jpg' is an address.*download the photo"),
        ("data:image/png;base64,iVBORw0", "is an address"),
        ("", "empty text"),
        (Path(), "is a folder, not a photo; give the paths of its photos"),
        ("no\0thing.jpg", "is not there"),
        ("x" * 5_000, r"'x{200}' cannot be read \(File name too long\)"),
        (np.zeros((0, 0, 3), np.uint8), r"array without pixels, of shape \(0, 0, 3\)"),
        (np.zeros((4, 4, 3), np.float32), r"type float32; give RGB of shape \(H, W, 3\) and type uint8"),
        (np.zeros((3, 4, 4), np.uint8), r"shape \(3, 4, 4\)"),
        (np.zeros((4, 4), np.uint8), r"shape \(4, 4\)"),
        (np.array(None), r"shape \(\)"),
        (Image.new("RGB", (0, 4)), "without pixels"),
        (closed(Image.open(BytesIO(PHOTOS["upright"]))), "closed, cut short or damaged"),
        (Image.open(BytesIO(PHOTOS["upright"][:700])), "closed, cut short or damaged"),
        (closed(BytesIO(b"")), "file of 'photo' cannot be read.*open it again"),
        (TextIOWrapper(BytesIO(b"text")), "binary mode"),
        (BytesIO(b""), "is not a photo that can be read"),
        (Upload(b"notes"), "'upload.jpg' is not a photo"),
        (Storage(b"notes"), "'flask.jpg' is not a photo"),
        (memoryview(b"notes"), "'photo' is not a photo"),
    ],
    ids=lambda value: "" if isinstance(value, str) else type(value).__name__,
)
def test_what_is_no_photo_is_one_sentence_that_says_what_to_give(given, words):
    with pytest.raises(PhotoError, match=words) as caught:
        open_photo(given)
    sentence = str(caught.value)
    assert sentence.endswith(".") and "\n" not in sentence and len(sentence) < 400


def test_a_file_without_end_is_not_read_to_its_end(monkeypatch):
    monkeypatch.setattr("autodet.datasets.photo_sources.MAX_PHOTO_BYTES", 1000)
    with Path("/dev/zero").open("rb") as endless, pytest.raises(PhotoError, match="larger than"):
        open_photo(endless)


def stored(mode, format, orientation):
    """A small photo of a mode of Pillow in a format; None if the format has no such mode."""
    random, (width, height) = np.random.default_rng(0), (23, 17)
    if mode in ("I;16", "I"):
        image = Image.fromarray(
            random.integers(0, 4096, (height, width)).astype(np.uint16 if mode == "I;16" else np.int32)
        )
    elif mode == "F":
        image = Image.fromarray(random.random((height, width), dtype=np.float32))
    else:
        image = Image.fromarray(random.integers(0, 256, (height, width, 4), dtype=np.uint8))
        image = image.convert("RGB").quantize(16) if mode.startswith("P") else image.convert("RGB").convert(mode)
    exif, content = Image.Exif(), BytesIO()
    exif[ExifTags.Base.Orientation] = orientation
    facts = {"transparency": 3} if mode == "PA" else {}
    facts |= {"exif": exif} if format not in ("BMP", "GIF") else {}
    try:
        image.save(content, format, **facts)
    except (OSError, ValueError):
        return None
    return content.getvalue()


@pytest.mark.parametrize("format", ["PNG", "TIFF", "JPEG", "WEBP", "GIF", "BMP"])
def test_a_pillow_image_is_treated_as_its_file(format):
    """Orientation, transparency, palette, inks and bit depth; decoded before or not."""
    modes = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "I;16", "I", "F", "YCbCr", "LAB")
    photos = {(mode, turn): stored(mode, format, turn) for mode in modes for turn in (1, 2, 6)}
    photos = {case: content for case, content in photos.items() if content}
    assert len(photos) >= 12
    for case, content in photos.items():
        decoded = Image.open(BytesIO(content))
        decoded.load()
        expected = np.asarray(open_photo(content))
        for image in (Image.open(BytesIO(content)), decoded):
            np.testing.assert_array_equal(np.asarray(open_photo(image)), expected, err_msg=str(case))


def test_a_pillow_image_of_16_bit_colours_is_read_from_its_file_until_it_is_decoded():
    pixels = np.random.default_rng(0).integers(0, 4096, (9, 7, 3))
    content = png_of_16_bits(pixels)
    image = Image.open(BytesIO(content))
    np.testing.assert_array_equal(np.asarray(open_photo(image)), np.asarray(open_photo(content)))
    assert np.asarray(open_photo(image)).max() > 200
    assert np.asarray(image).max() < 16  # it can still be decoded; Pillow keeps the high bytes
