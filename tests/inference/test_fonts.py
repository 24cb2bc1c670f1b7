import numpy as np
import pytest
from PIL import Image, ImageFont

from autodet.inference import fonts
from autodet.inference.box_drawings import draw_boxes
from autodet.inference.fonts import font_for, has_letters, installed_fonts


@pytest.fixture(autouse=True)
def forget():
    yield
    for remembered in (installed_fonts, font_for):
        remembered.cache_clear()


def test_latin_names_keep_the_font_that_comes_with_pillow():
    assert font_for("Strawberry 0.87", 20).getname() == ImageFont.load_default(20).getname()


def test_pillow_s_own_font_lacks_other_letters():
    own = ImageFont.load_default(20)
    assert has_letters(own, "apple 0.87…\n")
    assert not has_letters(own, "яблоко")
    assert not has_letters(own, "Äpfel")
    assert not has_letters(own, "リンゴ")


@pytest.mark.parametrize("name", ["яблоко", "μήλο", "リンゴ", "사과", "तेंदुआ"])
def test_a_name_is_drawn_in_a_font_that_has_its_letters_if_one_is_installed(name):
    there = any(has_letters(ImageFont.truetype(path, 20), name) for path in installed_fonts())
    assert has_letters(font_for(name, 20), name) == there


def test_without_any_font_of_the_system_labels_are_still_drawn(tmp_path, monkeypatch):
    (tmp_path / "DejaVuSans.ttf").write_text("not a font")
    monkeypatch.setattr(fonts, "FOLDERS", (str(tmp_path), str(tmp_path / "missing")))
    installed_fonts.cache_clear()
    font_for.cache_clear()
    assert installed_fonts() == (tmp_path / "DejaVuSans.ttf",)
    photo = Image.new("RGB", (200, 100))
    drawn = draw_boxes(photo, np.array([[10, 40, 60, 90]], np.float32), np.array([0]), ("яблоко",))
    assert drawn.tobytes() != photo.tobytes()
