"""The model registry on the Models page: versions and tags, push, pull, and moves of tags."""

from collections.abc import Callable, Collection, Sequence
from functools import partial

import pandas as pd
import streamlit as st

from autodet.access.change import may_change
from autodet.errors import AutodetError
from autodet.inference.background_jobs import Job
from autodet.models.store import StoredModel, list_models
from autodet.registry.documents import ModelVersion, RegisteredModel
from autodet.registry.exchange import list_registry, tag_model
from autodet.registry.exchange_jobs import find_pull, find_push, start_pull, start_push
from autodet.settings import load_settings
from autodet.text_format import size_text
from autodet.ui.common.frame import sentences_for_errors
from autodet.ui.common.job_progress import watch_job
from autodet.ui.common.markdown import ago, escape
from autodet.workspace import slug

AWAITED = "registry awaited"  # session state: returns the message when the job that this visitor has started is done
PUSHES = "registry pushes"  # session state: how many this visitor has started
TOLD = "registry told"  # session state: whether the last move of a tag succeeded, and a sentence
USUAL_TAGS = ("production", "staging")
MAX_MOVES_SHOWN = 5


def show_registry() -> None:
    """Show the registry in an expander, if the settings name one."""
    settings = load_settings()
    if settings.registry and settings.mode != "demo":
        _show()


@st.fragment
def _show() -> None:
    room = st.expander("Registry", icon=":material/inventory_2:", key="registry", on_change="rerun")
    if room.open:
        with room, sentences_for_errors("Models"):
            _show_contents()


def _show_contents() -> None:
    st.caption(f"Models that several installations share, in {escape(load_settings().registry or '')}.")
    with st.spinner("Reading the registry"):
        registered = list_registry()
    models = list_models() if may_change() else []
    pushes = [partial(find_push, model) for model in models]
    pulls = [partial(find_pull, version) for model in registered for version in model.versions]
    _show_jobs([find for find in (*pushes, *pulls) if find()])
    if registered:
        _show_model(registered)
    else:
        st.markdown("The registry is empty.")
    if models:
        key = f"registry push {st.session_state.get(PUSHES, 0)}"  # another key closes it after a push
        with st.popover("Push a model", icon=":material/cloud_upload:", key=key):
            _offer_push(models, {version.reference for model in registered for version in model.versions})


def _show_jobs(found: Sequence[Callable[[], Job | None]]) -> None:
    if not found and (awaited := st.session_state.pop(AWAITED, None)) and (message := awaited()):
        st.success(escape(message), icon=":material/check:")
    for find in found:
        job = find()
        if job and job.error:
            st.error(escape(job.error), icon=":material/error:")
            st.session_state.pop(AWAITED, None)
        elif job:
            watch_job("Models", find, _progress_text)


def _progress_text(job: Job) -> str:
    return f"{size_text(job.done)} of {size_text(job.total)} transferred" if job.total else "Checking the model"


def _show_model(registered: Sequence[RegisteredModel]) -> None:
    by_name = {model.name: model for model in registered}
    name = st.selectbox("Model", list(by_name), key="registry model") if len(by_name) > 1 else registered[0].name
    model = by_name[name]
    if len(by_name) == 1:
        st.markdown(f"**{escape(name)}**")
    table = pd.DataFrame([_row(model, version) for version in model.versions])
    shown = table.loc[:, (table != "").any()]  # without empty columns
    st.dataframe(shown, hide_index=True, height="content", alt=f"Versions of {name}")
    if may_change():
        _offer_changes(model)
    _show_moves(model)


def _row(model: RegisteredModel, version: ModelVersion) -> dict[str, object]:
    test = version.evaluations.get("test", {})
    return {
        "Version": version.version,
        "Tags": ", ".join(model.tags_of(version.version)),
        "mAP@0.5": _figure(version.metrics.get("map50")),
        "mAP@0.5–0.95": _figure(version.metrics.get("map50_95")),
        "mAP@0.5 on test photos": _figure(test.get("map50"), test.get("map50_low"), test.get("map50_high")),
        "Data set": version.dataset,
        "Search": version.search,
        "Pushed": ago(version.pushed),
        "By": version.pushed_by,
        "Size": size_text(version.size_bytes),
        "Classes": ", ".join(version.classes),
    }


def _figure(value: float | None, low: float | None = None, high: float | None = None) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if low is None or high is None else f"{value:.3f} ({low:.3f}–{high:.3f})"


def _offer_changes(model: RegisteredModel) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        numbers = [version.version for version in model.versions]
        number = st.selectbox("Version", numbers, key=f"registry version {model.name}", width=110)
        version = model.versions[numbers.index(number)]
        if st.button("Pull", key="registry pull", icon=":material/cloud_download:", help="Add it to the models below."):
            start_pull(version)
            st.session_state[AWAITED] = lambda: f"{version.reference} is one of the models below."
            st.rerun()
        tags = list(dict.fromkeys((*USUAL_TAGS, *model.tags)))
        tag = st.selectbox("Tag", tags, key=f"registry tag {model.name}", accept_new_options=True, width=180)
        seen = model.moves[tag][0].move if tag in model.moves else 0  # as shown here, when the button is clicked
        st.button(
            "Move the tag here",
            key="registry move",
            icon=":material/sell:",
            on_click=_move,
            args=(version.reference, tag, seen),
            help="The tag names this version from now on. To roll back, move it to the earlier version.",
        )
    if TOLD in st.session_state:
        moved, sentence = st.session_state.pop(TOLD)
        tell = st.success if moved else st.error
        tell(escape(sentence), icon=":material/check:" if moved else ":material/error:")


def _move(reference: str, tag: str, seen: int) -> None:
    try:
        tag_model(reference, tag, seen=seen)
        st.session_state[TOLD] = True, f"The tag {tag} names {reference} now."
    except AutodetError as error:
        st.session_state[TOLD] = False, str(error)


def _show_moves(model: RegisteredModel) -> None:
    """List the last moves of all tags."""
    moves = sorted(
        (move for moves in model.moves.values() for move in moves), key=lambda move: move.moved, reverse=True
    )
    lines = [
        f"- {escape(move.tag)}: {f'version {move.before} → ' if move.before else ''}version {move.version}, "
        f"{ago(move.moved)}{f' by {escape(move.moved_by)}' if move.moved_by else ''}"
        for move in moves[:MAX_MOVES_SHOWN]
    ]
    if lines:
        st.caption("\n".join(["Last moves of tags:\n", *lines]))


def _offer_push(models: Sequence[StoredModel], known: Collection[str]) -> None:
    by_id = {model.id: model for model in models}
    titles = {model.id: model.name if model.name == model.id else f"{model.name} ({model.id})" for model in models}
    chosen = st.selectbox("Model to push", list(by_id), format_func=titles.__getitem__, key="registry pushed")
    model = by_id[chosen]
    name = st.text_input("Name in the registry", slug(model.name), key=f"registry name {model.id}")
    tag = st.text_input("Tag (optional)", key="registry pushed tag", placeholder="staging")
    if st.button("Push it", type="primary", key="registry push it", icon=":material/cloud_upload:"):
        with sentences_for_errors("Models"):
            job = start_push(model, name.strip(), tag.strip())
            st.session_state[PUSHES] = st.session_state.get(PUSHES, 0) + 1
            st.session_state[AWAITED] = partial(_pushed_text, job, model, known)
            st.rerun()


def _pushed_text(job: Job, model: StoredModel, known: Collection[str]) -> str:
    """Return the number of a pushed version, and whether it was there before; empty if the job was cancelled."""
    version = job.result
    if not isinstance(version, ModelVersion):
        return ""
    already = " already" if version.reference in known else ""
    return f"{model.name} is{already} version {version.version} of {version.name} in the registry."
