"""Labels of the photos to predict on: files beside them, or those of a data set."""

from collections.abc import Mapping

import streamlit as st

from autodet.errors import AutodetError
from autodet.inference.given_photos import GivenPhotos
from autodet.inference.labels_beside import model_annotations, read_labels
from autodet.inference.prediction_batches import NamedPhoto
from autodet.models.store import StoredModel
from autodet.records import Annotations, Mark
from autodet.text_format import counted
from autodet.ui.common.markdown import escape

READ = "labels beside photos"  # session state: the last ones with their source


def labels_of(
    model: StoredModel, given: GivenPhotos, sizes_wh: Mapping[NamedPhoto, tuple[int, int]]
) -> dict[NamedPhoto, Annotations]:
    """Return the labels of photos with the class ids of a model; sentences tell which cannot be used.

    Args:
        model: The model.
        given: The photos, and the label files beside them.
        sizes_wh: Width and height of the upright photos in pixels.
    """
    marks = dict(given.marks) | _read(model, given, sizes_wh)
    found = {photo: model_annotations(own, model.card.classes) for photo, own in marks.items() if photo in sizes_wh}
    unknown = sum(len(marks[photo]) - len(labels) for photo, labels in found.items())
    if unknown:
        st.caption(f"{counted(unknown, 'labelled object')} of other classes than the model's: not counted as missed.")
    return found


def _read(
    model: StoredModel, given: GivenPhotos, sizes_wh: Mapping[NamedPhoto, tuple[int, int]]
) -> dict[NamedPhoto, tuple[Mark, ...]]:
    """Read the label files; the session remembers the last ones."""
    if not given.labels or not sizes_wh:
        return {}
    by_name = {photo[1]: photo for photo in sizes_wh}
    source = (given.labels, tuple(sizes_wh.items()), model.card.classes)
    if st.session_state.get(READ, (None,))[0] != source:
        try:
            read = read_labels({photo[1]: size for photo, size in sizes_wh.items()}, given.labels, model.card.classes)
            st.session_state[READ] = source, read, ""
        except AutodetError as error:
            st.session_state[READ] = source, {}, str(error)
        except OSError:  # a label file of an unpacked archive is gone
            st.session_state[READ] = source, {}, "They could not be read; drop them again."
    _, marks, problem = st.session_state[READ]
    if problem:
        st.warning(escape(f"The labels beside the photos are not used. {problem}"), icon=":material/label_off:")
    elif not marks:
        st.caption("The label files fit none of these photos.")
    return {by_name[name]: own for name, own in marks.items()}
