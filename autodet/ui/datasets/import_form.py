"""Import form: a zip from the visitor's computer, a sample, S3, or a folder on the server."""

from dataclasses import replace
from pathlib import PurePath
from typing import BinaryIO

import streamlit as st

from autodet.datasets.imports.import_dataset import name_of
from autodet.datasets.imports.import_job import start_import
from autodet.datasets.imports.staging import MOTORBIKES, SAMPLE
from autodet.datasets.sources.roots import find_below_roots
from autodet.datasets.sources.s3.access import SCHEME, S3Credentials, check_visitor
from autodet.settings import AMAZON, load_settings
from autodet.ui.datasets.import_jobs import begun
from autodet.ui.datasets.s3_identity import choose_identity, remember_keys, type_keys

UPLOADS = "uploads"  # session state: number of imports, so that each starts with an empty uploader


def offer_import(*, folded: bool) -> None:
    """Show the import form, with a tab for each source.

    Args:
        folded: Whether the form is collapsed at first.
    """
    room = st.expander("Import a data set", icon=":material/upload:") if folded else st.container(border=True)
    with room:
        ways = {"From this computer": _offer_upload, "The sample": _offer_sample, "From S3": _offer_s3}
        if load_settings().data_roots:
            ways["From the server"] = _offer_folder
        for tab, offer in zip(st.tabs(list(ways)), ways.values(), strict=True):
            with tab:
                offer()


def _offer_upload() -> None:
    limit = int(st.get_option("server.maxUploadSize"))
    st.markdown(
        f"A zip of photos with their labels, up to **{limit} MB**: Pascal VOC (an `.xml` beside each photo, or "
        "`Annotations` and `JPEGImages`), COCO or YOLO. Folders called `train`, `val` and `test` are kept as splits; "
        "without them the photos are split for you."
    )
    upload = st.file_uploader(
        "Zip file",
        type=["zip", "tar", "gz", "tgz", "bz2", "xz"],
        key=f"zip {st.session_state.setdefault(UPLOADS, 0)}",
        label_visibility="collapsed",
    )
    if upload is not None:
        name = st.text_input("Name", PurePath(upload.name).stem)
        if st.button("Import", type="primary", icon=":material/upload:"):
            _begin(upload, name.strip() or PurePath(upload.name).stem)


def _offer_sample() -> None:
    st.markdown(
        "240 drawn photos of apples, bananas and oranges among other things, to see everything work before you "
        "bring photos of your own. Drawing them takes about 15 seconds."
    )
    if st.button("Use the sample data set", type="primary", icon=":material/draw:"):
        _begin(SAMPLE, SAMPLE)
    if AMAZON not in load_settings().s3_endpoints:
        return
    st.markdown(
        "Real photos instead: AutoGluon's `tiny_motorbike`, a small part of Pascal VOC, 23 MB from a public bucket of "
        "Amazon S3, if this server can reach it."
    )
    if st.button("Import the motorbikes", icon=":material/cloud_download:"):
        _begin(MOTORBIKES, MOTORBIKES)


def _offer_s3() -> None:
    st.markdown("A bucket's folder (`s3://bucket/folder`) or zip (`s3://bucket/fruit.zip`), in the same layouts.")
    settings = load_settings()
    asking = choose_identity(settings)
    with st.form("s3", border=False):
        address = st.text_input("Address", placeholder="s3://bucket/folder").strip()
        if len(settings.s3_endpoints) > 1:
            asking = replace(asking, endpoint=st.selectbox("Server", settings.s3_endpoints, format_func=_server_name))
        asking = type_keys(asking)
        if st.form_submit_button("Import from S3", type="primary", icon=":material/cloud_download:"):
            if not address.startswith(SCHEME):
                st.error(r"An address begins with s3\:// and names a bucket, for example s3\://photos/fruit.")
            elif bool(asking.access_key_id) != bool(asking.secret_access_key):
                st.error("Enter both the access key id and the secret access key.")
            elif asking.lacks_keys:
                st.error("Enter a key, or select above that the bucket is public.")
            else:
                check_visitor(asking, settings)
                _begin(address, name_of(address), asking)


def _server_name(endpoint: str) -> str:
    return "Amazon S3" if endpoint == AMAZON else endpoint


def _offer_folder() -> None:
    roots = ", ".join(f"`{root}`" for root in load_settings().data_roots)
    st.markdown(f"A folder or a zip on the server, below {roots}. Its files are copied, and never changed.")
    with st.form("folder", border=False):
        path = st.text_input("Folder or zip", placeholder="fruit")
        if st.form_submit_button("Import from the server", type="primary", icon=":material/folder_open:"):
            source = find_below_roots(path, load_settings())
            _begin(str(source), name_of(source))


def _begin(source: str | BinaryIO, name: str, credentials: S3Credentials | None = None) -> None:
    job = start_import(source, name, credentials=credentials)
    begun(job)
    if credentials:
        remember_keys(job.id, credentials)
    st.session_state[UPLOADS] = st.session_state.get(UPLOADS, 0) + 1
    st.rerun()
