"""Photos in every format and layout: what their pixels become, and what cannot be read."""

from io import BytesIO

import numpy as np
import pytest
from PIL import ExifTags, Image

from autodet.datasets.photo_formats import PHOTO_ENDINGS, format_of_content, is_unsure
from autodet.datasets.photos import check_photo, open_photo
from autodet.errors import PhotoError
from tests.datasets.photo_files import HEIC, drawn, tiff_of
from tests.datasets.sources.hostile_files import encoded
from tests.helpers import draw_photo

RAMP = np.linspace(0, 1, 48 * 64).reshape(48, 64)
COLOURS = np.stack([RAMP, RAMP[::-1], RAMP * 0.3], 2)
SHADES = {"L": (RAMP * 255).round(), "RGB": (COLOURS * 255).round()}


def shown(content):
    return np.asarray(open_photo(content, "photo")).astype(int)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_a_grey_tiff_of_16_bits_is_as_bright_as_one_of_the_bits_that_it_uses(bits, deflate, order):
    content = tiff_of((RAMP * (2**bits - 1)).astype("u2"), order=order, deflate=deflate)
    assert abs(shown(content)[..., 0] - SHADES["L"]).max() <= 1


@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize("bits", [8, 12, 16])
def test_so_is_a_coloured_one_with_and_without_infrared_and_transparency(bits, deflate):
    values = COLOURS * (2**bits - 1)
    for more, tags in ((0, ()), (1, ()), (1, [(338, 3, [0])]), (1, [(338, 3, [2])])):
        bands = np.dstack([values, *[np.full_like(RAMP, 2**16 - 1)] * more]).astype("u2")
        content = tiff_of(bands, 2, tags=tags, deflate=deflate)
        assert abs(shown(content) - SHADES["RGB"]).max() <= 1, (more, tags)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((RAMP * 4095).astype("i2"), RAMP * 255),
        ((RAMP * 4000 - 1000).astype("i2"), RAMP * 255),  # scaled from the darkest to the brightest
        ((RAMP * 4095).astype("i4"), RAMP * 255),
        ((RAMP * 2e9).astype("u4"), RAMP * 255),
        ((RAMP * 4095).astype("f4"), RAMP * 255),
        ((RAMP * 0.5).astype("f4"), RAMP * 127.5),  # a dark photo stays dark
        ((RAMP * 9 - 3).astype("f4"), RAMP * 255),
        (np.full((48, 64), -7, "i2"), RAMP * 0),
        (np.full((48, 64), np.nan, "f4"), RAMP * 0),
    ],
    ids=["i2", "negative", "i4", "u4", "f4", "fractions", "negative fractions", "flat", "no numbers"],
)
def test_signed_long_and_fractional_values_become_shades(values, expected):
    assert abs(shown(tiff_of(values))[..., 0] - expected).max() < 1.5


def test_values_that_are_not_finite_are_black():
    values = (RAMP * 4095).astype("f4")
    values[0, :3] = np.nan, np.inf, -np.inf
    grey = shown(tiff_of(values))[..., 0]
    assert grey[0, :3].tolist() == [0, 0, 0]
    assert abs(grey[1:] - SHADES["L"][1:]).max() <= 1


@pytest.mark.parametrize("type_", ["u1", "u2"])
def test_a_tiff_whose_white_is_zero_is_no_negative(type_):
    most = np.iinfo(type_).max
    assert abs(shown(tiff_of((RAMP * most).astype(type_), 0))[..., 0] - (255 - SHADES["L"])).max() <= 1


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "CMYK", "LAB", "YCbCr", "LA"])
@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_a_tiff_of_any_colours_and_compression_is_read(mode, compression):
    image = drawn().convert("L").convert("LA") if mode == "LA" else drawn()
    image = Image.fromarray(np.asarray(image), "LAB") if mode == "LAB" else image.convert(mode)
    assert open_photo(encoded(image, "TIFF", compression=compression)).size == (96, 64)
    if mode in ("P", "RGB", "RGBA"):
        np.testing.assert_array_equal(
            shown(encoded(image, "TIFF", compression=compression)), np.asarray(image.convert("RGB"))
        )


@pytest.mark.parametrize(
    "content",
    [
        tiff_of(np.zeros((48, 64, 4), "u1"), 1, tags=[(338, 3, [0, 0, 0])]),
        tiff_of(np.zeros((48, 64, 5), "u2"), 1, tags=[(338, 3, [0, 0, 0, 0])]),
        tiff_of(np.zeros((48, 64, 12), "u2"), 2, tags=[(338, 3, [0] * 9)]),
        tiff_of(np.zeros((48, 64, 3), "f4"), 2),
        tiff_of(np.zeros((48, 64), "f8")),
        tiff_of(np.zeros((48, 64, 3), "u2"), 2, tags=[(284, 3, [2])]),
        tiff_of(np.zeros((48, 64), "u1"), tags=[(259, 3, [34712])]),
    ],
    ids=["4 bands", "5 bands", "12 bands", "fractions", "double", "planes", "jpeg 2000"],
)
def test_a_tiff_that_cannot_be_read_says_why(content, capsys):
    for read in (open_photo, check_photo):
        with pytest.raises(PhotoError, match=r"^The TIFF 'map\.tif' has bands or a compression that cannot be read"):
            read(content, "map.tif")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("content", "format"),
    [
        (encoded(drawn(), "TIFF"), "TIFF"),
        (encoded(drawn(), "TIFF", big_tiff=True), "TIFF"),
        (encoded(drawn(), "GIF"), "GIF"),
        (encoded(drawn(), "AVIF", quality=90), "AVIF"),
        ((HEIC / "drawn.heic").read_bytes(), "HEIF"),
        ((HEIC / "turned.heic").read_bytes(), "HEIF"),
    ],
    ids=["tiff", "big tiff", "gif", "avif", "heic", "turned heic"],
)
def test_the_content_says_the_format(content, format, tmp_path):
    (tmp_path / "photo.jpg").write_bytes(content)
    assert format_of_content(content[:64]) == format
    facts = check_photo(content, "photo.jpg")
    assert (facts.format, facts.upright_wh, facts.several) == (format, (96, 64), False)
    for source in (content, tmp_path / "photo.jpg", BytesIO(content)):
        assert abs(np.asarray(open_photo(source)).astype(int) - np.asarray(drawn())).mean() < 3


@pytest.mark.parametrize(
    "content", [b"", b"BM", b"BMW\n" * 40, b"Copyright", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", b"RIFF1234AVI "]
)
def test_other_content_is_no_photo(content):
    assert format_of_content(content[:64]) is None


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["raw", "tiff_lzw", "AVIF"])
def test_tiff_and_avif_stand_upright(kind, orientation):
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Image.Transpose numbers that undo each EXIF orientation
    stored = drawn().transpose(Image.Transpose(undo[orientation])) if orientation in undo else drawn()
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    avif = kind == "AVIF"
    content = (
        encoded(stored, "AVIF", exif=exif, quality=90)
        if avif
        else encoded(stored, "TIFF", tiffinfo={274: orientation}, compression=kind)
    )
    facts = check_photo(content, "photo")
    assert (facts.stored_wh, facts.upright_wh) == (stored.size, (96, 64))
    assert abs(shown(content) - np.asarray(drawn())).mean() < 3
    assert (facts.look ^ check_photo(encoded(drawn()), "photo").look).bit_count() <= 12


@pytest.mark.parametrize("format", ["TIFF", "GIF", "AVIF"])
def test_the_first_of_several_images_counts(format):
    frames = {"save_all": True, "append_images": [draw_photo((96, 64), seed) for seed in (1, 2, 3)]}
    content = encoded(drawn(), format, **frames)
    assert abs(shown(content) - np.asarray(drawn())).mean() < 3
    assert check_photo(content, "photo").several
    assert check_photo((HEIC / "two.heic").read_bytes(), "photo").several


@pytest.mark.parametrize(
    "content", [encoded(drawn(), "AVIF"), (HEIC / "drawn.heic").read_bytes()], ids=["avif", "heic"]
)
@pytest.mark.parametrize("side", [0, 1, 13_000, 60_000, 2**31 - 1])
def test_a_size_that_the_pixels_do_not_have_takes_no_memory(content, side):
    at = content.index(b"ispe") + 8
    changed = content[:at] + side.to_bytes(4, "big") * 2 + content[at + 8 :]
    if side == 1 and b"avif" in content[:32]:
        assert open_photo(changed).size == (1, 1)  # its decoder scales the pixels
        return
    with pytest.raises(PhotoError, match=r"'photo'.*(million pixels|damaged)"):
        open_photo(changed, "photo")


@pytest.mark.parametrize(
    ("name", "unsure"),
    [
        ("000001", True),
        ("images/0001", True),
        ("photo.1", True),
        ("photo.jpg?size=large", True),
        ("photo.jpg_large", True),
        ("photo.jpeg!d", True),
        ("v1.2/README", True),
        ("photo.jpg_original", False),  # a backup of ExifTool
        ("photo.jpg~", False),
        ("photo.jpg.bak", False),
        ("photo.xml", False),
        ("a.b/photo.txt", False),
    ],
)
def test_the_content_is_asked_only_where_the_name_leaves_it_open(name, unsure):
    assert is_unsure(name) is unsure


def test_every_usual_extension_is_known():
    usual = "jpg jpeg jpe jfif jif pjpeg png webp bmp dib tif tiff gif avif heic heif hif"
    assert {f".{ending}" for ending in usual.split()} <= set(PHOTO_ENDINGS)
