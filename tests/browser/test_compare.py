"""The page Compare: ticked rows, the address, and a photo with the boxes of both models."""

import pytest

from autodet.workspace import Workspace
from tests.browser.conftest import settled, wait_for_address
from tests.browser.test_accessibility import violations
from tests.reports.conftest import evaluated, import_marks, unloadable_model

pytestmark = pytest.mark.browser
CHECKBOX, ROW = 18, 35  # pixels: place of a row's checkbox, and its height


def test_ticked_rows_are_compared_and_a_photo_shows_the_boxes_of_both(app, visit, tmp_path):
    workspace = Workspace(app.home)
    fruit = import_marks(tmp_path / "photos", workspace)
    for missed, name in enumerate(("best", "good", "poor")):
        evaluated(unloadable_model(workspace, fruit, name), fruit, detections=dict.fromkeys(range(missed), ()))
    tab = visit("compare")
    table = tab.get_by_test_id("stDataFrame").first
    table.locator("[role=gridcell]", has_text="poor").first.wait_for(state="attached")
    for row, compared in enumerate(("best", "best%2Cgood", "good%2Cpoor")):  # of three, the first ticked is dropped
        table.scroll_into_view_if_needed()
        place = table.bounding_box()
        tab.mouse.click(place["x"] + CHECKBOX, place["y"] + ROW * (row + 1.5))
        wait_for_address(tab, f"models={compared}$")
        settled(tab)
    tab.reload()
    tab.get_by_text("Errors of poor (1)").wait_for()
    settled(tab)
    assert violations(tab) == []
    tab.get_by_role("button", name=fruit.split("test")[1].file).last.click()
    viewer = tab.get_by_role("dialog")
    viewer.get_by_text("Other model: good").wait_for()
    assert viewer.locator('[data-layer="other_model"] output').inner_text() == "2"
    assert viewer.locator('[data-layer="missed"] output').inner_text() == "2"
