from dataclasses import replace

from autodet.charts.datasets import class_counts_figure


def test_boxes_are_counted_by_class_and_split(sample_dataset):
    figure = class_counts_figure(sample_dataset)
    assert [bar.name for bar in figure.data] == list(sample_dataset.splits)
    for bar in figure.data:
        assert tuple(bar.hovertext) == figure.layout.yaxis.ticktext == sample_dataset.classes
        assert sum(bar.x) == sum(len(record.annotations) for record in sample_dataset.split(bar.name))
    assert sum(sum(bar.x) for bar in figure.data) == sample_dataset.boxes


def test_a_class_name_is_no_markup(sample_dataset):
    hostile = ("<img src=x onerror=alert(1)>", "<b>banana</b>", "x" * 500)
    first, second, third = class_counts_figure(replace(sample_dataset, classes=hostile)).data[0].hovertext
    assert "<" not in first + second
    assert second == "&lt;b&gt;banana&lt;/b&gt;"
    assert len(third) < 60


def test_long_names_that_begin_alike_keep_their_own_bars(sample_dataset):
    alike = tuple("x" * 60 + end for end in "abc")
    figure = class_counts_figure(replace(sample_dataset, classes=alike))
    assert figure.layout.yaxis.tickvals == (0, 1, 2)
    assert figure.data[0].x == class_counts_figure(sample_dataset).data[0].x
