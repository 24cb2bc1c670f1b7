from PIL import Image, ImageFilter

from autodet.datasets.photo_conditions import measure_conditions
from tests.helpers import draw_photo


def measured(folder, photo):
    photo.save(folder / "photo.png")
    return measure_conditions(folder / "photo.png")


def test_a_black_photo_is_dark_and_a_white_one_bright(tmp_path):
    assert measured(tmp_path, Image.new("RGB", (40, 30))).brightness == 0
    assert measured(tmp_path, Image.new("RGB", (2000, 30), "white")).brightness == 1


def test_a_blurred_photo_is_less_sharp(tmp_path):
    photo = draw_photo((300, 200))
    blurred = photo.filter(ImageFilter.GaussianBlur(3))
    assert measured(tmp_path, blurred).sharpness < 0.3 * measured(tmp_path, photo).sharpness
    assert measured(tmp_path, Image.new("RGB", (1, 5), "red")).sharpness == 0
