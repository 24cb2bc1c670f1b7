"""Watch a search: the chart, the trials, and stop or resume."""

from autodet.ui.choice import choose_search
from autodet.ui.frame import page
from autodet.ui.watching import watch

with page("results", "How good each trial is after every epoch, on photos that it was not trained on."):
    status = choose_search()
    if status:
        watch(status)
