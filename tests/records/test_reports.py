"""Evaluation reports as documents."""

import json

from autodet.records import ClassReport, Confusion, ErrorKind, EvaluationReport, LabelIssue

INTERVAL = {"ap50": (0.4, 0.6)}
PER_CLASS = {"apple": ClassReport(0.5, 0.25, 2, 3, interval=INTERVAL), "none": ClassReport(None, None, 0, 0)}
BOX = (1.0, 2.0, 3.0, 4.0)
REPORT = EvaluationReport(
    0.5,
    0.25,
    0.5,
    PER_CLASS,
    images=4,
    crowded_images=1,
    coco={"AP": 0.25, "APs": None},
    interval={"map50": (0.4, 0.6)},
    confusion=Confusion(("apple", "none", "background"), ((2, 0, 1), (0, 0, 0), (1, 0, 0))),
    error_kinds={"missed": ErrorKind(1, 0.2)},
    label_issues=(
        LabelIssue("a.jpg", "wrong_class", "apple", BOX, 0.1, 0, "none", BOX),
        LabelIssue("a.jpg", "spurious", "apple", BOX, 0.1, 0),
    ),
)


def test_reports_survive_json():
    document = json.loads(json.dumps(REPORT.to_json()))
    assert EvaluationReport.from_json(document) == REPORT
    document["tiles"] = document["per_class"]["apple"]["tiles"] = 4  # of a later version
    assert EvaluationReport.from_json(document) == REPORT


def test_reports_of_earlier_versions_are_read():
    document = REPORT.to_json()
    known = ("map50", "map50_95", "map50_voc07", "per_class")
    document = {key: document[key] for key in known}
    for one in document["per_class"].values():
        del one["interval"]
    read = EvaluationReport.from_json(document)
    assert read.per_class["apple"] == ClassReport(0.5, 0.25, 2, 3)
    assert (read.images, read.crowded_images, read.caution, read.confusion, read.label_issues) == (0, 0, "", None, ())


def test_a_label_issue_names_its_class_as_class():
    (issue, _) = REPORT.to_json()["label_issues"]
    assert list(issue)[:5] == ["file", "kind", "class", "box", "score"]
    assert issue["class"] == "apple"


def test_a_report_is_told_with_exactly_these_keys():
    document = EvaluationReport(0.5, 0.25, 0.5, {"apple": ClassReport(0.5, 0.25, 2, 3)}, 4).to_json()
    assert list(document) == [
        "map50",
        "map50_95",
        "map50_voc07",
        "per_class",
        "images",
        "crowded_images",
        "crowded_objects",
        "thresholds",
        "coco",
        "interval",
        "confusion",
        "error_kinds",
        "label_issues",
        "conditions",
        "caution",
    ]
    figures = {"precision": None, "recall": None, "f1": None, "threshold": None, "interval": {}}
    assert document["per_class"] == {"apple": {"ap50": 0.5, "ap50_95": 0.25, "images": 2, "boxes": 3, **figures}}


def test_a_report_is_short_in_a_notebook():
    shown = "EvaluationReport(map50 0.500, map50_95 0.250, map50_voc07 0.500, photos 4, classes 2)"
    assert repr(REPORT) == shown
