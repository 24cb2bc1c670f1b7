"""Screenshots of every page, and the README's pictures, from a search on the drawn sample.

python -m tests.browser.screenshots FOLDER [README_FOLDER]

FOLDER receives ``<page>-<width>-<theme>.png``: whole pages, 1280 and 400 pixels wide, light and dark. README_FOLDER
receives the top of some pages. The workspace in FOLDER is kept, so that a second run needs no search.
"""

import shutil
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

import autodet
from autodet.workspace import Workspace
from tests.browser.conftest import CHROMIUM, FLAGS, ROOT, App, goto, settled

WIDTHS, THEMES = (1280, 400), ("light", "dark")
HEIGHT, MAX_HEIGHT = 800, 4000  # of the README's pictures, and of a whole page
COLOURS = 200  # a palette of so many keeps a picture with photos below 150 KB
TRIALS, EPOCHS = 3, 12


def main(out: Path, readme: Path | None = None) -> None:
    """Take every screenshot."""
    out.mkdir(parents=True, exist_ok=True)
    workspace = _searched(out / "workspace")
    app = App(workspace.home)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            for width in WIDTHS:
                for theme in THEMES:
                    for name in PAGES:
                        _save(_whole(_opened(browser, app, name, width, theme)), out / f"{name}-{width}-{theme}.png")
            for name in PICTURES if readme else ():
                tab = _opened(browser, app, name, WIDTHS[0], THEMES[0])
                _save(_top(tab, PICTURES[name](tab)), readme / f"{name}.png")
            if readme:
                _save(_first_visit(browser, out / "nothing" / "home"), readme / "home.png")
                _demo(browser, out / "demo", readme)
            browser.close()
    finally:
        app.stop()


def _first_visit(browser: Browser, home: Path) -> bytes:
    """Return Home as a first visitor sees it."""
    home.mkdir(parents=True, exist_ok=True)
    app = App(home.resolve())
    try:
        tab = _opened(browser, app, "home", WIDTHS[0], THEMES[0])
        png = tab.screenshot()
        tab.close()
    finally:
        app.stop()
    return png


def _demo(browser: Browser, home: Path, readme: Path) -> None:
    """Take the pictures of the demo in the guide to deployment."""
    shutil.copytree(ROOT / "cloud" / "demo", home, dirs_exist_ok=True)
    app = App(home.resolve(), AUTODET_MODE="demo")
    try:
        home_tab, results = (_opened(browser, app, name, WIDTHS[0], THEMES[0]) for name in ("home", "results"))
        _save(_whole(home_tab), readme / "cloud-home.png")
        _save(_top(results, results.get_by_test_id("stMetric").first), readme / "cloud-results.png")
    finally:
        app.stop()


def _searched(home: Path) -> Workspace:
    """Return the workspace with the sample and a finished search on it; make both if there is no model yet."""
    workspace = Workspace(home.resolve())
    for folder in (workspace.datasets, workspace.searches, workspace.models):
        folder.mkdir(parents=True, exist_ok=True)
    if not autodet.list_models(workspace):
        data = autodet.import_dataset("sample", "fruit", workspace=workspace)
        autodet.start_search(data, trials=TRIALS, epochs=EPOCHS, workspace=workspace).wait()
    return workspace


def _opened(browser: Browser, app: App, name: str, width: int, theme: str) -> Page:
    """Open a page in a new tab, bring it into the state to show, and wait until it is drawn."""
    tab = browser.new_page(viewport={"width": width, "height": HEIGHT}, color_scheme=theme)
    tab.set_default_timeout(120_000)
    goto(tab, app, "" if name == "home" else name)
    PAGES[name](tab)
    settled(tab)
    expect(tab.get_by_test_id("stSkeleton")).to_have_count(0)
    tab.mouse.move(width // 4, HEIGHT - 100)  # beside everything that reacts
    tab.wait_for_timeout(1500)  # fonts, pictures and the charts' own drawing
    return tab


def _whole(tab: Page) -> bytes:
    height = tab.get_by_test_id("stMain").evaluate("main => main.scrollHeight")
    tab.set_viewport_size({"width": tab.viewport_size["width"], "height": min(max(height, HEIGHT), MAX_HEIGHT)})
    tab.wait_for_timeout(500)
    png = tab.screenshot()
    tab.close()
    return png


def _top(tab: Page, element: Locator) -> bytes:
    """Return the page from its most interesting element on."""
    top = element.bounding_box()["y"]
    tab.get_by_test_id("stMain").evaluate("(main, y) => main.scrollBy(0, y)", top - 12)
    tab.wait_for_timeout(300)
    png = tab.screenshot()
    tab.close()
    return png


def _save(png: bytes, path: Path) -> None:
    Image.open(BytesIO(png)).convert("RGB").quantize(COLOURS).save(path, optimize=True)
    print(f"{path} {path.stat().st_size / 1000:.0f} KB", flush=True)


def _evaluate(tab: Page) -> None:
    tab.get_by_role("button", name="Evaluate on").or_(tab.get_by_text("Worst first")).first.wait_for()
    if (button := tab.get_by_role("button", name="Evaluate on")).count():
        button.click()
    tab.get_by_text("Worst first").wait_for()
    tab.get_by_role("tab", name="Errors").click()
    tab.get_by_test_id("stPlotlyChart").nth(1).wait_for()


def _predict(tab: Page) -> None:
    tab.get_by_text("Try three photos").click()
    tab.locator(".predictions .tile").nth(2).wait_for()


# What a page waits for or does before its picture is taken.
PAGES: dict[str, Callable[[Page], object]] = {
    "home": lambda tab: None,
    "datasets": lambda tab: tab.get_by_test_id("stImage").nth(3).wait_for(),
    "label": lambda tab: tab.locator(".editor canvas").first.wait_for(),
    "search": lambda tab: tab.get_by_role("button", name="Start training").wait_for(),
    "results": lambda tab: tab.locator(".js-plotly-plot .scatterlayer .trace").first.wait_for(),
    "evaluate": _evaluate,
    "predict": _predict,
    "compare": lambda tab: None,
    "models": lambda tab: None,
    "use": lambda tab: tab.get_by_test_id("stCode").nth(2).wait_for(),
    "settings": lambda tab: None,
}
# The README's pictures: the element at their top.
PICTURES: dict[str, Callable[[Page], Locator]] = {
    "datasets": lambda tab: tab.get_by_test_id("stMetric").first,
    "label": lambda tab: tab.locator(".editor").first,
    "search": lambda tab: tab.get_by_role("heading", level=1),
    "results": lambda tab: tab.get_by_test_id("stSelectbox").first,
    "evaluate": lambda tab: tab.get_by_role("heading", level=3).first,
    "predict": lambda tab: tab.get_by_test_id("stFileUploader"),
}

if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
