"""Home page: introduction, running searches, data sets and models."""

from autodet.ui.common.frame import page
from autodet.ui.home.overview import show_overview
from autodet.ui.home.sample_start import show_first_search

with page("home"):
    show_first_search()
    show_overview()
