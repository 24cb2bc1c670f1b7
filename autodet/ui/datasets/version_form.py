"""Versions of a data set: their history, and a form that creates a new one."""

from dataclasses import replace

import pandas as pd
import streamlit as st

from autodet.datasets.manifest import Dataset, Parent
from autodet.datasets.versions.derive import (
    Changes,
    Version,
    ancestors,
    free_version_name,
    plan_version,
    store_version,
)
from autodet.datasets.versions.diff import ALL, Tally, add_up, compare, tally
from autodet.errors import AutodetError
from autodet.messages.versions import change_sentence
from autodet.text_format import listed
from autodet.ui.common.choice import choose
from autodet.ui.common.editors import editors_only
from autodet.ui.common.frame import sentences_for_errors
from autodet.ui.common.markdown import escape
from autodet.ui.common.version_preview import show_differences, show_preview
from autodet.ui.datasets.split_form import edit_splits

EMPTIED = {"keep": "Keep them as photos without objects", "drop": "Leave them out"}


def show_versions(dataset: Dataset) -> None:
    """Show the history of a data set if it is a version, and the form for a new version."""
    if dataset.parent:
        _show_descent(dataset)
    _offer_version(dataset)


def _show_descent(dataset: Dataset) -> None:
    found = [next(ancestors(replace(dataset, parent=parent, other_parents=()))) for parent in dataset.parents]
    parents = [parent for _, parent in found if parent]
    merged = len(found) > 1
    line = listed(map(_lineage, found)) if merged else _lineage(found[0])
    changes = "\n".join(f"- {escape(change_sentence(change))}" for change in dataset.parents[0].changes)
    with st.container(border=True):
        icon, made = (":material/merge:", "Merged from") if merged else (":material/account_tree:", "Version of")
        st.markdown(f"{icon} {made} {line}\n\n{changes}")
        if len(parents) < len(found):
            return
        room = st.expander("Before and after", key=f"difference {dataset.id}", type="compact", on_change="rerun")
        if room.open:
            with room:
                show_differences(compare(add_up(list(map(_tally, parents))), _tally(dataset)))


def _lineage(found: tuple[Parent, Dataset | None]) -> str:
    """Return the name of a parent, followed by the names of its own ancestors."""
    record, parent = found
    if parent is None:
        return f"{escape(record.id)}, which has been deleted"
    name = f"**{escape(parent.name)}**"
    older = [
        f"**{escape(one.name)}**" if one else f"{escape(of.id)}, which has been deleted"
        for of, one in ancestors(parent)
    ]
    if len(parent.parents) > 1:
        return f"{name}, which was merged from {listed(older)}"
    return ", a version of ".join([name, *older])


@editors_only()
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
    changes = _edit_both(dataset) if dataset.classes else Changes(resplit=edit_splits(dataset.id))
    if changes == Changes():
        st.caption("No changes yet.")
        return
    offer_changes(dataset, changes, f"new {dataset.id}")


def offer_changes(dataset: Dataset, changes: Changes, key: str) -> None:
    """Preview a version with these changes, and offer to make it.

    Args:
        dataset: The data set.
        changes: The changes.
        key: Identifies the offer on the page.
    """
    try:
        version = _planned(dataset, changes)
    except AutodetError as error:
        st.error(escape(str(error)), icon=":material/error:")
        return
    if version.fingerprint == dataset.fingerprint:
        st.info("This version would be identical to the data set; change something.")
        return
    show_preview(version)
    _offer_button(version, key)


def _edit_both(dataset: Dataset) -> Changes:
    classes, splits = st.tabs(["Classes", "Splits"])
    with classes:
        changes = _edit_classes(dataset)
    with splits:
        return replace(changes, resplit=edit_splits(dataset.id))


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


def _offer_button(version: Version, key: str) -> None:
    parent = version.parent
    name, button = st.columns([3, 1], vertical_alignment="bottom")
    called = name.text_input("Name", free_version_name(parent), key=f"version name {key}")
    if button.button(
        "Create the version", key=f"create {key}", type="primary", icon=":material/call_split:", width="stretch"
    ):
        with st.spinner("Creating the version"):
            made = store_version(version, called)
        choose(dataset=made.id)
        st.toast(f"{escape(made.name)} was created.", icon=":material/check:")
        st.rerun()


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
