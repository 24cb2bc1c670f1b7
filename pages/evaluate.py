"""Evaluate page: metrics of a model on one split, and its errors."""

import streamlit as st

from autodet.ui.common.choice import choose_fitting_dataset, choose_model
from autodet.ui.common.frame import page
from autodet.ui.common.report_button import offer_report
from autodet.ui.evaluate.analysis import show_analysis
from autodet.ui.evaluate.dropped_photos import chooses_new_photos, evaluate_new_photos
from autodet.ui.evaluate.evaluation import evaluate

with page("evaluate", "How good a model is on labelled photos, class by class, and where it is wrong."):
    left, middle, right = st.columns([6, 4, 5])
    model = choose_model(left)
    if model:
        with middle:
            new = chooses_new_photos()
        dataset = None if new else choose_fitting_dataset(model, right)
        evaluated = evaluate_new_photos(model) if new else dataset and evaluate(model, dataset)
        if evaluated:
            show_analysis(evaluated)
            offer_report(model, evaluated.dataset, evaluated.split)
