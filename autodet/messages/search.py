"""Sentences about searches and trials: why they wait, were interrupted, stopped or failed."""

from dataclasses import replace

from autodet.messages.cautions import cautions_text
from autodet.messages.diagnoses import diagnoses_text
from autodet.messages.templates import Templates, render, render_all
from autodet.records import BestResult, Notice, SearchStatus, TrialStatus
from autodet.text_format import counted, listed

MAX_NAMES = 2  # of searches that occupy the devices


def with_sentences(status: SearchStatus) -> SearchStatus:
    """Return a status with its sentences: ``message``, ``caution``, ``diagnosis``, and ``error`` of its trials."""
    trials = status.trials
    if any(trial.reason for trial in trials):
        trials = tuple(replace(trial, error=notice_text(trial.reason)) if trial.reason else trial for trial in trials)
    return replace(
        status,
        trials=trials,
        message=notices_text(status.notices),
        caution=cautions_text(status.cautions),
        diagnosis=diagnoses_text(status.diagnoses),
    )


def ending_text(trial: TrialStatus) -> str:
    """Describe how a trial ended: ``Trial 3: failed. The loss ...``."""
    reason = notice_text(trial.reason) if trial.reason else ""
    return f"Trial {trial.number}: {trial.state}. {reason}".rstrip()


def source_text(best: BestResult) -> str:
    """Say which weights gave the best result: ``trial 3, epoch 12`` or ``average of the trials 3 and 0``."""
    if best.is_average:
        return f"average of the trials {listed(best.trials)}"
    return f"trial {best.trials[0]}, epoch {best.epoch}"


def notices_text(notices: tuple[Notice, ...]) -> str:
    """Return notices about a search as sentences."""
    return render_all(notices, SENTENCES)


def notice_text(notice: Notice) -> str:
    """Return a notice about a search or a trial as a sentence."""
    return render(notice, SENTENCES)


def loss_text(notice: Notice) -> str:
    """Return why a trial was lost, or what exhausted its memory, as a clause: ``its process crashed (SIGSEGV)``."""
    return render(notice, CLAUSES)


def _waits(notice: Notice) -> str:
    searches, devices = sorted(notice.values["searches"]), notice.values["devices"]
    if not searches:
        return "It waits for a free device."
    role = f"using {', '.join(devices)}" if devices else "next"
    return f"It waits for a free device: {_named(searches)} {role}."


def _named(searches: list[str]) -> str:
    """Return ``the search a is`` or ``the searches a, b and 3 more are``."""
    if len(searches) == 1:
        return f"the search {searches[0]} is"
    if len(searches) > MAX_NAMES + 1:
        searches = [*searches[:MAX_NAMES], f"{len(searches) - MAX_NAMES} more"]
    return f"the searches {listed(searches)} are"


def _exhausted(notice: Notice) -> str:
    count = notice.values["combinations"]
    every = "The only combination of parameters has" if count == 1 else f"All {count:,} combinations have"
    return f"{every} been tried."


def _refit_under_way(notice: Notice) -> str:
    return f"The final retraining has done {notice.values['done']} of {counted(notice.values['epochs'], 'epoch')}."


def _refit_failed(notice: Notice) -> str:
    return f"There is no final retraining: {notices_text(notice.causes)} The best trial's model is kept."


def _average_published(notice: Notice) -> str:
    values = notice.values
    return (
        f"The model is the average of the trials {listed(values['trials'])} ({values['metric']}: "
        f"{values['score']:.3f} instead of {values['best']:.3f} of the best trial alone)."
    )


def _average_failed(notice: Notice) -> str:
    return f"The best trials could not be averaged: {notices_text(notice.causes)} The best trial's model is kept."


def _lost(notice: Notice, subject: str = "The trial") -> str:
    return f"{subject} was lost {notice.values['times']} times without progress in between: {_cause(notice)}."


def _cause(notice: Notice) -> str:
    return " ".join(map(loss_text, notice.causes))


SENTENCES: Templates = {
    "waits_for_device": _waits,
    "time_limit_paused": "Its time limit is paused.",
    "database_busy": "{detail} autodet retries until it can be used; trials continue.",
    "stopped": "It was stopped.",
    "stopped_before_start": "It was stopped before it could begin. {detail} It can be resumed.",
    "stopped_in_refit": "It was stopped in its final retraining. The best trial's model is kept.",
    "time_limit_reached": "The time limit of {seconds:g} seconds was reached.",
    "time_limit_near": "The time limit of {seconds:g} seconds left no time for more.",
    "combinations_exhausted": _exhausted,
    "best_model_kept": "The best model so far is kept.",
    "no_model": "No epoch had finished by then, so there is no model.",
    "no_trial_started": "No trial could be started.",
    "results_unsaved": "The database of searches was busy, so the last results are stored only when the search "
    "is resumed.",
    "interrupted": "It was interrupted. {detail} Then resume it.",
    "interrupted_unexpectedly": "It was interrupted ({detail}); see {log}, then resume it.",
    "refit_under_way": _refit_under_way,
    "refit_published": "The model was retrained on training and validation photos; its metrics are those of the best "
    "trial, whose own model is {model}.",
    "refit_rejected": "The final retraining scored lower on the validation photos than the best trial's model, so that "
    "model is kept.",
    "refit_failed": _refit_failed,
    "refit_out_of_time": "There was no time for it.",
    "refit_lost": lambda notice: _lost(notice, "The final retraining"),
    "average_under_way": "All trials are done; the weights of the best ones are averaged.",
    "average_published": _average_published,
    "average_failed": _average_failed,
    "average_lost": lambda notice: _lost(notice, "Their average"),
    "no_epoch": "It was stopped before its first epoch ended.",
    "error": "{detail}",
    "unexpected_error": "The trial failed unexpectedly ({detail}); the log has the details.",
    "lost": _lost,
    "photo_too_large": "Memory ran out even with one photo at a time; choose a smaller network or smaller photos, or "
    "run fewer trials at a time.",
}
CLAUSES: Templates = {
    "no_progress": "it showed no progress for {seconds:g} seconds",
    "process_killed": "its process was ended from outside ({signal})",
    "process_crashed": "its process crashed ({signal})",
    "process_ended": "its process ended with exit code {exit_code}",
    "node_lost": "Ray lost its node ({error})",
    "memory_exhausted": "{detail}",
    "killed_for_memory": "the machine ran out of memory and ended its process",
}
