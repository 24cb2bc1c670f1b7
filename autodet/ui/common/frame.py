"""What is around every page: the list of pages, the access gate, and the net that errors fall into."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NoReturn

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from autodet.errors import AutodetError, SettingsError, sentence_for
from autodet.settings import is_loopback, load_settings
from autodet.ui.common.address import ASSETS, read_address, show_link
from autodet.ui.common.markdown import escape
from autodet.ui.common.sign_in import ask_for_password, is_admitted

LOGO = ASSETS / "logo.svg"
ICON = ASSETS / "icon.svg"  # of the browser's tab; an icon by name would come from a font server
STYLE = ASSETS / "page.css"
FRAMED, WANTED = "framed", "wanted"
UNFORESEEN = (
    "Something went wrong on this page; the app's log says what. Nothing was lost: reload the page, or go on with "
    "another."
)

log = logging.getLogger("autodet.ui")


@dataclass(frozen=True)
class PageEntry:
    """One page as the navigation shows it."""

    name: str
    title: str
    icon: str
    section: str
    heading: str = ""  # on the page, where that is not the title

    @property
    def path(self) -> str:
        """The page's file."""
        return f"pages/{self.name}.py"

    @property
    def tab_title(self) -> str:
        """What the browser's tab says."""
        return f"{self.title} · autodet"


PAGES = {
    entry.name: entry
    for entry in (
        PageEntry("home", "Home", ":material/home:", "", "Object detectors from your own photos"),
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
def page(name: str, subtitle: str = "") -> Iterator[None]:
    """What every page stands in: nobody gets past the gate, and no error shows more than a sentence.

    Args:
        name: The page, one of ``PAGES``.
        subtitle: What the page is for.
    """
    entry = PAGES[name]
    _fetch_frame(name)
    st.set_page_config(page_title=entry.tab_title)
    st.html(STYLE)
    try:
        ask_for_password()
    except SettingsError as error:
        st.error(escape(str(error)), icon=":material/error:")
        st.stop()
    _warn_of_open_app()
    read_address(name)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(entry.heading or entry.title, anchor=False, width="stretch")
        beside = st.container(width="content")
    if subtitle:
        st.markdown(subtitle)
    with sentences_for_errors(entry.title):
        yield
    show_link(beside)


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


def open_page(name: str, **chosen: str) -> NoReturn:
    """Go to a page, after something was done; what nobody has to press a button for is a ``link``.

    Never from a fragment that is refreshed: if a refresh comes between, Streamlit shows an empty page.

    Args:
        name: The page.
        chosen: What is to be chosen there: ids of a ``search``, ``model`` or ``dataset``, or a ``split``.
    """
    st.switch_page(PAGES[name].path, query_params=chosen)


def link(name: str, label: str, *, primary: bool = False, icon: str | None = None, **chosen: str) -> None:
    """A link to a page that looks like a button.

    Args:
        name: The page.
        label: Its words, as Markdown.
        primary: Whether it is what most visitors do next.
        icon: In place of the page's own.
        chosen: As ``open_page`` takes it.
    """
    key = " ".join(["link", "primary" if primary else "plain", name, label, *chosen.values()])
    with st.container(key=key, width="content"):
        st.page_link(PAGES[name].path, label=label, icon=icon or PAGES[name].icon, query_params=chosen)


def _fetch_frame(name: str) -> None:
    """Start again inside the frame, where the server's first visitor came by a link straight to a page.

    Until ``st.navigation`` has run once, Streamlit runs the files in ``pages/`` on their own.
    """
    if FRAMED not in st.session_state:
        st.session_state[WANTED] = name
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
