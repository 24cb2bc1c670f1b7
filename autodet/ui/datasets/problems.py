"""What an import found and did about it: by kind, with the photos that show it."""

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
PICTURE_PIXELS = 144  # two beside each other on a telephone
BESIDE_ONE, BESIDE_TWO = (1, 4), (4, 5)  # shares of a row that pictures and words take
MAX_PHOTOS = 4  # of one problem


@dataclass(frozen=True)
class Picture:
    """A small picture of a photo, as JPEG, and what is to be said of it."""

    caption: str
    jpeg: bytes


Pictures = Callable[[Problem], Sequence[Picture]]


@st.fragment
def show_problems(dataset: Dataset) -> None:
    """Everything that was found, to be searched and downloaded."""
    with sentences_for_errors("Data sets"):
        _show_problems(dataset)


def _show_problems(dataset: Dataset) -> None:
    if not dataset.problems:
        st.success("Nothing was wrong with this data set.", icon=":material/check_circle:")
        return
    st.markdown("What was found when this was imported, and what was done about it.")
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
    """The problems that have a text, in capital letters or not, in any of their words."""
    part = text.strip().casefold()
    if not part:
        return problems
    return [one for one in problems if part in f"{one.file} {one.problem} {one.action}".casefold()]


def show_findings(problems: Sequence[Problem], pictures: Pictures, key: str, *, planned: bool = False) -> None:
    """Problems of one kind, in pages, each with the photos that show it.

    Args:
        problems: Problems of one kind.
        pictures: Draws what is to be seen of a problem.
        key: What tells this list from every other on the page.
        planned: Whether what is done about them is yet to be done.
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
    """A button that makes and downloads the report when it is pressed, in the words of the page.

    Args:
        problems: The problems.
        name: What the file's name begins with.
        planned: Whether what is done about them is yet to be done.
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
    """The columns ``kind, file, problem, action, photos``, a row for each problem."""
    rows = [
        (one.kind, one.file, on_page(one.problem), _action(one, planned), "; ".join(one.photos)) for one in problems
    ]
    return as_csv(pd.DataFrame(rows, columns=["kind", "file", "problem", "action", "photos"]))


def _drawn(problem: Problem, pictures: Pictures) -> Sequence[Picture]:
    try:
        return pictures(problem)
    except PhotoError:
        return ()  # that it cannot be read is what the problem says


def _pictures(dataset: Dataset, problem: Problem) -> list[Picture]:
    places = columns_of(dataset).places
    records = [dataset.images[places[photo]] for photo in problem.photos[:MAX_PHOTOS] if photo in places]
    return [Picture(escape(record.file), thumbnail(dataset, record)) for record in records]
