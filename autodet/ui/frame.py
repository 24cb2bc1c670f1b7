"""What is around every page: the list of pages, the access gate, and the net that errors fall into."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from autodet.errors import AutodetError, SettingsError, sentence_for
from autodet.settings import is_loopback, load_settings
from autodet.ui.sign_in import ask_for_password, is_admitted
from autodet.ui.text import escape

LOGO = Path(__file__).with_name("logo.svg")
ICON = Path(__file__).with_name("icon.svg")  # of the browser's tab; an icon by name would come from a font server
FRAMED, WANTED = "framed", "wanted"
UNFORESEEN = (
    "Something went wrong on this page; the app's log says what. Nothing was lost: reload the page, or go on with "
    "another."
)
CHOICE = "choose_"  # before it, the key of the select box in which a thing is chosen

log = logging.getLogger("autodet.ui")


@dataclass(frozen=True)
class PageEntry:
    """One page as the navigation shows it."""

    name: str
    title: str
    icon: str
    section: str

    @property
    def path(self) -> str:
        """The page's file."""
        return f"pages/{self.name}.py"


PAGES = {
    entry.name: entry
    for entry in (
        PageEntry("home", "Home", ":material/home:", ""),
        PageEntry("datasets", "Data sets", ":material/photo_library:", "Train"),
        PageEntry("search", "Search", ":material/manage_search:", "Train"),
        PageEntry("results", "Results", ":material/show_chart:", "Train"),
        PageEntry("evaluate", "Evaluate", ":material/fact_check:", "Use"),
        PageEntry("predict", "Predict", ":material/center_focus_strong:", "Use"),
        PageEntry("models", "Models", ":material/deployed_code:", "Use"),
        PageEntry("settings", "Settings", ":material/settings:", "Installation"),
    )
}


def navigation() -> StreamlitPage:
    """The menu; returns the page to run."""
    st.session_state[FRAMED] = True
    sections: dict[str, list[StreamlitPage]] = {}
    for entry in PAGES.values():
        page = st.Page(entry.path, title=entry.title, icon=entry.icon, default=entry.name == "home")
        sections.setdefault(entry.section, []).append(page)
    chosen = st.navigation(sections, position="sidebar" if _is_open() else "hidden")
    if wanted := st.session_state.pop(WANTED, None):
        st.switch_page(PAGES[wanted].path, query_params=st.query_params.to_dict())
    return chosen


@contextmanager
def page(title: str, subtitle: str = "") -> Iterator[None]:
    """What every page stands in: nobody gets past the gate, and no error shows more than a sentence.

    Args:
        title: The page's heading.
        subtitle: What the page is for.
    """
    _fetch_frame(title)
    try:
        ask_for_password()
    except SettingsError as error:
        st.error(escape(str(error)), icon=":material/error:")
        st.stop()
    _warn_of_open_app()
    st.title(title, anchor=False)
    if subtitle:
        st.markdown(subtitle)
    with sentences_for_errors(title):
        yield


@contextmanager
def sentences_for_errors(title: str) -> Iterator[None]:
    """The net around a page, and around a fragment, which Streamlit runs again without its page.

    Args:
        title: The page's heading, for the log.
    """
    try:
        yield
    except Exception as error:  # the edge: no traceback in front of a user
        if not isinstance(error, AutodetError):
            log.exception("The page %s failed.", title)
        st.error(escape(sentence_for(error) or UNFORESEEN), icon=":material/error:")


def open_page(name: str, **state: object) -> NoReturn:
    """Go to a page, with things chosen there already (``search``, ``model`` or ``dataset`` ids)."""
    choose(**state)
    st.switch_page(PAGES[name].path)


def choose(**state: object) -> None:
    """Choose things for every page, by their ids, before their select boxes are drawn."""
    for key, value in state.items():
        st.session_state[key] = value
        st.session_state.pop(f"{CHOICE}{key}", None)


def page_link(name: str, label: str) -> None:
    """A link to a page."""
    st.page_link(PAGES[name].path, label=label, icon=PAGES[name].icon)


def _fetch_frame(title: str) -> None:
    """Start again inside the frame, where the server's first visitor came by a link straight to a page.

    Until ``st.navigation`` has run once, Streamlit runs the files in ``pages/`` on their own.
    """
    if FRAMED not in st.session_state:
        st.session_state[WANTED] = next((page.name for page in PAGES.values() if page.title == title), "home")
        st.switch_page("app.py", query_params=st.query_params.to_dict())


def _is_open() -> bool:
    try:
        return is_admitted()
    except SettingsError:
        return False  # the page says what is wrong with the settings


def _warn_of_open_app() -> None:
    """Say that strangers may use the app, where they can reach it and no password keeps them out."""
    if load_settings().password is None and not is_loopback(st.get_option("server.address")):
        st.warning(
            "This app is open to everyone who can reach it. To keep strangers out, set AUTODET\\_PASSWORD and start it "
            "again.",
            icon=":material/lock_open:",
        )
