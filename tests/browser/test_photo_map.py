"""Selections in the map of a data set, which only a browser can make."""

import pytest
from playwright.sync_api import expect

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.inference.demo import demo_model
from autodet.inference.photo_features import find_features
from autodet.workspace import Workspace
from tests.browser.conftest import settled
from tests.helpers import write_voc

pytestmark = pytest.mark.browser


def drag_around(tab, chart):
    """Draw a line around all points of a chart."""
    box = chart.locator(".nsewdrag").bounding_box()
    corners = [(0.01, 0.01), (0.99, 0.01), (0.99, 0.99), (0.01, 0.99), (0.01, 0.02)]
    places = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in corners]
    tab.mouse.move(*places[0])
    tab.mouse.down()
    for place in places[1:]:
        tab.mouse.move(*place, steps=4)
    tab.mouse.up()


def test_selected_photos_are_shown_and_opened_in_the_label_editor(app, visit, tmp_path):
    data = import_dataset(write_voc(tmp_path / "fruit"), "fruit", workspace=Workspace(app.home))
    find_features(demo_model(), data)
    tab = visit("datasets")
    tab.get_by_role("tab", name="Map").click()
    chart = tab.locator(".js-plotly-plot")
    chart.locator(".scatterlayer .point").nth(19).wait_for()
    chart.scroll_into_view_if_needed()
    settled(tab)
    drag_around(tab, chart)
    expect(tab.get_by_text("20 photos in your selection")).to_be_visible()
    tab.get_by_test_id("stMain").get_by_text("Split", exact=True).click()
    chart.get_by_text("Training", exact=True).wait_for()
    expect(tab.get_by_text("20 photos in your selection")).to_be_visible()
    tab.reload()
    settled(tab)
    assert tab.get_by_role("tab", name="Map").get_attribute("aria-selected") == "true"
    chart.locator(".scatterlayer .point").nth(19).wait_for()
    chart.scroll_into_view_if_needed()
    settled(tab)
    drag_around(tab, chart)
    tab.get_by_role("button", name="Flag these 20 photos").click()
    expect(tab.get_by_text("the page Label finds them")).to_be_visible()
    tab.get_by_role("link", name="Open in Label").click()
    expect(tab.get_by_role("heading", level=1, name="Label")).to_be_visible()
    assert "dataset=fruit" in tab.url


def test_the_lists_need_no_mouse(app, visit, tmp_path):
    data = import_dataset(write_voc(tmp_path / "fruit"), "fruit", workspace=Workspace(app.home))
    find_features(demo_model(), data)
    tab = visit("datasets")
    tab.get_by_role("tab", name="Map").focus()
    tab.keyboard.press("Enter")
    choice = tab.get_by_role("radio", name="Most unusual").or_(tab.get_by_role("button", name="Most unusual")).first
    choice.wait_for()
    choice.focus()
    tab.keyboard.press("Space")
    expect(tab.get_by_text("the least similar to all others")).to_be_visible()
