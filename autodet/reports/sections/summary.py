"""The head of a report, its summary, and the terms that it uses."""

from autodet.messages.limits import limit_text
from autodet.models.registry import ARCHITECTURES
from autodet.records import ClassReport
from autodet.reports.markup import Child, Markup, tag
from autodet.reports.model_report import ModelReport
from autodet.reports.phrases import SPLIT_PHOTOS, figure, figure_range, moment, percent, percent_range
from autodet.text_format import counted, few, shortened
from autodet.version import __version__

MAX_SENTENCES = 8  # classes in the summary
GRAVE = {"evaluation_leakage", "leakage_unknown", "split_chose_model", "classes_unmeasured"}
TERMS = {
    "Found (recall)": "The share of the labelled objects that the model found: the same class, and a box that overlaps "
    "the labelled one by at least half.",
    "Right (precision)": "The share of the model's detections that are right.",
    "Errors": "A missed object has no matching detection (false negative); a false alarm is a detection without a "
    "matching object (false positive); a wrong class is a detection on an object of another class.",
    "Overlap (IoU)": "Intersection over union: the area that two boxes share, divided by the area that they cover "
    "together. 1 is a perfect fit.",
    "Confidence threshold": "The model gives each detection a score from 0 to 1 and shows those that reach the "
    "threshold of their class. A lower one finds more objects, with more false alarms.",
    "mAP@0.5": "Mean average precision at an overlap of 0.5, COCO's definition: precision averaged over all recalls, "
    "then over the classes, from 0 to 1. It does not depend on the thresholds.",
    "mAP@0.5–0.95": "The same, averaged over overlaps from 0.50 to 0.95: high only if boxes fit closely.",
    "95\u202f% interval": "Where a figure would lie on other photos of the same kind, in 95 of 100 cases, estimated by "
    "drawing the photos again at random (bootstrap). It does not cover other kinds of photos.",
    "Training, validation and test photos": "The model learns from training photos; validation photos choose the best "
    "model and its thresholds; test photos are kept for measuring.",
}


def head(report: ModelReport) -> Markup:
    """Return the title, the classes, the network and the photos."""
    card = report.model.card
    architecture = ARCHITECTURES.get(card.architecture)
    network = architecture.title if architecture else card.architecture
    parts = f"A detector that finds {few(card.classes, 'class', 'classes', 12)}"
    source = (
        f"{report.dataset.name}, not imported" if report.dataset.temporary else f"the data set {report.dataset.name}"
    )
    about = f"{network}, {card.image_size} pixels. Measured on {photos_of(report)} of {source}"
    made = f"{moment(report.created)} UTC, by autodet {__version__}."
    return tag(
        "header",
        tag("h1", shortened(card.name, 120)),
        tag("p", parts, class_="lead"),
        tag("p", f"{about}. Report of {made}", class_="soft"),
    )


def photos_of(report: ModelReport) -> str:
    """Return the number and kind of the photos, such as ``40 test photos``."""
    split = "all" if report.dataset.temporary else report.split
    return counted(report.evaluation.images, f"{SPLIT_PHOTOS[split]} photo".strip())


def summary_section(report: ModelReport) -> Child:
    """Return the main figures, with their intervals and the gravest limits, for a reader in a hurry."""
    totals, evaluation = report.totals, report.evaluation
    wrong = None if totals.precision is None else 1 - totals.precision
    reported = f"{percent(wrong)} of its detections are wrong" if wrong is not None else "it reports nothing"
    found = f"finds {percent(totals.recall)} of the labelled objects" if totals.boxes else "has no object to find here"
    coco = evaluation.interval
    tiles = [
        _tile(percent(totals.recall), "of the objects found", percent_range(totals.interval.get("recall"))),
        _tile(percent(totals.precision), "of its detections right", percent_range(totals.interval.get("precision"))),
        _tile(figure(evaluation.map50), "mAP@0.5", figure_range(coco.get("map50"))),
        _tile(figure(evaluation.map50_95), "mAP@0.5–0.95", figure_range(coco.get("map50_95"))),
    ]
    return [
        tag("p", f"At its confidence thresholds the model {found}, and {reported}.", class_="lead"),
        [tag("p", limit_text(limit), class_="warning") for limit in report.limits if limit.kind in GRAVE],
        tag("div", tiles, class_="tiles"),
        _class_sentences(report),
        tag("p", "Small numbers give the 95\u202f% interval: how much a figure depends on the photos.", class_="soft"),
    ]


def _tile(value: str, name: str, interval: str) -> Markup:
    return tag("div", tag("b", value), tag("span", name), tag("small", interval))


def _class_sentences(report: ModelReport) -> Markup | None:
    measured = {name: figures for name, figures in report.evaluation.per_class.items() if figures.recall is not None}
    if not 1 < len(measured) <= MAX_SENTENCES:
        return None
    return tag("ul", [tag("li", _class_sentence(name, each)) for name, each in measured.items()], class_="plain")


def _class_sentence(name: str, figures: ClassReport) -> list[Child]:
    interval = percent_range(figures.interval.get("recall"))
    found = f": finds {percent(figures.recall)}" + (f" ({interval})" if interval else "")
    if figures.precision is None:
        return [tag("strong", shortened(name, 40)), f"{found}; it reports none."]
    wrong = f"; {percent(1 - figures.precision)} of the detections are wrong."
    return [tag("strong", shortened(name, 40)), found, wrong]


def term_section(report: ModelReport) -> Child:
    """Return definitions of the terms."""
    del report
    return tag("dl", [(tag("dt", term), tag("dd", meaning)) for term, meaning in TERMS.items()])
