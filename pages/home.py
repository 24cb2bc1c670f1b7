"""Home page: introduction, running searches, next steps and the newest model."""

import streamlit as st

from autodet.ui.common.frame import page
from autodet.ui.home.overview import show_newest_model, show_next_steps, show_running_searches
from autodet.ui.home.sample_start import show_first_search

with page("home"):
    st.markdown(
        "Bring photos with boxes drawn around the things you care about. autodet trains detectors on them, tries "
        "several settings, shows how good each is, and gives you a page where anyone drops a photo and sees boxes."
    )
    show_first_search()
    show_running_searches()
    show_next_steps()
    show_newest_model()
