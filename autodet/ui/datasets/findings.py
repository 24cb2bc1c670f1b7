"""Findings found by an import and the actions taken, by kind, with example photos."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

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
from autodet.ui.datasets.gallery import thumbnail

PER_PAGE = 20
PICTURE_PIXELS = 112  # so that two fit side by side on a phone
BESIDE_ONE, BESIDE_TWO = (1, 4), (4, 5)  # relative widths of pictures and text
MAX_PHOTOS = 4  # shown per finding


@dataclass(frozen=True)
class Picture:
    """Thumbnail of a photo, as JPEG, with a caption, which may be its name, and a legend of classes, as HTML."""

    caption: str
    jpeg: bytes
    names_photo: bool = False
    legend: str = ""


Pictures = Callable[[Finding], Sequence[Picture]]


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


def show_kind(findings: Sequence[Finding], pictures: Pictures, key: str, *, planned: bool = False) -> None:
    """Show findings of one kind, paginated, each with example photos.

    Args:
        findings: Findings of one kind.
        pictures: Function that draws the example photos of a finding.
        key: Key of this list, unique on the page.
        planned: Whether the actions are still to come.
    """
    pages = -(-len(findings) // PER_PAGE)
    number = st.pagination(pages, key=f"page {key}") if pages > 1 else 1
    shown = findings[(number - 1) * PER_PAGE : number * PER_PAGE]
    drawn = [_drawn(finding, pictures) for finding in shown]
    most = max(map(len, drawn))
    for finding, of_it in zip(shown, drawn, strict=True):
        words = st.container()
        if most:
            left, words = st.columns(BESIDE_ONE if most == 1 else BESIDE_TWO)
            with left.container(horizontal=True):
                for picture in of_it:
                    st.image(picture.jpeg, caption=picture.caption, width=PICTURE_PIXELS, alt=finding.file)
        name = f"**{escape(finding.file)}**  \n" if finding.file else ""
        action = action_sentence(finding, planned=planned)
        words.markdown(f"{name}{escape(problem_sentence(finding, 'page'))}  \n:gray[{escape(action)}]")
        if len(finding.photos) > MAX_PHOTOS:
            words.caption(f"The report names the other {len(finding.photos) - len(of_it):,} photos too.")


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
    return [Picture(escape(record.file), thumbnail(dataset, record)) for record in records]
