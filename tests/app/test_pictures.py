import pytest

from autodet.ui.common.pictures import fitting_width


@pytest.mark.parametrize(
    ("size_wh", "width"),
    [((1280, 960), 1200), ((960, 1280), 675), ((30, 2000), 14), ((1, 5000), 1), ((100, 80), 200)],
)
def test_a_photo_is_no_higher_than_a_screen_and_not_much_larger_than_it_is(size_wh, width):
    assert fitting_width(*size_wh, 900) == width
