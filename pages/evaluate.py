"""Evaluate page: metrics of a model on one split, and its errors."""

import streamlit as st

from autodet.ui.common.choice import choose_fitting_dataset, choose_model
from autodet.ui.common.frame import page
from autodet.ui.common.report_button import offer_report
from autodet.ui.evaluate.analysis import show_analysis
from autodet.ui.evaluate.evaluation import evaluate

with page("evaluate", "How good a model is on labelled photos, class by class, and where it is wrong."):
    left, right = st.columns(2)
    with left:
        model = choose_model()
    with right:
        dataset = choose_fitting_dataset(model) if model else None
    if model and dataset:
        evaluated = evaluate(model, dataset)
        if evaluated:
            show_analysis(evaluated)
            offer_report(model, dataset, evaluated.split)
