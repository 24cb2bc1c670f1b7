"""Summary, deletion and views of a data set."""

import streamlit as st

from autodet.datasets.drafts.counts import count_labels
from autodet.datasets.drafts.version import label_summaries
from autodet.datasets.manifest import Dataset
from autodet.datasets.versions.waiting_photos import waiting_photos
from autodet.messages.formats import FORMAT_TITLES
from autodet.messages.imports import SPLIT_ORIGINS
from autodet.search.delete_assets import delete_dataset, plan_dataset_deletion
from autodet.text_format import counted, size_text
from autodet.ui.common.address import named_in_address, write_address
from autodet.ui.common.confirm_deletion import confirm_deletion
from autodet.ui.common.editors import editors_only, made_by
from autodet.ui.common.frame import link, sentences_for_errors
from autodet.ui.common.markdown import SPLIT_TITLES, ago, escape
from autodet.ui.datasets.findings import show_findings
from autodet.ui.datasets.gallery import show_gallery
from autodet.ui.datasets.photo_map import show_map
from autodet.ui.datasets.statistics import show_statistics

FIRST_VIEW = "photos"


def show_contents(dataset: Dataset) -> None:
    """Show the counts of a data set, its source format and its age."""
    figures = {
        "Photos": f"{len(dataset.images):,}",
        "Boxes": f"{dataset.boxes:,}",
        "Classes": f"{len(dataset.classes):,}",
        **{SPLIT_TITLES[split]: f"{count:,}" for split, count in dataset.splits.items()},
    }
    with st.container(horizontal=True, gap="medium", key="figures"):
        for label, value in figures.items():
            st.metric(label, value, width="content")
    title = FORMAT_TITLES.get(dataset.format, dataset.format)
    made = "Made" if dataset.parent else f"Detected as {title}, imported"
    st.caption(f"{made} {ago(dataset.created)}{made_by(dataset.owner)}. {SPLIT_ORIGINS[dataset.splits_from]}")
    if not dataset.boxes:
        _show_progress(dataset)
    elif waiting := len(waiting_photos(dataset)):
        st.info(
            f"{counted(waiting, 'photo')} {'waits' if waiting == 1 else 'wait'} to be labelled. Label them, and make a "
            "version of the labels; until then no search uses this data set.",
            icon=":material/select:",
        )


def _show_progress(pool: Dataset) -> None:
    """Tell how many photos of a data set without labels have been labelled since, and lead to the newest version."""
    done, newest = count_labels(pool).done, next(label_summaries(pool), None)
    if not done and not newest:
        st.info(
            "No labels yet. Label some of the photos here; a model of everyday objects can propose boxes. Then train a "
            "detector on them, which proposes the boxes of the rest.",
            icon=":material/select:",
        )
        return
    version = (
        f"The newest version of the labels is **{escape(newest.name)}**." if newest else "Make a version to train."
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.info(
            f"{done:,} of {counted(len(pool.images), 'photo')} labelled, on the page Label. {version}",
            icon=":material/select:",
        )
        if newest:
            link("datasets", f"Open {escape(newest.name)}", icon=":material/call_split:", dataset=newest.id)


@editors_only()
def offer_deletion(dataset: Dataset) -> None:
    """Show a button that deletes a data set, after confirmation."""
    if st.button("Delete", key=f"delete {dataset.id}", icon=":material/delete:"):
        _confirm_deletion(dataset)


@st.dialog("Delete this data set?")
def _confirm_deletion(dataset: Dataset) -> None:
    with sentences_for_errors("Data sets"):
        planned = plan_dataset_deletion(dataset.id)
        versions = f"{counted(len(planned.versions), 'version')} of it and " if planned.versions else ""
        st.markdown(
            f"**{escape(dataset.name)}** and its {counted(len(dataset.images), 'photo')} will be deleted, which later "
            f"frees {size_text(planned.freed_bytes)}. {versions.capitalize()}{'models' if versions else 'Models'} stay."
        )
        if unfinished := [f"**{escape(search)}**" for search in planned.unfinished]:
            st.warning(
                f"Without this data set, these unfinished searches cannot be resumed: {', '.join(unfinished)}.",
                icon=":material/warning:",
            )
        confirm_deletion(lambda: delete_dataset(dataset.id), "dataset", dataset.id)


def show_views(dataset: Dataset) -> None:
    """Show the tabs Photos, Statistics, Map and Findings; only the open tab is rendered."""
    titles = _titles(dataset)
    key = f"views {dataset.id}"
    if (named := named_in_address("view") or "") in titles:
        st.session_state[key] = titles[named]
    view = next((name for name, title in titles.items() if title == st.session_state.get(key)), FIRST_VIEW)
    if view != FIRST_VIEW:
        write_address("view", view)
    _show_views(dataset, view)


def _titles(dataset: Dataset) -> dict[str, str]:
    """Return the titles of the tabs by their names in the address."""
    findings = f"Findings ({len(dataset.findings):,})"
    return {FIRST_VIEW: "Photos", "statistics": "Statistics", "map": "Map", "findings": findings}


@st.fragment
def _show_views(dataset: Dataset, written: str) -> None:
    """Show the tabs; the address names the one that is ``written`` there."""
    with sentences_for_errors("Data sets"):
        titles = _titles(dataset)
        tabs = st.tabs(list(titles.values()), key=f"views {dataset.id}", on_change="rerun")
        shows = (show_gallery, show_statistics, show_map, show_findings)
        for name, tab, show in zip(titles, tabs, shows, strict=True):
            if tab.open:
                if name != written:
                    st.rerun()  # a fragment cannot write the address
                with tab:
                    show(dataset)
