"""Evaluation of a model on a split: metrics, per-class results, and predictions beside the ground truth."""

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from autodet.charts.evaluation import class_ap_figure
from autodet.datasets.manifest import Dataset
from autodet.evaluation.report import unmeasured_caution
from autodet.inference.background_jobs import Job
from autodet.inference.box_drawings import draw_boxes
from autodet.inference.error_counts import ErrorCounts, add_up, count_errors
from autodet.inference.evaluation_jobs import find_evaluation, start_evaluation
from autodet.inference.evaluations import kept_evaluation
from autodet.inference.leakage import evaluation_leakage
from autodet.messages.cautions import caution_text
from autodet.models.store import StoredModel
from autodet.records import MAX_DETECTIONS, EvaluationReport, Prediction
from autodet.text_format import counted
from autodet.ui.common.choice import choose_split
from autodet.ui.common.frame import sentences_for_errors
from autodet.ui.common.markdown import escape, score
from autodet.ui.common.pictures import as_jpeg, fitting_width, small_photo
from autodet.ui.common.threshold import ask_for_threshold

PER_PAGE = 4
REFRESH_SECONDS = 0.5
MAX_SIDE = 720
ORDERS = {"worst": "Worst first", "imported": "As imported"}
HELP = {
    "mAP@0.5": "COCO average precision at an IoU of 0.5 (boxes overlap by half), averaged over the classes.",
    "mAP@0.5–0.95": "The same, averaged over ten IoU thresholds from 0.50 to 0.95: strict about how well boxes fit.",
    "mAP@0.5, VOC07": "Pascal VOC 2007's 11-point average precision, which AutoGluon reported.",
}
FIGURES = {"AP@0.5": "%.3f", "AP@0.5–0.95": "%.3f", "precision": "%.2f", "recall": "%.2f", "threshold": "%.2f"}
COLUMN_HELP = {
    "precision": "Share of the detections that are right, at the class's threshold and an IoU of 0.5.",
    "recall": "Share of the objects that are found, at the class's threshold and an IoU of 0.5.",
    "threshold": "The confidence threshold that was chosen on the validation photos; 0.5 if the model has none.",
}
WORDS = (
    "A detection matches a ground-truth box if their overlap (IoU) is at least 0.5. Missed (false negative): a "
    "ground-truth box without a detection. False alarm (false positive): a detection without a ground-truth box, or a "
    "duplicate. Wrong class: a match with another class."
)


@dataclass(frozen=True)
class Evaluated:
    """Metrics and predictions of a model on one split."""

    split: str
    report: EvaluationReport
    predictions: list[Prediction]


def evaluate(model: StoredModel, dataset: Dataset) -> Evaluated | None:
    """Let the visitor select a split and start its evaluation; return the result if there is one.

    Stored results are returned at once. Warns about data leakage.
    """
    split = choose_split(dataset)
    if leakage := evaluation_leakage(model.card, dataset, split):
        st.warning(escape(caution_text(leakage)), icon=":material/warning:")
    job = find_evaluation(model, dataset, split)  # read before the result, because the job may finish in between
    if kept := kept_evaluation(model, dataset, split):
        return Evaluated(split, *kept)
    if job and not job.error:
        st.fragment(_watch, run_every=REFRESH_SECONDS)(model, dataset, split)
        return None
    if job:
        st.error(escape(job.error), icon=":material/error:")
    photos = counted(dataset.splits[split], "photo")
    if st.button(f"Evaluate on {photos}", type="primary", icon=":material/fact_check:"):
        start_evaluation(model, dataset, split)
        st.rerun()
    return None


def _watch(model: StoredModel, dataset: Dataset, split: str) -> None:
    """Show the progress of an evaluation, and rerun the page when it ends."""
    with sentences_for_errors("Evaluate"):
        job = find_evaluation(model, dataset, split)
        if job is None or job.error:
            st.rerun()
        st.progress(job.done / max(1, job.total), f"{_progress_text(job)}. It continues if you leave this page.")


def _progress_text(job: Job) -> str:
    if job.waits:
        return "Waiting for other work"
    return f"Photo {job.done:,} of {job.total:,}" if job.total else "Loading the model"


def show_report(evaluated: Evaluated) -> None:
    """Show the three mAP metrics and the results of every class."""
    report = evaluated.report
    figures = zip(HELP, (report.map50, report.map50_95, report.map50_voc07), strict=True)
    with st.container(horizontal=True):
        for label, value in figures:
            st.metric(label, score(value), help=HELP[label], border=True)
    unmeasured = [name for name, class_report in report.per_class.items() if class_report.ap50 is None]
    if caution := unmeasured_caution(unmeasured, evaluated.split):
        st.warning(escape(caution_text(caution)), icon=":material/warning:")
    if report.crowded_images:
        st.info(
            f"{counted(report.crowded_images, 'photo')} with more than {MAX_DETECTIONS} annotated objects: a detector "
            "finds no more than that on a photo, so the rest counts as missed.",
            icon=":material/grain:",
        )
    st.subheader("Classes", anchor=False)
    st.plotly_chart(
        class_ap_figure(report),
        key=f"classes {evaluated.split}",
        config={"displayModeBar": False},
        alt="Average precision of every class",
    )
    rows = [
        {
            "class": name,
            "AP@0.5": class_report.ap50,
            "AP@0.5–0.95": class_report.ap50_95,
            "precision": class_report.precision,
            "recall": class_report.recall,
            "threshold": class_report.threshold,
            "photos": class_report.images,
            "boxes": class_report.boxes,
        }
        for name, class_report in report.per_class.items()
    ]
    number = st.column_config.NumberColumn
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        placeholder="–",
        column_config={name: number(format=shape, help=COLUMN_HELP.get(name)) for name, shape in FIGURES.items()},
    )


@st.fragment
def show_photos(model: StoredModel, dataset: Dataset, evaluated: Evaluated) -> None:
    """Show photos with ground truth on the left and predictions on the right, by default the worst first."""
    with sentences_for_errors("Evaluate"):
        _show_photos(model, dataset, evaluated)


def _show_photos(model: StoredModel, dataset: Dataset, evaluated: Evaluated) -> None:
    st.subheader("Photos", anchor=False)
    left, right = st.columns(2)
    chosen = left.segmented_control(
        "Order", list(ORDERS), default="worst", format_func=ORDERS.__getitem__, required=True
    )
    threshold = ask_for_threshold(right, model.card)
    records = dataset.split(evaluated.split)
    mistakes = [
        count_errors(record, detections.above(threshold), dataset.classes, model.card.classes)
        for record, detections in zip(records, evaluated.predictions, strict=True)
    ]
    objects = counted(sum(len(record.annotations) for record in records), "annotated object")
    st.markdown(
        f"On all {counted(len(records), 'photo')}, with {objects}: **{_sentence(add_up(mistakes))}**.", help=WORDS
    )
    order = sorted(range(len(records)), key=lambda index: -mistakes[index].total if chosen == "worst" else 0)
    pages = -(-len(order) // PER_PAGE)
    page = st.pagination(pages, key=f"photos {evaluated.split} {chosen}") if pages > 1 else 1
    for index in order[(page - 1) * PER_PAGE : page * PER_PAGE]:
        record, detections = records[index], evaluated.predictions[index].above(threshold)
        identity = f"{dataset.fingerprint} {record.file}"
        photo, scale = small_photo(identity, MAX_SIDE, dataset.photo(record), record.file)
        marked, width = record.annotations, fitting_width(*photo.size)
        with st.container(border=True):
            st.caption(f"{escape(record.file)} · {_sentence(mistakes[index])}")
            truth, predicted = (column.container(gap="xxsmall") for column in st.columns(2))
            by_person = draw_boxes(photo, marked.boxes_xyxy * scale, marked.class_ids, dataset.classes)
            by_model = draw_boxes(
                photo,
                detections.boxes_xyxy * scale,
                detections.class_ids,
                model.card.classes,
                detections.scores,
            )
            truth.image(as_jpeg(by_person), width=width, alt=f"{record.file}, ground truth")
            truth.caption("Ground truth")
            predicted.image(as_jpeg(by_model), width=width, alt=f"{record.file}, predictions of the model")
            predicted.caption("Predictions of the model")


def _sentence(mistakes: ErrorCounts) -> str:
    if not mistakes.total:
        return "all objects found, no false alarms"
    parts = (
        f"{mistakes.false_negatives} missed" * bool(mistakes.false_negatives),
        counted(mistakes.false_positives, "false alarm") * bool(mistakes.false_positives),
        f"{mistakes.wrong_class} of the wrong class" * bool(mistakes.wrong_class),
    )
    return ", ".join(filter(None, parts))
