"""Labels that look wrong: accept or keep each; the accepted ones become a new version, or a file."""

from collections import Counter
from collections.abc import Sequence
from functools import partial

import pandas as pd
import streamlit as st

from autodet.charts.errors import FOUND_COLOUR
from autodet.datasets.manifest import Dataset
from autodet.datasets.versions.box_edits import BoxEdit, edit_changes, edit_of
from autodet.datasets.versions.derive import Changes, free_version_name, plan_version, store_version
from autodet.errors import PhotoError
from autodet.inference.leakage import evaluation_leakage
from autodet.messages.evaluation import ISSUE_TITLES, issue_text, remedy_text
from autodet.messages.versions import change_sentence
from autodet.records import LabelIssue
from autodet.ui.common.csv_tables import as_csv
from autodet.ui.common.editors import editors_only
from autodet.ui.common.frame import link, sentences_for_errors
from autodet.ui.common.markdown import escape, shortened
from autodet.ui.common.outcome_drawings import LABEL_COLOUR, Outlines
from autodet.ui.common.photo_viewer import thumbnail_button
from autodet.ui.evaluate.evaluation import Evaluated
from autodet.ui.evaluate.label_files import corrected_labels, dataset_issues, issue_table
from autodet.ui.evaluate.label_flags import offer_editor, offer_photo
from autodet.ui.evaluate.outcome_photos import crop, enlarge
from autodet.workspace import portable

PER_PAGE = 6
TILE_PIXELS = 144  # two side by side on a phone
ALL = "all"
DECISIONS = {True: "Accept", False: "Keep"}
INTRO = (
    "Where a confident detection and the label disagree, one of the two is wrong; the most suspicious labels come "
    "first. Compare the two pictures: **accept** the suggestion, or **keep** the label as it is. Nothing changes until "
    "you create a version below. Or correct the photos by hand in the label editor."
)
NOT_IMPORTED = (
    "These photos are not imported, so there is no data set to make a version of. Download the corrected labels below, "
    "or import the photos on the page Data sets and evaluate the data set."
)
TRAINED = (
    "The model was trained on these labels and may repeat their errors, so it overlooks some. Labels that another "
    "model, trained without these photos, finds suspicious tell more."
)


@st.fragment
def show_label_issues(evaluated: Evaluated) -> None:
    """Show the labels that look wrong with a picture of both, and the uses of the accepted ones."""
    with sentences_for_errors("Evaluate"):
        issues = dataset_issues(evaluated)
        if evaluation_leakage(evaluated.model.card, evaluated.dataset, evaluated.split):
            st.caption(f":material/info: {TRAINED}")
        if not issues:
            st.success("No label looks wrong here, as far as this model can tell.", icon=":material/check:")
            return
        st.markdown(INTRO)
        offer_editor(evaluated, issues)
        decisions: dict[LabelIssue, bool] = st.session_state.setdefault(f"label decisions {evaluated.key}", {})
        shown = _choose_kind(evaluated, issues)
        pages = -(-len(shown) // PER_PAGE)
        page = st.pagination(pages, key=f"issues {evaluated.key} {len(shown)}") if pages > 1 else 1
        on_page = shown[(page - 1) * PER_PAGE : page * PER_PAGE]
        for issue in on_page:
            _show_issue(evaluated, issues, issue, decisions)
        if len(on_page) > 1:
            st.button(
                f"Accept these {len(on_page)}",
                icon=":material/done_all:",
                key=f"accept shown {evaluated.key}",
                on_click=_accept,
                args=(decisions, on_page),
            )
        _offer_results(evaluated, issues, decisions)


def _choose_kind(evaluated: Evaluated, issues: Sequence[LabelIssue]) -> list[LabelIssue]:
    counts: Counter[str] = Counter(issue.kind for issue in issues)
    titles = {ALL: f"All ({len(issues):,})"}
    titles |= {kind: f"{title} ({counts[kind]:,})" for kind, title in ISSUE_TITLES.items() if counts[kind]}
    if len(titles) <= 2:
        return list(issues)
    chosen = st.segmented_control(
        "Kind", list(titles), default=ALL, required=True, format_func=titles.__getitem__, key=f"kind {evaluated.key}"
    )
    return [issue for issue in issues if chosen in (ALL, issue.kind)]


def _show_issue(
    evaluated: Evaluated, issues: Sequence[LabelIssue], issue: LabelIssue, decisions: dict[LabelIssue, bool]
) -> None:
    key = f"{evaluated.key} {issue.file} {issue.kind} {issue.annotation} {issue.box}"
    photo = evaluated.places[issue.file]
    labelled, suggested = _outlines(issue)
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        with st.container(horizontal=True, width="content", gap="small"):
            for title, outlines in (("Now", labelled), ("Suggestion", suggested)):
                with st.container(width=TILE_PIXELS, gap="xxsmall"):
                    _show_crop(evaluated, photo, title, outlines, (*labelled, *suggested))
        with st.container(width=300, gap="xsmall"):
            names = (shortened(issue.class_name, 30), issue.suggested_class and shortened(issue.suggested_class, 30))
            st.markdown(f"**{escape(issue_text(issue.kind, *names))}**  \n{escape(remedy_text(issue.kind, *names))}?")
            if thumbnail_button(f":small[{escape(issue.file)}]", f"enlarge issue {key}"):
                enlarge(evaluated, evaluated.outcomes.at(evaluated.model.card.all_thresholds), [photo], 0)
            st.session_state[f"verdict {key}"] = decisions.get(issue)
            st.segmented_control(
                "Decision",
                list(DECISIONS),
                format_func=DECISIONS.__getitem__,
                key=f"verdict {key}",
                label_visibility="collapsed",
                on_change=partial(_decide, decisions, issue, f"verdict {key}"),
            )
            offer_photo(evaluated, issues, issue, key)


def _outlines(issue: LabelIssue) -> tuple[Outlines, Outlines]:
    """Return the label as it is and as suggested."""
    labelled: Outlines = () if issue.kind == "missing" else ((issue.box, LABEL_COLOUR),)
    suggested: Outlines = () if issue.kind == "spurious" else ((issue.suggested_box or issue.box, FOUND_COLOUR),)
    if issue.kind == "wrong_class":
        suggested = ((issue.box, FOUND_COLOUR),)  # accepting it changes the class alone
    return labelled, suggested


def _show_crop(evaluated: Evaluated, photo: int, title: str, outlines: Outlines, around: Outlines) -> None:
    file = evaluated.records[photo].file
    try:
        st.image(crop(evaluated, photo, outlines, around), width="stretch", alt=f"{file}, {title.lower()}")
    except PhotoError as error:
        st.caption(f":material/broken_image: {escape(str(error))}")
        return
    st.caption(title)


def _decide(decisions: dict[LabelIssue, bool], issue: LabelIssue, key: str) -> None:
    chosen = st.session_state[key]
    if chosen is None:
        decisions.pop(issue, None)
    else:
        decisions[issue] = chosen


def _accept(decisions: dict[LabelIssue, bool], issues: Sequence[LabelIssue]) -> None:
    decisions.update(dict.fromkeys(issues, True))


def _offer_results(evaluated: Evaluated, issues: Sequence[LabelIssue], decisions: dict[LabelIssue, bool]) -> None:
    accepted = [issue for issue in issues if decisions.get(issue)]
    kept = sum(decisions.get(issue) is False for issue in issues)
    st.markdown(f"**{len(accepted):,} accepted, {kept:,} kept**, {len(issues) - len(accepted) - kept:,} undecided.")
    dataset, name = evaluated.dataset, portable(evaluated.dataset.name)
    if accepted and dataset.temporary:
        st.info(NOT_IMPORTED, icon=":material/info:")
    elif accepted:
        _offer_version(dataset, accepted, f"made of {evaluated.key}")
    with st.container(horizontal=True):
        st.download_button(
            "Download the list as CSV",
            as_csv(pd.DataFrame(issue_table(issues, decisions))),
            f"{name}-label-issues.csv",
            "text/csv",
            icon=":material/table:",
            on_click="ignore",
        )
        if accepted:
            st.download_button(
                "Download corrected labels as COCO",
                partial(corrected_labels, evaluated, accepted),
                f"{name}-corrected.json",
                "application/json",
                icon=":material/data_object:",
                on_click="ignore",
                help="The photos with an accepted correction and all their labels, for a labelling tool.",
            )


@editors_only()
def _offer_version(dataset: Dataset, accepted: Sequence[LabelIssue], state: str) -> None:
    """Offer a version of the data set with the accepted corrections, and list them."""
    edits = tuple(map(edit_of, accepted))
    for change in edit_changes(edits):
        st.caption(escape(change_sentence(change, planned=True)))
    made: tuple[tuple[BoxEdit, ...], str, str] | None = st.session_state.get(state)
    if made and made[0] == edits:
        _show_version(*made[1:])
        return
    room = st.empty()
    name, button = room.columns([2, 1], vertical_alignment="bottom")
    called = name.text_input("Name of the new version", free_version_name(dataset), key=f"name {state} {len(accepted)}")
    if button.button("Create the version", type="primary", icon=":material/call_split:", width="stretch"):
        with st.spinner("Creating the version"):
            version = store_version(plan_version(dataset, Changes(edits=edits)), called)
            st.session_state[state] = (edits, version.id, version.name)  # at once: a double click makes one version
        with room.container():  # instead of the form
            _show_version(version.id, version.name)


def _show_version(identity: str, name: str) -> None:
    st.success(f"{escape(name)} was created with these corrections.", icon=":material/check:")
    with st.container(horizontal=True):
        link("datasets", "See what changed", dataset=identity)
        link("search", "Train a detector", dataset=identity)
