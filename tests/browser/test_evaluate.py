"""Clicks on the marks of Evaluate's charts, which only a browser can make."""

from contextlib import suppress

import pytest
from playwright.sync_api import TimeoutError

from autodet.models.store import add_model
from autodet.workspace import Workspace
from tests.browser.conftest import settled
from tests.helpers import untrained_bundle
from tests.planted_errors import import_planted, predict_planted

pytestmark = pytest.mark.browser


def click_bar(tab, chart, number, words):
    """Click one of the bars of a chart until the page shows the words; a layer above all bars takes the click."""
    shown = tab.get_by_text(words).first
    for _ in range(5):
        bar = tab.locator(".js-plotly-plot").nth(chart).locator(".barlayer .point").nth(number)
        bar.wait_for()
        bar.scroll_into_view_if_needed()
        bar.element_handle().wait_for_element_state("stable")
        box = bar.bounding_box()
        tab.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        with suppress(TimeoutError):  # a chart that has just been drawn may not listen yet
            return shown.wait_for(timeout=10_000)
    return shown.wait_for()


def test_a_cell_and_a_bar_open_their_boxes_and_a_crop_opens_its_photo(app, visit, tmp_path):
    workspace = Workspace(app.home)
    data = import_planted(tmp_path / "fruit", workspace)
    bundle = untrained_bundle(
        tmp_path / "model.autodet", name="fruit", dataset="fruit", dataset_fingerprint=data.fingerprint
    )
    predict_planted(data, add_model(bundle, "fruit", workspace))
    tab = visit("evaluate?split=val")
    tab.get_by_role("tab", name="Errors").click()
    click_bar(tab, 0, 3, "2 boxes on 2 photos")  # the second row, the first column
    tab.get_by_text("2 labelled banana, detected as apple").first.wait_for()
    crops = tab.locator("[class*='st-key-tile'] img")
    crops.nth(1).wait_for()
    assert crops.count() == 2
    settled(tab)
    tab.locator("[class*='st-key-enlarge'] button").first.click()
    viewer = tab.get_by_role("dialog")
    viewer.get_by_text("False alarms").first.wait_for()
    viewer.get_by_text("1 of 2").first.wait_for()
    tab.keyboard.press("Escape")
    viewer.wait_for(state="detached")

    click_bar(tab, 1, 2, "3 boxes on 3 photos")
    settled(tab)
    tab.get_by_role("button", name="Clear", exact=True).click()
    crops.first.wait_for(state="detached")
    settled(tab)
    click_bar(tab, 1, 2, "3 boxes on 3 photos")  # the same mark again
