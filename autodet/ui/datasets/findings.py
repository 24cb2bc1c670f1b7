"""Findings found by an import and the actions taken, by kind, with example photos."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial

import pandas as pd
import streamlit as st

from autodet.datasets.checks.kinds import by_kind, how_many
from autodet.datasets.manifest import Dataset
from autodet.datasets.statistics import columns_of
from autodet.errors import PhotoError
from autodet.messages.finding_kinds import KIND_TEXTS
from autodet.messages.findings import action_sentence, problem_sentence
from autodet.records import Finding
from autodet.ui.common.csv_tables import as_csv
from autodet.ui.common.frame import sentences_for_errors
from autodet.ui.common.markdown import escape
from autodet.ui.common.photo_viewer import (
    GROUND_TRUTH,
    Layer,
    ViewedPhoto,
    opening,
    photo_viewer,
    thumbnail_button,
)
from autodet.ui.datasets.gallery import thumbnail, view_record

PER_PAGE = 20
PICTURE_PIXELS = 112  # so that two fit side by side on a phone
BESIDE_ONE, BESIDE_TWO = (1, 4), (4, 5)  # relative widths of pictures and text
MAX_PHOTOS = 4  # shown per finding
OPENED = "opened finding"  # session state: the list, the finding's place in it, and the number of its picture


IN_QUESTION = Layer("in_question", "In question", colour="#e4572e")
AFTER = Layer("after", "After", colour="#2a9d6f")
LAYERS = (GROUND_TRUTH, IN_QUESTION, AFTER)


@dataclass(frozen=True)
class Picture:
    """Thumbnail of a photo.

    Attributes:
        caption: Text below it, as Markdown.
        jpeg: The thumbnail.
        view: Prepares the photo for the viewer, with ``LAYERS``.
        names_photo: Whether the caption is the photo's name.
        legend: Legend of classes, as HTML.
        layers: Layers of its boxes, a part of ``LAYERS``.
    """

    caption: str
    jpeg: bytes
    view: Callable[[], ViewedPhoto]
    names_photo: bool = False
    legend: str = ""
    layers: Collection[Layer] = (GROUND_TRUTH,)


Pictures = Callable[[Finding], Sequence[Picture]]


def show_picture(picture: Picture, width: int, key: str, caption: str, alt: str) -> bool:
    """Show a thumbnail that answers clicks; return whether it was pressed, which should open the viewer."""
    with st.container(width=width, gap=None, key=f"tile bare {key}"):
        st.image(picture.jpeg, caption=caption or None, width=width, alt=alt)
        return thumbnail_button("Enlarge", f"enlarge {key}")


@st.dialog("Photo", width="large")
def enlarge_pictures(pictures: Sequence[Picture], start: int) -> None:
    """Open some photos in the viewer, one at a time."""
    with sentences_for_errors("Data sets"):
        _view(pictures, start, opening())


def _view(pictures: Sequence[Picture], start: int, identity: str) -> None:
    views = [picture.view for picture in pictures]
    layers = [layer for layer in LAYERS if any(layer in picture.layers for picture in pictures)]
    photo_viewer(
        len(views), lambda place: views[place](), key="finding viewer", layers=layers, identity=identity, start=start
    )


@st.fragment
def show_findings(dataset: Dataset) -> None:
    """Show all findings of a data set, with search and download."""
    with sentences_for_errors("Data sets"):
        _show_findings(dataset)


def _show_findings(dataset: Dataset) -> None:
    if not dataset.findings:
        st.success("The import found no problems.", icon=":material/check_circle:")
        return
    st.markdown("Findings of the import, and the action taken for each.")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        wanted = st.text_input("Find", placeholder="part of a file name or of a sentence", key=f"find {dataset.id}")
        offer_csv(dataset.findings, dataset.id)
    matching = find_findings(dataset.findings, wanted)
    if not matching:
        st.info("No finding matches.", icon=":material/search_off:")
    for kind, findings in by_kind(matching).items():
        title = f"**{KIND_TEXTS[kind].title}** · {how_many(findings):,}"
        with st.expander(title, key=f"kind {dataset.id} {kind}", on_change="rerun") as room:
            if room.open:
                st.caption(KIND_TEXTS[kind].why)
                show_kind(findings, lambda finding: _pictures(dataset, finding), f"{dataset.id} {kind} {wanted}")


def find_findings(findings: Sequence[Finding], text: str) -> Sequence[Finding]:
    """Return the findings whose file, description or action contains a text, ignoring case."""
    part = text.strip().casefold()
    if not part:
        return findings
    return [
        finding
        for finding in findings
        if part in f"{finding.file} {problem_sentence(finding, 'page')} {action_sentence(finding)}".casefold()
    ]


def show_kind(
    findings: Sequence[Finding], pictures: Pictures, key: str, *, planned: bool = False, in_dialog: bool = False
) -> None:
    """Show findings of one kind, paginated, each with example photos.

    Args:
        findings: Findings of one kind.
        pictures: Function that draws the example photos of a finding.
        key: Key of this list, unique on the page.
        planned: Whether the actions are still to come.
        in_dialog: Whether a dialog shows it, where the viewer opens above the list, because dialogs cannot be nested.
    """
    viewer = st.container()
    pages = -(-len(findings) // PER_PAGE)
    page = st.pagination(pages, key=f"page {key}") if pages > 1 else 1
    shown = findings[(page - 1) * PER_PAGE : page * PER_PAGE]
    drawn = [_drawn(finding, pictures) for finding in shown]
    most = max(map(len, drawn))
    for place, (finding, of_it) in enumerate(zip(shown, drawn, strict=True)):
        words = st.container()
        if most:
            left, words = st.columns(BESIDE_ONE if most == 1 else BESIDE_TWO)
            with left.container(horizontal=True):
                for number, picture in enumerate(of_it):
                    name = f"{key} {place} {number}"
                    if show_picture(picture, PICTURE_PIXELS, name, picture.caption, finding.file):
                        _open(f"{key} {page}", of_it, place, number, in_dialog=in_dialog)
        name = f"**{escape(finding.file)}**  \n" if finding.file else ""
        action = action_sentence(finding, planned=planned)
        words.markdown(f"{name}{escape(problem_sentence(finding, 'page'))}  \n:gray[{escape(action)}]")
        if len(finding.photos) > MAX_PHOTOS:
            words.caption(f"The report names the other {len(finding.photos) - len(of_it):,} photos too.")
    if in_dialog:
        with viewer:
            _show_opened(f"{key} {page}", drawn)


def _open(list_key: str, pictures: Sequence[Picture], place: int, number: int, *, in_dialog: bool) -> None:
    if in_dialog:
        st.session_state[OPENED] = list_key, place, number
    else:
        enlarge_pictures(pictures, number)


def _show_opened(list_key: str, drawn: Sequence[Sequence[Picture]]) -> None:
    """Show the picture that was opened in this list, with a button that closes it."""
    opened, place, number = st.session_state.get(OPENED, ("", 0, 0))
    if opened != list_key or number >= len(drawn[place]):
        return
    _view(drawn[place], number, f"{opening()} {place} {number}")
    if st.button("Back to the list", icon=":material/arrow_upward:"):
        del st.session_state[OPENED]
        st.rerun(scope="fragment")


def offer_csv(findings: Sequence[Finding], name: str, *, planned: bool = False) -> None:
    """Show a button that generates and downloads the report, worded as on the page.

    Args:
        findings: The findings.
        name: Prefix of the file name.
        planned: Whether the actions are still to come.
    """
    st.download_button(
        "Report as CSV",
        lambda: findings_csv(findings, planned=planned),
        f"{name}-findings.csv",
        "text/csv",
        key=f"csv {name}",
        icon=":material/download:",
        on_click="ignore",
    )


def findings_csv(findings: Sequence[Finding], *, planned: bool = False) -> bytes:
    """Return a CSV file with the columns ``kind, file, problem, action, photos`` and a row per finding."""
    rows = [
        (
            finding.kind,
            finding.file,
            problem_sentence(finding, "page"),
            action_sentence(finding, planned=planned),
            "; ".join(finding.photos),
        )
        for finding in findings
    ]
    return as_csv(pd.DataFrame(rows, columns=["kind", "file", "problem", "action", "photos"]))


def _drawn(finding: Finding, pictures: Pictures) -> Sequence[Picture]:
    try:
        return pictures(finding)
    except PhotoError:
        return ()  # the finding itself reports the unreadable photo


def _pictures(dataset: Dataset, finding: Finding) -> list[Picture]:
    places = columns_of(dataset).places
    records = [dataset.images[places[photo]] for photo in finding.photos[:MAX_PHOTOS] if photo in places]
    return [
        Picture(escape(record.file), thumbnail(dataset, record), partial(view_record, dataset, record))
        for record in records
    ]
