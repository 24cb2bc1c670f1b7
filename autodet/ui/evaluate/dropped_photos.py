"""New photos with their labels: dropped here, evaluated without an import, and deleted afterwards."""

from collections.abc import Sequence
from functools import partial
from pathlib import PurePosixPath
from typing import BinaryIO

import streamlit as st

from autodet.datasets.imports.temporary import assumptions
from autodet.datasets.manifest import Dataset
from autodet.datasets.sources.upload import UploadedFile
from autodet.inference.background_jobs import Job
from autodet.inference.comparable_records import unknown_classes
from autodet.inference.dropped_photos import drop_photos, drops, find_reading
from autodet.messages.cautions import caution_text
from autodet.messages.imports import step_text
from autodet.models.model_card import ModelCard
from autodet.models.store import StoredModel
from autodet.records import ImportStep, Notice
from autodet.text_format import counted
from autodet.ui.common.address import named_in_address, write_address
from autodet.ui.common.editors import editors_only
from autodet.ui.common.frame import link
from autodet.ui.common.job_progress import watch_job
from autodet.ui.common.markdown import escape
from autodet.ui.common.uploads import ARCHIVES, LABELS, choose_format, folder_name, upload_folder
from autodet.ui.evaluate.evaluation import Evaluated, evaluate
from autodet.workspace import open_workspace, sweep_hidden

DROP = "dropped"  # session state and address: the dropped photos of this visitor
SOURCE, WIDGET = "measured on", "choose_source"  # session state
SOURCES = {"dataset": "Data set", "dropped": "New photos"}
DROPS = "photos dropped"  # session state: number of drops; part of every key, so that each has a new form
HELP = "New photos with their labels: they are evaluated without an import, and deleted afterwards."
GONE = "The dropped photos are deleted. Drop them again."


def chooses_new_photos() -> bool:
    """Let the visitor choose between data sets and new photos; return whether new photos are chosen."""
    if (named := named_in_address(DROP)) is not None:
        st.session_state[DROP], st.session_state[SOURCE] = named, "dropped"
    st.session_state[WIDGET] = st.session_state.get(SOURCE, "dataset")
    st.segmented_control(
        "Measure on",
        list(SOURCES),
        required=True,
        format_func=SOURCES.__getitem__,
        key=WIDGET,
        help=HELP,
        on_change=_remember,
    )
    return st.session_state.get(SOURCE) == "dropped"


def _remember() -> None:
    st.session_state[SOURCE] = st.session_state[WIDGET]


def evaluate_new_photos(model: StoredModel) -> Evaluated | None:
    """Let the visitor drop photos; return the evaluation of the model on them once there is one."""
    token = st.session_state.get(DROP)
    drop = drops.find(token) if token else None
    if drop is None:
        if token:
            st.info(GONE, icon=":material/auto_delete:")
            st.session_state.pop(DROP)
        _offer_drop(model)
        return None
    _hold(drop.token)
    write_address(DROP, drop.token)
    job = find_reading(drop)
    if job and not job.error:
        watch_job("Evaluate", partial(find_reading, drop), _reading_text, partial(_discard, drop.token))
        return None
    if drop.dataset is None:
        st.error(escape(job.error if job else GONE), icon=":material/error:")
        with st.container(horizontal=True):
            _offer_other_photos(drop.token)
            link("datasets", "Import them instead")
        return None
    return _evaluate(model, drop.dataset, drop.token)


def _evaluate(model: StoredModel, dataset: Dataset, token: str) -> Evaluated | None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(_contents(dataset), width="stretch")
        _offer_other_photos(token)
    if not dataset.boxes:
        st.info("There are no labels to compare detections with. Predict shows the objects that the model finds.")
        link("predict", "Go to Predict", model=model.id)
        return None
    _show_assumptions(dataset, model.card)
    return evaluate(model, dataset)


def _contents(dataset: Dataset) -> str:
    boxes = f"{counted(dataset.boxes, 'box', 'boxes')} of {counted(len(dataset.classes), 'class', 'classes')}"
    labels = f"with {boxes}" if dataset.boxes else "without labels"
    return f"**{escape(dataset.name)}**: {counted(len(dataset.images), 'photo')} {labels}, not imported."


def _show_assumptions(dataset: Dataset, card: ModelCard) -> None:
    unknown = unknown_classes(card, dataset)
    if unknown and len(unknown) < len(dataset.classes):
        st.warning(escape(caution_text(Notice.of("classes_unknown", boxes=unknown))), icon=":material/warning:")
    if assumed := assumptions(dataset, "page"):
        title = f"{counted(len(assumed), 'assumption')} about these labels; an import would ask you"
        with st.expander(title, type="compact", icon=":material/info:"):
            st.markdown("\n".join(f"- {escape(sentence)}" for sentence in assumed))


@editors_only("drop photos")
def _offer_drop(model: StoredModel) -> None:
    sweep_hidden(open_workspace().dropped)
    with st.container(border=True):
        st.markdown(
            f"Photos with their labels. They are not imported, and are deleted soon after you close this page. {LABELS}"
        )
        archive, folder = st.tabs(["Archive or files", "Folder"])
        with archive:
            limit = int(st.get_option("server.maxUploadSize"))
            st.caption(f"A zip or tar archive, or the photos and their label files together; up to {limit} MB a file.")
            uploads = st.file_uploader(
                "Files", accept_multiple_files=True, key=_key("files"), label_visibility="collapsed"
            )
            if uploads:
                _offer_start(model, *_source([UploadedFile(upload.name, upload) for upload in uploads]), "files")
        with folder:
            st.caption("A folder, and the folders in it.")
            if files := upload_folder(_key("folder")):
                _offer_start(model, files, folder_name(files), "folder")


def _source(files: Sequence[UploadedFile]) -> tuple[BinaryIO | Sequence[UploadedFile], str]:
    """Return an archive, or else all files, with a name for them."""
    first = files[0]
    if len(files) == 1 and first.path.lower().endswith(ARCHIVES):
        return first.file, PurePosixPath(first.path).name
    return files, counted(len(files), "file")


def _offer_start(model: StoredModel, source: BinaryIO | Sequence[UploadedFile], name: str, where: str) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        format_ = choose_format(st.container(width=220), _key(f"format {where}"))
        if not st.button(
            "Evaluate on these photos", type="primary", icon=":material/fact_check:", key=_key(f"evaluate {where}")
        ):
            return
    st.session_state[DROPS] += 1  # at once: a second click is one on no button
    try:
        st.session_state[DROP] = drop_photos(model, source, name, format_).token
    except Exception:
        st.session_state[DROPS] -= 1  # the form stays as it is
        raise
    st.rerun()


def _offer_other_photos(token: str) -> None:
    if st.button("Drop other photos", icon=":material/upload:"):
        _discard(token)
        st.rerun()


def _discard(token: str) -> None:
    drops.discard(token)
    st.session_state.pop(DROP, None)


@st.cache_resource(scope="session", on_release=drops.release, show_spinner=False)
def _hold(token: str) -> str:
    return drops.hold(token)


def _reading_text(job: Job) -> str:
    return step_text(ImportStep(job.step, job.done, job.total)) if job.step else "Starting"  # type: ignore[arg-type]


def _key(name: str) -> str:
    return f"{name} {st.session_state.setdefault(DROPS, 0)}"
