import numpy as np
import pytest

from autodet.evaluation.confusion import confusion_cells
from autodet.evaluation.error_kinds import error_kinds
from autodet.evaluation.examples import (
    cell_examples,
    class_errors,
    error_counts,
    error_examples,
    group_examples,
    score_examples,
)
from autodet.evaluation.groupings import crowding_grouping, group_counts, name_grouping, size_grouping
from autodet.evaluation.outcomes import find_outcomes
from autodet.evaluation.report import figures_at_threshold
from autodet.evaluation.subsets import by_size
from autodet.evaluation.summary import summarize
from tests.evaluation.scenes import random_scene


@pytest.fixture(params=[0, 1, 2])
def shown(request):
    scene = random_scene(request.param, photos=30, difficult=0.2)
    outcomes = find_outcomes(scene.records, scene.predictions, scene.classes)
    return outcomes.at(dict.fromkeys(scene.classes, 0.4))


def test_a_cell_holds_as_many_examples_as_it_counts(shown):
    cells = confusion_cells(shown)
    for row, counts in enumerate(cells.matrix().matrix):
        for column, count in enumerate(counts):
            if row < len(counts) - 1 or column < len(counts) - 1:
                assert len(cell_examples(cells, row, column)) == count


def test_an_example_pairs_a_detection_with_a_box_of_its_photo(shown):
    outcomes = shown.outcomes
    for examples in (error_examples(shown, "classification"), class_errors(shown, 0)):
        both = (examples.detections >= 0) & (examples.boxes >= 0)
        photos = outcomes.detections.photos[examples.detections[both]]
        assert (photos == outcomes.truth.photos[examples.boxes[both]]).all()
        assert ((examples.detections >= 0) | (examples.boxes >= 0)).all()


def test_counts_of_kinds_are_those_of_the_report(shown):
    assert error_counts(shown) == {kind: error.count for kind, error in error_kinds(shown).items()}
    for kind, count in error_counts(shown).items():
        assert len(error_examples(shown, kind)) == count


def test_groups_count_what_subsets_report_and_hold_those_boxes(shown):
    grouping = size_grouping(shown.outcomes)
    counts = group_counts(shown, grouping)
    reports = by_size(shown)
    assert [(one.boxes, one.missed, one.false_positives) for one in counts] == [
        (one.boxes, one.missed, one.false_positives) for one in reports
    ]
    for group, one in enumerate(counts):
        assert len(group_examples(shown, grouping, group, found=False)) == one.missed
        assert len(group_examples(shown, grouping, group, found=True)) == one.found


def test_every_box_is_in_a_group_of_crowding_and_of_its_folder(shown):
    photos = len(shown.outcomes.truth.starts) - 1
    folders = name_grouping(shown.outcomes, ["b" if photo % 3 else "a" for photo in range(photos)])
    assert folders.names == ("a", "b")
    boxes = int(shown.outcomes.matches.boxes.sum())
    for grouping in (folders, crowding_grouping(shown.outcomes)):
        assert sum(one.boxes for one in group_counts(shown, grouping)) == boxes


def test_detections_of_a_range_of_scores_come_wrong_ones_first(shown):
    examples = score_examples(shown, 0.5, 1.0)
    scores = shown.outcomes.detections.scores[examples.detections]
    assert ((scores >= 0.5) & (scores <= 1)).all()
    right = shown.outcomes.kinds[examples.detections] == 0
    assert (np.diff(right.astype(int)) >= 0).all()


def test_the_summary_agrees_with_the_figures_of_the_classes(shown):
    together, by_class = summarize(shown)
    assert together.boxes == sum(one.boxes for one in by_class)
    assert together.wrong == int(shown.wrong.sum())
    for class_id, one in enumerate(by_class):
        figures = figures_at_threshold(shown, class_id)
        assert figures["recall"] == (one.found / one.boxes if one.boxes else None)
        if one.recall:
            assert one.recall[0] <= one.found / one.boxes <= one.recall[1]
    low, high = together.wrong_share
    assert low <= together.wrong / together.detections <= high


def test_nothing_to_summarize_has_no_shares():
    together, by_class = summarize(find_outcomes([], [], ["apple"]).at({"apple": 0.5}))
    assert together.recall is None and together.wrong_share is None
    assert [one.boxes for one in by_class] == [0]
