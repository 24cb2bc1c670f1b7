import numpy as np
import pytest
from PIL import Image

from autodet.models.letterbox import PAD_GREY, Letterbox


@pytest.mark.parametrize("size_wh", [(640, 480), (480, 640), (320, 320), (3160, 2072), (5, 1000), (40, 30)])
def test_boxes_return_to_the_photo_they_came_from(size_wh):
    letterbox = Letterbox.fit(*size_wh, side=320)
    width, height = size_wh
    boxes = np.array([[0, 0, width, height], [width * 0.2, height * 0.3, width * 0.6, height * 0.9]], np.float32)
    square = letterbox.to_square(boxes)
    assert square.min() >= 0
    assert square.max() <= 321
    np.testing.assert_allclose(letterbox.to_photo(square), boxes, atol=max(size_wh) / 1000)


def test_the_photo_lies_where_its_boxes_say():
    photo = Image.new("RGB", (200, 100), (0, 0, 0))
    photo.paste((255, 0, 0), (120, 20, 180, 80))
    letterbox = Letterbox.fit(200, 100, side=320)
    square = letterbox.draw(photo)
    assert square.shape == (320, 320, 3)
    x1, y1, x2, y2 = letterbox.to_square(np.array([[120, 20, 180, 80]], np.float32))[0].round().astype(int)
    red = (square[..., 0] > 128) & (square[..., 1] < 64)
    ys, xs = np.nonzero(red)
    assert abs(xs.min() - x1) <= 1
    assert abs(xs.max() + 1 - x2) <= 1
    assert abs(ys.min() - y1) <= 1
    assert abs(ys.max() + 1 - y2) <= 1
    assert (square[0] == PAD_GREY).all()


def test_boxes_outside_the_photo_are_clipped_to_it():
    letterbox = Letterbox.fit(200, 100, side=320)
    boxes = letterbox.to_photo(np.array([[-50, -50, 400, 400]], np.float32))
    np.testing.assert_allclose(boxes, [[0, 0, 200, 100]])
