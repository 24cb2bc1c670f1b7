"""The commands of the command line that follow a search: is its gain real, and would more photos help?"""

import argparse

from autodet import terminal
from autodet.arguments import whole_number
from autodet.commands import Add, Answer, Options, await_search, status_answer
from autodet.follow_up_outcome import outcome_entry, outcome_of, outcome_text
from autodet.messages.plans import forecast_text
from autodet.search.follow_ups.start import (
    DEFAULT_BEST,
    DEFAULT_CURVE_SEEDS,
    DEFAULT_SEEDS,
    FollowUpPlan,
    plan_learning_curve,
    plan_repeats,
    start_follow_up,
)
from autodet.terminal import PROGRAM, say
from autodet.text_format import counted


def add_follow_ups(add: Add) -> None:
    """Declare ``repeat`` and ``learning-curve``."""
    words = "train the best trials of a search and its defaults with other seeds, to tell whether the gain is real"
    repetition = add("repeat", repeat, words)
    _add_follow_up(repetition, f"seeds of each (default {DEFAULT_SEEDS})", DEFAULT_SEEDS)
    words = f"number of configurations besides the defaults, the best ones (default {DEFAULT_BEST})"
    repetition.add_argument("--best", type=whole_number, metavar="NUMBER", default=DEFAULT_BEST, help=words)
    words = "train the best trial of a search on 25, 50 and 100 %% of its photos, to tell whether more would help"
    curve = add("learning-curve", learning_curve, words)
    words = f"draws of the photos, each with its own seed (default {DEFAULT_CURVE_SEEDS})"
    _add_follow_up(curve, words, DEFAULT_CURVE_SEEDS)


def _add_follow_up(parser: argparse.ArgumentParser, seeds: str, default: int) -> None:
    parser.add_argument("search", metavar="SEARCH", help="a search's id or name; it must be over")
    parser.add_argument("--seeds", type=whole_number, metavar="NUMBER", default=default, help=seeds)
    parser.add_argument("--detach", action="store_true", help="return at once; it runs in the background")


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
