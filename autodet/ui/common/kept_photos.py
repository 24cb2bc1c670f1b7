"""Photos that the HTTP API has kept because a model was unsure of them: add them to a data set, or delete them."""

import streamlit as st

from autodet.datasets.additions.new_photos import add_new_photos
from autodet.datasets.manifest import Dataset
from autodet.inference.kept_photos import KeptPhotos, list_kept
from autodet.text_format import counted, size_text
from autodet.ui.common.choice import choose
from autodet.ui.common.editors import editors_only
from autodet.ui.common.frame import open_page
from autodet.ui.common.markdown import escape
from autodet.workspace import open_workspace


@editors_only()
def offer_kept(dataset: Dataset) -> None:
    """Offer to add the kept photos of each model to a data set; nothing is shown if there are none."""
    for kept in list_kept(open_workspace()):
        with st.container(border=True, key=f"kept photos {kept.model}"):
            photos, size = counted(len(kept.ids), "photo"), size_text(kept.bytes)
            st.markdown(
                f":material/inbox: **{photos} kept by the API**, {size}: {escape(kept.model)} was unsure of "
                f"{'it' if len(kept.ids) == 1 else 'them'}. What it found becomes proposals to correct."
            )
            with st.container(horizontal=True):
                label = f"Add to {escape(dataset.name)}"
                if st.button(label, key=f"add kept {kept.model} {dataset.id}", icon=":material/add_photo_alternate:"):
                    _add(kept, dataset)
                if st.button("Delete", key=f"delete kept {kept.model}", icon=":material/delete:"):
                    kept.delete()
                    st.toast(f"{photos} deleted.", icon=":material/check:")
                    st.rerun()


def _add(kept: KeptPhotos, dataset: Dataset) -> None:
    with st.spinner(f"Adding {counted(len(kept.ids), 'photo')}"):
        made = add_new_photos(dataset, kept.photos())
        kept.delete(tuple(made.files))
    choose(dataset=made.dataset.id)
    open_page("label", dataset=made.dataset.id)
