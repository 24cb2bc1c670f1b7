"""Problems found by an import and the actions taken, by kind, with example photos."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from autodet.datasets.checks.kinds import KINDS, by_kind, how_many
from autodet.datasets.manifest import Dataset
from autodet.datasets.statistics import columns_of
from autodet.errors import PhotoError
from autodet.records import Problem
from autodet.ui.common.csv_tables import as_csv
from autodet.ui.common.frame import sentences_for_errors
from autodet.ui.common.markdown import as_plan, escape, on_page
from autodet.ui.datasets.gallery import thumbnail

PER_PAGE = 6
PICTURE_PIXELS = 144  # so that two fit side by side on a phone
BESIDE_ONE, BESIDE_TWO = (1, 4), (4, 5)  # relative widths of pictures and text
MAX_PHOTOS = 4  # shown per problem


@dataclass(frozen=True)
class Picture:
    """Thumbnail of a photo, as JPEG, with a caption."""

    caption: str
    jpeg: bytes


Pictures = Callable[[Problem], Sequence[Picture]]


@st.fragment
def show_problems(dataset: Dataset) -> None:
    """Show all problems of a data set, with search and download."""
    with sentences_for_errors("Data sets"):
        _show_problems(dataset)


def _show_problems(dataset: Dataset) -> None:
    if not dataset.problems:
        st.success("Nothing was wrong with this data set.", icon=":material/check_circle:")
        return
    st.markdown("Findings of the import, and the action taken for each.")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        wanted = st.text_input("Find", placeholder="part of a file's name or of a problem", key=f"find {dataset.id}")
        offer_csv(dataset.problems, dataset.id)
    found = find_problems(dataset.problems, wanted)
    if not found:
        st.info("Nothing that was found says so.", icon=":material/search_off:")
    for kind, problems in by_kind(found).items():
        title = f"**{KINDS[kind].title}** · {how_many(problems):,}"
        with st.expander(title, key=f"kind {dataset.id} {kind}", on_change="rerun") as room:
            if room.open:
                st.caption(KINDS[kind].why)
                show_findings(problems, lambda problem: _pictures(dataset, problem), f"{dataset.id} {kind} {wanted}")


def find_problems(problems: Sequence[Problem], text: str) -> Sequence[Problem]:
    """Return the problems whose file, description or action contains a text, ignoring case."""
    part = text.strip().casefold()
    if not part:
        return problems
    return [one for one in problems if part in f"{one.file} {one.problem} {one.action}".casefold()]


def show_findings(problems: Sequence[Problem], pictures: Pictures, key: str, *, planned: bool = False) -> None:
    """Show problems of one kind, paginated, each with example photos.

    Args:
        problems: Problems of one kind.
        pictures: Function that draws the example photos of a problem.
        key: Key of this list, unique on the page.
        planned: Whether the actions are still to come.
    """
    pages = -(-len(problems) // PER_PAGE)
    number = st.pagination(pages, key=f"page {key}") if pages > 1 else 1
    shown = problems[(number - 1) * PER_PAGE : number * PER_PAGE]
    drawn = [_drawn(problem, pictures) for problem in shown]
    most = max(map(len, drawn))
    for problem, of_it in zip(shown, drawn, strict=True):
        words = st.container()
        if most:
            left, words = st.columns(BESIDE_ONE if most == 1 else BESIDE_TWO)
            with left.container(horizontal=True):
                for picture in of_it:
                    st.image(picture.jpeg, caption=picture.caption, width=PICTURE_PIXELS, alt=problem.file)
        name = f"**{escape(problem.file)}**  \n" if problem.file else ""
        words.markdown(f"{name}{escape(on_page(problem.problem))}  \n:gray[{escape(_action(problem, planned))}]")
        if len(problem.photos) > MAX_PHOTOS:
            words.caption(f"The report names the other {len(problem.photos) - len(of_it):,} photos too.")


def _action(problem: Problem, planned: bool) -> str:
    return as_plan(problem.action) if planned else problem.action


def offer_csv(problems: Sequence[Problem], name: str, *, planned: bool = False) -> None:
    """Show a button that generates and downloads the report, worded as on the page.

    Args:
        problems: The problems.
        name: Prefix of the file name.
        planned: Whether the actions are still to come.
    """
    st.download_button(
        "Report as CSV",
        lambda: problems_csv(problems, planned=planned),
        f"{name}-problems.csv",
        "text/csv",
        key=f"csv {name}",
        icon=":material/download:",
        on_click="ignore",
    )


def problems_csv(problems: Sequence[Problem], *, planned: bool = False) -> bytes:
    """Return a CSV file with the columns ``kind, file, problem, action, photos`` and a row per problem."""
    rows = [
        (one.kind, one.file, on_page(one.problem), _action(one, planned), "; ".join(one.photos)) for one in problems
    ]
    return as_csv(pd.DataFrame(rows, columns=["kind", "file", "problem", "action", "photos"]))


def _drawn(problem: Problem, pictures: Pictures) -> Sequence[Picture]:
    try:
        return pictures(problem)
    except PhotoError:
        return ()  # the problem itself reports the unreadable photo


def _pictures(dataset: Dataset, problem: Problem) -> list[Picture]:
    places = columns_of(dataset).places
    records = [dataset.images[places[photo]] for photo in problem.photos[:MAX_PHOTOS] if photo in places]
    return [Picture(escape(record.file), thumbnail(dataset, record)) for record in records]
