"""JPEGs without an end: read if all pixels are there, refused if any are missing."""

import numpy as np
import pytest
from PIL import Image

from autodet.datasets.photos import check_photo, open_photo
from autodet.errors import PhotoError
from tests.datasets.sources.hostile_files import encoded

KINDS = {
    "baseline": {},
    "optimised": {"optimize": True, "quality": 95},
    "fine colours": {"subsampling": "4:4:4"},
    "progressive": {"progressive": True},
    "restarts": {"restart_marker_rows": 1},
    "many restarts": {"restart_marker_blocks": 2},
    "progressive restarts": {"progressive": True, "restart_marker_rows": 1},
}
SIZES = [(8, 8), (97, 31), (200, 133)]


def jpeg(kind, size_wh, mode="RGB"):
    random = np.random.default_rng(sum(size_wh))
    rough = random.integers(0, 256, (max(size_wh[1] // 16, 2), max(size_wh[0] // 16, 2), 3), dtype=np.uint8)
    smooth = np.asarray(Image.fromarray(rough).resize(size_wh, Image.Resampling.BICUBIC)).astype(int)
    noisy = (smooth + random.integers(-12, 12, smooth.shape)).clip(0, 255).astype(np.uint8)
    return encoded(Image.fromarray(noisy).convert(mode), "JPEG", **KINDS[kind])


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("size_wh", SIZES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_jpeg_without_its_end_has_all_pixels(kind, size_wh, mode, tmp_path):
    whole = jpeg(kind, size_wh, mode)
    expected, facts = np.asarray(open_photo(whole)), check_photo(whole, "photo")
    tails = (b"", b"\0", b"\0\0", bytes(5000), b"\xff\xff", bytes(7) + b"\xff")
    behind = (b"\n", b"\r\n", b"garbage" * 100)
    bodies = [whole + tail for tail in tails + behind] + [whole[:-2] + tail for tail in tails + behind]
    for content in [*bodies, *(whole[:-1] + tail for tail in tails)]:
        np.testing.assert_array_equal(np.asarray(open_photo(content)), expected)
        assert check_photo(content, "photo") == facts
    (tmp_path / "photo.jpg").write_bytes(whole[:-2])
    np.testing.assert_array_equal(np.asarray(open_photo(tmp_path / "photo.jpg")), expected)


@pytest.mark.parametrize("size_wh", SIZES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_jpeg_that_lacks_pixels_is_refused_with_what_to_do(kind, size_wh):
    whole = jpeg(kind, size_wh)
    expected = np.asarray(open_photo(whole))
    header = whole.index(b"\xff\xda")
    read = 0
    for cut in (*range(3, 30), *range(30, len(whole) - header, max((len(whole) - header) // 60, 1))):
        content = whole[:-cut]
        try:
            pixels = np.asarray(open_photo(content, "photo.jpg"))
        except PhotoError as error:
            assert str(error) == "The photo 'photo.jpg' is cut short or damaged; export or copy it again."
            continue
        read += 1
        np.testing.assert_array_equal(pixels, expected)  # bytes may be missing that no pixel needs
    assert read <= 3


@pytest.mark.parametrize("kind", KINDS)
def test_half_a_jpeg_that_zeros_fill_up_is_refused(kind):
    whole = jpeg(kind, SIZES[-1])
    for read in (open_photo, check_photo):
        with pytest.raises(PhotoError, match="cut short"):
            read(whole[: len(whole) // 2] + bytes(len(whole) - len(whole) // 2), "photo.jpg")


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xda",
        b"\xff\xd8\xff\xe0\xff\xff",
        b"\xff\xd8\xff\xc0\0\2\xff\xda\0\2",
        b"\xff\xd8\xff" + b"\xff\xda\0\x08\1\1\0\0\x3f\0" * 50_000,
        b"\xff\xd8\xff" + bytes(100),
    ],
)
def test_a_jpeg_of_headers_only_is_refused(content):
    with pytest.raises(PhotoError, match="cut short"):
        open_photo(content, "photo.jpg")
