"""Review of an import: findings by kind, and the visitor's decisions before anything is stored."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import streamlit as st

from autodet.charts.palette import GREY, class_colour
from autodet.datasets.checks.kinds import KINDS, by_kind, how_many
from autodet.datasets.checks.photo_checks import CheckedPhoto
from autodet.datasets.imports.import_job import Import, find_import
from autodet.datasets.imports.photo_changes import change_of
from autodet.datasets.imports.review import Review
from autodet.datasets.imports.staging import StagedPhoto
from autodet.errors import AutodetError
from autodet.inference.box_drawings import outline_boxes
from autodet.messages.finding_kinds import KIND_TEXTS
from autodet.messages.findings import problem_sentence
from autodet.messages.formats import FORMAT_TITLES
from autodet.messages.imports import detection_sentence
from autodet.records import SPLITS, BoxXYXY, Finding, Mark
from autodet.text_format import counted
from autodet.ui.common.frame import emphasis, sentences_for_errors
from autodet.ui.common.markdown import escape
from autodet.ui.common.pictures import THUMBNAIL_PIXELS, as_jpeg, shrink_photo
from autodet.ui.datasets.findings import MAX_PHOTOS, Picture, offer_csv, show_kind

LOSS = "large_loss"  # a kind that is confirmed beside the import button, not in the list
WRONG, RIGHT = "#e4572e", "#2a9d6f"  # original boxes that will change, and their replacements


@dataclass(frozen=True, eq=False)
class Reviewed:
    """A review with lookup tables.

    Attributes:
        review: The review.
        findings: Findings by kind.
        staged: Photos as read, by path relative to the source's root.
        kept: Photos as they would be imported, by the same paths.
    """

    review: Review
    findings: dict[str, list[Finding]]
    staged: dict[str, StagedPhoto]
    kept: dict[str, CheckedPhoto]


@st.fragment
def show_review(job: Import, on_store: Callable[[Import], None]) -> None:
    """Show the findings by kind with the available actions, and the button that imports.

    Args:
        job: The import.
        on_store: Callback for when the visitor presses the import button.
    """
    with sentences_for_errors("Data sets"):
        _show_review(job, on_store)


def _show_review(job: Import, on_store: Callable[[Import], None]) -> None:
    created, decided = job.request().created, _decided(job)
    try:
        reviewed, error = _reviewed(job.id, created, decided), ""
    except AutodetError as refused:
        error = str(refused)
        try:
            reviewed = _reviewed(job.id, created, ())
        except AutodetError:  # not caused by the decisions, so there is nothing to show
            st.error(escape(error), icon=":material/error:")
            _offer_discard(job)
            return
    _show_source(job, reviewed.review)
    for asks, title in ((True, "Please check these"), (False, "Also found")):
        kinds = [kind for kind in KINDS if kind in reviewed.findings or kind in dict(decided)]
        kinds = [kind for kind in kinds if KINDS[kind].asks == asks and kind != LOSS]
        if kinds:
            st.markdown(f"##### {title}")
        for kind in kinds:
            _show_kind(job, reviewed, kind)
    if error:
        st.error(escape(error), icon=":material/error:")
    agreed = _refusals_are_settled(job, reviewed) and not error
    _show_outcome(reviewed.review)
    with st.container(horizontal=True):
        label = f"Import {counted(len(reviewed.review.photos), 'photo')}"
        if st.button(
            label,
            key=f"store {job.id}",
            type=emphasis(disabled=not agreed),
            icon=":material/check:",
            disabled=not agreed,
        ):
            job.proceed(dict(decided) | ({LOSS: "keep"} if LOSS in reviewed.findings else {}))
            on_store(job)
            st.rerun()
        _offer_discard(job)
        offer_csv(reviewed.review.findings, job.id, planned=True)


def _offer_discard(job: Import) -> None:
    if st.button("Discard", key=f"discard {job.id}", icon=":material/close:"):
        job.discard()
        st.rerun()


def _key(job: Import, kind: str) -> str:
    return f"decide {job.id} {kind}"


def _decided(job: Import) -> tuple[tuple[str, str], ...]:
    """Return the decisions that differ from the defaults, including those of an earlier visit, and save them."""
    draft = job.draft()
    for kind, action in draft.items():
        st.session_state.setdefault(_key(job, kind), action)
    chosen = {kind: st.session_state.get(_key(job, kind)) for kind in KINDS if kind != LOSS}
    decided = {kind: action for kind, action in chosen.items() if action not in (None, KINDS[kind].default)}
    if decided != draft:
        job.keep_draft(decided)
    return tuple(decided.items())


@st.cache_resource(max_entries=4, show_spinner="Loading the findings")
def _reviewed(id: str, created: str, decided: tuple[tuple[str, str], ...]) -> Reviewed:
    del created  # only part of the cache key: distinguishes imports that reuse an id
    review = find_import(id).review(dict(decided))
    staged = {str(job.labelled.photo): job for job in (*review.staged.photos, *review.staged.unlabelled)}
    return Reviewed(review, by_kind(review.findings), staged, {str(job.source.photo): job for job in review.photos})


def _show_source(job: Import, review: Review) -> None:
    staged = review.staged
    st.subheader(f"{escape(job.request().name)}: review before the import", anchor=False)
    photos = counted(len(staged.photos) + len(staged.unlabelled), "photo")
    st.markdown(
        f"{photos}, read as {FORMAT_TITLES[staged.detection.format]}. Please check the findings; "
        "autodet's suggestions are selected."
    )
    chosen = staged.detection
    st.caption(escape(detection_sentence(chosen.format, chosen.unmet, asked=chosen.asked)))


def _show_kind(job: Import, reviewed: Reviewed, name: str) -> None:
    """Show a kind of finding: count, explanation, actions and photos."""
    text, findings = KIND_TEXTS[name], reviewed.findings.get(name, [])
    labels = {str(action): text.actions[action] for action in KINDS[name].actions}
    with st.container(border=True):
        left, right = st.columns([3, 2])
        many = how_many(findings)
        left.markdown(f"**{text.title}** · {many:,}  \n{text.why}")
        if len(labels) == 1:
            right.markdown(f":material/arrow_forward: {labels[KINDS[name].default]}")
        else:
            right.radio(
                f"What to do about: {text.title}",
                list(labels),
                format_func=labels.__getitem__,
                key=_key(job, name),
                label_visibility="collapsed",
            )
        if findings:
            look = f"Look at {'it' if many == 1 else 'them'}"
            with st.expander(look, key=f"look {job.id} {name}", on_change="rerun", type="compact") as room:
                if room.open:
                    show_kind(findings, lambda finding: _pictures(reviewed, finding), f"{job.id} {name}", planned=True)


def _refusals_are_settled(job: Import, reviewed: Reviewed) -> bool:
    """Show the findings that block the import, and return whether none is left.

    A large loss needs only the visitor's consent; any other such finding blocks the import.
    """
    settled = True
    for finding in reviewed.review.refusals:
        st.error(escape(problem_sentence(finding, "page")), icon=":material/block:")
        if finding.kind == LOSS:
            settled &= st.checkbox(f"I have checked this. {KIND_TEXTS[LOSS].actions['keep']}.", key=_key(job, LOSS))
        else:
            settled = False
    return settled


def _show_outcome(review: Review) -> None:
    boxes = sum(len(photo.marks) for photo in review.photos)
    classes = len({mark.name for photo in review.photos for mark in photo.marks})
    counts = Counter(review.splits)
    splits = ", ".join(f"{counts[split]:,} in {split}" for split in SPLITS if counts[split])
    st.markdown(
        f"To be imported: **{counted(len(review.photos), 'photo')}** with **{counted(boxes, 'box', 'boxes')}** of "
        f"**{counted(classes, 'class', 'classes')}**: {splits}."
    )


def _pictures(reviewed: Reviewed, finding: Finding) -> list[Picture]:
    """Draw all photos of a finding, or its only photo, before and after if a box changes."""
    photos = [photo for photo in finding.photos[:MAX_PHOTOS] if photo in reviewed.staged]
    changes = {photo: change_of(reviewed.staged[photo], reviewed.kept.get(photo)) for photo in photos}
    if len(photos) != 1:
        return [Picture(escape(photo), _draw(reviewed, photo, changes[photo].before)) for photo in photos]
    (photo,) = photos
    change = changes[photo]
    if change.after is not None and change.shows(finding.kind):
        return [
            Picture("Before", _draw(reviewed, photo, change.before, change.lost)),
            Picture("After", _draw(reviewed, photo, change.after, change.made, RIGHT)),
        ]
    marks = (*change.before, *change.aside) if finding.kind == "box_set_aside" else change.before
    caption = "Would be left out" if change.after is None else ""
    return [Picture(caption, _draw(reviewed, photo, marks, change.named_by(finding.kind)))]


def _draw(
    reviewed: Reviewed, photo: str, marks: Sequence[Mark], in_question: Sequence[Mark] = (), colour: str = WRONG
) -> bytes:
    """Draw a photo with its annotations; those in question are on top and coloured."""
    others = Counter(marks) - Counter(in_question)
    plain = GREY if in_question else class_colour(1)
    return _draw_boxes(
        reviewed.review.staged.root / photo,
        reviewed.staged[photo].sha256,
        tuple(mark.box_xyxy for mark in (*others.elements(), *in_question)),
        (plain,) * others.total() + (colour,) * len(in_question),
    )


@st.cache_data(max_entries=500, show_spinner=False)
def _draw_boxes(path: Path, sha256: str, boxes_xyxy: Sequence[BoxXYXY], colours: Sequence[str]) -> bytes:
    del sha256  # only part of the cache key: another photo may take the same path later
    photo, scale = shrink_photo(path, THUMBNAIL_PIXELS, path.name)
    boxes = np.array(boxes_xyxy, np.float32).reshape(-1, 4) * scale
    return as_jpeg(outline_boxes(photo, boxes, colours))
