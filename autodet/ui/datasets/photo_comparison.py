"""The photos of a data set, compared with each other: the job that computes their features, and its results."""

from dataclasses import dataclass
from functools import cached_property, partial

import streamlit as st

from autodet.access.change import may_change
from autodet.datasets.manifest import Dataset
from autodet.evaluation.feature_space import FeatureMap, Neighbours, feature_map, find_neighbours, nearest
from autodet.inference.background_jobs import Job
from autodet.inference.feature_jobs import cancel_features, feature_job, feature_model, start_features
from autodet.inference.neighbour_labels import neighbour_issues
from autodet.inference.photo_features import PhotoFeatures, features_identity, kept_features
from autodet.models.store import StoredModel
from autodet.records import LabelIssue
from autodet.text_format import counted
from autodet.ui.common.editors import explain_refusal
from autodet.ui.common.job_progress import watch_job
from autodet.ui.common.markdown import escape

MAX_KEPT = 3  # data sets in memory; about 40 MB each with 10,000 photos
INTRO = (
    "A model compares the photos of this data set, and a map places those close together that look alike to it. You "
    "find photos that are nearly the same, unusual ones, and labels that differ from those of similar objects."
)


@dataclass(frozen=True, eq=False)
class Compared:
    """The photos of a data set, compared.

    Attributes:
        dataset: The data set.
        model: The model that compared them.
        features: What it sees on each photo.
    """

    dataset: Dataset
    model: StoredModel
    features: PhotoFeatures

    @cached_property
    def map(self) -> FeatureMap:
        """The photos in two dimensions."""
        return feature_map(self.features.vectors)

    @cached_property
    def neighbours(self) -> Neighbours:
        """The most similar photos of each; takes seconds for 10,000 photos."""
        return find_neighbours(self.features.vectors)

    def similar(self, photo: int, count: int) -> list[int]:
        """Return the photos that are most similar to one, without comparing all."""
        return nearest(self.features.vectors, photo, count)

    @cached_property
    def issues(self) -> list[LabelIssue]:
        """Labels that differ from those of most similar objects, the clearest first; takes seconds too."""
        return neighbour_issues(self.dataset, self.features)

    @cached_property
    def places(self) -> dict[str, int]:
        """Index of each photo, by its file."""
        return {file: index for index, file in enumerate(self.features.files)}


def kept_comparison(dataset: Dataset) -> Compared | None:
    """Return the compared photos of a data set; None if they have not been compared yet."""
    model = feature_model(dataset)
    return _compared(features_identity(model, dataset), model, dataset)


def compare_photos(dataset: Dataset) -> Compared | None:
    """Return the compared photos; if they are not compared yet, offer it or show its progress."""
    model = feature_model(dataset)
    job = feature_job(model, dataset)  # read before the result, because the job may finish in between
    if compared := kept_comparison(dataset):
        return compared
    if job and not job.error:
        cancel = partial(cancel_features, model, dataset) if may_change() else None
        watch_job("Data sets", partial(feature_job, model, dataset), _progress_text, cancel)
        return None
    st.markdown(INTRO)
    if job:
        st.error(escape(job.error), icon=":material/error:")
    if not may_change():
        explain_refusal("compare photos")
    elif st.button(f"Compare {counted(len(dataset.images), 'photo')}", type="primary", icon=":material/bubble_chart:"):
        start_features(model, dataset)
        st.rerun()
    return None


@st.cache_resource(max_entries=MAX_KEPT, show_spinner=False)
def _compared(identity: str, _model: StoredModel, _dataset: Dataset) -> Compared | None:
    del identity  # only the cache key
    features = kept_features(_model, _dataset)
    if features is None:
        return None
    return Compared(_dataset, _model, features)


def _progress_text(job: Job) -> str:
    return f"Photo {job.done:,} of {job.total:,}" if job.total else "Loading the model"
