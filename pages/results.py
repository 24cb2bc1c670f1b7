"""Results page: charts and trials of a search, with stop and resume."""

from autodet.ui.common.choice import choose_search
from autodet.ui.common.frame import page
from autodet.ui.results.search_view import watch

with page("results", "How good each trial is after every epoch, on the validation photos, which it is not trained on."):
    status = choose_search()
    if status:
        watch(status)
