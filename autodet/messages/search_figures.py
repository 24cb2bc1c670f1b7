"""Texts of the figures of a search: titles, how to read them, and why one cannot be drawn."""

from autodet.messages.templates import Templates, render
from autodet.records import Notice
from autodet.text_format import counted

TITLES = {
    "curves": "Quality after every epoch (mAP curves)",
    "front": "Quality and prediction time (Pareto front)",
    "history": "The best score so far (optimization history)",
    "importance": "Settings that matter most (parameter importance)",
    "slice": "Quality against one setting (slice plot)",
    "contour": "Quality against two settings (contour plot)",
    "parallel": "All settings of each trial (parallel coordinates)",
    "edf": "Share of good trials (empirical distribution function)",
    "loss": "Training loss after every epoch (loss curves)",
    "timeline": "Devices over time (timeline)",
}
FIRST_EPOCH = (
    "The training loss within the first epoch: it should fall. The first score follows at the end of the epoch, when "
    "the validation photos are evaluated."
)
READINGS = {
    "curves": "Each line is a trial. A line that still rises at its end would gain from more epochs; dotted lines were "
    "pruned (ended early).",
    "front": "Trials on the line are the Pareto front: no other trial is better and faster. The time (latency) is that "
    "of one prediction on the device that trained the model (on a CPU, on one core), without reading the file. The "
    "star is the search's own model; you can keep others below.",
    "history": "Each point is a finished trial, and the line is the best of all until then. When the line stays flat "
    "for long, more trials of this search space will hardly help.",
    "importance": "The longer a bar, the more the values of the best trials differ from all that were "
    "tried (PED-ANOVA). A setting with a short bar can keep its default.",
    "slice": "Each point is a finished trial. If the best points lie at one end, the range of this setting could be "
    "extended there.",
    "contour": "Amber areas are good, grey ones poor. Between the trials (points), the colours are interpolated.",
    "parallel": "Each line is a finished trial that crosses every axis at its value; the best are amber. Where all "
    "amber lines meet, that value matters.",
    "edf": "The height is the share of trials whose score is at most that far right. The further right the curve "
    "rises, the better this search space is as a whole.",
    "loss": "The loss is the training error. It should fall; a line that rises or jumps has too high a learning rate.",
    "timeline": "Each bar is a training run of a trial. Gaps between the bars are times when a device had nothing to "
    "do.",
}
CLICK = "Click a point to open its trial."


def reason_text(reason: Notice) -> str:
    """Return why a figure cannot be drawn, as sentences."""
    return render(reason, SENTENCES)


def rough_text(trials: int) -> str:
    """Say that importances from few trials are rough."""
    return f"This is a rough estimate from {counted(trials, 'trial')}; from 50 on, the order is mostly right."


def _needs_trials(notice: Notice) -> str:
    have, need, pruned = notice.values["have"], notice.values["need"], notice.values["pruned"]
    finished = (
        f"{counted(have, 'trial')} {'has' if have == 1 else 'have'} finished so far"
        if have
        else ("none has finished so far")
    )
    also = f" ({pruned} pruned; those do not count, because their scores are not final)" if pruned else ""
    return f"This figure compares finished trials and needs at least {need}; {finished}{also}."


def _needs_parameters(notice: Notice) -> str:
    have, need = notice.values["have"], notice.values["need"]
    differ = "The finished trials have the same settings" if not have else "Only one setting differs between trials"
    return f"{differ}. This figure needs at least {counted(need, 'setting')} that the search varies."


SENTENCES: Templates = {
    "figure_needs_trials": _needs_trials,
    "figure_needs_parameters": _needs_parameters,
    "figure_needs_optuna": "Optuna draws this figure, and is not installed here; install the package optuna to see it.",
    "figure_needs_differences": "All finished trials have the same score, so no setting explains a difference.",
}
