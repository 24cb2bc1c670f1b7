from autodet.charts.errors import confusion_figure, error_kinds_figure, groups_figure
from autodet.charts.score_curves import f1_figure, precision_recall_figure, reliability_figure
from autodet.evaluation.calibration import reliability
from autodet.evaluation.curves import class_curve
from autodet.evaluation.outcomes import find_outcomes
from autodet.records import Confusion, GroupCounts
from tests.evaluation.scenes import random_scene

HOSTILE = "<b>apple</b>"


def test_every_cell_but_the_corner_is_a_bar_with_its_key_and_count():
    confusion = Confusion((HOSTILE, "banana", "background"), ((5, 1, 2), (0, 7, 0), (3, 0, 0)))
    figure = confusion_figure(confusion, [0, 1], ("not labelled", "missed"))
    cells = dict(zip(figure.data[0].customdata, figure.data[0].hovertext, strict=True))
    assert set(cells) == {f"{row} {column}" for row in range(3) for column in range(3)} - {"2 2"}
    assert cells["0 2"] == "&lt;b&gt;apple&lt;/b&gt; → missed: 2"
    assert [note.text for note in figure.layout.annotations] == ["5", "1", "2", "7", "3"]
    assert HOSTILE not in str(figure.to_dict())


def test_some_classes_of_many_keep_their_cells():
    confusion = Confusion(("a", "b", "background"), ((5, 1, 2), (0, 7, 4), (3, 6, 0)))
    figure = confusion_figure(confusion, [1], ("not labelled", "missed"))
    assert list(figure.data[0].customdata) == ["1 1", "1 2", "2 1"]


def test_kinds_of_errors_tell_count_and_gain():
    figure = error_kinds_figure({"missed": "Missed", "both": "Both"}, {"missed": 4, "both": 0}, {"missed": 0.1234})
    assert list(figure.data[0].text) == ["4 · mAP +0.123", "0"]
    assert list(figure.data[0].customdata) == ["missed", "both"]


def test_groups_are_bars_of_found_and_missed_shares():
    figure = groups_figure([GroupCounts("small", 8, 2, 1)], ["Small"], ["2 of 8 missed"], "size")
    found, missed = figure.data
    assert (found.x[0], missed.x[0]) == (75, 25)
    assert (found.customdata[0], missed.customdata[0]) == ("size small found", "size small missed")


def test_curves_mark_the_threshold_of_each_class_and_name_their_points():
    scene = random_scene(0)
    outcomes = find_outcomes(scene.records, scene.predictions, scene.classes)
    curves = [class_curve(outcomes, 0), class_curve(outcomes, 1)]
    for make in (precision_recall_figure, f1_figure):
        figure = make(curves, scene.classes, dict.fromkeys(scene.classes, 0.4))
        assert [trace.name for trace in figure.data if trace.name] == scene.classes[:2]
        assert [trace.customdata[0] for trace in figure.data if not trace.name] == ["0 0.400000", "1 0.400000"]
    above_all = precision_recall_figure(curves, scene.classes, dict.fromkeys(scene.classes, 1.0))
    assert len(above_all.data) == 2  # nothing is shown at such a threshold


def test_ranges_of_scores_without_a_detection_have_no_bar():
    scene = random_scene(0)
    rows = reliability(find_outcomes(scene.records, scene.predictions, scene.classes).counted_matches)
    bars = reliability_figure(rows).data[0]
    assert [int(key) for key in bars.customdata] == [number for number, row in enumerate(rows) if row.detections]
