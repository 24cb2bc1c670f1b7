"""Lists of photos of a data set: their counts, their thumbnails, and what can be done with them."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import streamlit as st

from autodet.datasets.drafts.marks import mark_photos
from autodet.datasets.manifest import Dataset
from autodet.datasets.versions.derive import Changes
from autodet.records import SPLITS
from autodet.text_format import counted, listed
from autodet.ui.common.editors import editors_only
from autodet.ui.common.frame import link
from autodet.ui.common.markdown import SPLIT_TITLES, escape, shortened
from autodet.ui.datasets.gallery import show_tile
from autodet.ui.datasets.version_form import offer_changes

PER_PAGE, PAIRS_PER_PAGE = 12, 6
TILE_PIXELS = 176  # four side by side, two on a phone
PAIRED_PIXELS = 144  # of each photo of a pair, so that both fit side by side on a phone
MAX_NAMES = 6  # classes that a sentence names
MAX_MARKED = 2000  # photos at once


def show_photos(dataset: Dataset, photos: Sequence[int], key: str) -> None:
    """Show photos in pages, with their counts and the actions on all of them, also to leave them out.

    Args:
        dataset: The data set.
        photos: Indices of photos, at least one.
        key: Identifies the list; it changes with its photos.
    """
    st.caption(_counts(dataset, photos))
    files = [dataset.images[photo].file for photo in photos]
    offer_actions(dataset, files, key)
    _offer_leaving_out(dataset, files, key)
    pages = -(-len(photos) // PER_PAGE)
    page = st.pagination(pages, key=f"pages {key}") if pages > 1 else 1
    every = np.array(photos, np.int64)
    with st.container(horizontal=True, gap="small"):
        for place in range((page - 1) * PER_PAGE, min(page * PER_PAGE, len(photos))):
            with st.container(width=TILE_PIXELS, gap="xxsmall", key=f"tile {key} {place}"):
                show_tile(dataset, every, place, key)


def show_pairs(dataset: Dataset, pairs: Sequence[tuple[int, int, float]], key: str) -> None:
    """Show pairs of photos that are nearly the same, those in two splits first.

    Args:
        dataset: The data set.
        pairs: Two indices of photos and their similarity.
        key: Identifies the list.
    """
    if not pairs:
        st.success("No two photos are nearly the same, as far as this model can tell.", icon=":material/check:")
        return
    splits = [record.split for record in dataset.images]
    across = sum(splits[one] != splits[other] for one, other, _ in pairs)
    ordered = sorted(pairs, key=lambda pair: splits[pair[0]] == splits[pair[1]])
    advice = (
        f" {counted(across, 'pair lies', 'pairs lie')} in two splits, so metrics are measured on near-copies: "
        "draw new splits under New version, where near-duplicates stay together."
    )
    st.markdown(f"**{counted(len(pairs), 'pair')}** of photos that are nearly the same.{advice if across else ''}")
    files = [dataset.images[photo].file for pair in ordered for photo in pair[:2]]
    offer_actions(dataset, files, key)
    pages = -(-len(ordered) // PAIRS_PER_PAGE)
    page = st.pagination(pages, key=f"pages {key}") if pages > 1 else 1
    with st.container(horizontal=True, gap="small"):
        for place in range((page - 1) * PAIRS_PER_PAGE, min(page * PAIRS_PER_PAGE, len(ordered))):
            one, other, similarity = ordered[place]
            both = np.array([one, other], np.int64)
            with st.container(border=True, width=2 * PAIRED_PIXELS + 50, gap="xxsmall"):
                with st.container(horizontal=True, gap="small"):
                    for side in (0, 1):
                        with st.container(width=PAIRED_PIXELS, gap="xxsmall", key=f"tile {key} {place} {side}"):
                            show_tile(dataset, both, side, f"{key} {place} {side}")
                titles = dict.fromkeys(SPLIT_TITLES[splits[photo]] for photo in (one, other))
                st.caption(f"similarity {similarity:.3f} · {' and '.join(titles).lower()}")


@editors_only()
def offer_actions(dataset: Dataset, files: Sequence[str], key: str) -> None:
    """Offer to flag photos, and to open them in the label editor."""
    distinct = list(dict.fromkeys(files))
    flagged = f"flagged {key}"
    with st.container(horizontal=True, vertical_alignment="center"):
        if len(distinct) <= MAX_MARKED:
            pressed = st.button(
                f"Flag {'this photo' if len(distinct) == 1 else f'these {len(distinct):,} photos'}",
                icon=":material/flag:",
                key=f"flag {key}",
                help="A flag marks a photo to look at again; the page Label finds the flagged ones.",
            )
            if pressed:
                mark_photos(dataset, distinct)
                st.session_state[flagged] = True
        link("label", "Open in Label", dataset=dataset.id, photo=distinct[0])
    if flagged in st.session_state:
        st.success("These photos are flagged: the page Label finds them.", icon=":material/flag:")


@editors_only()
def _offer_leaving_out(dataset: Dataset, files: Sequence[str], key: str) -> None:
    """Offer a version of the data set without these photos."""
    which = "this photo" if len(files) == 1 else f"these {len(files):,} photos"
    room = st.expander(
        f"Leave {which} out in a new version",
        icon=":material/playlist_remove:",
        key=f"leave out {key}",
        on_change="rerun",
    )
    if room.open:
        with room:
            offer_changes(dataset, Changes(leave_out=tuple(files)), f"without {key}")


def _counts(dataset: Dataset, photos: Sequence[int]) -> str:
    """Count the photos by split, and their boxes by class."""
    records = [dataset.images[photo] for photo in photos]
    splits = Counter(record.split for record in records)
    of_splits = listed(f"{SPLIT_TITLES[split].lower()} {splits[split]:,}" for split in SPLITS if splits[split])
    boxes: Counter[int] = Counter()
    for record in records:
        boxes.update(record.annotations.class_ids.tolist())
    names = [f"{escape(shortened(dataset.classes[class_id]))} {count:,}" for class_id, count in boxes.most_common()]
    return f"Photos: {of_splits} · Boxes: {listed(names, most=MAX_NAMES) if names else 'none'}"
