"""Form for the photos to predict on: files and archives, a folder, the camera, or a data set.

Streamlit forgets the files of a field that is not on the page any more; the session keeps them for the way back.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import streamlit as st
from streamlit.typing import UploadedFile

from autodet.datasets.manifest import list_datasets, read_dataset
from autodet.inference.given_photos import GivenFile, GivenPhotos, UnpackedArchives, sort_files
from autodet.messages.formats import PHOTO_FORMATS
from autodet.models.store import StoredModel
from autodet.text_format import counted, size_text
from autodet.ui.common.address import named_in_address
from autodet.ui.common.uploads import name_dropped_folders
from autodet.ui.predict.dataset_photos import ask_for_dataset_photos
from autodet.workspace import open_workspace

FORM = "photos to predict on"  # session state
FILES, FOLDER, CAMERA, DATASET = "Files", "Folder", "Camera", "Data set"
ICONS = {FILES: "upload", FOLDER: "folder_open", CAMERA: "photo_camera", DATASET: "photo_library"}


@dataclass(eq=False)
class Kept:
    """What the session keeps of the form.

    Attributes:
        way: Title of the open tab.
        files: Files in the field of each tab.
        earlier: Files of earlier fields of each tab.
        archives: The unpacked archives among them.
    """

    way: str | None = None
    files: dict[str, list[GivenFile]] = field(default_factory=dict)
    earlier: dict[str, list[GivenFile]] = field(default_factory=dict)
    archives: UnpackedArchives = field(default_factory=UnpackedArchives)

    def take(self, way: str, uploads: Sequence[UploadedFile], *, fresh: bool) -> list[GivenFile]:
        """Take the files in a field, and return all files of its tab.

        Args:
            way: Title of the tab.
            uploads: The files.
            fresh: Whether the visitor did not remove the files that are no longer in the field: it is a new one.
        """
        earlier, files = self.earlier.setdefault(way, []), [_given(upload) for upload in uploads]
        if fresh:
            now = {file.id for file in files}
            earlier += [file for file in self.files.get(way, ()) if file.id not in now]
        self.files[way] = files
        return [*earlier, *files]

    def forget(self, way: str) -> None:
        """Forget the files of earlier fields of a tab."""
        self.earlier[way] = []

    def ids(self) -> set[str]:
        """Return the ids of all files."""
        return {file.id for files in (*self.files.values(), *self.earlier.values()) for file in files}


def ask_for_photos(model: StoredModel) -> GivenPhotos:
    """Let the visitor give photos in one of several ways, and return those of the open tab."""
    kept: Kept = st.session_state.setdefault(FORM, Kept())
    ways: dict[str, Callable[[], GivenPhotos]] = {
        FILES: lambda: _ask_for_files(kept, model),
        FOLDER: lambda: _ask_for_folder(kept),
        CAMERA: lambda: _ask_for_shot(kept),
    }
    if list_datasets():
        ways[DATASET] = ask_for_dataset_photos
    titles = {way: f":material/{ICONS[way]}: {way}" for way in ways}
    kept.way = DATASET if named_in_address("dataset") is not None else kept.way
    tabs = st.tabs(list(titles.values()), default=titles.get(kept.way or ""), key="photos from", on_change="rerun")
    given = GivenPhotos()
    for tab, (way, ask) in zip(tabs, ways.items(), strict=True):
        if tab.open:
            kept.way = way
            with tab:
                given = ask()
    kept.archives.discard(keep=kept.ids())
    return given


def _ask_for_files(kept: Kept, model: StoredModel) -> GivenPhotos:
    name_dropped_folders()
    fresh = FILES not in st.session_state
    uploads = st.file_uploader(
        "Drop photos, a folder or a zip here, or choose some",
        accept_multiple_files=True,
        key=FILES,
        help=f"{PHOTO_FORMATS}; as many as you like.",
    )
    files = kept.take(FILES, uploads, fresh=fresh)
    if files:
        _show_earlier(kept, FILES)
        return _sorted(kept, files)
    examples = _examples(model)
    if examples.photos and st.toggle("Try three photos of the data set", key="examples"):
        return examples
    return GivenPhotos()


def _ask_for_folder(kept: Kept) -> GivenPhotos:
    fresh = FOLDER not in st.session_state
    uploads = st.file_uploader(
        "Choose a folder, with the folders in it",
        accept_multiple_files="directory",
        key=FOLDER,
    )
    files = kept.take(FOLDER, uploads, fresh=fresh)
    _show_earlier(kept, FOLDER)
    return _sorted(kept, files)


def _ask_for_shot(kept: Kept) -> GivenPhotos:
    shot = st.camera_input("Take a photo", key=CAMERA)
    files = kept.take(CAMERA, [shot] if shot else [], fresh=True)
    _show_earlier(kept, CAMERA)
    return _sorted(kept, [file._replace(path=f"Camera {n}.jpg") for n, file in enumerate(files, start=1)])


def _sorted(kept: Kept, files: Sequence[GivenFile]) -> GivenPhotos:
    with st.spinner("Reading the files", show_time=True):
        return sort_files(files, kept.archives)


def _show_earlier(kept: Kept, way: str) -> None:
    """Tell which photos are not in the field, and offer to remove them."""
    earlier = kept.earlier[way]
    if earlier:
        with st.container(horizontal=True, vertical_alignment="center"):
            size = size_text(sum(len(file.content) for file in earlier))
            st.caption(f"And {counted(len(earlier), 'file')} from before, {size}", width="content")
            st.button("Remove", key=f"remove {way}", type="tertiary", on_click=kept.forget, args=(way,))


def _examples(model: StoredModel) -> GivenPhotos:
    """Return up to three test photos, or validation photos, of the model's data set."""
    for summary in list_datasets():
        if summary.name == model.card.dataset:
            dataset = read_dataset(open_workspace().datasets / summary.id)
            records = (dataset.split("test") or dataset.split("val"))[:3]
            return GivenPhotos(tuple((dataset.photo(record), record.file) for record in records))
    return GivenPhotos()


def _given(upload: UploadedFile) -> GivenFile:
    return GivenFile(upload.file_id, upload.name, upload.getvalue())
