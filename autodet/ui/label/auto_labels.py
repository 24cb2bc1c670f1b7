"""Auto-labels on the page: which model proposes what on which photos, and the progress."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from autodet.datasets.drafts.journal import Drafts, read_drafts
from autodet.datasets.manifest import Dataset
from autodet.inference.auto_label_jobs import cancel_auto_labels, find_auto_labels, start_auto_labels
from autodet.inference.auto_labels import AutoLabels, propose, unlabelled_files
from autodet.inference.background_jobs import Job
from autodet.inference.demo import demo_model
from autodet.inference.draft_choice import Choice, DraftedClass, FoundBoxes, default_choice
from autodet.inference.draft_predictions import MIN_KEPT_SCORE, kept_predictions, photo_key
from autodet.messages.auto_labels import auto_labels_text
from autodet.models.model_card import MAX_NAME
from autodet.models.store import StoredModel, list_models
from autodet.text_format import counted
from autodet.ui.common.address import named_in_address
from autodet.ui.common.choice import describe_model
from autodet.ui.common.editors import editors_only
from autodet.ui.common.frame import emphasis, link, sentences_for_errors
from autodet.ui.common.job_progress import watch_job
from autodet.ui.common.loaded_models import version_of
from autodet.ui.common.markdown import escape
from autodet.ui.label.editor import shown_photo
from autodet.ui.label.proposals import show_proposals

STARTED = "auto labels"  # session state: id of the data set, and its job or result
UNLABELLED, FLAGGED, ALL = "unlabelled", "flagged", "all"
PHOTO_TITLES = {UNLABELLED: "Without labels", FLAGGED: "Flagged", ALL: "All"}
MAX_ROWS, TABLE_PIXELS = 8, 320  # longer tables scroll
NO_MODEL = (
    "There is no model of yours yet: label about twenty photos, make a version of them, and start a *Quick look* on "
    "it. Until then, a model that knows 80 kinds of everyday objects (COCO) can draft."
)
FOREIGN = "This model knows none of the classes here."
CHOOSE = "Tick the classes that it should draft, and name them as you like."
ONE_PHOTO = "Proposes boxes on the photo that the editor shows, where no label is."
MANY = "This model knows many classes. See what it finds first, or tick the classes that it should draft."
REVIEWED = (
    "Photos with labels get proposals too, but only where no label is; their labels stay as they are. Confirmed empty "
    "photos are looked at again."
)


@dataclass(frozen=True)
class Target:
    """The photos on which a model drafts.

    Attributes:
        files: The photos.
        reviewed: Whether photos that a person has reviewed get proposals too.
    """

    files: Sequence[str]
    reviewed: bool


def show_auto_labels(dataset: Dataset) -> None:
    """Show the form, or the progress, and the proposals that wait for a decision."""
    _show_form(dataset)
    show_proposals(dataset)


@editors_only("propose labels")
def _show_form(dataset: Dataset) -> None:
    job = find_auto_labels(dataset)
    with st.expander("Let a model draft", icon=":material/auto_awesome:", expanded=_is_next(dataset, job)):
        _show_job(dataset, job)


def _is_next(dataset: Dataset, job: Job | None) -> bool:
    """Return whether drafts are what the visitor looks for: with labels of their own, making a version comes first."""
    asked = named_in_address("model") or st.session_state.get(STARTED, ("",))[0] == dataset.id
    changed = read_drafts(dataset).changed.values()
    has_labels = dataset.boxes or any(one.labels for one in changed)
    return bool(job or asked or not has_labels or any(one.proposals for one in changed))


def _show_job(dataset: Dataset, job: Job | None) -> None:
    if job and not job.error:
        watch_job("Label", partial(find_auto_labels, dataset), _progress_text, partial(cancel_auto_labels, dataset))
        return
    if job:
        st.error(escape(job.error), icon=":material/error:")
    _show_result(dataset)
    _ask(dataset)


def _progress_text(job: Job) -> str:
    return f"Photo {job.done:,} of {job.total:,}" if job.total else "Loading the model"


def _show_result(dataset: Dataset) -> None:
    owner, made = st.session_state.get(STARTED, ("", None))
    result = made.result if isinstance(made, Job) else made
    if owner == dataset.id and isinstance(result, AutoLabels):
        counts = (result.photos, result.boxes, result.without, result.skipped, result.unreadable)
        st.success(escape(auto_labels_text(*counts)), icon=":material/auto_awesome:")


@st.fragment
def _ask(dataset: Dataset) -> None:
    with sentences_for_errors("Label"):
        drafts = read_drafts(dataset)
        model = _choose_model(drafts)
        target = _choose_photos(drafts)
        found = _find(model, dataset, target.files)
        choice = _choose_classes(drafts, model, found)
        _offer(dataset, model, target, choice, found)


def _choose_model(drafts: Drafts) -> StoredModel:
    own = list_models()
    if not own:
        st.markdown(NO_MODEL)
        link("search", "Train a detector", dataset=drafts.dataset.id, form="quick")
    models = {str(model.path): model for model in (*own, demo_model())}
    known = {path: len(default_choice(model.card, drafts.classes)) for path, model in models.items()}
    named = next((path for path, model in models.items() if own and model.id == named_in_address("model")), None)
    chosen = st.selectbox(
        "Model that drafts",
        list(models),
        index=list(models).index(named or max(models, key=known.__getitem__)),
        format_func=lambda path: describe_model(models[path]),
        filter_mode="contains",
        key=f"auto label model {drafts.dataset.id}",
    )
    return models[chosen]


def _choose_photos(drafts: Drafts) -> Target:
    every = [record.file for record in drafts.dataset.images]
    flagged = [file for file, draft in drafts.changed.items() if draft.needs_look]
    photos: dict[str, Sequence[str]] = {UNLABELLED: unlabelled_files(drafts), FLAGGED: flagged, ALL: every}
    options = [kind for kind, files in photos.items() if files]
    chosen = st.segmented_control(
        "Photos",
        options,
        default=options[0],
        required=True,
        format_func=lambda kind: f"{PHOTO_TITLES[kind]} ({len(photos[kind]):,})",
        key=f"auto label photos {drafts.dataset.id} {options}",
    )
    if chosen and chosen != UNLABELLED:
        st.caption(REVIEWED)
    return Target(photos[chosen or options[0]], reviewed=chosen != UNLABELLED)


@dataclass(frozen=True)
class Found:
    """The detections that a model is known to have.

    Attributes:
        photos: Number of photos that it has predicted on.
        boxes: Its boxes on them.
    """

    photos: int
    boxes: FoundBoxes


def _find(model: StoredModel, dataset: Dataset, files: Sequence[str]) -> Found:
    kept = kept_predictions(model, dataset)
    key = f"{version_of(model)} {dataset.identity} {len(kept)} {hash(tuple(files))}"
    return _found(key, model, dataset, files)


@st.cache_resource(max_entries=3, show_spinner=False)
def _found(key: str, _model: StoredModel, _dataset: Dataset, _files: Sequence[str]) -> Found:
    del key  # only the cache key
    kept, wanted = kept_predictions(_model, _dataset), set(_files)
    keys = (photo_key(record) for record in _dataset.images if record.file in wanted)
    seen = [kept[key] for key in keys if key in kept]
    return Found(len(seen), FoundBoxes.of(_model.card.classes, seen))


def _choose_classes(drafts: Drafts, model: StoredModel, found: Found) -> Choice:
    """Show the table of the model's classes, and return those to draft, from which score and under which names."""
    looked_at, rows = _rows(drafts, model)
    key = f"auto label classes {drafts.dataset.id} {model.id} {looked_at}"  # the order of the rows follows it
    edits: dict[int, dict[str, Any]] = st.session_state.get(key, {}).get("edited_rows", {})
    rows = [row.edited(edits.get(place, {})) for place, row in enumerate(rows)]
    choice = {row.known: DraftedClass(row.name, row.threshold) for row in rows if row.draft}
    counts = found.boxes.counts(
        choice | {row.known: DraftedClass(row.name, row.threshold) for row in rows if not choice}
    )
    if not choice:
        looked = f"{FOREIGN} {CHOOSE}" if drafts.classes else CHOOSE if found.photos else MANY
        st.caption(f":material/info: {looked}")
    table = pd.DataFrame([asdict(row) for row in rows])
    if found.photos:
        table["boxes"] = [counts[row.known] for row in rows]
    st.data_editor(
        table,
        key=key,
        hide_index=True,
        disabled=["known", "boxes"],
        height="content" if len(rows) <= MAX_ROWS else TABLE_PIXELS,
        column_config={
            "draft": st.column_config.CheckboxColumn("Draft", width=60),
            "known": st.column_config.TextColumn("Class", width="small"),
            "name": st.column_config.TextColumn("Name", max_chars=MAX_NAME, width="small"),
            "threshold": st.column_config.NumberColumn(
                "Score ≥", min_value=MIN_KEPT_SCORE, max_value=1.0, step=0.001, format="%.3f", width="small"
            ),
            "boxes": st.column_config.NumberColumn("Boxes", format="localized", width="small"),
        },
        alt="The classes of the model, with the name of each here, its lowest score and the boxes above it",
    )
    return choice


@dataclass(frozen=True)
class Row:
    """A row of the table.

    Attributes:
        draft: Whether the class is drafted.
        known: The model's class.
        name: Its name in the data set.
        threshold: Lowest score of a proposal.
    """

    draft: bool
    known: str
    name: str
    threshold: float

    def edited(self, cells: Mapping[str, Any]) -> "Row":
        """Return the row with edited cells; an emptied cell keeps its value."""
        return replace(self, **{column: value for column, value in cells.items() if value not in (None, "")})


def _rows(drafts: Drafts, model: StoredModel) -> tuple[int, list[Row]]:
    """Return the number of photos that a model has seen, and its classes.

    Those that the data set has come first, then those that were found most.
    """
    own, default = model.card.all_thresholds, default_choice(model.card, drafts.classes)
    found = _find(model, drafts.dataset, [record.file for record in drafts.dataset.images])
    counts = found.boxes.counts({name: DraftedClass(name, threshold) for name, threshold in own.items()})
    names = sorted(own, key=lambda name: (name not in default, -counts[name]))
    return found.photos, [
        Row(name in default, name, default[name].name if name in default else name, max(MIN_KEPT_SCORE, own[name]))
        for name in names
    ]


def _offer(dataset: Dataset, model: StoredModel, target: Target, choice: Choice, found: Found) -> None:
    photos = counted(len(target.files), "photo")
    st.caption(_counted_on(found.photos, len(target.files)))
    with st.container(horizontal=True):
        label = f"Draft labels on {photos}" if choice else f"See what it finds on {photos}"
        waiting = any(draft.proposals for draft in read_drafts(dataset).changed.values())
        is_next = not waiting and (found.photos < len(target.files) or any(found.boxes.counts(choice).values()))
        if st.button(label, type=emphasis(disabled=not is_next), icon=":material/auto_awesome:"):
            job = start_auto_labels(model, dataset, target.files, choice or None, reviewed=target.reviewed)
            st.session_state[STARTED] = dataset.id, job
            st.rerun()
        if choice and st.button("Only on the shown photo", icon=":material/photo:", help=ONE_PHOTO):
            with st.spinner("Drafting"):
                made = propose(model, dataset, [shown_photo()], choice, reviewed=True, apart=True)
            st.session_state[STARTED] = dataset.id, made
            st.rerun()


def _counted_on(seen: int, photos: int) -> str:
    if not seen:
        return "The boxes are counted when the model has seen the photos; another score then needs no new look."
    if seen < photos:
        return f"The boxes are those on the {seen:,} of {counted(photos, 'photo')} that the model has seen so far."
    return "A model proposes one box on each object: of two classes, the one that scores higher."
