"""Progress of a search as text lines, for programs and the command line."""

from collections.abc import Callable

from autodet.messages.diagnoses import diagnoses_text
from autodet.messages.search import ending_text, notices_text
from autodet.records import EpochResult, Notice, SearchStatus, TrialStatus
from autodet.text_format import duration


class EpochLines:
    """Reports the progress of a search, one line per epoch; call it with every new status.

    Args:
        say: Called with each line.
    """

    def __init__(self, say: Callable[[str], object]) -> None:
        self._say = say
        self._epochs: dict[int, int] = {}
        self._over: set[int] = set()
        self._notices: tuple[Notice, ...] = ()
        self._diagnosed = False

    def __call__(self, status: SearchStatus) -> None:
        """Report changes since the last status."""
        for trial in status.trials:
            for epoch in trial.epochs[self._epochs.get(trial.number, 0) :]:
                self._say(_epoch_line(status, trial, epoch))
            self._epochs[trial.number] = len(trial.epochs)
            if trial.state != "running" and trial.number not in self._over:
                self._over.add(trial.number)
                self._say(ending_text(trial))
        if status.diagnoses and not self._diagnosed:
            self._say(diagnoses_text(status.diagnoses))
            self._diagnosed = True
        if status.state == "queued" and status.notices not in ((), self._notices):
            self._say(notices_text(status.notices))
        self._notices = status.notices


def _epoch_line(status: SearchStatus, trial: TrialStatus, epoch: EpochResult) -> str:
    objective = "" if epoch.value is None else f", {status.objective} {epoch.value:.3f}"
    return (
        f"Trial {trial.number}, epoch {epoch.epoch} of {trial.planned_epochs}: loss {epoch.loss:.3f}, "
        f"mAP50 {epoch.map50:.3f}{objective}{time_left(status)}"
    )


def progress_text(status: SearchStatus) -> str:
    """Return the progress per batch, as a line that replaces the previous one."""
    running = [trial for trial in status.trials if trial.state == "running"]
    under_way = "; ".join(map(_under_way, running[:2])) if len(running) <= 2 else f"{len(running)} trials under way"
    return f"{status.progress:4.0%}  {under_way or notices_text(status.notices) or status.state}{time_left(status)}"


def _under_way(trial: TrialStatus) -> str:
    if trial.is_loading:
        return f"trial {trial.number} is loading"
    epoch = min(len(trial.epochs) + 1, trial.planned_epochs)
    return f"trial {trial.number}, epoch {epoch} of {trial.planned_epochs}: {trial.epoch_share:.0%}"


def time_left(status: SearchStatus) -> str:
    """Return the remaining time as the end of a sentence; empty if it is unknown."""
    left = status.seconds_left
    return "" if left is None else f", about {duration(left)} left"
