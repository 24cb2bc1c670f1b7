"""Review of an import: what would be imported, the decisions, and all other findings, before anything is stored."""

from collections import Counter
from collections.abc import Callable, Sequence

import pandas as pd
import streamlit as st

from autodet.datasets.checks.kinds import KINDS, by_kind, how_many
from autodet.datasets.formats.format_detection import UNLABELLED
from autodet.datasets.imports.import_job import Import, find_import
from autodet.datasets.imports.review import Review
from autodet.errors import AutodetError
from autodet.messages.finding_kinds import KIND_TEXTS
from autodet.messages.findings import problem_sentence
from autodet.messages.imports import SPLIT_ORIGINS, detection_sentence
from autodet.records import SPLITS
from autodet.text_format import counted
from autodet.ui.common.frame import emphasis, sentences_for_errors
from autodet.ui.common.markdown import escape
from autodet.ui.datasets.decision_rows import LOSS, decision_key, needs_decision, show_actions, show_decision
from autodet.ui.datasets.findings import offer_csv, show_kind
from autodet.ui.datasets.review_pictures import Reviewed, finding_pictures

SHOWN = (LOSS, "unlabelled")  # kinds with a place of their own
MAX_SUGGESTIONS = 3  # more are folded: the import needs no answer about them


@st.fragment
def show_review(job: Import, on_store: Callable[[Import], None]) -> None:
    """Show the findings by kind with the available actions, and the button that imports.

    Args:
        job: The import.
        on_store: Callback for when the visitor presses the import button.
    """
    with sentences_for_errors("Data sets"):
        _show_review(job, on_store)


def _show_review(job: Import, on_store: Callable[[Import], None]) -> None:
    created, decided = job.request().created, _decided(job)
    try:
        reviewed, error = _reviewed(job.id, created, decided), ""
    except AutodetError as refused:
        error = str(refused)
        try:
            reviewed = _reviewed(job.id, created, ())
        except AutodetError:  # not caused by the decisions, so there is nothing to show
            st.error(escape(error), icon=":material/error:")
            _offer_discard(job)
            return
    _show_outcome(job, reviewed.review)
    kinds = [kind for kind in KINDS if kind not in SHOWN and (kind in reviewed.findings or kind in dict(decided))]
    decisions = [kind for kind in kinds if needs_decision(reviewed, kind)]
    final = [kind for kind in decisions if len(KINDS[kind].actions) == 1]
    yours = [kind for kind in decisions if "stop" in KINDS[kind].actions and kind not in final]
    suggested = [kind for kind in decisions if kind not in (*final, *yours)]
    _show_decisions(job, reviewed, "Why the import is not possible", final)
    _show_decisions(job, reviewed, f"{counted(len(yours), 'decision')} that only you can make", yours)
    title = f"{counted(len(suggested), 'decision')} with autodet's suggestion selected"
    _show_decisions(job, reviewed, title, suggested, folded=len(suggested) > MAX_SUGGESTIONS)
    if error:
        st.error(escape(error), icon=":material/error:")
    obstacles = [*([] if _is_loss_settled(job, reviewed) else [LOSS]), *_undecided(reviewed)]
    _offer_import(job, reviewed, obstacles, on_store, failed=bool(error))
    _show_others(job, reviewed, [kind for kind in kinds if kind not in decisions], expanded=not decisions)


def _show_outcome(job: Import, review: Review) -> None:
    """Show in one line what would be imported, and below how the source was read."""
    detection = review.staged.detection
    name, adds = escape(job.request().name), bool(job.request().into)
    st.subheader(f"{name}: review before {'it is added' if adds else 'the import'}", anchor=False)
    st.markdown(
        f"To be {'added' if adds else 'imported'}: **{counted(len(review.photos), 'photo')}** {_contents(review)}"
    )
    if detection.format == UNLABELLED:
        sentences = [problem_sentence(one, "page") for one in review.findings if one.kind == "unlabelled"]
        st.info(f"{escape(' '.join(sentences))} {KIND_TEXTS['unlabelled'].why}", icon=":material/draw:")
        return
    st.caption(escape(detection_sentence(detection.format, detection.unmet, asked=detection.asked)))


def _contents(review: Review) -> str:
    if not review.classes:
        return "without labels."
    counts = Counter(review.splits)
    splits = ", ".join(f"{counts[split]:,} in {split}" for split in SPLITS if counts[split])
    boxes, classes = counted(review.boxes, "box", "boxes"), counted(len(review.classes), "class", "classes")
    return f"with **{boxes}** of **{classes}**: {splits}. {SPLIT_ORIGINS[review.splits_from]}"


def _show_decisions(job: Import, reviewed: Reviewed, title: str, kinds: Sequence[str], *, folded: bool = False) -> None:
    if not kinds:
        return
    if not folded:
        st.markdown(f"##### {title}")
    with st.expander(f"**{title}**", key=f"folded {job.id}") if folded else st.container(gap="xsmall"):
        for kind in kinds:
            show_decision(job.id, reviewed, kind)


def _undecided(reviewed: Reviewed) -> list[str]:
    """Return the kinds that block the import under these decisions, apart from a large loss."""
    return [kind for kind in dict.fromkeys(one.kind for one in reviewed.review.refusals) if kind != LOSS]


def _is_loss_settled(job: Import, reviewed: Reviewed) -> bool:
    """Show a large loss, if there is one, and return whether the visitor agrees to it."""
    for finding in reviewed.findings.get(LOSS, ()):
        st.error(escape(problem_sentence(finding, "page")), icon=":material/block:")
        return st.checkbox(f"I have checked this. {KIND_TEXTS[LOSS].actions['keep']}.", key=decision_key(job.id, LOSS))
    return True


def _offer_import(
    job: Import, reviewed: Reviewed, obstacles: list[str], on_store: Callable[[Import], None], *, failed: bool
) -> None:
    """Show the buttons, and beside them why the import is not possible yet."""
    disabled = failed or bool(obstacles)
    with st.container(horizontal=True, vertical_alignment="center"):
        verb = "Add" if job.request().into else "Import"
        if st.button(
            f"{verb} {counted(len(reviewed.review.photos), 'photo')}",
            key=f"store {job.id}",
            type=emphasis(disabled=disabled),
            icon=":material/check:",
            disabled=disabled,
        ):
            job.proceed(dict(reviewed.decided) | ({LOSS: "keep"} if LOSS in reviewed.findings else {}))
            on_store(job)
            st.rerun()
        _offer_discard(job)
        offer_csv(reviewed.review.findings, job.id, planned=True)
        if obstacles:
            titles = ", ".join(f"**{KIND_TEXTS[kind].title}**" for kind in obstacles)
            decidable = all(len(KINDS[kind].actions) > 1 for kind in obstacles)
            why = "Not possible before you decide" if decidable else "Not possible"
            st.markdown(f":material/block: {why}: {titles}.", width="stretch")


def _show_others(job: Import, reviewed: Reviewed, kinds: list[str], *, expanded: bool) -> None:
    """Show the findings that need no decision: a folded table, and the files of one kind at a time."""
    if not kinds:
        return
    found = reviewed.findings
    title = f"{'Findings' if expanded else 'Other findings'} ({counted(len(kinds), 'kind')})"
    with st.expander(title, expanded=expanded, key=f"others {job.id}", on_change="rerun") as room:
        if not room.open:
            return
        rows = [(KIND_TEXTS[kind].title, how_many(found.get(kind, ())), _actions_of(reviewed, kind)) for kind in kinds]
        st.dataframe(
            pd.DataFrame(rows, columns=["Finding", "Count", "Action"]),
            hide_index=True,
            column_config={"Count": st.column_config.NumberColumn(format="localized", width="small")},
            height="content",
            alt="Findings that need no decision, with the action for each kind",
        )
        kind = st.selectbox("Show", kinds, format_func=lambda kind: KIND_TEXTS[kind].title, key=f"shown {job.id}")
        st.caption(KIND_TEXTS[kind].why)
        show_actions(job.id, kind)
        if kind in found:
            show_kind(found[kind], lambda one: finding_pictures(reviewed, one), f"{job.id} {kind}", planned=True)


def _actions_of(reviewed: Reviewed, kind: str) -> str:
    """Return the labels of the actions that are planned for a kind."""
    labels = KIND_TEXTS[kind].actions
    planned = dict.fromkeys(finding.action for finding in reviewed.findings.get(kind, ()))
    return "; ".join(labels[action] for action in planned if action in labels)


def _offer_discard(job: Import) -> None:
    if st.button("Discard", key=f"discard {job.id}", icon=":material/close:"):
        job.discard()
        st.rerun()


def _decided(job: Import) -> tuple[tuple[str, str], ...]:
    """Return the decisions that differ from the defaults, including those of an earlier visit, and save them."""
    draft = job.draft()
    for kind, action in draft.items():
        st.session_state.setdefault(decision_key(job.id, kind), action)
    chosen = {kind: st.session_state.get(decision_key(job.id, kind)) for kind in KINDS if kind != LOSS}
    decided = {kind: action for kind, action in chosen.items() if action not in (None, KINDS[kind].default)}
    if decided != draft:
        job.keep_draft(decided)
    return tuple(decided.items())


@st.cache_resource(max_entries=4, show_spinner="Loading the findings")
def _reviewed(id: str, created: str, decided: tuple[tuple[str, str], ...]) -> Reviewed:
    del created  # only part of the cache key: distinguishes imports that reuse an id
    review = find_import(id).review(dict(decided))
    return Reviewed(
        review,
        dict(decided),
        by_kind(review.findings),
        {str(photo.labelled.photo): photo for photo in (*review.staged.photos, *review.staged.unlabelled)},
        {str(photo.source.photo): photo for photo in review.photos},
    )
