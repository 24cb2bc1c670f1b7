"""Choice of the order in which photos are labelled.

An order stays as it is until the visitor asks for a new one, so that no photo moves while labels are drawn.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from autodet.access.change import may_change
from autodet.datasets.drafts.journal import Drafts
from autodet.datasets.manifest import Dataset
from autodet.inference.background_jobs import Job
from autodet.inference.label_order_jobs import cancel_look, find_look, start_look
from autodet.inference.label_orders import (
    COMPARES,
    ORDER_KINDS,
    OrderKind,
    PhotoOrder,
    models_that_know,
    order_by_teaching,
    order_of,
    unseen_photos,
    waiting_files,
    with_second,
)
from autodet.messages.labels import reason_text
from autodet.models.store import StoredModel
from autodet.records import LabelReason
from autodet.text_format import counted
from autodet.ui.common.address import named_in_address, write_address
from autodet.ui.common.choice import describe_model
from autodet.ui.common.editors import explain_refusal
from autodet.ui.common.job_progress import watch_job
from autodet.ui.common.markdown import escape

KEPT = "order of photos to label"  # session state: the order
LOOKED = "looked at photos to label"  # session state: identity of the order that needed it
TITLES: Mapping[OrderKind, str] = {
    "imported": "As imported",
    "teaches": "What teaches most",
    "random": "Random",
    "proposals": "Lowest proposals first",
}
HELP = (
    "*What teaches most* puts photos first on which a model is unsure, on which two models disagree, that may show a "
    "rare class, or that look unlike those that are labelled. *Lowest proposals first* starts with the drafts that a "
    "model is least sure of. With 20 to 80 photos, no order was reliably better than random in measurements."
)
AGAIN = "With the labels as they are now."
READ = "The photos have been read. *Order now* puts them in the new order."
BY_LOOKS = "No model: by looks alone"


@dataclass(frozen=True)
class OrderChoice:
    """The chosen order of all photos.

    Attributes:
        files: The photos.
        reasons: Why a photo has its place, by file; only for photos that wait for labels.
        is_new: Whether the visitor has just asked for it.
    """

    files: tuple[str, ...]
    reasons: Mapping[str, LabelReason]
    is_new: bool = False

    @property
    def sentences(self) -> dict[str, str]:
        """The reasons as sentences."""
        return {file: reason_text(reason) for file, reason in self.reasons.items()}


@dataclass(frozen=True)
class _Kept:
    """An order that stays until the visitor asks for a new one.

    Attributes:
        made_for: Data set, kind and models.
        order: The order.
        waiting: Number of photos that waited for labels when it was made.
    """

    made_for: str
    order: PhotoOrder
    waiting: int


def choose_order(drafts: Drafts, room: DeltaGenerator) -> OrderChoice:
    """Let the visitor choose an order, and return it; as imported while the chosen one is not there yet.

    Args:
        drafts: The labels of the data set.
        room: Container of the choices; what explains them goes below.
    """
    with room:
        kind = _choose_kind(drafts)
        models = _choose_models(drafts) if kind == "teaches" else ()
        before = st.session_state.get(KEPT)
        order = _order(drafts, kind, models) if kind != "imported" else order_of(drafts, kind)
    _explain(drafts, kind, models, order)
    if order is None:
        return OrderChoice(order_of(drafts, "imported").files, {})
    return OrderChoice(order.files, order.reasons, st.session_state.get(KEPT) is not before)


def _choose_kind(drafts: Drafts) -> OrderKind:
    named = named_in_address("order")
    key = f"label order {drafts.dataset.id}"
    if named in ORDER_KINDS:
        st.session_state[key] = named
    kind = st.selectbox(
        "Order of the photos", ORDER_KINDS, format_func=TITLES.__getitem__, help=HELP, key=key, width=220
    )
    if kind != ORDER_KINDS[0]:
        write_address("order", kind)
    return kind


def _choose_models(drafts: Drafts) -> tuple[StoredModel, ...]:
    known = {str(model.path): model for model in models_that_know(drafts)}
    if not known:
        return ()
    chosen = st.selectbox(
        "Model",
        [*known, ""],
        format_func=lambda path: describe_model(known[path]) if path else BY_LOOKS,
        key=f"label order model {drafts.dataset.id}",
        width=300,
    )
    return with_second(drafts, known[chosen]) if chosen else ()


def _order(drafts: Drafts, kind: OrderKind, models: Sequence[StoredModel]) -> PhotoOrder | None:
    """Return the kept order, or make one; None while the photos have not been looked at."""
    made_for = _identity(drafts, kind, models)
    kept: _Kept | None = st.session_state.get(KEPT)
    same = kept if kept and kept.made_for == made_for else None
    looked = st.session_state.get(LOOKED) == made_for
    can_order = kind == "proposals" or (kind == "teaches" and bool(same or _is_read(drafts, models, looked)))
    again = can_order and st.button("Order now", icon=":material/refresh:", help=AGAIN)
    if same and not again:
        return same.order
    if looked and not again:
        return None  # photos that were read while the visitor labels others do not move by themselves
    order = _make(drafts, kind, models, looked)
    st.session_state[KEPT] = _Kept(made_for, order, len(waiting_files(drafts))) if order else None
    return order


def _is_read(drafts: Drafts, models: Sequence[StoredModel], looked: bool) -> bool:
    """Return whether the photos can be ordered by what they teach, without a look at them first."""
    return not find_look(drafts.dataset) if looked else not unseen_photos(drafts, models)


def _identity(drafts: Drafts, kind: OrderKind, models: Sequence[StoredModel]) -> str:
    return " ".join([drafts.dataset.identity, kind, *(model.card.weights_sha256 for model in models)])


def _make(drafts: Drafts, kind: OrderKind, models: Sequence[StoredModel], looked: bool) -> PhotoOrder | None:
    if kind != "teaches":
        return order_of(drafts, kind)
    st.session_state.pop(LOOKED, None)
    if not looked and unseen_photos(drafts, models):
        return None
    with st.spinner("Ordering the photos"):
        return order_by_teaching(drafts, models)


def _explain(drafts: Drafts, kind: OrderKind, models: Sequence[StoredModel], order: PhotoOrder | None) -> None:
    """Describe the order, or offer the job that it needs first."""
    if kind != "teaches":
        return
    dataset = drafts.dataset
    job = find_look(dataset)
    if job and not job.error:
        watch_job("Label", partial(find_look, dataset), _progress_text, partial(_cancel, dataset))
        return
    if job:
        st.error(escape(job.error), icon=":material/error:")
    if order:
        _describe(drafts, models)
    elif not job and st.session_state.get(LOOKED) == _identity(drafts, kind, models):
        st.caption(READ)
    elif not may_change():
        explain_refusal("compare photos")
    else:
        _offer_look(drafts, models)


def _cancel(dataset: Dataset) -> None:
    st.session_state.pop(LOOKED, None)
    cancel_look(dataset)


def _describe(drafts: Drafts, models: Sequence[StoredModel]) -> None:
    kept: _Kept = st.session_state[KEPT]
    by = " and ".join(f"*{escape(model.card.name)}*" for model in models) or "looks alone"
    since = kept.waiting - len(waiting_files(drafts))
    stale = f" {counted(since, 'photo')} got labels since." if since > 0 else ""
    st.caption(f"{counted(kept.waiting, 'photo')} that wait for labels, ordered by {by}.{stale}")


def _offer_look(drafts: Drafts, models: Sequence[StoredModel]) -> None:
    unseen = unseen_photos(drafts, models)
    st.caption(_needs(models))
    if st.button(f"Look at {counted(unseen, 'photo')}", icon=":material/visibility:", type="primary"):
        st.session_state[LOOKED] = _identity(drafts, "teaches", models)
        start_look(drafts.dataset, models)
        st.rerun()


def _needs(models: Sequence[StoredModel]) -> str:
    if not models:
        return "autodet reads the photos once, to tell which are alike, and keeps the result."
    two = " Two models are compared." if len(models) > 1 else ""
    return f"The model reads the photos once. Its results are kept, so the next order is quick.{two}"


def _progress_text(job: Job) -> str:
    if not job.total:
        return "Loading the model"
    return f"{'Comparing photo' if job.step == COMPARES else 'Photo'} {job.done:,} of {job.total:,}"
