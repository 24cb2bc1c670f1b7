"""Proposals that wait for a decision: accept those above a score, discard them, or take an acceptance back."""

from collections.abc import Iterable, Mapping, Sequence
from math import floor
from statistics import fmean, median

import streamlit as st

from autodet.datasets.drafts.acceptance import accept_proposals, last_acceptance, take_back_acceptance
from autodet.datasets.drafts.journal import Drafts, read_drafts
from autodet.datasets.manifest import Dataset
from autodet.errors import AutodetError
from autodet.inference.auto_labels import withdraw_proposals
from autodet.inference.draft_predictions import MIN_KEPT_SCORE
from autodet.messages.auto_labels import acceptance_text, accepted_text
from autodet.models.store import read_model
from autodet.records import DraftBox, PhotoDraft
from autodet.text_format import counted
from autodet.ui.common.editors import editors_only, made_by
from autodet.ui.common.frame import emphasis, sentences_for_errors
from autodet.ui.common.markdown import ago, escape, shortened

DEFAULT_SCORE, STEP = 0.8, 0.01  # without a calibration, or with lower scores only, the better half is accepted
FIELD_PIXELS = 170
DECISIONS = "decisions about proposals"  # session state: their number; after each, the score starts at what is left
DONE = "proposals decided"  # session state: id of the data set, and a sentence


@editors_only()
def show_proposals(dataset: Dataset) -> None:
    """Offer to accept or discard the proposals of a data set."""
    owner, sentence = st.session_state.pop(DONE, ("", ""))
    if owner == dataset.id:
        st.toast(sentence, icon=":material/check:")
    _decide(dataset)


@st.fragment
def _decide(dataset: Dataset) -> None:
    with sentences_for_errors("Label"):
        drafts = read_drafts(dataset)
        _offer_take_back(drafts)
        waiting = {file: draft for file, draft in drafts.changed.items() if draft.proposals}
        if not waiting:
            return
        proposals = [box for draft in waiting.values() for box in draft.proposals]
        photos = counted(len(waiting), "photo")
        st.markdown(
            f"**{counted(len(proposals), 'proposal')} on {photos} wait for you.** Decide about each in the editor, or "
            "about many here."
        )
        calibrated = _are_calibrated(waiting.values())
        scores = [box.score or 0 for box in proposals]
        start = DEFAULT_SCORE if calibrated and max(scores) >= DEFAULT_SCORE else median(scores)
        least = _ask_for_scores(dataset, sorted({box.class_name for box in proposals}), start)
        accepted = {file: [box for box in draft.proposals if _scores(box, least)] for file, draft in waiting.items()}
        boxes = [box for taken in accepted.values() for box in taken]
        right = fmean(box.score or 0 for box in boxes) if boxes and calibrated else None
        st.caption(acceptance_text(len(boxes), len(proposals), sum(map(bool, accepted.values())), right))
        _offer(dataset, least, len(boxes), len(proposals))


def _offer_take_back(drafts: Drafts) -> None:
    """Offer to take the last acceptance back, also after a restart; photos that were changed since do not count."""
    before = last_acceptance(drafts)
    if not before:
        return
    now = {file: drafts.of(file) for file in before}
    boxes = sum(len(before[file].proposals) - len(now[file].proposals) for file in before)
    newest = max(now.values(), key=lambda draft: draft.time)
    with st.container(horizontal=True, vertical_alignment="center"):
        about = f"{ago(newest.time)}{made_by(newest.author)}"
        st.markdown(f":material/done_all: {accepted_text(boxes, len(before))}, {about}.", width="content")
        if st.button("Take back", icon=":material/undo:", help="These boxes wait as proposals again."):
            count = take_back_acceptance(drafts.dataset)
            _finish(drafts.dataset, f"{counted(count, 'proposal')} {'wait' if count != 1 else 'waits'} again.")


def _scores(box: DraftBox, least: Mapping[str, float]) -> bool:
    return box.score is not None and box.score >= least[box.class_name]


def _ask_for_scores(dataset: Dataset, classes: Sequence[str], start: float) -> Mapping[str, float]:
    """Ask for one score, or for one of each class in a folded part."""
    key = f"accept above {dataset.id} {st.session_state.get(DECISIONS, 0)}"
    start = max(MIN_KEPT_SCORE, floor(100 * start) / 100)  # at least one box scores as much
    score = st.slider("Accept from a score of", MIN_KEPT_SCORE, 1.0, start, STEP, key=key)
    if len(classes) < 2:
        return dict.fromkeys(classes, score)
    with st.expander("A score for each class", type="compact"), st.container(horizontal=True):
        return {
            name: st.number_input(
                escape(shortened(name)),
                MIN_KEPT_SCORE,
                1.0,
                score,
                STEP,
                key=f"{key} {score} {name}",  # the slider sets all
                width=FIELD_PIXELS,
            )
            for name in classes
        }


def _are_calibrated(drafts: Iterable[PhotoDraft]) -> bool:
    models = {draft.model for draft in drafts}
    try:
        return all(read_model(model).card.calibration for model in models)
    except AutodetError:  # the model was deleted, or is in no workspace
        return False


def _offer(dataset: Dataset, least: Mapping[str, float], accepted: int, proposals: int) -> None:
    with st.container(horizontal=True):
        if st.button(
            f"Accept {counted(accepted, 'box', 'boxes')}",
            type=emphasis(disabled=not accepted),
            icon=":material/done_all:",
            disabled=not accepted,
        ):
            count = accept_proposals(dataset, None, dict(least))
            _finish(dataset, f"{counted(count, 'proposal')} accepted.")
        if st.button(f"Discard all {proposals:,}", icon=":material/delete_sweep:", help="Labels stay as they are."):
            count = withdraw_proposals(dataset)
            _finish(dataset, f"Proposals discarded on {counted(count, 'photo')}.")


def _finish(dataset: Dataset, sentence: str) -> None:
    st.session_state[DONE] = dataset.id, sentence
    st.session_state[DECISIONS] = st.session_state.get(DECISIONS, 0) + 1
    st.rerun()
