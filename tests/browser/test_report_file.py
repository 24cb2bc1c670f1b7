"""A report as its reader has it: a file, opened without a network."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from autodet.search.report import report
from tests.reports.conftest import APPLE, evaluated, import_marks, unloadable_model

pytestmark = pytest.mark.browser
RULES = ["color-contrast", "image-alt", "svg-img-alt", "link-name", "heading-order", "html-has-lang"]


@pytest.fixture
def file(workspace, tmp_path):
    dataset = import_marks(tmp_path / "photos", workspace)
    model = unloadable_model(workspace, dataset)
    evaluated(model, dataset, detections={0: [("apple", APPLE[1], 0.9), ("apple", (0, 0, 3, 3), 0.8)]})
    report(model, dataset, out=tmp_path / "report.html")
    return tmp_path / "report.html"


def test_it_opens_without_a_network_in_both_themes_and_fits_a_phone(file, chromium):
    for theme, background in (("light", "rgb(251, 251, 249)"), ("dark", "rgb(20, 24, 26)")):
        viewport = {"width": 400, "height": 800}
        with chromium.new_context(color_scheme=theme, offline=True, viewport=viewport) as context:
            tab = context.new_page()
            said, asked = [], []
            tab.on("console", lambda message, said=said: said.append(message.text))
            tab.on("request", lambda request, asked=asked: asked.append(request.url))
            tab.goto(file.as_uri())
            assert said == []
            assert [url for url in asked if not url.startswith("data:")] == [file.as_uri()]
            assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == background
            assert tab.evaluate("document.documentElement.scrollWidth") <= 400
            assert tab.locator("svg image").first.bounding_box()["width"] > 200


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_can_be_read(file, chromium, theme):
    html = file.read_text(encoding="utf-8")
    with chromium.new_context(color_scheme=theme, bypass_csp=True) as context:  # axe is a script
        tab = context.new_page()
        tab.set_content(html)
        found = Axe().run(tab, options={"runOnly": RULES}).response["violations"]
        assert [f"{rule['id']}: {node['html'][:200]}" for rule in found for node in rule["nodes"]] == []
