from dataclasses import replace

import pytest

from autodet.charts.datasets import (
    MAX_CLASSES,
    box_ratios_figure,
    box_sides_figure,
    class_counts_figure,
    photo_sizes_figure,
    places_figure,
)
from autodet.records import Annotations

FIGURES = (class_counts_figure, box_sides_figure, box_ratios_figure, places_figure, photo_sizes_figure)


@pytest.mark.slow
def test_boxes_are_counted_by_class_and_split_the_most_frequent_first(sample_dataset):
    figure = class_counts_figure(sample_dataset)
    assert [bar.name for bar in figure.data] == list(sample_dataset.splits)
    for bar in figure.data:
        assert tuple(bar.hovertext) == figure.layout.yaxis.ticktext
        assert sum(bar.x) == sum(len(record.annotations) for record in sample_dataset.split(bar.name))
    assert sorted(figure.layout.yaxis.ticktext) == list(sample_dataset.classes)
    totals = [sum(counts) for counts in zip(*(bar.x for bar in figure.data), strict=True)]
    assert totals == sorted(totals, reverse=True)
    assert sum(totals) == sample_dataset.boxes


def test_of_many_classes_the_most_frequent_are_drawn(sample_dataset):
    many = tuple(f"class {number:03}" for number in range(400))
    moved = [
        replace(record, annotations=Annotations.of(record.annotations.boxes_xyxy, record.annotations.class_ids + 397))
        for record in sample_dataset.images
    ]
    figure = class_counts_figure(replace(sample_dataset, classes=many, images=tuple(moved)))
    assert len(figure.layout.yaxis.ticktext) == MAX_CLASSES
    assert set(figure.layout.yaxis.ticktext[:3]) == set(many[397:])
    assert figure.layout.height < 1000


def test_a_class_name_is_no_markup(sample_dataset):
    hostile = ("<img src=x onerror=alert(1)>", "<b>banana</b>", "x" * 500)
    names = class_counts_figure(replace(sample_dataset, classes=hostile)).data[0].hovertext
    assert "&lt;b&gt;banana&lt;/b&gt;" in names
    assert all("<" not in name for name in names)
    assert max(len(name.replace("&lt;", "<").replace("&gt;", ">")) for name in names) <= 40


def test_long_names_that_begin_alike_keep_their_own_bars(sample_dataset):
    alike = tuple("x" * 60 + end for end in "abc")
    figure = class_counts_figure(replace(sample_dataset, classes=alike))
    assert figure.layout.yaxis.tickvals == (0, 1, 2)
    assert figure.data[0].x == class_counts_figure(sample_dataset).data[0].x


@pytest.mark.parametrize("draw", [box_sides_figure, box_ratios_figure])
def test_every_box_is_in_one_bar(sample_dataset, draw):
    assert sum(sum(bar.y) for bar in draw(sample_dataset).data) == sample_dataset.boxes


def test_small_medium_and_large_boxes_are_told_apart(sample_dataset):
    bars = box_sides_figure(sample_dataset).data
    assert [bar.name.split(":")[0] for bar in bars] == ["small", "medium", "large"]
    assert len({bar.marker.color for bar in bars}) == 3
    assert max(bars[0].x) < min(bars[1].x) < max(bars[1].x) < min(bars[2].x)


def test_the_map_of_places_is_square_and_has_the_top_at_the_top(sample_dataset):
    figure = places_figure(sample_dataset)
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1]
    assert figure.layout.yaxis.scaleanchor == "x"


def test_every_photo_is_in_a_bubble(sample_dataset):
    (bubbles,) = photo_sizes_figure(sample_dataset).data
    assert sum(bubbles.customdata) == len(sample_dataset.images)


@pytest.mark.parametrize("draw", FIGURES)
def test_a_chart_is_drawn_of_photos_without_boxes(sample_dataset, draw):
    empty = [replace(record, annotations=Annotations.of([], [])) for record in sample_dataset.images]
    draw(replace(sample_dataset, classes=(), images=tuple(empty)))


@pytest.mark.parametrize("draw", FIGURES)
def test_a_chart_does_not_grow_with_the_data_set(sample_dataset, draw):
    many = replace(sample_dataset, images=sample_dataset.images * 50)
    assert len(draw(many).to_json()) < 1.2 * len(draw(sample_dataset).to_json()) + 1000
