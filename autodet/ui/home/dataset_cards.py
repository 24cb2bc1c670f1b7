"""Data sets on Home, each with its best model and its next step."""

from contextlib import suppress
from dataclasses import dataclass

import streamlit as st

from autodet.access.change import may_change
from autodet.datasets.drafts.counts import count_labels
from autodet.datasets.drafts.version import has_new_labels
from autodet.datasets.manifest import DatasetSummary, list_datasets, read_dataset
from autodet.errors import AutodetError
from autodet.models.store import StoredModel, list_models
from autodet.search.api import list_searches
from autodet.search.next_search import NextSearch
from autodet.text_format import counted
from autodet.ui.common.choice import is_trained_on
from autodet.ui.common.frame import link
from autodet.ui.common.markdown import escape, score, shortened
from autodet.ui.common.next_search import next_search, offer_next_search
from autodet.ui.common.pictures import THUMBNAIL_PIXELS, as_jpeg, frame_colour, framed, small_photo
from autodet.workspace import open_workspace

MAX_CARDS, COLUMNS = 6, 3  # data sets shown


def show_datasets() -> None:
    """Show the newest data sets, each with its best model and its next step."""
    summaries, models = list_datasets(), list_models()
    if not summaries:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader("Data sets and their models", anchor=False, width="stretch")
        if may_change():
            link("datasets", "Import more photos", icon=":material/upload:", form="import")
    cards = [_card(summary, models) for summary in summaries[:MAX_CARDS]]
    waiting = [*(card for card in cards if card.plan), *(card for card in cards if card.unversioned)]
    urgent = waiting[0] if waiting and models else None  # without models, the steps above lead on
    for start in range(0, len(cards), COLUMNS):
        for column, card in zip(st.columns(COLUMNS), cards[start : start + COLUMNS], strict=False):
            with column.container(border=True, height="stretch"):
                _show_card(card, primary=card is urgent)


@dataclass(frozen=True, eq=False)
class Card:
    """A data set with its models and what may follow.

    Attributes:
        summary: The data set.
        models: The models that were trained on it.
        unversioned: Whether people have labelled photos since the last version was made.
        plan: The search from the last best model; None if there is no such model, or a search already.
        labelled: Photos labelled since the import, of a data set that had no labels.
    """

    summary: DatasetSummary
    models: list[StoredModel]
    unversioned: bool
    plan: NextSearch | None
    labelled: int


def _card(summary: DatasetSummary, models: list[StoredModel]) -> Card:
    own = [model for model in models if is_trained_on(model, summary)]
    unversioned, plan, done = False, None, 0
    with suppress(AutodetError):  # damaged, or deleted in the meantime
        dataset = read_dataset(open_workspace().datasets / summary.id)
        done = 0 if summary.boxes else count_labels(dataset).done
        if may_change():
            unversioned = has_new_labels(dataset)
            plan = next_search(dataset) if summary.parent else None
    return Card(summary, own, unversioned, plan, done)


def _show_card(card: Card, *, primary: bool) -> None:
    """Show a data set with its best model.

    Args:
        card: The data set.
        primary: Whether its next step is that of the page.
    """
    summary, models = card.summary, card.models
    st.image(_thumbnail(summary.id, summary.created, frame_colour()), width="stretch", alt=f"A photo of {summary.name}")
    photos = counted(sum(summary.splits.values()), "photo")
    bare = f"{card.labelled:,} labelled" if card.labelled else "no labels yet"
    classes = escape(shortened(", ".join(summary.classes), 60)) if summary.boxes else bare
    st.markdown(f"**{escape(summary.name)}**  \n{photos}, {classes}")
    best = max(models, key=lambda model: model.card.metrics.get("map50", 0.0), default=None)
    if best:
        st.caption(
            f"{counted(len(models), 'model')} · best mAP@0.5 "
            f"{score(best.card.metrics.get('map50'), best.card.measured_photos)}: {escape(best.card.name)}"
        )
    elif card.unversioned:
        st.caption("New labels, of which no version was made")
    elif card.plan:
        st.caption(f"No search yet; it can start from {escape(shortened(card.plan.model.name))}")
    else:
        st.caption("No model yet")
    with st.container(horizontal=True, gap="small"):
        link("datasets", "Photos", dataset=summary.id)
        if card.unversioned:
            link("label", "Make a version", primary=primary and not card.plan, dataset=summary.id)
        if best:
            link("evaluate", "Evaluate", model=best.id, dataset=summary.id)
            link("predict", "Try it", model=best.id, dataset=summary.id)
        elif card.plan:
            _offer_search(card.plan, primary=primary)
        elif summary.boxes:
            link("search", "Train", dataset=summary.id)
        elif not card.unversioned:
            link("label", "Label", dataset=summary.id)


def _offer_search(plan: NextSearch, *, primary: bool) -> None:
    """Offer to search again; by a link while searches run, because the page refreshes itself then."""
    if any(status.active for status in list_searches()):
        link("search", "Search again", primary=primary, dataset=plan.dataset.id)
    else:
        offer_next_search(plan, primary=primary)


@st.cache_data(max_entries=50, show_spinner=False)
def _thumbnail(identity: str, created: str, colour: str) -> bytes:
    """Return the first photo of a data set, as JPEG."""
    del created  # part of the cache key: another data set may get the id of a deleted one
    dataset = read_dataset(open_workspace().datasets / identity)
    record = dataset.images[0]
    photo, _ = small_photo(record.sha256 or record.file, THUMBNAIL_PIXELS, dataset.photo(record), record.file)
    return as_jpeg(framed(photo, colour))
