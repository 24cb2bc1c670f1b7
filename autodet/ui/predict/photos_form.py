"""Form for the photos to predict on, and their predictions."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from autodet.datasets.manifest import list_datasets, read_dataset
from autodet.errors import BusyError, PhotoError, QuotaError
from autodet.messages.formats import PHOTO_FORMATS
from autodet.models.store import StoredModel
from autodet.text_format import counted
from autodet.ui.common.loaded_models import predict_photo
from autodet.ui.common.markdown import escape
from autodet.ui.predict.seen import Photo, Seen
from autodet.workspace import open_workspace

MAX_MEGABYTES = 100


def ask_for_photos(model: StoredModel) -> list[Photo]:
    """Return the uploaded photos, or examples from the model's data set if the visitor selects them."""
    uploads = st.file_uploader(
        "Drop photos here, or choose some",
        accept_multiple_files=True,
        max_upload_size=MAX_MEGABYTES,
        help=f"{PHOTO_FORMATS}; several at once if you like.",
    )
    if uploads:
        return [Photo(upload.name, upload.getvalue()) for upload in uploads]
    examples = _examples(model)
    if examples and st.toggle("Try three photos of the data set", key="examples"):
        return examples
    return []


def _examples(model: StoredModel) -> list[Photo]:
    """Return up to three test photos, or validation photos, of the model's data set."""
    for summary in list_datasets():
        if summary.name == model.card.dataset:
            dataset = read_dataset(open_workspace().datasets / summary.id)
            records = (dataset.split("test") or dataset.split("val"))[:3]
            return [Photo(record.file, dataset.photo(record)) for record in records]
    return []


def predict(model: StoredModel, photos: Sequence[Photo]) -> list[Seen]:
    """Predict on each readable photo and list the unreadable ones; predictions are cached in the session state."""
    seen, unreadable = [], []
    for number, photo in enumerate(photos, start=1):
        try:
            with st.spinner(f"Detecting objects in {escape(photo.name)}, {number} of {len(photos)}"):
                content = _content(photo)
                prediction = predict_photo(model, content, photo.name)
        except PhotoError as error:
            unreadable.append(str(error))
            continue
        except (BusyError, QuotaError) as error:
            st.warning(escape(str(error)), icon=":material/hourglass_disabled:")
            break
        seen.append(Seen(photo, hashlib.sha256(content).hexdigest(), prediction))
    _show_unreadable(unreadable, len(photos))
    return seen


def _content(photo: Photo) -> bytes:
    return photo.source.read_bytes() if isinstance(photo.source, Path) else photo.source


def _show_unreadable(sentences: Sequence[str], total: int) -> None:
    """Show the error of a single unreadable file, or a summary of several with the errors in an expander."""
    if not sentences:
        return
    if total == 1:
        st.error(escape(sentences[0]), icon=":material/broken_image:")
        return
    summary = f":material/broken_image: {len(sentences)} of {counted(total, 'file')} could not be read"
    with st.expander(summary, expanded=len(sentences) == total):
        st.markdown("\n".join(f"- {escape(sentence)}" for sentence in sentences))
