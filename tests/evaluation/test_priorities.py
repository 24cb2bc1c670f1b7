from dataclasses import replace

from autodet.evaluation.learning_curve import fit_power_law
from autodet.evaluation.outcomes import find_outcomes
from autodet.evaluation.priorities import MIN_LOSS, priorities, weak_groups
from autodet.evaluation.report import evaluate_predictions
from autodet.messages.evaluation import priority_text
from autodet.records import ErrorKind, GroupCounts
from tests.evaluation.scenes import random_scene


def test_what_costs_most_comes_first_and_has_a_sentence():
    scene = random_scene(1, photos=30)
    thresholds = dict.fromkeys(scene.classes, 0.3)
    report = evaluate_predictions(scene.records, scene.predictions, scene.classes, thresholds)
    report = replace(report, error_kinds=report.error_kinds | {"duplicate": ErrorKind(9, 0.9), "both": ErrorKind(9, 0)})
    shown = find_outcomes(scene.records, scene.predictions, scene.classes).at(thresholds)
    found = priorities(shown, report, dict.fromkeys(scene.classes, 20) | {scene.classes[0]: 5})
    assert (found[0].kind, found[0].name) == ("error", "duplicate")
    assert "both" not in {one.name for one in found}
    losses = [one.loss for one in found]
    assert losses == sorted(losses, reverse=True) and min(losses) >= MIN_LOSS
    known = [one.ap50 for one in report.per_class.values() if one.ap50 is not None]
    classes = [one for one in found if one.kind == "class"]
    assert len(classes) == sum(ap50 < report.map50 for ap50 in known)
    assert all(one.loss == (1 - one.values["ap50"]) / len(known) for one in classes)
    assert all(priority_text(one.kind, one.name, one.loss, one.values) for one in found)


def test_nothing_is_said_of_photos_without_objects():
    shown = find_outcomes([], [], ["apple"]).at({"apple": 0.5})
    assert priorities(shown, evaluate_predictions([], [], ["apple"])) == []


def test_a_group_is_weak_only_if_that_is_hardly_chance():
    small = GroupCounts("small", 60, 41, 0)
    assert weak_groups([small, GroupCounts("large", 400, 30, 0)]) == [small]
    assert weak_groups([GroupCounts("small", 10, 2, 0), GroupCounts("large", 100, 15, 0)]) == []
    assert weak_groups([GroupCounts("small", 2, 2, 0), GroupCounts("large", 100, 5, 0)]) == []
    assert weak_groups([small]) == []


def test_more_photos_are_ranked_by_what_twice_as_many_would_add():
    scene = random_scene(1, photos=30)
    thresholds = dict.fromkeys(scene.classes, 0.3)
    report = evaluate_predictions(scene.records, scene.predictions, scene.classes, thresholds)
    shown = find_outcomes(scene.records, scene.predictions, scene.classes).at(thresholds)
    steep = fit_power_law([10, 20, 40], [0.1, 0.5, 0.75], [1, 1, 1], 40)
    flat = fit_power_law([10, 20, 40], [0.7, 0.7, 0.7], [1, 1, 1], 40)
    found = priorities(shown, report, {}, steep)
    (photos,) = [one for one in found if one.kind == "photos"]
    assert photos.loss == steep.gain > 0.1
    assert [one.loss for one in found] == sorted((one.loss for one in found), reverse=True)
    assert "80 training photos instead of 40" in priority_text(photos.kind, photos.name, photos.loss, photos.values)
    assert "photos" not in {one.kind for one in priorities(shown, report, {}, flat)}
