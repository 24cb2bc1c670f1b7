"""Forms for photos: an archive or a folder from the visitor's computer, S3, or a folder on the server.

The same fields import a data set, and add photos to one.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import BinaryIO

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from autodet.datasets.imports.import_dataset import name_of
from autodet.datasets.imports.import_job import start_import
from autodet.datasets.imports.staging import MOTORBIKES, SAMPLE
from autodet.datasets.manifest import Dataset, list_datasets
from autodet.datasets.sources.roots import find_below_roots
from autodet.datasets.sources.s3.access import SCHEME, S3Credentials, check_visitor
from autodet.datasets.sources.upload import UploadedFile
from autodet.inference.kept_photos import list_kept
from autodet.settings import AMAZON, load_settings
from autodet.ui.common.editors import editors_only
from autodet.ui.common.empty_state import show_drawing
from autodet.ui.common.frame import sentences_for_errors
from autodet.ui.common.imports_begun import begun
from autodet.ui.common.kept_photos import offer_kept
from autodet.ui.common.uploads import ARCHIVES, AUTO, LABELS, choose_format, folder_name, upload_folder
from autodet.ui.datasets.s3_identity import choose_identity, remember_keys, type_keys
from autodet.workspace import open_workspace

STARTED = "imports started"  # session state: number of imports; part of every key, so that each has a new form
LAYOUTS = (
    f"{LABELS} Folders called `train`, `val` and `test` are kept as splits; without them the photos are split for you. "
    "Photos without labels are fine, too: label them here."
)
Target = Dataset | None  # the data set to which photos are added; None for an import


@editors_only("import")
def offer_import(*, folded: bool) -> None:
    """Show the import form, with a tab for each source.

    Args:
        folded: Whether the form is collapsed at first.
    """
    room: DeltaGenerator
    if folded:
        room = st.expander("Import a data set", icon=":material/upload:", key=_key("form"))
    else:
        room = st.container(border=True)
        with room:
            if list_datasets():
                st.markdown("**Import a data set**")
            else:
                show_drawing("photos", 120)
    with room:
        _show_ways(
            {
                "An archive": lambda: _offer_archive(None),
                "A folder": lambda: _offer_upload(None),
                "The sample": _offer_sample,
                **_distant_ways(None),
            }
        )


@editors_only()
@st.fragment
def offer_addition(dataset: Dataset) -> None:
    """Show the form that adds photos, labelled or not, to a data set."""
    with sentences_for_errors("Data sets"):
        key = _key("add photos", dataset)
        room = st.expander(
            f"Add photos{_kept_text()}", icon=":material/add_photo_alternate:", key=key, on_change="rerun"
        )
        if room.open:
            with room:
                _edit_addition(dataset)


def _edit_addition(dataset: Dataset) -> None:
    st.markdown(
        "Makes a version with more photos. This data set stays as it is, and photos that it has already are skipped. "
        "Photos without labels wait on the page Label, and labels drawn there so far are taken over."
    )
    offer_kept(dataset)
    _show_ways(
        {
            "An archive": lambda: _offer_archive(dataset),
            "A folder": lambda: _offer_upload(dataset),
            **_distant_ways(dataset),
        }
    )


def _kept_text() -> str:
    kept = sum(len(one.ids) for one in list_kept(open_workspace()))
    return f" ({kept:,} kept by the API)" if kept else ""


def _distant_ways(into: Target) -> dict[str, Callable[[], None]]:
    ways: dict[str, Callable[[], None]] = {"From S3": lambda: _offer_s3(into)}
    if load_settings().data_roots:
        ways["From the server"] = lambda: _offer_folder(into)
    return ways


def _show_ways(ways: dict[str, Callable[[], None]]) -> None:
    for tab, offer in zip(st.tabs(list(ways)), ways.values(), strict=True):
        with tab:
            offer()


def _offer_archive(into: Target) -> None:
    limit = int(st.get_option("server.maxUploadSize"))
    st.markdown(f"A zip or tar archive of photos with their labels, up to **{limit} MB**. {LAYOUTS}")
    upload = st.file_uploader("Archive", type=ARCHIVES, key=_key("archive", into), label_visibility="collapsed")
    if upload is not None:
        _ask_for_name(upload, PurePosixPath(upload.name).name, _verb(into), into)


def _offer_upload(into: Target) -> None:
    st.markdown(
        f"A folder of photos with their labels, and the folders in it. {LAYOUTS} An archive is faster for thousands of "
        "photos."
    )
    if files := upload_folder(_key("folder", into)):
        _ask_for_name(files, folder_name(files), f"{_verb(into)} the folder", into)


def _ask_for_name(source: BinaryIO | Sequence[UploadedFile], file: str, label: str, into: Target) -> None:
    """Ask for the format, and for a name unless the photos are added to a data set."""
    name = default = name_of(file)
    left, right = st.columns([2, 1])
    if into is None:
        name = left.text_input("Name", default, key=_key(f"name {label} {file}"))
        left = right
    format_ = choose_format(left, _key(f"format {label}", into))
    if st.button(label, key=_key(label, into), type="primary", icon=":material/upload:"):
        _begin(source, name.strip() or default, format=format_, into=into)


def _verb(into: Target) -> str:
    return "Add" if into else "Import"


def _key(name: str, into: Target = None) -> str:
    """Return a widget's key: after an import has started, a second click on its button is one on no button."""
    return f"{name} {into.id if into else ''} {st.session_state.setdefault(STARTED, 0)}"


def _offer_sample() -> None:
    st.markdown(
        "240 drawn photos of apples, bananas and oranges among other things, to see everything work before you "
        "bring photos of your own."
    )
    if st.button("Use the sample data set", key=_key("sample"), type="primary", icon=":material/draw:"):
        _begin(SAMPLE, SAMPLE)
    if AMAZON not in load_settings().s3_endpoints:
        return
    st.markdown(
        "Real photos instead: AutoGluon's `tiny_motorbike`, a small part of Pascal VOC, 23 MB from a public bucket of "
        "Amazon S3, if this server can reach it."
    )
    if st.button("Import the motorbikes", key=_key("motorbikes"), icon=":material/cloud_download:"):
        _begin(MOTORBIKES, MOTORBIKES)


def _offer_s3(into: Target) -> None:
    st.markdown("A bucket's folder (`s3://bucket/folder`) or archive (`s3://bucket/fruit.zip`), in the same layouts.")
    settings = load_settings()
    asking = choose_identity(settings, _key("identity", into))
    with st.form(_key("s3", into), border=False):
        left, right = st.columns([2, 1])
        address = left.text_input("Address", placeholder="s3://bucket/folder").strip()
        format_ = choose_format(right, _key("format s3", into))
        if len(settings.s3_endpoints) > 1:
            server = st.selectbox("Server", settings.s3_endpoints, format_func=_server_name, key=_key("server", into))
            asking = replace(asking, endpoint=server)
        asking = type_keys(asking, f"into {into.id}" if into else "")
        if st.form_submit_button(f"{_verb(into)} from S3", type="primary", icon=":material/cloud_download:"):
            if not address.startswith(SCHEME):
                st.error(r"An address begins with s3\:// and names a bucket, for example s3\://photos/fruit.")
            elif bool(asking.access_key_id) != bool(asking.secret_access_key):
                st.error("Enter both the access key id and the secret access key.")
            elif asking.lacks_keys:
                st.error("Enter a key, or select above that the bucket is public.")
            else:
                check_visitor(asking, settings)
                _begin(address, name_of(address), asking, format=format_, into=into)


def _server_name(endpoint: str) -> str:
    return "Amazon S3" if endpoint == AMAZON else endpoint


def _offer_folder(into: Target) -> None:
    roots = ", ".join(f"`{root}`" for root in load_settings().data_roots)
    st.markdown(f"A folder or an archive on the server, below {roots}. Its files are copied, and never changed.")
    with st.form(_key("from the server", into), border=False):
        left, right = st.columns([2, 1])
        path = left.text_input("Folder or archive", placeholder="fruit")
        format_ = choose_format(right, _key("format server", into))
        if st.form_submit_button(f"{_verb(into)} from the server", type="primary", icon=":material/folder_open:"):
            source = find_below_roots(path, load_settings())
            _begin(str(source), name_of(source), format=format_, into=into)


def _begin(
    source: str | BinaryIO | Sequence[UploadedFile],
    name: str,
    credentials: S3Credentials | None = None,
    *,
    format: str = AUTO,
    into: Target = None,
) -> None:
    """Start an import once: a second click may interrupt this function wherever it touches the session state."""
    st.session_state[STARTED] += 1
    try:
        job = start_import(source, name, format=format, credentials=credentials, into=into.id if into else "")
    except Exception:
        st.session_state[STARTED] -= 1  # the form stays as it is
        raise
    begun(job)
    if credentials:
        remember_keys(job.id, credentials)
    st.rerun()
