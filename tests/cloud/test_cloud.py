"""The demo for Streamlit Community Cloud, in an environment of its own requirements, which lack torch and Optuna."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

from autodet.ui.common.frame import PAGES
from tests.browser.conftest import ROOT, App, browser, chromium, goto, visit  # noqa: F401 - fixtures

pytestmark = [pytest.mark.browser, pytest.mark.process, pytest.mark.timeout(900)]
CLOUD = ROOT / "cloud"
MAX_DEMO_BYTES = 8_000_000
MAX_RESIDENT_BYTES = 700_000_000
ABSENT = ("torch", "torchvision", "optuna", "pycocotools", "onnx", "sqlalchemy")


class CloudApp(App):
    script = "cloud/app.py"


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """The interpreter of an environment with ``cloud/requirements.txt`` only."""
    folder = tmp_path_factory.mktemp("cloud") / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", python, "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--no-compile", "-r", CLOUD / "requirements.txt"], check=True)
    return python


@pytest.fixture
def app(tmp_path, python):
    shutil.copytree(CLOUD / "demo", tmp_path / "home")
    running = CloudApp(tmp_path / "home", python=str(python))
    yield running
    running.stop()


def resident_bytes(app):
    """The resident memory of the server and of the processes that it has started."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(entry.parent.name)] = int(entry.read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
    family = {app.pid}
    while more := {child for child, parent in parents.items() if parent in family} - family:
        family |= more
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in family)
    return pages * os.sysconf("SC_PAGE_SIZE")


def test_the_environment_lacks_what_trains(python):
    code = f"from importlib.util import find_spec; print([name for name in {ABSENT} if find_spec(name)])"
    assert subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_the_demo_is_small():
    assert sum(path.stat().st_size for path in (CLOUD / "demo").rglob("*") if path.is_file()) < MAX_DEMO_BYTES


def test_a_visitor_sees_every_page_and_boxes_within_the_memory(app, visit):  # noqa: F811 - the fixture
    tab = visit()
    for name in PAGES:
        goto(tab, app, "" if name == "home" else name)
        expect(tab.get_by_text("This is a demo: look around")).to_be_visible()
        expect(tab.get_by_text("Something went wrong")).to_have_count(0)
        expect(tab.get_by_test_id("stException")).to_have_count(0)
    goto(tab, app, "results")
    expect(tab.locator(".js-plotly-plot").first).to_be_visible()
    goto(tab, app, "evaluate?split=test")
    expect(tab.get_by_text(re.compile("finds .* of the|Finds")).first).to_be_visible()
    goto(tab, app, "predict")
    photo = next((CLOUD / "demo").glob("datasets/*/images/test/*"))
    tab.locator("input[type=file]").first.set_input_files(photo)
    expect(tab.locator(".predictions .chip").first).to_be_visible()
    assert resident_bytes(app) < MAX_RESIDENT_BYTES
