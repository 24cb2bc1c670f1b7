"""Train page: configure and start a search."""

from autodet.ui.common.choice import choose_labelled_dataset
from autodet.ui.common.frame import page
from autodet.ui.common.next_search import show_next_search
from autodet.ui.search.search_form import ask_for_search, offer_start, show_forecast

with page(
    "search",
    "Trainings with different settings run in the background (a hyperparameter search). The best is kept.",
):
    dataset = choose_labelled_dataset()
    if dataset:
        show_next_search(dataset, primary=False)
        order = ask_for_search(dataset)
        show_forecast(dataset, order)
        offer_start(dataset, order)
