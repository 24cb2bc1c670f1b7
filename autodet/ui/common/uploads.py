"""Fields for uploads of photos with their labels."""

from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.typing import UploadedFile as StreamlitFile

from autodet.datasets.sources.upload import UploadedFile
from autodet.messages.formats import FORMAT_TITLES
from autodet.text_format import counted, size_text
from autodet.ui.common.address import ASSETS

AUTO = "auto"  # the format is detected
ARCHIVES = ("zip", "tar", "tgz", "tar.gz", "tar.bz2", "tar.xz")
LABELS = (
    "The labels may be Pascal VOC, COCO, YOLO, or what a labelling program such as Labelme, CVAT or Label Studio "
    "saves; autodet detects which."
)
DROPPED_FOLDERS = ASSETS / "dropped_folders.js"


def upload_folder(key: str) -> list[UploadedFile]:
    """Let the visitor choose or drop a folder; return its files with their paths."""
    name_dropped_folders()
    uploads = st.file_uploader("Folder", accept_multiple_files="directory", key=key, label_visibility="collapsed")
    _show_size(uploads or ())
    return [UploadedFile(upload.name, upload) for upload in uploads or ()]


def upload_photos(endings: Sequence[str], key: str) -> list[UploadedFile]:
    """Let the visitor choose or drop photos with one of the extensions; return them below one folder."""
    where: dict[str, Any] = {"key": key, "label_visibility": "collapsed"}
    uploads = st.file_uploader("Photos", endings, accept_multiple_files=True, **where) or []
    _show_size(uploads)
    earlier: Counter[str] = Counter()
    files = []
    for upload in uploads:  # several photos of a camera may have one name
        files.append(UploadedFile(f"photos/{earlier[upload.name]}/{upload.name}", upload))
        earlier[upload.name] += 1
    return files


def _show_size(uploads: Sequence[StreamlitFile]) -> None:
    if uploads:
        size = size_text(sum(upload.size for upload in uploads))
        st.caption(f"{counted(len(uploads), 'file')}, {size}")


def name_dropped_folders() -> None:
    """Let fields for uploads send the folders of dropped files."""
    st.html(f"<script>{DROPPED_FOLDERS.read_text()}</script>", unsafe_allow_javascript=True)


def folder_name(files: list[UploadedFile]) -> str:
    """Return the name of an uploaded folder."""
    return PurePosixPath(files[0].path).parts[0]


def choose_format(room: DeltaGenerator, key: str) -> str:
    """Let the visitor choose the format of labels; return ``auto`` for its detection."""
    titles = {AUTO: "Detect it", **FORMAT_TITLES}
    return room.selectbox("Format", list(titles), format_func=titles.__getitem__, key=key)
