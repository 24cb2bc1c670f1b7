"""Figures of a report: classes, errors, parts of the photos, curves."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from autodet.charts.palette import CLASS_COLOURS, GREY, class_colour
from autodet.evaluation.curves import ClassCurve
from autodet.evaluation.priorities import weak_groups
from autodet.evaluation.subsets import SubsetReport
from autodet.messages.evaluation import ERROR_TITLES, GROUP_TITLES, ISSUE_TITLES
from autodet.records import ClassReport, Confusion, LabelIssue
from autodet.reports.charts import Axes, Line, bar_chart, line_chart, small_bar
from autodet.reports.markup import Child, Markup, tag
from autodet.reports.model_report import MAX_CURVES, ModelReport
from autodet.reports.phrases import (
    NOTHING,
    cell,
    figure,
    figure_range,
    percent,
    percent_range,
    table,
)
from autodet.text_format import counted, shortened

MAX_CLASSES = 40  # rows of a table; the JSON has all
MAX_BARS = 20
MAX_MATRIX = 10  # classes of a whole confusion matrix
MAX_CONFUSIONS = 12
MAX_ISSUES = 15
NO_GAIN = 0.0005  # is written as 0.000
BLUE, RED = CLASS_COLOURS[1], CLASS_COLOURS[0]
SIZE_TITLES = {
    "small": "Small objects, below 32 × 32 pixels",
    "medium": "Medium objects, to 96 × 96 pixels",
    "large": "Large objects, above 96 × 96 pixels",
}
CLASS_TITLES = ("Class", "Found (recall)", "Right (precision)", "AP@0.5", "AP@0.5–0.95", "Threshold", "Objects")


def class_section(report: ModelReport) -> Child:
    """Return the figures of every class, or of the weakest if there are many."""
    ids = {name: class_id for class_id, name in enumerate(report.model.card.classes)}
    per_class = report.evaluation.per_class
    shown = _weakest(per_class, MAX_CLASSES)
    bars = _weakest(per_class, MAX_BARS)
    colours = [class_colour(ids[name]) for name in bars]
    found = [(name, each.recall, each.interval.get("recall")) for name, each in bars.items()]
    precise = [(name, each.ap50, each.interval.get("ap50")) for name, each in bars.items()]
    return [
        _note_of_omission(len(shown), len(per_class)),
        table(CLASS_TITLES, [_class_row(name, each) for name, each in shown.items()], cards=True),
        tag("p"),
        tag("div", bar_chart("Found (recall)", found, colours), bar_chart("AP@0.5", precise, colours), class_="charts"),
    ]


def _weakest(per_class: Mapping[str, ClassReport], most: int) -> dict[str, ClassReport]:
    """Return all classes if there are few, else those with the lowest AP."""
    if len(per_class) <= most:
        return dict(per_class)
    ranked = sorted(per_class.items(), key=lambda item: (item[1].ap50 is None, item[1].ap50))
    return dict(ranked[:most])


def _note_of_omission(shown: int, all_classes: int) -> Markup | None:
    if shown == all_classes:
        return None
    return tag("p", f"The {shown} weakest of {all_classes:,} classes; the report as JSON has all.", class_="soft")


def _class_row(name: str, report: ClassReport) -> list[Child]:
    interval = report.interval
    return [
        shortened(name, 60),
        cell(percent(report.recall), percent_range(interval.get("recall"))),
        cell(percent(report.precision), percent_range(interval.get("precision"))),
        cell(figure(report.ap50), figure_range(interval.get("ap50"))),
        cell(figure(report.ap50_95)),
        cell(NOTHING if report.threshold is None else f"{report.threshold:.2f}"),
        cell(f"{report.boxes:,}", f"on {counted(report.images, 'photo')}"),
    ]


def error_section(report: ModelReport) -> Child:
    """Return the kinds of errors, confused classes, and labels that look wrong."""
    return [_kinds(report), _confusion(report.evaluation.confusion), _label_issues(report)]


def _kinds(report: ModelReport) -> Child:
    kinds = report.evaluation.error_kinds
    total = sum(kind.count for kind in kinds.values())
    if not total:
        return tag(
            "p",
            "At its thresholds, the model misses no object on these photos and raises no false alarm.",
        )
    most = max(kind.count for kind in kinds.values())
    rows = [
        [
            ERROR_TITLES.get(name, name),
            cell(f"{kind.count:,}"),
            small_bar(kind.count / most, RED),
            cell(f"+{kind.map50_gain:.3f}"),
        ]
        for name, kind in sorted(kinds.items(), key=lambda item: -item[1].count)
    ]
    words = (
        f"{counted(total, 'error')} at the thresholds: missed objects and wrong detections, by kind (TIDE). The gain "
        "is what mending all errors of a kind, at any threshold, would add to mAP@0.5."
    )
    missed = kinds.get("missed")
    if missed and missed.count and missed.map50_gain < NO_GAIN:
        words += " The missed objects have no gain, because the model finds them at lower thresholds."
    return [tag("p", words), table(("Kind of error", "Count", "", "Gain in mAP@0.5"), rows)]


def _confusion(confusion: Confusion | None) -> Child:
    if confusion is None:
        return None
    heading = tag("h3", "Confusion matrix")
    if len(confusion.labels) - 1 <= MAX_MATRIX:
        words = "Rows are the labelled objects, columns the detections. The last column counts missed objects, "
        words += "the last row false alarms."
        return [heading, tag("p", words), tag("div", _matrix(confusion), class_="matrix")]
    rows = sorted(_confused(confusion), key=lambda row: -row[2])[:MAX_CONFUSIONS]
    if not rows:
        return [heading, tag("p", "No class is taken for another.")]
    titles = ("Labelled as", "Reported as", "Count")
    listed = [
        [shortened(label, 60), tag("span", shortened(seen, 60), class_="name"), cell(f"{count:,}")]
        for label, seen, count in rows
    ]
    return [heading, tag("p", "The classes that are most often taken for another."), table(titles, listed)]


def _confused(confusion: Confusion) -> Iterator[tuple[str, str, int]]:
    for row, counts in zip(confusion.labels[:-1], confusion.matrix, strict=False):
        for column, count in zip(confusion.labels[:-1], counts, strict=False):
            if count and row != column:
                yield row, column, count


def _matrix(confusion: Confusion) -> Markup:
    names = [shortened(label, 24) for label in confusion.labels[:-1]]
    most = max(1, *(count for row in confusion.matrix for count in row))
    head = tag("tr", tag("th", "labelled \\ detected"), [tag("th", name, scope="col") for name in [*names, "missed"]])
    rows = [
        tag("tr", tag("th", name, scope="row"), [_matrix_cell(counts, at, row, most) for at in range(len(counts))])
        for row, (name, counts) in enumerate(zip([*names, "nothing"], confusion.matrix, strict=True))
    ]
    return tag("table", tag("thead", head), tag("tbody", rows))


def _matrix_cell(counts: Sequence[int], column: int, row: int, most: int) -> Markup:
    if row == column == len(counts) - 1:
        return tag("td")
    shade = f"background: rgba(var(--shade), {0.65 * counts[column] / most:.2f})"
    return tag("td", f"{counts[column]:,}", class_="hit" if row == column else None, style=shade)


def _label_issues(report: ModelReport) -> Child:
    issues = report.evaluation.label_issues
    if not issues:
        return None
    words = (
        "A confident detection disagrees with these labels, or no detection supports them. Check them before you blame "
        "the model."
    )
    counts = Counter(issue.kind for issue in issues)
    kinds = [[ISSUE_TITLES.get(kind, kind), cell(f"{count:,}")] for kind, count in counts.most_common()]
    rows = [
        [
            shortened(issue.file, 80),
            tag("span", f"{ISSUE_TITLES.get(issue.kind, issue.kind)}: {_suspicion(issue)}", class_="name"),
            cell(f"{issue.score:.2f}"),
        ]
        for issue in issues[:MAX_ISSUES]
    ]
    worst = f"The {len(rows)} worst" if len(rows) < len(issues) else "Each of them"
    return [
        tag("h3", "Labels that look wrong"),
        tag("p", words),
        table(("Kind", "Labels"), kinds),
        tag("p", f"{worst}; the quality of a label is from 0 (surely wrong) to 1.", class_="soft after"),
        table(("Photo", "Label", "Quality"), rows),
    ]


def _suspicion(issue: LabelIssue) -> str:
    name = shortened(issue.class_name, 40)
    suggested = issue.suggested_class if issue.kind == "wrong_class" else None
    return f"{name}, looks like {shortened(suggested, 40)}" if suggested else name


def subset_section(report: ModelReport) -> Child:
    """Return figures by the size of objects, their number on a photo, source folder, light and sharpness."""
    titles = ("Group", "Objects", "Missed", "Found (recall)", "AP@0.5")
    named = [(_subset_title(kind, subset.name), subset) for kind, group in report.subsets.items() for subset in group]
    rows = [_subset_row(title, subset) for title, subset in named if subset.boxes]
    if not rows:
        return tag("p", "There is no labelled object on these photos.")
    weak = [
        f"{_subset_title(kind, group.name)}: {group.missed:,} of {group.boxes:,} missed."
        for kind, groups in report.subsets.items()
        for group in weak_groups([subset.counts for subset in groups])
    ]
    words = [tag("li", sentence) for sentence in weak or ["No group is missed clearly more often than the others."]]
    return [tag("ul", words, class_="plain"), table(titles, rows)]


def _subset_title(kind: str, name: str) -> str:
    if kind == "folder":
        return f"Folder {shortened(name)}"
    return SIZE_TITLES.get(name) or GROUP_TITLES.get(name, f"Photos with {name}")


def _subset_row(title: str, subset: SubsetReport) -> list[Child]:
    counts = (cell(f"{subset.boxes:,}"), cell(f"{subset.missed:,}"))
    return [title, *counts, cell(percent(subset.recall)), cell(figure(subset.ap50))]


def curve_section(report: ModelReport) -> Child:
    """Return curves of the classes with the most boxes, and how far scores can be trusted."""
    if not report.curves:
        return tag("p", "No photo shows an object, so there is no curve.")
    classes = report.model.card.classes
    words = "A dot marks the model's threshold."
    if len(classes) > MAX_CURVES:
        words += f" The {len(report.curves)} classes with the most objects are shown."
    recall_axes = Axes("found (recall)", "right (precision)")
    score_axes = Axes("confidence threshold", "F1")
    return [
        tag("p", words, class_="soft"),
        tag(
            "div",
            line_chart("Precision and recall", recall_axes, [_recall_line(report, curve) for curve in report.curves]),
            line_chart("F1 at each threshold", score_axes, [_f1_line(report, curve) for curve in report.curves]),
            _reliability_chart(report),
            class_="charts",
        ),
    ]


def _recall_line(report: ModelReport, curve: ClassCurve) -> Line:
    name = report.model.card.classes[curve.class_id]
    own = report.evaluation.per_class[name]
    points = list(zip(curve.recall.tolist(), curve.precision.tolist(), strict=True))
    mark = None if own.recall is None or own.precision is None else (own.recall, own.precision, _at(name, own))
    return Line(name, class_colour(curve.class_id), points, mark=mark)


def _f1_line(report: ModelReport, curve: ClassCurve) -> Line:
    """Return F1 as steps: it stays the same until the threshold reaches the next score."""
    name = report.model.card.classes[curve.class_id]
    own = report.evaluation.per_class[name]
    thresholds = [*curve.thresholds.tolist(), 0.0]
    steps = zip(thresholds[:-1], thresholds[1:], curve.f1.tolist(), strict=True)
    points = [point for begin, end, f1 in steps for point in ((begin, f1), (end, f1))]
    mark = None if own.f1 is None or own.threshold is None else (own.threshold, own.f1, _at(name, own))
    return Line(name, class_colour(curve.class_id), points, mark=mark)


def _at(name: str, report: ClassReport) -> str:
    return f"{shortened(name, 40)} at {report.threshold:.2f}"


def _reliability_chart(report: ModelReport) -> Markup:
    points = [(row.score, row.right) for row in report.reliability if row.detections]
    lines = [
        Line("perfectly calibrated", GREY, [(0.0, 0.0), (1.0, 1.0)], "dashed"),
        Line("", BLUE, points),
        Line("share of right detections", BLUE, points, "points"),
    ]
    return line_chart("Can its scores be trusted?", Axes("score", "share of right detections"), lines)
