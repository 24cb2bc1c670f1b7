"""Result and progress of a follow-up of a search."""

import streamlit as st

from autodet.charts.follow_ups import learning_curve_figure, repeatability_figure
from autodet.evaluation.objective import Objective
from autodet.messages.follow_ups import (
    caveat_text,
    curve_sentence,
    pooled_sentence,
    repeatability_sentences,
    searched_sentence,
)
from autodet.messages.plans import forecast_text
from autodet.records import LearningCurve, Repeatability, SearchStatus
from autodet.search.follow_ups.start import FollowUpPlan
from autodet.text_format import counted
from autodet.ui.common.frame import link
from autodet.ui.common.markdown import escape
from autodet.ui.common.search_progress import progress_text

ALL = ""  # of the classes
REPEATS_HELP = (
    "The same settings with another seed give another score: the seed shuffles the photos and draws the random changes "
    "to them. The difference from the defaults is real if it is larger than that (Welch's t-test, 95 %)."
)


def show_repeatability_result(result: Repeatability) -> None:
    """Show whether each configuration differs from the defaults, and the scores of all seeds."""
    for one, sentence in zip(result.configurations[1:], repeatability_sentences(result), strict=True):
        if one.significant and one.difference and one.difference > 0:
            st.success(escape(sentence), icon=":material/check:")
        else:
            st.info(escape(sentence), icon=":material/casino:")
    if any(one.scores for one in result.configurations):
        title = Objective.parse(result.objective).quality_title
        figure = repeatability_figure(result, title)
        st.plotly_chart(figure, key=f"repeats {result.follow_up}", alt=f"{title} of each configuration and seed")
        notes = ["A cross marks the score in the search.", escape(searched_sentence(result)), pooled_sentence(result)]
        st.caption(" ".join(filter(None, notes)), help=REPEATS_HELP)


def show_curve(curve: LearningCurve) -> None:
    """Show the learning curve of all classes or a selected one, with its extrapolation."""
    names = [ALL, *curve.class_laws]
    name = ALL
    if len(names) > 2:
        name = st.selectbox(
            "Class", names, format_func=lambda name: name or "All classes", key=f"curve class {curve.follow_up}"
        )
    law = curve.class_laws[name] if name else curve.law
    if law:
        of = f"AP@0.5 of {name}" if name else "mAP@0.5"
        st.info(escape(curve_sentence(law, of)), icon=":material/trending_up:")
    figure = learning_curve_figure(curve, name or None)
    alt = "Quality against the number of training photos, extrapolated to twice as many"
    st.plotly_chart(figure, key=f"curve {curve.follow_up} {name}", alt=alt)
    if law:
        st.caption(escape(" ".join(filter(None, [caveat_text(curve), pooled_sentence(curve)]))))


def show_follow_up_progress(status: SearchStatus) -> None:
    """Show the progress of a follow-up, or that it ended early, with a link to its page."""
    if status.active:
        st.progress(status.progress, progress_text(status))
    elif status.state == "finished":
        return
    else:
        st.caption(f"The trainings are {status.state}; {status.trials_over} of {status.planned_trials} have ended.")
    link("results", "Watch" if status.active else "Open", search=status.search)


def plan_sentence(plan: FollowUpPlan) -> str:
    """Say how many trainings a follow-up has, and how long they take."""
    trainings = counted(len(plan.trials), "training")
    if plan.forecast is None:
        return f"{trainings} on the Ray cluster, in the background."
    time = forecast_text(plan.forecast.least_seconds, plan.forecast.most_seconds)
    return f"{trainings}, {time}, in the background. They make no model."
