"""Description of a search's progress."""

from autodet.records import SearchStatus
from autodet.search.status.epoch_lines import time_left
from autodet.text_format import counted
from autodet.ui.common.markdown import escape


def progress_text(status: SearchStatus) -> str:
    """Describe the progress of a search, as Markdown."""
    if status.state == "queued":
        return f"**{escape(status.search)}** {'waits for a free device' if status.notices else 'is starting'}"
    if status.state == "stopping":
        return f"**{escape(status.search)}** is stopping"
    done = f"{status.trials_over} of {counted(status.planned_trials, 'trial')} done"
    return f"**{escape(status.search)}**: {done}{_under_way(status)}{time_left(status)}"


def _under_way(status: SearchStatus) -> str:
    """Describe the progress of the running trial, or count the running trials if there are several."""
    running = [trial for trial in status.trials if trial.state == "running"]
    if len(running) != 1:
        return f", {len(running)} running" if running else ""
    (trial,) = running
    if trial.is_loading:
        return f", trial {trial.number} loads its photos"
    epoch = min(len(trial.epochs) + 1, trial.planned_epochs)
    return f", trial {trial.number} is {trial.epoch_share:.0%} through epoch {epoch} of {trial.planned_epochs}"
