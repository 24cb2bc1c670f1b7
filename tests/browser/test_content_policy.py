"""The content policy as Chromium applies it, and uploads of a browser that signs in and out."""

import pytest
from playwright.sync_api import expect

from autodet.ui.common.frame import PAGES
from tests.browser.conftest import goto, settled
from tests.browser.test_accessibility import filled  # noqa: F401 - a fixture
from tests.helpers import write_voc, zip_folder

pytestmark = pytest.mark.browser
SECRET = "open sesame"
NOTE = """
window.refused = [];
document.addEventListener("securitypolicyviolation", event => refused.push(event.violatedDirective));
"""


def test_no_page_needs_what_the_policy_forbids_or_asks_another_server(filled, visit):  # noqa: F811
    tab = visit(bypass_csp=False)
    asked = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.add_init_script(NOTE)
    for name in PAGES:
        tab.goto(f"{filled.url}/{'' if name == 'home' else name}")
        tab.get_by_role("heading", level=1).wait_for()
        expect(tab.get_by_test_id("stStatusWidget")).to_have_count(0)
        tab.wait_for_timeout(2000)  # charts and tables draw themselves
        assert tab.evaluate("refused") == [], name
    icon = tab.locator("link[rel*=icon]").first.get_attribute("href")
    assert tab.request.get(f"{filled.url}/{icon.removeprefix('./').removeprefix(filled.url).lstrip('/')}").ok
    assert {url for url in asked if not url.startswith((filled.url, "data:", "blob:"))} == set()
    tab.evaluate("fetch('http://127.0.0.1:9/').catch(() => 0)")
    assert tab.evaluate("refused") == ["connect-src"]  # it is in force


@pytest.mark.parametrize("settings", [{"AUTODET_PASSWORD": SECRET}])
def test_a_browser_uploads_from_its_sign_in_to_its_sign_out(app, browser, tmp_path):
    context = browser.new_context(bypass_csp=True)
    tab = context.new_page()
    goto(tab, app, "datasets")
    tab.get_by_label("Password", exact=True).fill(SECRET)
    tab.get_by_role("button", name="Enter").click()
    tab.get_by_role("heading", level=1, name="Data sets").wait_for()
    settled(tab)
    archive = zip_folder(write_voc(tmp_path / "fruit"), tmp_path / "fruit.zip")
    tab.locator("input[type=file]").first.set_input_files(archive)
    expect(tab.get_by_role("button", name="Import", exact=True)).to_be_enabled()
    other = context.new_page()
    goto(other, app, "settings")
    other.get_by_role("button", name="Sign out").click()
    other.get_by_label("Password", exact=True).wait_for()
    with tab.expect_response("**/_stcore/upload_file/**") as answer:
        tab.locator("input[type=file]").first.set_input_files(archive)
    assert answer.value.status == 403
