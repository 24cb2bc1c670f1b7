"""Data sets page: import data sets and inspect them."""

import streamlit as st

from autodet.datasets.imports.import_job import import_asks
from autodet.datasets.manifest import list_datasets
from autodet.ui.common.address import opens_form
from autodet.ui.common.choice import choose_dataset
from autodet.ui.common.export_buttons import offer_downloads
from autodet.ui.common.frame import page
from autodet.ui.datasets.contents import offer_deletion, show_contents, show_views
from autodet.ui.datasets.import_form import offer_addition, offer_import
from autodet.ui.datasets.import_jobs import show_imports
from autodet.ui.datasets.merge_form import offer_merge
from autodet.ui.datasets.training_offer import offer_training
from autodet.ui.datasets.version_form import show_versions

with page("datasets", "Import photos, and check them before you label them or train."):
    with st.container():  # one element whatever it shows, so that an open form below stays open
        show_imports()
    there_are_some = bool(list_datasets())
    import_first = not there_are_some or opens_form("import")
    if import_first:
        offer_import(folded=import_asks())
    dataset = choose_dataset() if there_are_some else None
    if dataset:
        show_contents(dataset)
        with st.container(horizontal=True):
            offer_training(dataset, primary=not import_asks())
            offer_downloads(dataset)
            offer_deletion(dataset)
        show_views(dataset)
        offer_addition(dataset)
        show_versions(dataset)
        offer_merge(dataset)
    if not import_first:
        offer_import(folded=True)
