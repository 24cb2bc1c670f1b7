"""Evaluation reports as documents."""

import json

from autodet.records import ClassReport, EvaluationReport

PER_CLASS = {"apple": ClassReport(0.5, 0.25, 2, 3), "none": ClassReport(None, None, 0, 0)}
REPORT = EvaluationReport(0.5, 0.25, 0.5, PER_CLASS, images=4, crowded_images=1)


def test_reports_survive_json():
    document = json.loads(json.dumps(REPORT.to_json()))
    assert EvaluationReport.from_json(document) == REPORT
    document["tiles"] = document["per_class"]["apple"]["tiles"] = 4  # of a later version
    assert EvaluationReport.from_json(document) == REPORT


def test_reports_of_earlier_versions_are_read():
    document = REPORT.to_json()
    for key in ("images", "crowded_images", "thresholds", "caution"):
        del document[key]
    read = EvaluationReport.from_json(document)
    assert (read.per_class, read.images, read.crowded_images, read.caution) == (PER_CLASS, 0, 0, "")


def test_a_report_is_told_with_exactly_these_keys():
    document = EvaluationReport(0.5, 0.25, 0.5, {"apple": ClassReport(0.5, 0.25, 2, 3)}, 4).to_json()
    assert list(document) == [
        "map50",
        "map50_95",
        "map50_voc07",
        "per_class",
        "images",
        "crowded_images",
        "thresholds",
        "caution",
    ]
    figures = {"precision": None, "recall": None, "f1": None, "threshold": None}
    assert document["per_class"] == {"apple": {"ap50": 0.5, "ap50_95": 0.25, "images": 2, "boxes": 3, **figures}}


def test_a_report_is_short_in_a_notebook():
    shown = "EvaluationReport(map50 0.500, map50_95 0.250, map50_voc07 0.500, photos 4, classes 2)"
    assert repr(REPORT) == shown
