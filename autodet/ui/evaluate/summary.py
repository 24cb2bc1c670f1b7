"""Summary of an evaluation: the share found, the share of wrong detections, and mAP."""

from collections.abc import Sequence

import streamlit as st

from autodet.evaluation.outcomes import ShownOutcomes
from autodet.evaluation.photo_errors import photo_errors
from autodet.evaluation.report import unmeasured_caution
from autodet.evaluation.summary import DetectionSummary
from autodet.messages.cautions import SPLIT_WORDS, caution_text
from autodet.messages.evaluation import ERRORS_HELP, errors_text, found_text, wrong_text
from autodet.records import MAX_DETECTIONS
from autodet.text_format import counted
from autodet.ui.common.markdown import escape, score, shortened
from autodet.ui.evaluate.evaluation import Evaluated

MAX_CLASSES = 6  # with a line of their own; the table has all
HELP = {
    "mAP@0.5": "COCO average precision at an IoU of 0.5 (boxes overlap by half), averaged over the classes.",
    "mAP@0.5–0.95": "The same, averaged over ten IoU thresholds from 0.50 to 0.95: strict about how well boxes fit.",
    "mAP@0.5, VOC07": "Pascal VOC 2007's 11-point average precision, which AutoGluon reported.",
}
SUMMARY_HELP = (
    f"{ERRORS_HELP} The share found is the recall; the share of right detections is the precision. The intervals say "
    "how much the figures depend on the photos that happen to be in this split: drawn again, 95 % of the figures would "
    "lie in them (bootstrap)."
)


def show_summary(
    evaluated: Evaluated, shown: ShownOutcomes, together: DetectionSummary, by_class: Sequence[DetectionSummary]
) -> None:
    """Show both shares in a sentence, then in a line for each of the main classes."""
    names = evaluated.model.card.classes
    kind = SPLIT_WORDS.get(evaluated.split_shown, "")
    photos = f"On {counted(len(evaluated.records), f'{kind} photo'.strip())}"
    what = f"{counted(together.boxes, 'labelled object')}"
    counts = photo_errors(shown).sum(axis=1).tolist()
    outcome = f"{together.found:,} found, {errors_text(*counts)}" if any(counts) else errors_text()
    st.subheader(_sentence(together, " of the objects"), anchor=False)
    st.markdown(
        f"{photos} with {what}: {outcome}. In brackets: 95 % intervals.",
        help=SUMMARY_HELP,
    )
    if len(names) > 1:
        seen = {name: summary for name, summary in zip(names, by_class, strict=True) if not summary.empty}
        order = sorted(seen, key=lambda name: (-seen[name].boxes, -seen[name].detections))
        lines = [f"**{escape(shortened(name))}**: {_sentence(seen[name])}" for name in order[:MAX_CLASSES]]
        more = [f"{len(order) - MAX_CLASSES:,} more under *Classes*"] if len(order) > MAX_CLASSES else []
        st.markdown("\n".join(f"- {line}" for line in [*lines, *more]))


def _sentence(summary: DetectionSummary, objects: str = "") -> str:
    found = found_text(summary.found, summary.boxes, summary.recall, objects)
    sentence = f"{found}; {wrong_text(summary.wrong, summary.detections, summary.wrong_share)}"
    return f"{sentence[0].upper()}{sentence[1:]}" if objects else sentence


def show_metrics(evaluated: Evaluated) -> None:
    """Show the three mAP metrics with their intervals, and the classes and objects that they leave out."""
    report = evaluated.report
    figures = zip(HELP, ("map50", "map50_95", "map50_voc07"), strict=True)
    with st.container(horizontal=True):
        for label, name in figures:
            ends = report.interval.get(name)
            ends = ends if ends and ends[0] < ends[1] else None  # all draws alike say nothing about other photos
            st.metric(
                label,
                score(getattr(report, name)),
                delta=f"{ends[0]:.3f} to {ends[1]:.3f}" if ends else None,
                delta_color="off",
                delta_arrow="off",
                delta_description="95 % interval" if ends else None,
                help=HELP[label],
                border=True,
                height="stretch",
            )
    unmeasured = [name for name, class_report in report.per_class.items() if class_report.ap50 is None]
    if caution := unmeasured_caution(unmeasured, evaluated.split_shown):
        st.warning(escape(caution_text(caution)), icon=":material/warning:")
    if report.crowded_images:
        st.info(
            f"{counted(report.crowded_images, 'photo')} with more than {MAX_DETECTIONS} labelled objects: a detector "
            f"finds no more than that on a photo, so the rest, {counted(report.crowded_objects, 'object')}, counts as "
            "missed.",
            icon=":material/grain:",
        )
