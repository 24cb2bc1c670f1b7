"""What a visitor has given on the Predict page, and the predictions on it.

Streamlit forgets the files of a field that is not on the page any more. They are kept here for the way back, and for a
reload: the address names the visit by a token.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import streamlit as st
from streamlit.typing import UploadedFile

from autodet.datasets.additions.new_photos import NewPhoto
from autodet.inference.given_photos import GivenFile, UnpackedArchives
from autodet.inference.held_items import HeldItems
from autodet.inference.prediction_batches import PredictionBatch, Way
from autodet.ui.common.address import named_in_address, write_address
from autodet.ui.predict.sides import Choice

VISIT = "visit of the Predict page"  # session state
DROPPED = "dropped"  # in the address
KEEP_SECONDS = 120.0  # after a disconnection, as long as Streamlit keeps the session: for a reload, or a phone put away


@dataclass(eq=False)
class Visit:
    """A visit of the Predict page.

    Attributes:
        tab: Title of the open tab; empty before the first.
        first_tab: Title of the tab that was open when the visitor came to the page.
        files: Files in the field of each tab.
        earlier: Files of earlier fields of each tab.
        taken: Split and number of the photos taken from each data set, by its id.
        tiles: Whether large photos are predicted on in tiles too.
        choices: Thresholds and classes that the visitor chose, by the identity of the models.
        archives: The unpacked archives among the files.
        batches: Batches of predictions, the last used at the end.
        collected: Photos whose predictions need a correction, by their keys.
        added: Keys of those that are in a data set by now; the component may name them until another page is open.
    """

    tab: str = ""
    first_tab: str = ""
    files: dict[str, list[GivenFile]] = field(default_factory=dict)
    earlier: dict[str, list[GivenFile]] = field(default_factory=dict)
    taken: dict[str, tuple[str, int]] = field(default_factory=dict)
    tiles: bool = False
    choices: dict[str, Choice] = field(default_factory=dict)
    archives: UnpackedArchives = field(default_factory=UnpackedArchives)
    batches: dict[Way, PredictionBatch] = field(default_factory=dict)
    collected: dict[str, NewPhoto] = field(default_factory=dict)
    added: set[str] = field(default_factory=set)

    def take(self, tab: str, uploads: Sequence[UploadedFile], *, fresh: bool) -> list[GivenFile]:
        """Take the files in a field, and return all files of its tab.

        Args:
            tab: Title of the tab.
            uploads: The files.
            fresh: Whether the field is a new one, so that the visitor has not removed the files that it lacks.
        """
        files = [GivenFile(upload.file_id, upload.name, upload.getvalue()) for upload in uploads]
        now = {file.id for file in files}
        before = [*self.earlier.get(tab, ()), *(self.files.get(tab, ()) if fresh else ())]
        self.earlier[tab], self.files[tab] = [file for file in before if file.id not in now], files
        return [*self.earlier[tab], *files]

    def forget(self, tab: str) -> None:
        """Forget the files of earlier fields of a tab."""
        self.earlier[tab] = []

    def delete_unused(self) -> None:
        """Delete the unpacked archives that no tab has any more."""
        both = (*self.files.values(), *self.earlier.values())
        self.archives.discard(keep={file.id for files in both for file in files})

    def end(self) -> None:
        """End the predictions, and delete the files on the disk."""
        for batch in self.batches.values():
            batch.cancel()
        self.archives.discard()


visits: HeldItems[Visit] = HeldItems(Visit.end, KEEP_SECONDS)


def current_visit() -> Visit:
    """Return the visit of this session: the one in the address after a reload, or a new one."""
    named = named_in_address(DROPPED)
    token = named if named and visits.find(named) else st.session_state.get(VISIT, "")
    visit = visits.find(token)
    if visit is None:
        visit = Visit()
        token = visits.add(visit)
    st.session_state[VISIT] = _hold(token)
    return visit


def names_deleted_visit() -> bool:
    """Return whether a link leads here that names a visit which has ended."""
    named = named_in_address(DROPPED)
    return named is not None and visits.find(named) is None


def name_visit() -> None:
    """Name the visit in the address, if it has anything to find again."""
    visit = current_visit()
    if any(visit.files.values()) or any(visit.earlier.values()) or visit.taken:
        write_address(DROPPED, st.session_state[VISIT])


@st.cache_resource(scope="session", on_release=visits.release, show_spinner=False)
def _hold(token: str) -> str:
    return visits.hold(token)
