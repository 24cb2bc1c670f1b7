"""Versions of a data set: their history, and a form that creates a new one."""

from dataclasses import replace

import pandas as pd
import streamlit as st

from autodet.charts.palette import GREY
from autodet.datasets.manifest import Dataset
from autodet.datasets.splits import SHARES
from autodet.datasets.versions.derive import (
    Changes,
    Version,
    ancestors,
    free_version_name,
    plan_version,
    store_version,
)
from autodet.datasets.versions.diff import ALL, Difference, Tally, compare, tally
from autodet.datasets.versions.photo_groups import RULES
from autodet.datasets.versions.resplit import Resplit
from autodet.errors import AutodetError
from autodet.messages.findings import problem_sentence
from autodet.messages.versions import change_sentence
from autodet.text_format import counted
from autodet.ui.common.choice import choose
from autodet.ui.common.frame import sentences_for_errors
from autodet.ui.common.markdown import SPLIT_TITLES, escape

GROUPS_SHOWN, EXAMPLES, WARNINGS_SHOWN = 5, 4, 6
PATTERN = "pattern"
EMPTIED = {"keep": "Keep them as photos without objects", "drop": "Leave them out"}


def show_versions(dataset: Dataset) -> None:
    """Show the history of a data set if it is a version, and the form for a new version."""
    if dataset.parent:
        _show_descent(dataset)
    _offer_version(dataset)


def _show_descent(dataset: Dataset) -> None:
    chain = list(ancestors(dataset))
    names = [
        f"**{escape(ancestor.name)}**" if ancestor else f"{escape(parent.id)}, which has been deleted"
        for parent, ancestor in chain
    ]
    changes = "\n".join(f"- {escape(change_sentence(change))}" for parent, _ in chain[:1] for change in parent.changes)
    with st.container(border=True):
        st.markdown(f":material/account_tree: Version of {', a version of '.join(names)}\n\n{changes}")
        _, parent = chain[0]
        if parent is None:
            return
        room = st.expander("Before and after", key=f"difference {dataset.id}", type="compact", on_change="rerun")
        if room.open:
            with room:
                _show_differences(compare(_tally(parent), _tally(dataset)))


@st.fragment
def _offer_version(dataset: Dataset) -> None:
    with sentences_for_errors("Data sets"):
        room = st.expander(
            "New version", icon=":material/call_split:", key=f"new version {dataset.id}", on_change="rerun"
        )
        if room.open:
            with room:
                _edit(dataset)


def _edit(dataset: Dataset) -> None:
    what = "Rename, merge or drop classes, or redraw the splits" if dataset.classes else "Redraw the splits"
    st.markdown(
        f"{what}. This data set stays as it is, and the version shares its photos, so it needs almost no disk space."
    )
    changes = _edit_both(dataset) if dataset.classes else Changes(resplit=_edit_splits(dataset))
    if changes == Changes():
        st.caption("No changes yet.")
        return
    try:
        version = _planned(dataset, changes)
    except AutodetError as error:
        st.error(escape(str(error)), icon=":material/error:")
        return
    if version.fingerprint == dataset.fingerprint:
        st.info("This version would be identical to the data set; change something.")
        return
    _preview(version)
    _offer_button(version)


def _edit_both(dataset: Dataset) -> Changes:
    classes, splits = st.tabs(["Classes", "Splits"])
    with classes:
        changes = _edit_classes(dataset)
    with splits:
        return replace(changes, resplit=_edit_splits(dataset))


def _edit_classes(dataset: Dataset) -> Changes:
    """Show the editor for classes, and return the requested changes."""
    boxes = _tally(dataset).boxes
    table = pd.DataFrame(
        {
            "class": list(dataset.classes),
            "boxes": [boxes[name][ALL] for name in dataset.classes],
            "name": list(dataset.classes),
            "keep": True,
        }
    )
    st.caption("Classes that get one name are merged. Double-click a name to change it.")
    edited = st.data_editor(
        table,
        key=f"classes {dataset.id}",
        hide_index=True,
        disabled=["class", "boxes"],
        column_config={
            "class": st.column_config.TextColumn("Class", width="medium"),
            "boxes": st.column_config.NumberColumn("Boxes", format="localized", width="small"),
            "name": st.column_config.TextColumn("New name", max_chars=200, width="medium"),
            "keep": st.column_config.CheckboxColumn("Keep", width="small"),
        },
        alt="The classes, with a new name for each and whether it is kept",
    )
    rows = list(zip(dataset.classes, edited["name"], edited["keep"], strict=True))
    rename = {old: new if isinstance(new, str) else "" for old, new, keep in rows if keep and new != old}
    drop = tuple(old for old, _, keep in rows if not keep)
    emptied = "keep"
    if drop:
        emptied = st.radio(
            "Photos that lose all boxes", list(EMPTIED), format_func=EMPTIED.__getitem__, key=f"emptied {dataset.id}"
        )
    return Changes(rename, drop, "drop" if emptied == "drop" else "keep")


def _edit_splits(dataset: Dataset) -> Resplit | None:
    """Show the form for new splits, and return the request; None if the splits stay or the pattern is empty."""
    if not st.toggle("Redraw the splits", key=f"resplit {dataset.id}"):
        return None
    train, val, test, seed = st.columns(4)
    of_train = train.number_input("Training, %", 1, 100, round(100 * SHARES["train"]), key=f"train {dataset.id}")
    of_val = val.number_input("Validation, %", 0, 99, round(100 * SHARES["val"]), key=f"val {dataset.id}")
    test.metric("Test", f"{100 - of_train - of_val} %", help="The rest of the photos.")
    number = seed.number_input(
        "Seed", 0, 2**31 - 1, 0, key=f"seed {dataset.id}", help="Another seed draws other splits."
    )
    stratified = st.checkbox(
        "Stratify: every class gets its share of each split", value=True, key=f"stratified {dataset.id}"
    )
    rules = {"": "Only copies of a photo, and photos that look alike", **RULES, PATTERN: "A regular expression"}
    rule = st.selectbox(
        "Keep together",
        list(rules),
        format_func=rules.__getitem__,
        key=f"together {dataset.id}",
        help="Frames of one video in two splits are data leakage: metrics look better than they are.",
    )
    if rule == PATTERN:
        rule = st.text_input(
            "Regular expression",
            placeholder="(clip[0-9]+)_",
            key=f"pattern {dataset.id}",
            help="With one group in parentheses, searched in the path that a photo had when it was imported. What the "
            "group matches is the same for photos that belong together.",
        )
        if not rule:
            return None
    return Resplit((of_train, of_val, 100 - of_train - of_val), number, stratified, rule or "")


def _preview(version: Version) -> None:
    changes = "\n".join(f"- {escape(change_sentence(change, planned=True))}" for change in version.changes)
    st.markdown(f"**What would change**\n\n{changes}")
    together = sorted((photos for photos in version.groups.items() if len(photos[1]) > 1), key=lambda g: -len(g[1]))
    if together:
        more = f", the largest {GROUPS_SHOWN} of them here" if len(together) > GROUPS_SHOWN else ""
        st.caption(
            f"{counted(len(version.images), 'photo')} in {counted(len(version.groups), 'group')}; "
            f"{counted(len(together), 'group')} of more than one photo{more}:"
        )
        rows = [
            {"Group": name, "Photos": len(photos), "For example": ", ".join(sorted(photos)[:EXAMPLES])}
            for name, photos in together[:GROUPS_SHOWN]
        ]
        st.dataframe(pd.DataFrame(rows), hide_index=True, alt="Groups of photos that stay together")
    _show_differences(version.differences())
    problems = [problem_sentence(finding, "page") for finding in version.findings_of_the_whole]
    if problems:
        more = f" And {len(problems) - WARNINGS_SHOWN} more like these." if len(problems) > WARNINGS_SHOWN else ""
        st.warning(escape(" ".join(problems[:WARNINGS_SHOWN]) + more), icon=":material/warning:")


def _offer_button(version: Version) -> None:
    parent = version.parent
    name, button = st.columns([3, 1], vertical_alignment="bottom")
    called = name.text_input("Name", free_version_name(parent), key=f"version name {parent.id}")
    if button.button("Create the version", type="primary", icon=":material/call_split:", width="stretch"):
        with st.spinner("Creating the version"):
            made = store_version(version, called)
        choose(dataset=made.id)
        st.toast(f"{escape(made.name)} was created.", icon=":material/check:")
        st.rerun()


def _show_differences(differences: list[Difference]) -> None:
    """Show a table of counts before and after, with unchanged counts in grey."""
    rows = [
        {"": difference.name or difference.of.capitalize()}
        | {
            SPLIT_TITLES.get(split, "All"): _changed(difference.before[split], count)
            for split, count in difference.after.items()
        }
        for difference in differences
    ]
    table = pd.DataFrame(rows)
    st.dataframe(
        table.style.map(lambda cell: "" if "→" in cell else f"color: {GREY}", subset=table.columns[1:]),
        hide_index=True,
        height=min(460, 38 + 35 * len(table)),
        alt="Photos and boxes before and after",
    )


def _changed(before: int, after: int) -> str:
    return f"{after:,}" if before == after else f"{before:,} → {after:,}"


@st.cache_data(max_entries=20, show_spinner=False, hash_funcs={Dataset: lambda dataset: dataset.fingerprint})
def _tally(dataset: Dataset) -> Tally:
    return tally(dataset.classes, dataset.images)


@st.cache_resource(
    max_entries=2,
    show_spinner="Planning the version",
    hash_funcs={Dataset: lambda dataset: f"{dataset.folder} {dataset.fingerprint}", Changes: repr},
)
def _planned(dataset: Dataset, changes: Changes) -> Version:
    return plan_version(dataset, changes)
