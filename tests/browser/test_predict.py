"""Photos that a visitor gives to Predict: a dropped folder, its progress, the way back, and the camera."""

import pytest
from playwright.sync_api import expect

from autodet.models.store import add_model
from autodet.workspace import Workspace
from tests.browser.conftest import CHROMIUM, FLAGS, menu, settled
from tests.browser.test_uploads import drop_folder
from tests.helpers import draw_photo, untrained_bundle

pytestmark = pytest.mark.browser
CAMERA = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]


@pytest.fixture
def model(app, tmp_path):
    return add_model(untrained_bundle(tmp_path / "fruit.autodet"), "fruit", Workspace(app.home))


@pytest.fixture
def folder(tmp_path):
    """30 photos in two folders, one broken file and one of another kind."""
    for number in range(30):
        place = tmp_path / "trip" / f"day {number % 2}" / f"{number:02d}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        draw_photo(seed=number).save(place)
    (tmp_path / "trip" / "broken.jpg").write_bytes(b"no photo")
    (tmp_path / "trip" / "clip.mp4").write_bytes(b"no photo")
    return tmp_path / "trip"


def predictions(tab):
    return tab.get_by_role("region", name="Predictions")


def test_a_dropped_folder_is_predicted_and_found_again(model, visit, folder):
    tab = visit("predict")
    drop_folder(tab, folder, 0)
    folded = tab.get_by_text("1 of 31 files could not be read")
    folded.wait_for()
    expect(predictions(tab).get_by_text("day 0/00.png")).to_be_visible()
    folded.click()
    expect(tab.get_by_text("Skipped 1 file of other kinds (1 .mp4).")).to_be_visible()
    expect(tab.get_by_role("alert").get_by_text("went wrong")).to_have_count(0)

    menu(tab, "Models")
    menu(tab, "Predict")
    tab.get_by_text("32 files from before").wait_for()
    folded.wait_for()
    tab.reload()
    settled(tab)
    tab.get_by_text("32 files from before").wait_for()
    folded.wait_for()
    tab.get_by_role("button", name="Remove", exact=True).click()
    expect(folded).to_have_count(0)


def test_a_photo_of_the_camera_is_predicted_under_the_content_policy(app, model, browser):
    with_camera = browser.browser_type.launch(executable_path=CHROMIUM, args=[*FLAGS, *CAMERA])
    tab = with_camera.new_page()
    tab.goto(f"{app.url}/predict")
    settled(tab)
    assert tab.locator("video").count() == 0  # the browser asks for the camera only where it is wanted
    tab.get_by_role("tab", name="Camera").click()
    # The button can be pressed before the first picture arrives; then it does nothing.
    expect(tab.locator("video")).to_have_js_property("readyState", 4)
    tab.get_by_role("button", name="Take Photo").click()
    expect(predictions(tab)).to_be_visible(timeout=90_000)
    with_camera.close()
