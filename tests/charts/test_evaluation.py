from autodet.charts.evaluation import class_ap_figure
from autodet.records import ClassReport, EvaluationReport


def report(**per_class):
    return EvaluationReport(0.5, 0.3, 0.5, per_class, 10)


def test_a_bar_for_each_class_and_figure():
    figure = class_ap_figure(report(apple=ClassReport(0.9, 0.6, 8, 20), banana=ClassReport(0.1, 0.05, 3, 4)))
    at_half, over_all = figure.data
    assert (list(at_half.hovertext), list(at_half.x)) == (["apple", "banana"], [0.9, 0.1])
    assert list(over_all.x) == [0.6, 0.05]
    assert min(figure.layout.xaxis.range) == 0


def test_a_class_without_boxes_has_no_bar():
    figure = class_ap_figure(report(apple=ClassReport(0.9, 0.6, 8, 20), banana=ClassReport(None, None, 0, 0)))
    assert [list(bar.hovertext) for bar in figure.data] == [["apple"], ["apple"]]


def test_a_class_name_is_no_markup():
    figure = class_ap_figure(report(**{"<a href='http://x'>apple</a>": ClassReport(0.9, 0.6, 8, 20)}))
    assert "<" not in figure.data[0].hovertext[0] + figure.layout.yaxis.ticktext[0]
