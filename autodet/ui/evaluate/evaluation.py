"""Selection of a split, its evaluation in the background, and the result that every section shows."""

from dataclasses import dataclass
from functools import cached_property, partial

import streamlit as st

from autodet.access.change import may_change
from autodet.datasets.manifest import Dataset
from autodet.evaluation.outcomes import Outcomes, find_outcomes
from autodet.inference.background_jobs import Job
from autodet.inference.comparable_records import comparable_records
from autodet.inference.dropped_photos import first_split
from autodet.inference.evaluation_jobs import MEASURES, cancel_evaluation, find_evaluation, start_evaluation
from autodet.inference.evaluations import kept_evaluation
from autodet.inference.leakage import evaluation_leakage
from autodet.messages.cautions import caution_text
from autodet.models.store import StoredModel
from autodet.records import EvaluationReport, ImageRecord, Prediction
from autodet.text_format import counted
from autodet.ui.common.choice import choose_split
from autodet.ui.common.editors import explain_refusal
from autodet.ui.common.frame import link
from autodet.ui.common.job_progress import watch_job
from autodet.ui.common.markdown import escape

MAX_KEPT = 3  # evaluations in memory, about 200 MB with 5,000 photos


@dataclass(frozen=True, eq=False)
class Evaluated:
    """Evaluation of a model on one split.

    Attributes:
        model: The model.
        dataset: The data set.
        split: The split.
        report: The metrics.
        records: The photos of the split, with the model's class ids.
        outcomes: What became of every detection and box.
    """

    model: StoredModel
    dataset: Dataset
    split: str
    report: EvaluationReport
    records: tuple[ImageRecord, ...]
    outcomes: Outcomes

    @cached_property
    def places(self) -> dict[str, int]:
        """Index of each photo, by its file."""
        return {record.file: index for index, record in enumerate(self.records)}

    @property
    def split_shown(self) -> str:
        """The split, for messages; empty if its photos are not imported, and so of no split."""
        return "" if self.dataset.temporary else self.split

    @property
    def key(self) -> str:
        """Identify the evaluation, for the keys of widgets and caches."""
        model, dataset = self.model, self.dataset
        parts = (
            model.id,
            model.card.weights_sha256[:12],
            dataset.id,
            dataset.created,
            dataset.fingerprint[:12],
            self.split,
        )
        return " ".join(parts)


def evaluate(model: StoredModel, dataset: Dataset) -> Evaluated | None:
    """Let the visitor select a split and start its evaluation; return the result if there is one.

    Stored results are returned at once. Warns about data leakage.

    Raises:
        ModelError: The model knows no class of a temporary data set.
    """
    split = first_split(dataset) if dataset.temporary and len(dataset.splits) == 1 else choose_split(dataset)
    if leakage := evaluation_leakage(model.card, dataset, split):
        st.warning(escape(caution_text(leakage)), icon=":material/warning:")
    if "test" not in dataset.splits and not dataset.temporary:
        _explain_test_split(dataset)
    job = find_evaluation(model, dataset, split)  # read before the result, because the job may finish in between
    if kept := kept_evaluation(model, dataset, split):
        return _evaluated(model, dataset, split, kept)
    if job and not job.error:
        cancel = partial(cancel_evaluation, model, dataset, split) if may_change() else None
        watch_job("Evaluate", partial(find_evaluation, model, dataset, split), _progress_text, cancel)
        return None
    comparable_records(model.card, dataset, split)  # an error is shown instead of the button
    if job:
        st.error(escape(job.error), icon=":material/error:")
    photos = counted(dataset.splits[split], "photo")
    if not may_change():
        st.info(f"The model has not been evaluated on these {photos} yet.", icon=":material/fact_check:")
        explain_refusal("evaluate")
    elif st.button(f"Evaluate on {photos}", type="primary", icon=":material/fact_check:"):
        start_evaluation(model, dataset, split)
        st.rerun()
    return None


def _explain_test_split(dataset: Dataset) -> None:
    title = "No test photos: figures on validation photos are a little too good"
    with st.expander(title, type="compact", icon=":material/info:"):
        st.markdown(
            "A search chooses its best model and the thresholds on the validation photos. For a fair test, draw new "
            "splits such as 70, 15, 15 under *New version* on the page Data sets and train on that version, or choose "
            "*New photos* above and drop photos that were taken since, with their labels."
        )
        link("datasets", "Go to Data sets", dataset=dataset.id)


def _evaluated(
    model: StoredModel, dataset: Dataset, split: str, kept: tuple[EvaluationReport, list[Prediction]]
) -> Evaluated:
    report, predictions = kept
    records = comparable_records(model.card, dataset, split)
    key = f"{model.card.weights_sha256} {dataset.identity} {split}"
    return Evaluated(model, dataset, split, report, records, _outcomes(key, records, predictions, model.card.classes))


@st.cache_resource(max_entries=MAX_KEPT, show_spinner="Matching detections with labels")
def _outcomes(
    key: str, _records: tuple[ImageRecord, ...], _predictions: list[Prediction], classes: tuple[str, ...]
) -> Outcomes:
    del key  # only the cache key
    return find_outcomes(_records, _predictions, classes)


def _progress_text(job: Job) -> str:
    if not job.total:
        return "Loading the model"
    return f"{'Light and sharpness of photo' if job.step == MEASURES else 'Photo'} {job.done:,} of {job.total:,}"
