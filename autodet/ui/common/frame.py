"""Frame of every page: navigation, sign-in and error handling."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Literal, NoReturn

import streamlit as st
from streamlit.navigation.page import StreamlitPage
from streamlit.runtime.scriptrunner import get_script_run_ctx

from autodet.errors import AutodetError, SettingsError, sentence_for
from autodet.search.delete import empty_trash
from autodet.settings import is_loopback, load_settings
from autodet.ui.common.address import ASSETS, PAGE, read_address, show_link
from autodet.ui.common.editors import show_visitor
from autodet.ui.common.markdown import escape
from autodet.ui.common.server_app import admit_browser
from autodet.ui.common.sign_in import ask_to_sign_in, find_visitor, needs_sign_in
from autodet.ui.common.undo import offer_undo
from autodet.workspace import open_workspace, sweep_hidden

LOGO = ASSETS / "logo.svg"
ICON = ASSETS / "icon.svg"  # of the browser tab; a named icon would be loaded from a font server
STYLE = ASSETS / "page.css"
CLOSE_MENU = ASSETS / "close_menu.js"
FRAMED, WANTED = "framed", "wanted"
RUNNING = "running"  # session state: address of the page that runs
LEAVING = "leaving"  # session state: the switch to another page that ``open_page`` has begun
UNEXPECTED = (
    "Something went wrong on this page; the app's log has the details. Nothing was lost: reload the page, or open "
    "another one."
)

log = logging.getLogger("autodet.ui")


@dataclass(frozen=True)
class PageEntry:
    """Navigation entry of a page."""

    name: str
    title: str
    icon: str
    section: str
    heading: str = ""  # on the page, if different from the title
    step: str = ""  # a key of ``STEPS``, if the page belongs to one
    address: str = ""  # in the browser, if different from the name

    @property
    def path(self) -> str:
        """File of the page."""
        return f"pages/{self.name}.py"

    @property
    def tab_title(self) -> str:
        """Title of the browser tab."""
        return f"{self.title} · autodet"


PAGES = {
    entry.name: entry
    for entry in (
        PageEntry("home", "Home", ":material/home:", "", "Object detectors from your own photos"),
        PageEntry("datasets", "Data sets", ":material/photo_library:", "Build", step="Data set"),
        PageEntry("label", "Label", ":material/draw:", "Build", step="Data set"),
        PageEntry("search", "Train", ":material/model_training:", "Build", "Train a detector", "Train", "train"),
        PageEntry("results", "Results", ":material/show_chart:", "Build", step="Train"),
        PageEntry("evaluate", "Evaluate", ":material/fact_check:", "Use", step="Evaluate"),
        PageEntry("compare", "Compare", ":material/leaderboard:", "Use", step="Evaluate"),
        PageEntry("predict", "Predict", ":material/center_focus_strong:", "Use", step="Use"),
        PageEntry("models", "Models", ":material/deployed_code:", "Use", step="Use"),
        PageEntry("use", "Use this model", ":material/integration_instructions:", "Use", step="Use"),
        PageEntry("settings", "Settings", ":material/settings:", "Installation"),
    )
}


STEPS = {  # of the work on a detector, with what follows each
    "Data set": "label photos that have no boxes, then train a detector",
    "Train": "evaluate the model",
    "Evaluate": "use the model, or label more photos and search again",
    "Use": "correct the photos where it is wrong, and search again",
}


def navigation() -> StreamlitPage:
    """Show the menu, and return the page to run."""
    _delete_leftovers()
    st.session_state[FRAMED] = True
    sections: dict[str, list[StreamlitPage]] = {}
    for entry in PAGES.values():
        page = st.Page(
            entry.path,
            title=entry.title,
            icon=entry.icon,
            url_path=entry.address or None,
            default=entry.name == "home",
        )
        sections.setdefault(entry.section, []).append(page)
        if entry.address:  # links to the earlier address lead to the page
            moved = st.Page(partial(_move, entry), url_path=entry.name, title=entry.title, visibility="hidden")
            sections[entry.section].append(moved)
    chosen = st.navigation(sections, position="sidebar" if _is_open() else "hidden")
    _end_refreshes(chosen)
    if wanted := st.session_state.pop(WANTED, None):
        st.switch_page(PAGES[wanted].path, query_params=st.query_params.to_dict())
    return chosen


def _end_refreshes(page: StreamlitPage) -> None:
    """End the refreshes of the page that the visitor has left.

    The browser may still ask for one while the new page runs. Streamlit would grant it afterwards, which empties the
    new page. It refuses a fragment that is not stored, so a refreshed fragment of one page must not have the name
    and the place of one on another page.
    """
    context = get_script_run_ctx()
    if context and st.session_state.get(RUNNING) != page.url_path:
        context.fragment_storage.clear()
    st.session_state[RUNNING] = page.url_path


def _move(entry: PageEntry) -> None:
    st.switch_page(entry.path, query_params=st.query_params.to_dict())


@st.cache_resource(show_spinner=False)
def _delete_leftovers() -> None:
    """Delete dropped photos of a server that has crashed, and old things in the trash, once for each server."""
    with suppress(AutodetError, OSError):  # a page tells of a workspace that cannot be used
        sweep_hidden(open_workspace().dropped)
        empty_trash(open_workspace())


@contextmanager
def page(name: str, subtitle: str = "") -> Iterator[None]:
    """Wrap a page: ask for the sign-in, draw the heading, and reduce errors to one sentence.

    Args:
        name: The page, a key of ``PAGES``.
        subtitle: Purpose of the page, shown under the heading.
    """
    entry = PAGES[name]
    _fetch_frame(name)
    st.set_page_config(page_title=entry.tab_title)
    st.html(STYLE)
    st.html(f"<script>{CLOSE_MENU.read_text(encoding='utf-8')}</script>", unsafe_allow_javascript=True)
    try:
        ask_to_sign_in()
    except SettingsError as error:
        st.error(escape(str(error)), icon=":material/error:")
        st.stop()
    admit_browser()
    _finish_switch(name)
    show_visitor()
    _warn_of_open_app()
    read_address(name)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(entry.heading or entry.title, anchor=False, width="stretch")
        beside = st.container(width="content")
    if subtitle:
        st.markdown(subtitle)
    if entry.step:
        way = " → ".join(f"**{step}**" if step == entry.step else step for step in STEPS)
        st.caption(f"{way}. Next: {STEPS[entry.step]}.")
    with sentences_for_errors(entry.title):
        offer_undo()
        yield
    show_link(entry.address or name, beside)


@contextmanager
def sentences_for_errors(title: str) -> Iterator[None]:
    """Show errors as one sentence, and log unexpected ones with a traceback.

    Fragments need this context as well, because Streamlit reruns them without their page.

    Args:
        title: Title of the page, which the log includes.
    """
    try:
        yield
    except Exception as error:  # UI boundary: visitors see no traceback
        if not isinstance(error, AutodetError):
            log.exception("The page %s failed.", title)
        st.error(escape(sentence_for(error) or UNEXPECTED), icon=":material/error:")


def open_page(name: str, **chosen: str) -> NoReturn:
    """Go to another page after an action; use ``link`` for plain navigation.

    Do not call it from a periodically rerun fragment: a rerun in between makes Streamlit show an empty page.

    Args:
        name: The page, a key of ``PAGES``.
        chosen: Selections on that page: ids of a ``search``, ``model`` or ``dataset``, a ``split``, ``models`` or
            ``trials`` separated by commas, or a ``form`` to open: ``import``, or a preset on Train.
    """
    if st.session_state[PAGE] != name:
        st.session_state[LEAVING] = st.session_state[PAGE], name, chosen
    st.switch_page(PAGES[name].path, query_params=chosen)


def _finish_switch(name: str) -> None:
    """Repeat a switch to another page that a second click on the first page interrupted."""
    page_left, target, chosen = st.session_state.pop(LEAVING, ("", "", {}))
    if page_left == name:
        open_page(target, **chosen)


def link(name: str, label: str, *, primary: bool = False, icon: str | None = None, **chosen: str) -> None:
    """Show a link to a page, styled as a button.

    Args:
        name: The page, a key of ``PAGES``.
        label: Text of the link, as Markdown.
        primary: Whether to highlight the link as the usual next step.
        icon: Replacement for the page's icon.
        chosen: Selections on that page, as in ``open_page``.
    """
    key = " ".join(["link", "primary" if primary else "plain", name, label, *chosen.values()])
    with st.container(key=key, width="content"):
        st.page_link(PAGES[name].path, label=label, icon=icon or PAGES[name].icon, query_params=chosen)


def _fetch_frame(name: str) -> None:
    """Restart through ``app.py`` if the server's first visitor opened a page directly by its link.

    Until ``st.navigation`` has run once, Streamlit runs the files in ``pages/`` on their own.
    """
    if FRAMED not in st.session_state:
        st.session_state[WANTED] = name
        st.switch_page("app.py", query_params=st.query_params.to_dict())


def _is_open() -> bool:
    try:
        return find_visitor() is not None
    except SettingsError:
        return False  # the page shows the error


def _warn_of_open_app() -> None:
    """Warn if the app listens beyond the local machine without a sign-in, unless it is a demo."""
    if not needs_sign_in() and load_settings().mode != "demo" and not is_loopback(st.get_option("server.address")):
        st.warning(
            "This app is open to everyone who can reach it. To keep strangers out, set AUTODET\\_PASSWORD and restart "
            "the app.",
            icon=":material/lock_open:",
        )


def emphasis(*, disabled: bool) -> Literal["primary", "secondary"]:
    """Return the type of a page's main button: Streamlit hides the label of a disabled primary button."""
    return "secondary" if disabled else "primary"
