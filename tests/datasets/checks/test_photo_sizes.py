"""Labels that state another size than the photo has: what the boxes show about it."""

from pathlib import PurePosixPath

import pytest

from autodet.datasets.checks.photo_sizes import find_size_kinds
from autodet.datasets.formats.labels import LabelledPhoto
from autodet.datasets.photos import PhotoFacts
from autodet.records import Mark


def photo(stated_wh, stored_wh, *boxes, orientation=1):
    marks = tuple(Mark("cat", box) for box in boxes)
    return LabelledPhoto(PurePosixPath("a.jpg"), "a.xml", marks, stated_wh), PhotoFacts("JPEG", stored_wh, orientation)


SHRUNK = photo((640, 480), (160, 120), (300, 200, 600, 400))
ENLARGED = photo((80, 60), (160, 120), (10, 10, 70, 50))
TEMPLATE = photo((64, 64), (160, 120), (90, 30, 130, 100))
NEAR = photo((64, 64), (160, 120), (10, 10, 50, 50))  # fits both
STRETCHED = photo((640, 480), (416, 416), (300, 200, 600, 400))
WIDE = photo((160, 120), (160, 120), (100, 10, 150, 50), orientation=6)  # fits only the stored photo
TALL = photo((160, 120), (160, 120), (10, 100, 50, 150), orientation=6)  # fits only the upright photo
SMALL = photo((160, 120), (160, 120), (10, 10, 50, 50), orientation=6)  # fits both
FLIPPED = photo((160, 120), (160, 120), (10, 10, 50, 50), orientation=3)


@pytest.mark.parametrize(
    ("photos", "kinds"),
    [
        ([photo((160, 120), (160, 120), (1, 2, 3, 4))], [""]),
        ([photo(None, (160, 120), (1, 2, 3, 4))], [""]),
        ([photo((0, 0), (160, 120), (1, 2, 3, 4))], ["size_missing"]),
        ([SHRUNK, ENLARGED], ["size_resized"] * 2),
        ([TEMPLATE, NEAR], ["size_mismatch"] * 2),
        ([NEAR], ["size_unclear"]),
        ([STRETCHED], ["size_unclear"]),
        ([SHRUNK, TEMPLATE, NEAR], ["size_resized", "size_mismatch", "size_unclear"]),
        ([photo((161, 120), (160, 120), (1, 2, 159, 119))], ["size_mismatch"]),  # rounded
        ([photo((640, 480), (160, 120))], ["size_mismatch"]),  # no box depends on it
        ([photo((120, 160), (160, 120), (1, 2, 100, 110))], ["size_unclear"]),  # turned, in an unknown direction
        ([WIDE, SMALL], ["turned"] * 2),
        ([TALL, SMALL], ["turned_upright"] * 2),
        ([SMALL], ["turned"]),
        ([WIDE, TALL, SMALL], ["turned_unclear"] * 3),
        ([*[WIDE] * 20, TALL], ["turned"] * 21),
        ([FLIPPED], ["turned_half"]),
        ([photo((120, 160), (160, 120), (10, 100, 50, 150), orientation=6), FLIPPED], ["", ""]),  # the tool heeds EXIF
        ([WIDE, FLIPPED], ["turned", "turned"]),
        ([TALL, FLIPPED], ["turned_upright", ""]),
    ],
)
def test_boxes_show_the_frame_that_they_were_drawn_in(photos, kinds):
    assert find_size_kinds(photos) == kinds
