"""The app as a visitor has it: a real Streamlit server, and Debian's Chromium."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium")
STREAMLIT_FLAGS = ["--server.headless=true", "--server.address=127.0.0.1", "--server.fileWatcherType=none"]
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"]
FLAGS += ["--disable-background-networking", "--disable-component-update"]
# Chromium loads pages of its own for the address bar of each window, which takes most of the time of opening one. The
# list replaces Playwright's, whose other relevant names it repeats.
DISABLED = "WebUIOmniboxPopup WebUIOmniboxAimPopup AimEnabled PaintHolding HttpsUpgrades OptimizationHints"
DISABLED += " HttpsFirstBalancedModeAutoEnable PreconnectToSearch NetworkTimeServiceQuerying"
FLAGS += [f"--disable-features={','.join(DISABLED.split())}"]


class App:
    """A running app: its address, its workspace, and the way to stop and start it again."""

    script = "app.py"

    def __init__(self, home: Path, *, python: str = sys.executable, **settings: str) -> None:
        self.home, self.settings, self.python = home, settings, python
        self._process: subprocess.Popen | None = None
        self.start()

    def start(self, port: int = 0) -> None:
        if not port:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                port = free.getsockname()[1]
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._process = subprocess.Popen(
            [self.python, "-m", "streamlit", "run", self.script, f"--server.port={port}", *STREAMLIT_FLAGS],
            cwd=ROOT,
            env=os.environ | {"AUTODET_HOME": str(self.home)} | self.settings,
            stdout=(self.home.parent / "streamlit.log").open("ab"),
            stderr=subprocess.STDOUT,
        )
        for _ in range(600):
            with suppress(OSError), urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=5) as answer:
                if answer.read() == b"ok":
                    return
            time.sleep(0.1)
        raise AssertionError("the app did not start")

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        """End the server at once, as a crash does; ``start(app.port)`` starts it at its old address."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()

    def end_supervisors(self) -> None:
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                if str(self.home) in entry.read_bytes().decode(errors="replace"):
                    os.kill(int(entry.parent.name), signal.SIGKILL)


@pytest.fixture
def settings():
    """Settings of the app beside its workspace, as environment variables; tests give others by parametrizing it."""
    return {}


@pytest.fixture
def app(tmp_path, settings):
    running = App(tmp_path / "home", **settings)
    yield running
    running.stop()
    running.end_supervisors()


@pytest.fixture(scope="module")
def chromium():
    """A browser for all tests of a module."""
    if not CHROMIUM:
        pytest.skip("Chromium is not installed (Debian's package chromium)")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=30_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def browser(app, chromium):
    """A browser without tabs and cookies of other tests, whose tabs close before the app stops."""
    yield chromium
    for context in chromium.contexts:
        context.close()


@pytest.fixture
def visit(app, browser):
    """Open a tab; ``goto`` takes a page's name and waits until it is drawn.

    The content policy forbids what Playwright evaluates while it waits; ``test_content_policy`` tests with the policy.
    """

    def visit(name="", *, bypass_csp=True, **options):
        tab = browser.new_page(viewport={"width": 1280, "height": 1000}, bypass_csp=bypass_csp, **options)
        tab.set_default_timeout(30_000)
        goto(tab, app, name)
        return tab

    return visit


def goto(tab, app, name):
    tab.goto(f"{app.url}/{name}")
    settled(tab)


def settled(tab):
    """Wait until the page has been drawn to its end."""
    tab.get_by_role("heading", level=1).wait_for()
    tab.wait_for_function("!document.querySelector('[data-testid=\"stStatusWidget\"]')")


def wait_for_address(tab, pattern):
    """Wait until the address matches a regular expression."""
    tab.wait_for_function("pattern => new RegExp(pattern).test(location.href)", arg=pattern)


def menu(tab, title):
    """Go to another page by the menu, as a visitor does."""
    tab.get_by_test_id("stSidebarNav").get_by_role("link", name=title, exact=False).click()
    tab.get_by_role("heading", level=1, name=re.compile(title, re.I)).wait_for()
    settled(tab)
