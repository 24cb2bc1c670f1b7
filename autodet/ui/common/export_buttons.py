"""Download of a data set for other programs."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import streamlit as st

from autodet.datasets.drafts.export import export_drafts
from autodet.datasets.export import export_bytes, export_dataset
from autodet.datasets.label_layouts import LAYOUTS
from autodet.datasets.manifest import Dataset
from autodet.messages.formats import FORMAT_TITLES
from autodet.text_format import size_text
from autodet.ui.common.markdown import escape

MAX_BYTES = 500_000_000  # a download is held in memory
NOTES = {
    "coco": "One JSON file for each split; difficult boxes are crowds.",
    "yolo": "A text file for each photo; the format cannot say that a box is difficult.",
    "voc": "An XML file for each photo.",
    "cvat": "One XML file of the kind CVAT for images 1.1.",
    "label_studio": "A JSON file of tasks; proposals are predictions. The format cannot say that a box is difficult.",
}


def offer_downloads(dataset: Dataset, *, drafts: bool = False) -> None:
    """Show a download button for each format, or the export command if the zip is too large for a browser.

    Each zip is created when its button is pressed.

    Args:
        dataset: The data set.
        drafts: Whether the labels are those that people and models changed since.
    """
    kind = " drafts" if drafts else ""
    with st.popover("Download the labels as they stand now" if drafts else "Download", icon=":material/download:"):
        size = _size(dataset.fingerprint, dataset)
        if size > MAX_BYTES:
            command = (
                f"python -m autodet export {dataset.id} --format coco --out {dataset.id}.zip{' --drafts' * drafts}"
            )
            st.markdown(f"The zip would have {size_text(size)}, too large for a browser. Use the command line:")
            st.code(command, language="bash", wrap_lines=True)
            return
        st.caption(f"A zip of {size_text(size)} with every photo and its split; created when you press a button.")
        if not dataset.boxes and not drafts:
            st.caption("It has no labels yet: its label files are empty.")
        for format in LAYOUTS:
            st.download_button(
                f"Download as {escape(FORMAT_TITLES[format])}",
                partial(_zip, export_drafts if drafts else export_dataset, dataset, format),
                f"{dataset.id}-{format}.zip",
                "application/zip",
                key=f"download{kind} {dataset.id} {format}",
                on_click="ignore",
                help=NOTES[format],
                width="stretch",
            )


@st.cache_data(max_entries=64, show_spinner=False)
def _size(fingerprint: str, _dataset: Dataset) -> int:
    del fingerprint  # only the cache key
    return export_bytes(_dataset)


def _zip(export: Callable[[Dataset, str, Path], Path], dataset: Dataset, format: str) -> bytes:
    with TemporaryDirectory() as folder:
        return export(dataset, format, Path(folder) / "dataset.zip").read_bytes()
