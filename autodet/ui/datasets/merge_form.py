"""A form that merges a data set with others: class names, splits, decisions, and a preview."""

from collections import Counter
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from autodet.datasets.checks.kinds import KINDS, by_kind, how_many
from autodet.datasets.manifest import Dataset, list_datasets, read_dataset
from autodet.datasets.versions.class_table import Names, joined_names
from autodet.datasets.versions.diff import ALL, tally
from autodet.datasets.versions.merge import (
    Merge,
    MergeSettings,
    free_merge_name,
    labels_of,
    plan_merge,
    store_merge,
)
from autodet.errors import AutodetError
from autodet.messages.finding_kinds import KIND_TEXTS
from autodet.messages.findings import problem_sentence
from autodet.records import Finding
from autodet.text_format import listed
from autodet.ui.common.choice import choose
from autodet.ui.common.editors import editors_only
from autodet.ui.common.frame import emphasis, sentences_for_errors
from autodet.ui.common.markdown import escape
from autodet.ui.common.version_preview import show_preview
from autodet.ui.datasets.split_form import edit_splits
from autodet.workspace import open_workspace

DECIDED = ("class_similar", "datasets_disagree", "photo_leak", "class_partial")  # in the order of the questions
MAX_OTHERS = 9
MAX_SENTENCES = 4  # per question


def begin_merge(dataset: str, other: str) -> None:
    """Open the form that merges a data set with another one, by their ids, on the next run of the page."""
    st.session_state[f"merge {dataset}"] = True
    st.session_state[f"added {dataset}"] = [other]


@editors_only()
@st.fragment
def offer_merge(dataset: Dataset) -> None:
    """Show the form that merges a data set with others."""
    with sentences_for_errors("Data sets"):
        room = st.expander("Merge with others", icon=":material/merge:", key=f"merge {dataset.id}", on_change="rerun")
        if room.open:
            with room:
                _edit(dataset)


def _edit(dataset: Dataset) -> None:
    st.markdown(
        "Make a new data set of the photos of this one and of others. All of them stay as they are, and photos are "
        "shared, so this needs almost no disk space."
    )
    names = {summary.id: summary.name for summary in list_datasets() if summary.id != dataset.id}
    if not names:
        st.info("There is no other data set yet. Import one above, then choose it here.", icon=":material/info:")
        return
    shared = Counter(names.values())
    chosen = st.multiselect(
        "Data sets to add",
        list(names),
        format_func=lambda id: names[id] if shared[names[id]] == 1 else f"{names[id]} ({id})",
        key=f"added {dataset.id}",
        max_selections=MAX_OTHERS,
        placeholder="Choose one or more",
    )
    if not chosen:
        return
    datasets = [dataset, *(read_dataset(open_workspace().datasets / id) for id in chosen)]
    key = " ".join(["merge", *(one.id for one in datasets)])
    try:
        tables = _edit_classes(datasets, key)
        settings = MergeSettings(tables, edit_splits(key))
        merge = _decided(datasets, settings, key)
    except AutodetError as error:
        st.error(escape(str(error)), icon=":material/error:")
        return
    if not merge.refusals and any(merge.fingerprint == one.fingerprint for one in datasets):
        st.info("Nothing would change: one of the data sets already has all of these photos and boxes.")
        return
    show_preview(merge)
    _offer_button(merge, key)


def _edit_classes(datasets: Sequence[Dataset], key: str) -> list[Names]:
    """Show the table of class names, and return the names that differ from the defaults."""
    labels = labels_of(datasets)
    defaults = joined_names([one.classes for one in datasets], [{} for _ in datasets], labels)
    boxes = [tally(one.classes, one.images).boxes for one in datasets]
    rows = [
        {"class": old, "name": new, "set": labels[number], "boxes": boxes[number][old][ALL], "keep": True}
        for number, one in enumerate(datasets)
        for old, new in zip(one.classes, defaults[number], strict=True)
    ]
    st.caption("Classes that get one name become one class. Double-click a name to change it.")
    edited = st.data_editor(
        pd.DataFrame(rows),
        key=f"classes {key}",
        hide_index=True,
        disabled=["set", "class", "boxes"],
        column_config={
            "class": st.column_config.TextColumn("Class", width="small"),
            "name": st.column_config.TextColumn("New name", max_chars=200, width=130),  # fits a phone
            "set": st.column_config.TextColumn("Data set", width="small"),
            "boxes": st.column_config.NumberColumn("Boxes", format="localized", width="small"),
            "keep": st.column_config.CheckboxColumn("Keep", width="small"),
        },
        alt="The classes of all data sets, with the name of each in the result and whether it is kept",
    )
    given = iter(zip(edited["name"], edited["keep"], strict=True))
    tables: list[Names] = []
    for one, of_one in zip(datasets, defaults, strict=True):
        table: dict[str, str | None] = {}
        for old, default in zip(one.classes, of_one, strict=True):
            name, keep = next(given)
            if not keep:
                table[old] = None
            elif name != default:
                table[old] = name if isinstance(name, str) else ""
        tables.append(table)
    return tables


def _decided(datasets: Sequence[Dataset], settings: MergeSettings, key: str) -> Merge:
    """Ask the open questions of a merge, one kind after another, and return the merge under the answers."""
    decisions: dict[str, str] = {}
    for kind in DECIDED:
        merge = _planned(datasets, MergeSettings(settings.classes, settings.resplit, decisions))
        findings = by_kind(merge.settled).get(kind, [])
        if findings and (action := _ask(kind, findings, f"{key} {kind}")):
            decisions = decisions | {kind: action}
    return _planned(datasets, MergeSettings(settings.classes, settings.resplit, decisions))


def _ask(kind: str, findings: Sequence[Finding], key: str) -> str | None:
    """Show findings of a kind with the possible actions; return the chosen one, None if there is none."""
    text, default = KIND_TEXTS[kind], findings[0].action
    actions = [str(action) for action in KINDS[kind].actions if action != "stop"]
    labels = {str(action): label for action, label in text.actions.items()}
    # The key names the subject, so that an answer never applies to other classes or photos.
    about = " ".join(f"{one.values.get('name', '')} {one.values.get('photos', '')}" for one in findings)
    with st.container(border=True):
        stopping = [finding for finding in findings if finding.action == "stop"]
        open_ones = stopping or findings
        st.markdown(f"**{text.title}** · {how_many(open_ones):,}  \n{text.why}")
        for finding in open_ones[:MAX_SENTENCES]:
            st.markdown(escape(problem_sentence(finding, "page")))
        if len(open_ones) > MAX_SENTENCES:
            st.caption(f"And {len(open_ones) - MAX_SENTENCES:,} more like these.")
        if len(actions) > 1:
            index = actions.index(default) if default in actions else None
            return st.radio(
                f"What to do about: {text.title}",
                actions,
                index,
                format_func=labels.__getitem__,
                key=f"{key} {about}",
                label_visibility="collapsed",
            )
        if not stopping:
            return None
        return actions[0] if st.checkbox(f"I have checked this. {labels[actions[0]]}.", key=f"{key} {about}") else None


def _offer_button(merge: Merge, key: str) -> None:
    open_questions = sorted({KIND_TEXTS[finding.kind].title for finding in merge.refusals})
    if open_questions:
        st.info(f"Please decide first: {listed(open_questions)}.", icon=":material/help:")
    name, button = st.columns([3, 1], vertical_alignment="bottom")
    called = name.text_input("Name", free_merge_name(merge), key=f"name {key}")
    if button.button(
        "Make the data set",
        type=emphasis(disabled=bool(open_questions)),
        icon=":material/merge:",
        width="stretch",
        disabled=bool(open_questions),
        key=f"make {key}",
    ):
        with st.spinner("Making the data set"):
            made = store_merge(merge, called)
        choose(dataset=made.id)
        st.toast(f"{escape(made.name)} was made.", icon=":material/check:")
        st.rerun()


@st.cache_resource(
    max_entries=8,
    show_spinner="Planning the merge",
    hash_funcs={Dataset: lambda dataset: f"{dataset.folder} {dataset.fingerprint}", MergeSettings: repr},
)
def _planned(datasets: Sequence[Dataset], settings: MergeSettings) -> Merge:
    return plan_merge(datasets, settings)
