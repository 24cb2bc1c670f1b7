"""Labels that differ from those of the most similar objects, and their way to the label editor."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import streamlit as st

from autodet.charts.errors import WRONG_COLOUR
from autodet.datasets.drafts.flags import flag_photos
from autodet.datasets.manifest import Dataset
from autodet.errors import PhotoError
from autodet.messages.evaluation import issue_text
from autodet.records import LabelIssue
from autodet.text_format import counted
from autodet.ui.common.editors import editors_only
from autodet.ui.common.frame import link
from autodet.ui.common.markdown import escape, shortened
from autodet.ui.common.photo_crops import crop_photo
from autodet.ui.common.photo_viewer import thumbnail_button
from autodet.ui.datasets.gallery import enlarge
from autodet.ui.datasets.photo_comparison import Compared

PER_PAGE = 12
TILE_PIXELS = 176  # four side by side, two on a phone
MAX_NAME = 24
ALL = ("", "")


def show_doubtful_labels(compared: Compared) -> None:
    """Show labels whose most similar objects have another class, by pair of classes."""
    issues = compared.issues
    if not issues:
        st.success("Similar objects have the same labels.", icon=":material/check:")
        return
    st.markdown(
        "Most of the objects that look like these, on other photos, have another class. The clearest come first; the "
        "model compares the middle of each box, and may be wrong."
    )
    dataset = compared.dataset
    counts = Counter((issue.class_name, issue.suggested_class) for issue in issues)
    chosen = st.selectbox(
        "Labels",
        [ALL, *(pair for pair, _ in counts.most_common())],
        format_func=lambda pair: _title(pair, counts),
        key=f"doubtful labels {dataset.id}",
        width=420,
    )
    shown = [issue for issue in issues if chosen in (ALL, (issue.class_name, issue.suggested_class))]
    _offer_correction(dataset, shown, f"{dataset.id} {chosen}")
    pages = -(-len(shown) // PER_PAGE)
    page = st.pagination(pages, key=f"pages doubtful {dataset.id} {chosen}") if pages > 1 else 1
    with st.container(horizontal=True, gap="small"):
        for place, issue in list(enumerate(shown))[(page - 1) * PER_PAGE : page * PER_PAGE]:
            with st.container(width=TILE_PIXELS, gap="xxsmall", key=f"tile doubtful {place}"):
                _show_tile(compared, issue, f"doubtful {dataset.id} {place}")


def _title(pair: tuple[str, str], counts: Counter[tuple[str, str | None]]) -> str:
    if pair == ALL:
        return f"All ({sum(counts.values()):,})"
    return f"{shortened(pair[0], MAX_NAME)}, among {shortened(pair[1], MAX_NAME)} ({counts[pair]:,})"


def _show_tile(compared: Compared, issue: LabelIssue, key: str) -> None:
    photo = compared.places[issue.file]
    record = compared.dataset.images[photo]
    text = issue_text(
        issue.kind, shortened(issue.class_name, MAX_NAME), shortened(issue.suggested_class or "", MAX_NAME)
    )
    try:
        picture = crop_photo(compared.dataset, record, ((issue.box, WRONG_COLOUR),))
    except PhotoError as error:
        st.caption(f":material/broken_image: {escape(str(error))}")
        return
    st.image(picture, width="stretch", alt=f"{issue.file}: {text}")
    if thumbnail_button(escape(issue.file), f"enlarge {key}"):
        enlarge(compared.dataset, np.array([photo]), 0)
    st.caption(f"{escape(text)}: {1 - issue.score:.0%} of similar objects differ")


@editors_only()
def _offer_correction(dataset: Dataset, issues: Sequence[LabelIssue], key: str) -> None:
    """Offer to write the doubts into the drafts of the photos, where the label editor shows them."""
    photos = list(dict.fromkeys(issue.file for issue in issues))
    sent = f"sent doubts {key}"
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(
            f"Check {counted(len(photos), 'photo')} in Label",
            icon=":material/flag:",
            key=f"send {key}",
            help="Flags the photos and marks these labels in the label editor.",
        ):
            flag_photos(dataset, {file: [issue for issue in issues if issue.file == file] for file in photos})
            st.session_state[sent] = photos[0]
        if sent in st.session_state:
            link("label", "Open in Label", dataset=dataset.id, photo=st.session_state[sent], primary=True)
