"""Bringing a data set in: a zip from the visitor's computer, the drawn sample, S3, or a folder of the server."""

from pathlib import PurePath
from typing import BinaryIO

import streamlit as st

from autodet.datasets.background import start_import
from autodet.datasets.importing import name_of
from autodet.datasets.roots import find_below_roots
from autodet.datasets.s3 import S3Credentials
from autodet.datasets.staging import SAMPLE
from autodet.settings import load_settings
from autodet.ui.imports import begun

UPLOADS = "uploads"  # counts imports, so that each begins with an empty uploader


def offer_import(*, folded: bool) -> None:
    """The ways to bring a data set in.

    Args:
        folded: Whether they take one line until they are wanted.
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
        "Zip file", type="zip", key=f"zip {st.session_state.setdefault(UPLOADS, 0)}", label_visibility="collapsed"
    )
    if upload is not None:
        name = st.text_input("Name", PurePath(upload.name).stem)
        if st.button("Import", type="primary", icon=":material/upload:"):
            _begin(upload, name.strip() or PurePath(upload.name).stem)


def _offer_sample() -> None:
    st.markdown(
        "240 drawn pictures of apples, bananas and oranges among other things, to see everything work before you "
        "bring photos of your own. It takes about a quarter of a minute to draw."
    )
    if st.button("Use the sample data set", type="primary", icon=":material/draw:"):
        _begin(SAMPLE, SAMPLE)


def _offer_s3() -> None:
    st.markdown("A bucket's folder (`s3://bucket/folder`) or zip (`s3://bucket/fruit.zip`), in the same layouts.")
    with st.form("s3", border=False):
        address = st.text_input("Address", placeholder="s3://bucket/folder")
        st.caption(
            "Keys stay in this browser session: nothing writes them down. Without keys, the machine's own are used."
        )
        left, right = st.columns(2)
        key_id = left.text_input("Access key id", autocomplete="off")
        secret = right.text_input("Secret access key", type="password", autocomplete="off")
        region = left.text_input("Region", placeholder="if your bucket needs it", autocomplete="off")
        token = right.text_input("Session token", placeholder="for temporary keys", type="password", autocomplete="off")
        if st.form_submit_button("Import from S3", type="primary", icon=":material/cloud_download:"):
            if not address.startswith("s3://"):
                st.error(r"An address begins with s3\:// and names a bucket, for example s3\://photos/fruit.")
            elif bool(key_id) != bool(secret):
                st.error("Give both halves of the key, its id and its secret, or neither.")
            else:
                keys = S3Credentials(key_id, secret, token or None, region or None) if key_id else None
                _begin(address, name_of(address), keys)


def _offer_folder() -> None:
    roots = ", ".join(f"`{root}`" for root in load_settings().data_roots)
    st.markdown(f"A folder or a zip that lies on the server, below {roots}. Its files are copied, and never changed.")
    with st.form("folder", border=False):
        path = st.text_input("Folder or zip", placeholder="fruit")
        if st.form_submit_button("Import from the server", type="primary", icon=":material/folder_open:"):
            found = find_below_roots(path, load_settings())
            _begin(str(found), name_of(found))


def _begin(source: str | BinaryIO, name: str, credentials: S3Credentials | None = None) -> None:
    begun(start_import(source, name, credentials=credentials))
    st.session_state[UPLOADS] = st.session_state.get(UPLOADS, 0) + 1
    st.rerun()
