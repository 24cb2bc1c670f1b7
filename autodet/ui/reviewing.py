"""What an import found, kind by kind, and what a person decides about it before anything is stored."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pandas as pd
import streamlit as st

from autodet.datasets.background import Import, find_import
from autodet.datasets.kinds import KINDS
from autodet.datasets.photos import open_photo
from autodet.datasets.reviewing import Review
from autodet.errors import AutodetError, PhotoError
from autodet.records import Problem
from autodet.ui.pictures import as_jpeg
from autodet.ui.tables import as_csv
from autodet.ui.text import counted, escape

THUMBNAILS, THUMBNAIL_SIDE = 4, 240


def show_review(one: Import) -> None:
    """The gate: kinds of problems with what to do about each, and the button that imports."""
    usual = _reviewed(one.id, one.request().created, ())
    _show_summary(one, usual)
    decisions = {kind: _show_kind(one, usual, kind) for kind in _kinds_of(usual)}
    changed = tuple((kind, action) for kind, action in decisions.items() if action != KINDS[kind].default)
    try:
        found = _reviewed(one.id, one.request().created, changed)
    except AutodetError as error:
        st.error(escape(str(error)), icon=":material/error:")
        found = None
    for refusal in found.refusals if found else ():
        st.error(escape(refusal), icon=":material/block:")
    with st.container(horizontal=True):
        label = f"Import {counted(len(found.photos), 'photo')}" if found else "Import"
        stopped = found is None or bool(found.refusals)
        if st.button(label, key=f"store {one.id}", type="primary", icon=":material/check:", disabled=stopped):
            one.proceed(dict(changed))
            st.rerun()
        if st.button("Discard", key=f"discard {one.id}"):
            one.discard()
            st.rerun()
        table = pd.DataFrame([asdict(problem) for problem in (found or usual).problems])
        st.download_button(
            "Report as CSV", as_csv(table), f"{one.id}-problems.csv", "text/csv", icon=":material/download:"
        )


@st.cache_resource(max_entries=8, show_spinner="Looking at what was found")
def _reviewed(id: str, _created: str, changed: tuple[tuple[str, str], ...]) -> Review:
    return find_import(id).review(dict(changed))


def _show_summary(one: Import, found: Review) -> None:
    name, boxes = escape(one.request().name), sum(len(photo.marks) for photo in found.photos)
    st.subheader(f"{name}: before it is imported", anchor=False)
    st.markdown(
        f"{counted(len(found.photos), 'photo')} with {counted(boxes, 'box', 'boxes')}, "
        f"read as {found.staged.detection.format.upper()}. Some of it needs your eyes; what is chosen here is what "
        "autodet would do."
    )
    if found.staged.detection.why:
        st.caption(escape(found.staged.detection.why))


def _kinds_of(found: Review) -> list[str]:
    """The kinds that were found, those that ask a person first."""
    counts = Counter(problem.kind for problem in found.problems)
    return sorted(counts, key=lambda kind: (not KINDS[kind].asks, list(KINDS).index(kind)))


def _show_kind(one: Import, found: Review, name: str) -> str:
    kind = KINDS[name]
    problems = [problem for problem in found.problems if problem.kind == name]
    left, right = st.columns([3, 2], vertical_alignment="center")
    left.markdown(f"**{kind.title}** · {len(problems):,}  \n{kind.why}")
    choices = {str(action): words for action, words in kind.choices.items()}
    action = right.selectbox(
        f"What to do about: {kind.title}",
        list(choices),
        format_func=choices.__getitem__,
        key=f"decide {one.id} {name}",
        label_visibility="collapsed",
        disabled=len(choices) == 1,
    )
    with st.expander(f"Look at {'it' if len(problems) == 1 else 'them'}"):
        _show_thumbnails(found, problems)
        table = pd.DataFrame([asdict(problem) for problem in problems[:1000]])
        st.dataframe(table[["file", "problem"]], hide_index=True, column_config={"file": "File", "problem": "Problem"})
    return action or kind.default


def _show_thumbnails(found: Review, problems: Sequence[Problem]) -> None:
    """The first photos that the problems are about, where there are any."""
    photos = {str(one.labelled.labels): one.labelled.photo for one in (*found.staged.photos, *found.staged.unlabelled)}
    photos |= {str(one.labelled.photo): one.labelled.photo for one in (*found.staged.photos, *found.staged.unlabelled)}
    files = list(dict.fromkeys(photos[problem.file] for problem in problems if problem.file in photos))[:THUMBNAILS]
    for column, file in zip(st.columns(THUMBNAILS), files, strict=False):
        try:
            column.image(_thumbnail(found.staged.root / file), caption=escape(str(file)))
        except PhotoError as error:
            column.caption(escape(str(error)))


@st.cache_data(max_entries=200, show_spinner=False)
def _thumbnail(path: Path) -> bytes:
    photo = open_photo(path, path.name)
    photo.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    return as_jpeg(photo)
