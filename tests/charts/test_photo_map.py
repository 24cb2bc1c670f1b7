import numpy as np

from autodet.charts.photo_map import MapGroup, photo_map_figure

POINTS = np.array([[0, 0], [1, 2], [-1, 3]], np.float32)
NAMES = ["train/a.jpg", "train/<b>bold</b>.jpg", "val/c.jpg"]
GROUPS = [MapGroup("<i>apple</i>", "#e4572e", np.array([0, 2])), MapGroup("banana", "#2f7fd6", np.array([1]))]


def test_each_photo_is_a_point_that_names_it_and_escapes_names():
    figure = photo_map_figure(POINTS, NAMES, GROUPS)
    apples, bananas = figure.data
    assert (list(apples.x), list(apples.y), list(apples.customdata)) == ([0, -1], [0, 3], [0, 2])
    assert apples.name == "&lt;i&gt;apple&lt;/i&gt;"
    assert bananas.hovertext == ("train/&lt;b&gt;bold&lt;/b&gt;.jpg",)


def test_all_points_lie_within_the_axes():
    figure = photo_map_figure(POINTS, NAMES, GROUPS)
    (left, right), (low, high) = figure.layout.xaxis.range, figure.layout.yaxis.range
    assert left < -1 < 1 < right
    assert low < 0 < 3 < high


def test_listed_photos_have_rings():
    *_, rings = photo_map_figure(POINTS, NAMES, GROUPS, ringed=[1]).data
    assert (list(rings.x), list(rings.y), rings.marker.symbol) == ([1], [2], "circle-open")


def test_equal_photos_have_a_map_too():
    figure = photo_map_figure(np.zeros((3, 2), np.float32), NAMES, GROUPS)
    assert figure.layout.xaxis.range[0] < 0 < figure.layout.xaxis.range[1]


def test_selected_photos_stand_out():
    groups = [MapGroup("a", "#000000", np.array([0, 2])), MapGroup("b", "#ffffff", np.array([1]))]
    figure = photo_map_figure(np.zeros((3, 2), np.float32), ["x", "y", "z"], groups, selected=[2])
    assert [trace.selectedpoints for trace in figure.data] == [(1,), ()]
    plain = photo_map_figure(np.zeros((3, 2), np.float32), ["x", "y", "z"], groups)
    assert [trace.selectedpoints for trace in plain.data] == [None, None]
