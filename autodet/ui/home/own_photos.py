"""Import from Home: a dropped zip or folder is imported at once, under its own name."""

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import BinaryIO

import streamlit as st

from autodet.datasets.imports.import_dataset import name_of
from autodet.datasets.imports.import_job import start_import
from autodet.datasets.sources.upload import UploadedFile
from autodet.ui.common.frame import open_page
from autodet.ui.common.imports_begun import begun
from autodet.ui.common.uploads import ARCHIVES, folder_name, upload_folder

DROPPED = "dropped on home"  # session state: number of imports from Home; part of the keys, so that each starts once
KINDS = {"archive": "A zip", "folder": "A folder"}


def offer_own_photos() -> None:
    """Show a drop zone for a zip or a folder, and import the dropped files."""
    number = st.session_state.setdefault(DROPPED, 0)
    kind = st.segmented_control(
        "What to import",
        list(KINDS),
        default="archive",
        required=True,
        format_func=KINDS.__getitem__,
        label_visibility="collapsed",
    )
    if kind == "folder":
        if files := upload_folder(f"folder on home {number}"):
            _begin(files, folder_name(files))
    elif upload := st.file_uploader(
        "Zip of photos", ARCHIVES, key=f"zip on home {number}", label_visibility="collapsed"
    ):
        _begin(upload, PurePosixPath(upload.name).name)


def _begin(source: BinaryIO | Sequence[UploadedFile], file: str) -> None:
    st.session_state[DROPPED] += 1
    begun(start_import(source, name_of(file)))
    open_page("datasets")
