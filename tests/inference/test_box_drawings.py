import numpy as np
import pytest
from PIL import Image, ImageChops, ImageColor

from autodet.charts.palette import class_colour
from autodet.inference.box_drawings import draw_boxes, outline_boxes

GREY = (128, 128, 128)


def photo(width=400, height=300):
    return Image.new("RGB", (width, height), GREY)


def boxes(*rows):
    return np.asarray(rows, np.float32).reshape(-1, 4)


def ids(*values):
    return np.asarray(values, np.int64)


def changed(drawn):
    """Where something was drawn: the tightest (x1, y1, x2, y2)."""
    return ImageChops.difference(drawn, photo(*drawn.size)).getbbox()


def has_colour(picture, colour):
    return (np.asarray(picture) == ImageColor.getrgb(colour)).all(axis=-1).any()


def test_a_box_is_outlined_in_its_class_s_colour_where_it_is():
    drawn = draw_boxes(photo(), boxes((100, 120, 220, 260)), ids(1), ("apple", "banana"))
    colour = ImageColor.getrgb(class_colour(1))
    for point in ((100, 200), (219, 200), (160, 120), (160, 259)):
        assert drawn.getpixel(point) == colour
    assert drawn.getpixel((160, 200)) == GREY  # what is inside is still seen
    assert drawn.getpixel((230, 200)) == GREY


def test_the_photo_itself_is_left_alone():
    original = photo()
    draw_boxes(original, boxes((10, 40, 50, 80)), ids(0), ("apple",))
    assert changed(original) is None


def test_no_boxes_no_change():
    assert changed(draw_boxes(photo(), boxes(), ids(), ("apple",), np.zeros(0, np.float32))) is None


def test_lines_grow_with_the_photo():
    def line_width(side):
        drawn = draw_boxes(photo(side, side), boxes((0.25 * side, 0.25 * side, 0.75 * side, 0.75 * side)), ids(0), "a")
        row = np.asarray(drawn)[side // 2]
        return int((row != GREY).any(axis=-1).sum()) / 2

    assert line_width(200) >= 2
    assert line_width(3000) >= 3 * line_width(600) > 0


def test_the_label_says_class_and_score():
    with_score = draw_boxes(photo(), boxes((100, 120, 220, 260)), ids(0), ("apple",), np.array([0.87], np.float32))
    without = draw_boxes(photo(), boxes((100, 120, 220, 260)), ids(0), ("apple",))
    assert changed(with_score)[1] < 120  # above the box
    assert ImageChops.difference(with_score, without).getbbox() is not None


@pytest.mark.parametrize(
    "box", [(0, 0, 40, 30), (370, 0, 400, 20), (0, 280, 30, 300), (380, 290, 400, 300), (0, 0, 400, 300)]
)
def test_a_label_at_the_edge_is_whole(box):
    """As much of the label's colour is seen as in the middle of the photo, where nothing can be cut off."""
    colour = np.array(ImageColor.getrgb(class_colour(0)))

    def ink(box, size):
        drawn = np.asarray(draw_boxes(photo(*size), boxes(box), ids(0), ("strawberry",), np.array([0.5], np.float32)))
        return int((drawn == 255).all(axis=-1).sum()), int((drawn == colour).all(axis=-1).sum())

    letters, _ = ink(box, (400, 300))
    expected, _ = ink((150, 150, 200, 200), (400, 300))
    assert letters == expected > 0


@pytest.mark.parametrize(
    "name",
    ["リンゴ", "яблоко", "تفاحة", "🍎", "two\nlines", "", " ", "x" * 300, "<b>bold</b>", "a\u0000b"],
    ids=["japanese", "cyrillic", "arabic", "emoji", "lines", "empty", "blank", "long", "markup", "null"],
)
@pytest.mark.parametrize("size", [(400, 300), (20, 12)])
def test_any_name_on_any_photo(name, size):
    drawn = draw_boxes(photo(*size), boxes((2, 2, size[0] - 4, size[1] - 4)), ids(0), (name,))
    assert drawn.size == size
    assert has_colour(drawn, class_colour(0))


def test_a_long_name_leaves_the_score_readable_and_the_photo_visible():
    def drawn(name, score):
        return draw_boxes(photo(), boxes((100, 120, 220, 260)), ids(0), (name,), np.array([score], np.float32))

    assert ImageChops.difference(drawn("x" * 300, 0.11), drawn("x" * 300, 0.88)).getbbox() is not None
    left, _, right, _ = changed(drawn("x" * 300, 0.5))
    assert right - left < 320


def test_a_name_of_two_lines_is_written_on_one():
    def drawn(name):
        return draw_boxes(photo(), boxes((100, 120, 220, 260)), ids(0), (name,))

    assert ImageChops.difference(drawn("two\n lines"), drawn("two lines")).getbbox() is None


@pytest.mark.parametrize("box", [(50, 50, 50, 50), (-20, -20, 500, 500), (60, 60, 40, 40)])
def test_odd_boxes_do_no_harm(box):
    assert draw_boxes(photo(), boxes(box), ids(0), ("apple",)).size == (400, 300)


def test_the_surest_is_drawn_on_top():
    same = (100, 100, 200, 200)
    drawn = draw_boxes(photo(), boxes(same, same), ids(0, 1), ("apple", "banana"), np.array([0.9, 0.4], np.float32))
    assert drawn.getpixel((150, 100)) == ImageColor.getrgb(class_colour(0))


def test_a_photo_with_a_palette_becomes_rgb():
    drawn = draw_boxes(photo().convert("P"), boxes((10, 40, 50, 80)), ids(0), ("apple",))
    assert drawn.mode == "RGB"


def test_outlines_are_drawn_where_boxes_are_and_the_photo_is_left_alone():
    plain = photo()
    drawn = outline_boxes(plain, boxes((100, 120, 220, 260), (10, 10, 50, 50)), ("#ff0000", "#00ff00"))
    assert drawn.size == plain.size
    assert drawn.getpixel((100, 200)) == (255, 0, 0)
    assert drawn.getpixel((10, 30)) == (0, 255, 0)
    assert changed(plain) is None


def test_room_is_made_for_a_box_beyond_the_photo_but_not_for_any():
    a_little = outline_boxes(photo(), boxes((-20, 10, 430, 340)), ("#ff0000",))
    assert a_little.size == (400 + 20 + 30, 300 + 40)
    assert a_little.getpixel((0, 100)) == (255, 0, 0)
    far = outline_boxes(photo(), boxes((-1e6, -1e6, 1e6, 1e6)), ("#ff0000",))
    assert far.size == (600, 500)


def test_a_box_that_is_written_the_wrong_way_round_is_drawn():
    assert has_colour(outline_boxes(photo(), boxes((220, 260, 100, 120)), ("#ff0000",)), "#ff0000")


def test_no_box_draws_nothing():
    assert changed(outline_boxes(photo(), boxes(), ())) is None


def test_labels_do_not_cover_one_another_where_there_is_room():
    colours = [np.array(ImageColor.getrgb(class_colour(class_id))) for class_id in range(3)]

    def ink(rows, class_ids):
        drawn = np.asarray(draw_boxes(photo(), boxes(*rows), ids(*class_ids), ("apple", "banana", "cherry")))
        return [int((drawn == colours[class_id]).all(axis=-1).sum()) for class_id in class_ids]

    places = [(200, 150, 206, 156), (202, 151, 208, 157), (199, 152, 205, 158)]
    together = ink(places, (0, 1, 2))
    for class_id, seen in enumerate(together):
        assert seen > 0.8 * ink([places[class_id]], (class_id,))[0]  # lines of the boxes may be covered
