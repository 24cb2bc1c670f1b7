"""Live view of a search: state, metrics, charts and trials."""

from contextlib import suppress

import streamlit as st

from autodet.access.change import may_change
from autodet.errors import AccessError, BundleError, SearchError
from autodet.evaluation.objective import Objective
from autodet.messages.comparisons import few_photos
from autodet.messages.plans import plan_text
from autodet.messages.search import source_text
from autodet.models.bundle import read_card
from autodet.models.registry import architecture_title
from autodet.records import SearchState, SearchStatus
from autodet.search.api import Search, find_only_search
from autodet.search.run.best_model import model_ids
from autodet.search.trial_models import trial_bundle
from autodet.text_format import duration
from autodet.training.train_job import MIN_PHOTOS_TO_CHOOSE
from autodet.ui.common.choice import dataset_names
from autodet.ui.common.confirm_deletion import offer_deletion, show_size
from autodet.ui.common.editors import made_by
from autodet.ui.common.frame import link, sentences_for_errors
from autodet.ui.common.markdown import ago, escape, score
from autodet.ui.common.next_search import show_plan, versions_to_search
from autodet.ui.common.search_progress import progress_text
from autodet.ui.results.figures import show_figures
from autodet.ui.results.follow_up_view import show_follow_up
from autodet.ui.results.improvement import show_improvement
from autodet.ui.results.opened_trials import open_linked_trials, refresh_address, show_opened_trials
from autodet.ui.results.repeatability import show_repeatability
from autodet.ui.results.trial_models_form import offer_trials_to_keep
from autodet.ui.results.trial_table import show_trials
from autodet.workspace import open_workspace

REFRESH_SECONDS = 2
BADGES = {
    "queued": (":material/hourglass_top:", "gray"),
    "running": (":material/autorenew:", "blue"),
    "stopping": (":material/hourglass_bottom:", "orange"),
    "finished": (":material/check_circle:", "green"),
    "stopped": (":material/stop_circle:", "orange"),
    "interrupted": (":material/warning:", "orange"),
    "failed": (":material/error:", "red"),
}


def watch(status: SearchStatus) -> None:
    """Show a search, refreshed while it is active; less often if it has thousands of trials."""
    open_linked_trials(status)
    seconds = REFRESH_SECONDS * (1 + len(status.trials) // 1000)
    st.fragment(_show, run_every=seconds if status.active else None)(status.search, status.state)


def _show(search: str, shown_state: SearchState) -> None:
    with sentences_for_errors("Results"):
        _show_search(search, shown_state)


def _show_search(search: str, shown_state: SearchState) -> None:
    status = find_only_search(search).status()
    if status.state != shown_state:
        st.rerun()  # rerun the whole page, because the list of searches has changed too
    refresh_address(search)
    _show_state(status)
    if status.follow_up:
        show_follow_up(status)
        return
    show_improvement(status)
    _offer_next_search(status)
    _show_figures(status)
    show_figures(status)
    show_trials(status)
    show_opened_trials(status)
    offer_trials_to_keep(status)
    show_repeatability(status)


def _offer_next_search(status: SearchStatus) -> None:
    """Offer the search of a newer version that would start from this search's model."""
    if status.active or not may_change():
        return
    own = model_ids(status.search)
    if plan := next((plan for plan in versions_to_search() if plan.model.id in own), None):
        show_plan(plan, primary=False, on_results=True)


def _show_state(status: SearchStatus) -> None:
    icon, colour = BADGES[status.state]
    lost = find_only_search(status.search).lost_data() if status.unfinished else ""
    left, right = st.columns([1, 3], vertical_alignment="center")
    left.badge(status.state, icon=icon, color=colour)  # type: ignore[arg-type]
    with right.container(horizontal=True, horizontal_alignment="right"):
        _offer_actions(status, lost)
    if status.active:
        st.progress(status.progress, progress_text(status))
    st.caption(_described(status))
    if status.message:
        (st.error if status.state == "failed" else st.info)(escape(status.message))
    if status.start_from:
        st.caption(f"Started from the weights of {escape(status.start_from.model)}.")
    if status.caution:
        st.warning(escape(status.caution), icon=":material/warning:")
    if status.diagnosis:
        st.info(escape(status.diagnosis), icon=":material/troubleshoot:")
    if reasons := _reasons(status):
        with st.expander("Why these settings", icon=":material/help:"):
            st.markdown(escape(reasons))
    if lost:
        st.warning(f"It cannot be resumed. {escape(lost)}", icon=":material/block:")
    elif status.state == "interrupted":
        resume = "; Resume continues from there" if may_change() else ""
        st.warning(f"Its process has ended. Every finished epoch is kept{resume}.")


def _reasons(status: SearchStatus) -> str:
    """Return the reasons for the plan of a search; empty if there are none, or its specification is damaged."""
    try:
        return plan_text(find_only_search(status.search).spec().why)
    except SearchError:
        return ""


def _described(status: SearchStatus) -> str:
    """Describe the data set of a search, and the network and photo size if all trials share them; as Markdown."""
    names = {str(trial.params["architecture"]) for trial in status.trials if "architecture" in trial.params}
    sizes = {trial.params["image_size"] for trial in status.trials if "image_size" in trial.params}
    titles = [architecture_title(name) for name in names]
    parts = [f"Data set {dataset_names().get(status.dataset, status.dataset)}"]
    parts += titles if len(titles) == 1 else []
    parts += [f"photos at {size} px" for size in sizes] if len(sizes) == 1 else []
    return f"{escape(' · '.join(parts))} · started {ago(status.created)}{made_by(status.owner)}"


def _offer_actions(status: SearchStatus, lost: str) -> None:
    search = find_only_search(status.search)
    try:
        if may_change():
            _offer_stop_or_resume(status, search, lost)
    except (AccessError, SearchError) as error:
        st.toast(escape(str(error)))
    if status.model:
        link("evaluate", "Evaluate", model=status.model, dataset=status.dataset)
        link("compare", "Compare", dataset=status.dataset, models=status.model)
        link("predict", "Try a photo", primary=not status.unfinished, model=status.model)
    if not status.active:
        offer_deletion(status)


def _offer_stop_or_resume(status: SearchStatus, search: Search, lost: str) -> None:
    if status.state in ("queued", "running") and st.button(
        "Stop" if status.follow_up else "Stop, keep the best",
        icon=":material/stop:",
        help="Ends within seconds; finished epochs are kept.",
    ):
        search.stop()
        st.rerun()
    if status.unfinished and not lost and st.button("Resume", type="primary", icon=":material/play_arrow:"):
        search.resume()
        st.rerun()


def _few_photos(status: SearchStatus, trial: int) -> str:
    folder = open_workspace().searches / status.search
    with suppress(BundleError, SearchError):  # not written yet, or damaged
        return few_photos(read_card(trial_bundle(folder, trial)).measured_photos)
    return ""


def _show_figures(status: SearchStatus) -> None:
    best = status.best_result
    figures = st.container(horizontal=True, gap="medium")
    figures.metric(
        f"Best {Objective.parse(status.objective).quality_title}",
        score(best.score if best else None),
        ", ".join(filter(None, (source_text(best), _few_photos(status, best.trials[0])))) if best else None,
        delta_color="off",
        delta_arrow="off",
        help="On the validation photos; 1 is perfect. Each trial keeps its latest epoch with about the highest value, "
        f"because the very highest is partly luck. With fewer than {MIN_PHOTOS_TO_CHOOSE} validation photos, it keeps "
        "its last epoch, unless training has collapsed.",
        width="content",
    )
    figures.metric("Trials done", f"{status.trials_over} of {status.planned_trials}", width="content")
    figures.metric(
        "Time so far" if status.active else "Took at least" if status.state == "interrupted" else "Took",
        duration(status.seconds),
        help="Until its last record; the time after that is unknown." * (status.state == "interrupted") or None,
        width="content",
    )
    if not status.active:
        show_size(status, figures)
