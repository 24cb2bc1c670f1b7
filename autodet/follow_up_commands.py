"""The commands of the command line that follow a search: is its gain real, and would more photos help?"""

from autodet import terminal
from autodet.commands import Answer, Options, await_search, status_answer
from autodet.follow_up_outcome import outcome_entry, outcome_of, outcome_text
from autodet.messages.plans import forecast_text
from autodet.search.follow_ups.start import FollowUpPlan, plan_learning_curve, plan_repeats, start_follow_up
from autodet.terminal import PROGRAM, say
from autodet.text_format import counted


def repeat(options: Options) -> Answer:
    """Train the best configurations of a search and its defaults with other seeds."""
    return _run(plan_repeats(options.search, best=options.best, seeds=options.seeds), options)


def learning_curve(options: Options) -> Answer:
    """Train the best configuration of a search on parts of its training photos."""
    return _run(plan_learning_curve(options.search, seeds=options.seeds), options)


def _run(plan: FollowUpPlan, options: Options) -> Answer:
    search = start_follow_up(plan)
    forecast = plan.forecast
    time = f", {forecast_text(forecast.least_seconds, forecast.most_seconds)}" if forecast else ""
    say(f"The search {search.id} has started: {counted(len(plan.trials), 'training')}{time}.")
    if options.detach:
        hint = f"It runs in the background; '{PROGRAM} status {search.id}' shows its progress and result."
        return status_answer(search, hint)
    status, failure = await_search(search)
    outcome = outcome_of(status)
    text = "\n\n".join(filter(None, [terminal.status_text(status), outcome_text(outcome)]))
    return Answer(status.to_json() | outcome_entry(outcome), text, failure=failure)
