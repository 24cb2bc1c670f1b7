"""Text output of evaluations and comparisons on the command line."""

from collections.abc import Sequence

from autodet.messages.comparisons import comparison_sentence, verdict_text
from autodet.records import MAX_DETECTIONS, Comparison, EvaluationReport, Interval, LabelIssue
from autodet.terminal import columns, figure
from autodet.text_format import counted

MAX_PHOTOS_SHOWN = 10


def report_text(report: EvaluationReport) -> str:
    """Describe an evaluation, class by class."""
    facts = [
        ("mAP50", _figure_within(report.map50, report.interval.get("map50"))),
        ("mAP50-95", _figure_within(report.map50_95, report.interval.get("map50_95"))),
        ("mAP50 (VOC07)", figure(report.map50_voc07)),
        ("photos", str(report.images)),
    ]
    if report.crowded_images:
        photos = counted(report.crowded_images, "photo")
        words = (
            f"{photos} with more than {MAX_DETECTIONS} annotated objects: a detector finds no more, the other "
            f"{report.crowded_objects:,} are missed"
        )
        facts.append(("note", words))
    rows: list[tuple[str, ...]] = [
        ("CLASS", "AP50", "AP50-95", "THRESHOLD", "PRECISION", "RECALL", "F1", "PHOTOS", "BOXES")
    ]
    rows += [
        (
            name,
            figure(class_report.ap50),
            figure(class_report.ap50_95),
            *map(figure, (class_report.threshold, class_report.precision, class_report.recall, class_report.f1)),
            str(class_report.images),
            str(class_report.boxes),
        )
        for name, class_report in report.per_class.items()
    ]
    return "\n\n".join(
        filter(
            None,
            [
                columns(facts),
                columns(rows),
                _errors_text(report),
                label_issues_text(report.label_issues, MAX_PHOTOS_SHOWN),
            ],
        )
    )


def _errors_text(report: EvaluationReport) -> str:
    """List the kinds of errors, those whose correction would help most first."""
    kinds = sorted(report.error_kinds.items(), key=lambda kind: -kind[1].map50_gain)
    rows = [("ERRORS", "COUNT", "MAP50 IF MENDED")]
    return columns(rows + [(name, str(kind.count), f"+{kind.map50_gain:.3f}") for name, kind in kinds]) if kinds else ""


def label_issues_text(issues: Sequence[LabelIssue], most: int | None = None) -> str:
    """List labels that look wrong, at most a number of them; empty without any."""
    if not issues:
        return ""
    rows: list[tuple[str, ...]] = [("LABEL THAT LOOKS WRONG", "KIND", "CLASS", "DETECTED", "QUALITY")]
    rows += [
        (issue.file, issue.kind, issue.class_name, issue.suggested_class or "nothing", f"{issue.score:.2f}")
        for issue in issues[:most]
    ]
    more = len(issues) - (len(rows) - 1)
    return columns(rows) + (f"\n... and {more:,} more (--json lists all)" if more > 0 else "")


def comparison_text(comparison: Comparison) -> str:
    """Describe two models on a split: figures with the interval of their difference, and photos where they differ."""
    one, other = comparison.models["a"], comparison.models["b"]
    figures = {"mAP50": comparison.map50, "mAP50-95": comparison.map50_95}
    figures |= {f"AP50 of {name}": difference for name, difference in comparison.per_class.items()}
    rows: list[tuple[str, ...]] = [("", f"A: {one}", f"B: {other}", "B - A", "95 % INTERVAL", "")]
    rows += [
        (
            name,
            figure(pair.a),
            figure(pair.b),
            f"{pair.difference:+.3f}",
            _signed(pair.interval),
            verdict_text(pair, "A", "B"),
        )
        for name, pair in figures.items()
    ]
    apart = [photo for photo in comparison.images if photo.a != photo.b]
    photos: list[tuple[str, ...]] = [("PHOTO", "ERRORS OF A", "ERRORS OF B")]
    photos += [(photo.file, str(photo.a), str(photo.b)) for photo in apart[:MAX_PHOTOS_SHOWN]]
    total = counted(len(comparison.images), "photo")
    parts = [comparison_sentence(comparison), columns(rows), f"The models differ on {len(apart)} of {total}."]
    return "\n\n".join(parts + [columns(photos)] * bool(apart))


def _signed(interval: Interval) -> str:
    low, high = interval
    return f"{low:+.3f} to {high:+.3f}"


def _figure_within(value: float, interval: Interval | None) -> str:
    return f"{figure(value)} (95 % interval {interval[0]:.3f} to {interval[1]:.3f})" if interval else figure(value)
