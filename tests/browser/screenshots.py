"""The README's screenshots, taken from a workspace that holds the drawn sample and a finished search on it.

AUTODET_HOME=FOLDER python -m tests.browser.screenshots OUT_FOLDER
"""

import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, Page, sync_playwright

from autodet.workspace import open_workspace
from tests.browser.conftest import CHROMIUM, FLAGS, App, goto, settled

SIZE_WH = (1280, 800)
COLOURS = 256  # a palette of so many keeps a picture with photos below 250 KB


def main(out: Path) -> None:
    """Take every screenshot."""
    out.mkdir(parents=True, exist_ok=True)
    app = App(open_workspace().home)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            tab = browser.new_page(viewport={"width": SIZE_WH[0], "height": SIZE_WH[1]}, color_scheme="light")
            tab.set_default_timeout(120_000)
            for name, prepare in PAGES.items():
                goto(tab, app, name)
                at_the_top = prepare(tab)
                settled(tab)
                tab.mouse.move(340, 700)  # beside everything that reacts
                tab.wait_for_timeout(1500)  # fonts, pictures and the charts' own drawing
                _scroll_to(tab, at_the_top)
                _save(tab.screenshot(), out / f"{name}.png")
            browser.close()
    finally:
        app.stop()


def _save(png: bytes, path: Path) -> None:
    Image.open(BytesIO(png)).convert("RGB").quantize(COLOURS).save(path, optimize=True)
    print(f"{path} {path.stat().st_size / 1000:.0f} KB")


def _show_gallery(tab: Page) -> Locator:
    tab.get_by_test_id("stImage").nth(3).wait_for()
    return tab.get_by_test_id("stMetric").first


def _show_chart(tab: Page) -> Locator:
    tab.locator(".js-plotly-plot .scatterlayer .trace").first.wait_for()
    return tab.get_by_test_id("stSelectbox").first


def _evaluate(tab: Page) -> Locator:
    tab.get_by_role("button", name="Evaluate on").or_(tab.get_by_text("Classes", exact=True)).first.wait_for()
    if (button := tab.get_by_role("button", name="Evaluate on")).count():
        button.click()
    tab.get_by_text("Predictions of the model").first.wait_for()
    return tab.get_by_test_id("stPlotlyChart").first


def _predict(tab: Page) -> Locator:
    tab.get_by_text("Try three photos").click()
    tab.get_by_test_id("stImage").nth(1).wait_for()
    return tab.get_by_test_id("stFileUploader")


def _scroll_to(tab: Page, element: Locator) -> None:
    """Bring an element to the top of the page, a little below the edge."""
    top = element.bounding_box()["y"]
    tab.get_by_test_id("stMain").evaluate("(main, y) => main.scrollBy(0, y)", top - 12)
    tab.wait_for_timeout(300)


PAGES: dict[str, Callable[[Page], Locator]] = {
    "datasets": _show_gallery,
    "search": lambda tab: tab.get_by_role("heading", level=1),
    "results": _show_chart,
    "evaluate": _evaluate,
    "predict": _predict,
}

if __name__ == "__main__":
    main(Path(sys.argv[1]))
