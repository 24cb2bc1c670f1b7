"""The label editor: one photo with its boxes, which the visitor draws, changes, accepts and removes.

The browser keeps each change until the server has stored it, and sends all unstored changes in each message, because
Streamlit hands over the last message only. An answer travels with the data of the component.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import streamlit as st

from autodet.access.change import may_change
from autodet.charts.palette import CLASS_COLOURS
from autodet.datasets.drafts.journal import Drafts, read_drafts
from autodet.datasets.manifest import Dataset
from autodet.ui.common.address import named_in_address, note_address, write_address
from autodet.ui.common.frame import link, sentences_for_errors
from autodet.ui.common.markdown import escape
from autodet.ui.common.photo_viewer import read_assets
from autodet.ui.label.changes import draft_document, store_changes
from autodet.ui.label.pictures import find_pictures
from autodet.ui.label.queue import FILTERS, Filter, Queue, make_queue

KEY = "label editor"
ANSWERED = "answered label message"  # session state: the last message that was handled, and its answer
SHOWN = "shown photo to label"  # session state: data set and file
SESSION = "session that labels"  # session state: tells the browser's tab that the server was restarted
OPENED = "opened photos to label"  # session state: how often the server, not the browser, has chosen the photo
FILTER_TITLES: Mapping[Filter, str] = {
    "all": "All",
    "unlabelled": "Unlabelled",
    "proposed": "Proposed",
    "labelled": "Labelled",
    "flagged": "Flagged",
}

_component = st.components.v2.component(
    "autodet_label_editor",
    html=read_assets("label_editor.html")
    .replace("<!-- tools -->", read_assets("label_tools.html"))
    .replace("<!-- proposals -->", read_assets("label_proposals.html"))
    .replace("<!-- viewer -->", read_assets("photo_viewer.html")),
    css=read_assets("photo_viewer.css", "label_editor.css", "label_panels.css"),
    js=read_assets(
        "photo_stage.js",
        "photo_viewer.js",
        "label_boxes.js",
        "label_outbox.js",
        "label_stage.js",
        "label_pointers.js",
        "label_keys.js",
        "label_classes.js",
        "label_strip.js",
        "label_conflict.js",
        "label_actions.js",
        "label_panels.js",
        "label_pictures.js",
        "label_address.js",
        "label_editor.js",
    ),
)


def show_editor(
    dataset: Dataset,
    order: Sequence[str],
    reasons: Mapping[str, str] | None = None,
    show_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> None:
    """Show the editor with the photo that the address names, or the one that was shown last.

    Args:
        dataset: The data set.
        order: Its photos in the order in which they are labelled.
        reasons: A sentence on why a photo is worth labelling, by file; shown as text, not as Markdown.
        show_progress: Called after each change with the numbers of photos that are labelled or empty, and of all.
    """
    _answer(dataset, _message(dataset))  # the visitor may have gone to another photo
    _choose_photo(dataset, order)
    write_address("photo", shown_photo())
    _show_editor(dataset, order, reasons or {}, show_progress)


def show_photo(dataset: Dataset, file: str) -> None:
    """Make a photo the one that ``show_editor`` shows next, unless the address names another."""
    st.session_state[SHOWN] = dataset.id, file
    st.session_state[OPENED] = st.session_state.get(OPENED, 0) + 1


def shown_photo() -> str:
    """Return the photo that the editor shows now."""
    return str(st.session_state[SHOWN][1])


def _choose_photo(dataset: Dataset, order: Sequence[str]) -> None:
    known, shown = set(order), st.session_state.get(SHOWN, ("", ""))
    named = named_in_address("photo")
    told = isinstance(_message(dataset).get("at"), str)  # the browser has chosen since, and may have gone on
    if named in known and not told:
        if shown != (dataset.id, named):
            show_photo(dataset, named)
    elif shown[0] != dataset.id or shown[1] not in known:
        st.session_state[SHOWN] = dataset.id, order[0]
    if named and named not in known:
        st.toast("The data set has no photo of that name; another one is shown.", icon=":material/search_off:")


@st.fragment
def _show_editor(
    dataset: Dataset, order: Sequence[str], reasons: Mapping[str, str], show_progress: Callable[[int, int], None]
) -> None:
    with sentences_for_errors("Label"):
        if not dataset.folder.exists():
            _explain_deletion(dataset)
            return
        message = _message(dataset)
        answer = _answer(dataset, message)
        drafts = read_drafts(dataset)
        queue = make_queue(drafts, order, shown_photo(), _filter(message))
        show_progress(queue.counts["labelled"], queue.counts["all"])
        data = {
            "dataset": dataset.id,
            "session": st.session_state.setdefault(SESSION, secrets.token_hex(8)),
            "editable": may_change(),
            "classes": list(drafts.classes),
            "colours": CLASS_COLOURS,
            "filters": [[key, FILTER_TITLES[key], queue.counts[key]] for key in FILTERS],
            "filter": _filter(message),
            "files": _files(drafts, queue),
            "place": queue.place,
            "entry": queue.entry,
            "count": len(queue.files),
            "shown": shown_photo(),
            "opened": st.session_state.get(OPENED, 0),
            "linked": named_in_address("photo") in drafts.records,  # the visitor has followed a link to a photo
            "next": {"unlabelled": queue.next_unlabelled, "flagged": queue.next_flagged},
            "photos": {file: _photo(drafts, file, reasons) for file in queue.near},
            "pictures": find_pictures(dataset, message.get("wanted"), shown_photo(), quick=bool(message.get("photos"))),
            "answer": answer,
        }
        _component(key=f"{KEY} {dataset.id}", data=data, on_message_change=lambda: None)


def _explain_deletion(dataset: Dataset) -> None:
    """Tell that the data set was deleted in the meantime; the browser keeps the changes that it has not sent."""
    st.warning(
        f"The data set **{escape(dataset.name)}** was deleted. Restore it from the trash in Settings within a day, "
        "then open it here: changes that are not stored yet are kept in this browser until then.",
        icon=":material/delete:",
    )
    with st.container(horizontal=True):
        link("settings", "Open Settings")
        link("label", "Label another data set")


def _message(dataset: Dataset) -> Mapping[str, Any]:
    message = (st.session_state.get(f"{KEY} {dataset.id}") or {}).get("message")
    return message if isinstance(message, Mapping) else {}


def _answer(dataset: Dataset, message: Mapping[str, Any]) -> dict[str, Any]:
    """Handle a message once, however often the page runs with it."""
    identity = [dataset.id, message.get("tab"), message.get("number")]
    kept = st.session_state.get(ANSWERED)
    if kept and kept[0] == identity:
        return cast(dict[str, Any], kept[1])
    at, records = message.get("at"), read_drafts(dataset).records
    if isinstance(at, str) and at in records:
        st.session_state[SHOWN] = dataset.id, at
        note_address("photo", at)
    answer = {"tab": identity[1], "number": identity[2], **store_changes(dataset, message)}
    st.session_state[ANSWERED] = identity, answer
    return answer


def _filter(message: Mapping[str, Any]) -> Filter:
    chosen = message.get("filter")
    return cast(Filter, chosen) if chosen in FILTERS else "all"


def _files(drafts: Drafts, queue: Queue) -> list[list[Any]]:
    """Return file, state and whether a look is needed, for each thumbnail."""
    looks = ((file, drafts.changed.get(file)) for file in queue.strip)
    return [[file, drafts.state_of(file), draft is not None and draft.needs_look] for file, draft in looks]


def _photo(drafts: Drafts, file: str, reasons: Mapping[str, str]) -> dict[str, Any]:
    record = drafts.records[file]
    return {"size": [record.width, record.height], "reason": reasons.get(file, ""), **draft_document(drafts.of(file))}
