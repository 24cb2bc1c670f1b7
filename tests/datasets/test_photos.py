from io import BytesIO

import numpy as np
import pytest
from PIL import ExifTags, Image

from autodet.datasets.photos import check_photo, open_photo
from autodet.errors import PhotoError
from tests.helpers import draw_photo


def encoded(image, format="PNG", **options):
    buffer = BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


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


@pytest.mark.filterwarnings("ignore::UserWarning", "error::PIL.Image.DecompressionBombWarning")
def test_damaged_bytes_give_a_photo_or_a_sentence():
    rng = np.random.default_rng(0)
    for format in ("JPEG", "PNG", "WEBP", "BMP"):
        whole = np.frombuffer(turned(draw_photo(), 6) if format == "JPEG" else encoded(draw_photo(), format), np.uint8)
        for _ in range(150):
            damaged = whole.copy()
            damaged[rng.integers(0, min(len(whole), 400), 3)] = rng.integers(0, 256, 3)
            try:
                assert open_photo(damaged.tobytes(), "damaged").mode == "RGB"
            except PhotoError as error:
                assert "'damaged'" in str(error)


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
