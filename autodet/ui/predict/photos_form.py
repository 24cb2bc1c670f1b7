"""Form for the photos to predict on: files and archives, a folder, the camera, or a data set."""

from collections.abc import Callable, Sequence

import streamlit as st

from autodet.datasets.manifest import list_datasets, read_dataset
from autodet.inference.given_photos import GivenFile, GivenPhotos, sort_files
from autodet.messages.formats import PHOTO_FORMATS
from autodet.models.store import StoredModel
from autodet.text_format import counted, size_text
from autodet.ui.common.address import named_in_address
from autodet.ui.common.uploads import name_dropped_folders
from autodet.ui.predict.dataset_photos import ask_for_dataset_photos
from autodet.ui.predict.visit import Visit, current_visit, name_visit
from autodet.workspace import open_workspace

TABS = "photos from"  # key, and those of the fields in the tabs
FILES, FOLDER, CAMERA, DATASET = "Files", "Folder", "Camera", "Data set"
ICONS = {FILES: "upload", FOLDER: "folder_open", CAMERA: "photo_camera", DATASET: "photo_library"}


def ask_for_photos(model: StoredModel) -> GivenPhotos:
    """Let the visitor give photos in one of several ways, and return those of the open tab."""
    visit = current_visit()
    ways: dict[str, Callable[[], GivenPhotos]] = {
        FILES: lambda: _ask_for_files(visit, model),
        FOLDER: lambda: _ask_for_folder(visit),
        CAMERA: lambda: _ask_for_shot(visit),
    }
    if list_datasets():
        ways[DATASET] = lambda: ask_for_dataset_photos(visit)
    titles = {way: f":material/{ICONS[way]}: {way}" for way in ways}
    if TABS not in st.session_state:  # another default would make them other tabs
        visit.first_tab = DATASET if named_in_address("dataset") is not None else visit.tab
    tabs = st.tabs(list(titles.values()), default=titles.get(visit.first_tab), key=TABS, on_change="rerun")
    given = GivenPhotos()
    for tab, (way, ask) in zip(tabs, ways.items(), strict=True):
        if tab.open:
            visit.tab = way
            with tab:
                given = ask()
    visit.delete_unused()
    name_visit()
    return given


def _ask_for_files(visit: Visit, model: StoredModel) -> GivenPhotos:
    name_dropped_folders()
    fresh = FILES not in st.session_state
    uploads = st.file_uploader(
        "Drop photos, a folder or a zip here, or choose some",
        accept_multiple_files=True,
        key=FILES,
        help=f"{PHOTO_FORMATS}; as many as you like.",
    )
    files = visit.take(FILES, uploads, fresh=fresh)
    if files:
        _show_earlier(visit, FILES)
        return _sorted(visit, files)
    examples = _examples(model)
    if examples.photos and st.toggle("Try three photos of the data set", key="examples"):
        return examples
    return GivenPhotos()


def _ask_for_folder(visit: Visit) -> GivenPhotos:
    fresh = FOLDER not in st.session_state
    uploads = st.file_uploader(
        "Choose a folder; its subfolders are included",
        accept_multiple_files="directory",
        key=FOLDER,
    )
    files = visit.take(FOLDER, uploads, fresh=fresh)
    _show_earlier(visit, FOLDER)
    return _sorted(visit, files)


def _ask_for_shot(visit: Visit) -> GivenPhotos:
    shot = st.camera_input("Take a photo", key=CAMERA)
    files = visit.take(CAMERA, [shot] if shot else [], fresh=True)
    _show_earlier(visit, CAMERA)
    return _sorted(visit, [file._replace(path=f"Camera {n}.jpg") for n, file in enumerate(files, start=1)])


def _sorted(visit: Visit, files: Sequence[GivenFile]) -> GivenPhotos:
    in_order = sorted(files, key=lambda file: file.path if "/" in file.path else "")  # browsers mix those of folders
    with st.spinner("Reading the files", show_time=True):
        return sort_files(in_order, visit.archives)


def _show_earlier(visit: Visit, tab: str) -> None:
    """Tell which photos are not in the field, and offer to remove them."""
    earlier = visit.earlier[tab]
    if earlier:
        with st.container(horizontal=True, vertical_alignment="center"):
            size = size_text(sum(len(file.content) for file in earlier))
            st.caption(f"And {counted(len(earlier), 'file')} from before, {size}", width="content")
            st.button("Remove", key=f"remove {tab}", type="tertiary", on_click=visit.forget, args=(tab,))


def _examples(model: StoredModel) -> GivenPhotos:
    """Return up to three test photos, or validation photos, of the model's data set."""
    for summary in list_datasets():
        if summary.name == model.card.dataset:
            dataset = read_dataset(open_workspace().datasets / summary.id)
            records = (dataset.split("test") or dataset.split("val"))[:3]
            return GivenPhotos(tuple((dataset.photo(record), record.file) for record in records))
    return GivenPhotos()
