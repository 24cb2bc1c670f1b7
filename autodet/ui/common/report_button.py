"""Download of a model's report."""

from functools import partial

import streamlit as st

from autodet.access.visitor import for_current_visitor
from autodet.datasets.manifest import Dataset
from autodet.models.store import StoredModel
from autodet.reports.file import report_bytes
from autodet.search.report import report

HELP = (
    "One HTML file to hand out: figures with their uncertainty, sample photos, limits, origin and use of the model. "
    "It needs no network, and prints."
)


def offer_report(model: StoredModel, dataset: Dataset, split: str) -> None:
    """Show a button that downloads the report of an evaluated model; the file is made when it is pressed.

    Args:
        model: The model.
        dataset: The data set that it was evaluated on.
        split: The split whose evaluation is stored; without one, the download would wait for it.
    """
    st.download_button(
        "Download the report",
        for_current_visitor(partial(_html, model, dataset, split)),  # called on download, in another thread
        f"{model.id}-{dataset.id}-{split}.html",
        "text/html",
        key=f"report {model.id} {dataset.id} {split}",
        icon=":material/summarize:",
        on_click="ignore",
        help=HELP,
    )


def _html(model: StoredModel, dataset: Dataset, split: str) -> bytes:
    return report_bytes(report(model, dataset, split))
