"""From the labels that look wrong to the label editor, which walks the photos with them."""

from collections import defaultdict
from collections.abc import Sequence

import streamlit as st

from autodet.access.change import may_change
from autodet.datasets.drafts.flags import flag_photos
from autodet.records import LabelIssue
from autodet.text_format import counted
from autodet.ui.common.frame import open_page
from autodet.ui.evaluate.evaluation import Evaluated

DONE = "People have reviewed these labels already; make a version of the drafts on the page Label."


def offer_editor(evaluated: Evaluated, issues: Sequence[LabelIssue]) -> None:
    """Offer to open all photos with issues in the label editor; photos that people have reviewed since stay away."""
    if not _has_editor(evaluated):
        return
    photos = counted(len({issue.file for issue in issues}), "photo")
    key = f"edit all {evaluated.key}"
    words = "Each photo is flagged with what looks wrong; *next flagged* walks through them."
    if st.button(f"Open all in the editor ({photos})", icon=":material/edit_square:", key=key, help=words):
        _open(evaluated, issues, reviewed=False)


def offer_photo(evaluated: Evaluated, issues: Sequence[LabelIssue], issue: LabelIssue, key: str) -> None:
    """Offer to open the photo of an issue in the label editor, with everything that looks wrong there."""
    if _has_editor(evaluated) and st.button(
        "Open in the editor", icon=":material/edit_square:", key=f"edit {key}", type="tertiary"
    ):
        _open(evaluated, [other for other in issues if other.file == issue.file], reviewed=True)


def _has_editor(evaluated: Evaluated) -> bool:
    return may_change() and not evaluated.dataset.temporary


def _open(evaluated: Evaluated, issues: Sequence[LabelIssue], *, reviewed: bool) -> None:
    by_file: dict[str, list[LabelIssue]] = defaultdict(list)
    for issue in issues:
        by_file[issue.file].append(issue)
    flagged = flag_photos(evaluated.dataset, by_file, reviewed=reviewed)
    if flagged:
        open_page("label", dataset=evaluated.dataset.id, photo=flagged[0])
    st.info(DONE, icon=":material/check:")
