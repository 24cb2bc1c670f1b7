"""Report of a model, from the list of models."""

import streamlit as st

from autodet.inference.evaluations import kept_evaluation
from autodet.models.store import StoredModel
from autodet.ui.common.choice import choose_fitting_dataset, choose_split
from autodet.ui.common.frame import link, sentences_for_errors
from autodet.ui.common.report_button import offer_report


@st.dialog("Report to hand out")
def show_report_dialog(model: StoredModel) -> None:
    """Let the visitor choose the photos of a model's report, and download it once they are evaluated."""
    with sentences_for_errors("Models"):
        dataset = choose_fitting_dataset(model)
        if dataset is None:
            return
        split = choose_split(dataset)
        if kept_evaluation(model, dataset, split):
            offer_report(model, dataset, split)
            return
        st.markdown("The model has not been evaluated on these photos yet; the report needs its figures.")
        link("evaluate", "Evaluate it first", primary=True, model=model.id, dataset=dataset.id, split=split)
