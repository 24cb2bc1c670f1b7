"""The photo viewer: keys, wheel and fingers, layers, and what is fetched again."""

import pytest

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.models.store import add_model
from autodet.workspace import Workspace
from tests.browser.conftest import settled
from tests.browser.test_accessibility import violations
from tests.helpers import draw_photo, untrained_bundle, write_voc

pytestmark = pytest.mark.browser
# Counts what the page sends to the server, in ``window.messages``.
COUNT_MESSAGES = """() => {
    window.messages = 0;
    const { send } = WebSocket.prototype;
    WebSocket.prototype.send = function (...words) { window.messages += 1; return send.apply(this, words); };
}"""
# Streamlit fades what a rerun has not reached yet.
UNFADED = """() => !document.querySelector("[data-stale=true]")
    && document.getAnimations().every((animation) => animation.playState !== "running")"""
HOSTILE = '<img src=x onerror="window.hurt=1">'


@pytest.fixture
def opened(app, visit, tmp_path):
    """Open the second photo of a data set in the viewer, by a click on its thumbnail."""
    marks = [(HOSTILE, (4, 6, 30, 40)), ("apple", (34, 10, 60, 40))]
    dataset = import_dataset(write_voc(tmp_path / "fruit", 6, marks), "fruit", workspace=Workspace(app.home))

    def opened(width=1280, **options):
        tab = visit("datasets", **options)
        tab.set_viewport_size({"width": width, "height": 1000})
        tab.get_by_role("button", name=dataset.images[1].file, exact=True).wait_for()
        tab.locator(".st-key-tile-1").click(position={"x": 60, "y": 40})  # on the thumbnail, not on the name
        viewer = tab.get_by_role("dialog").locator(".viewer")
        viewer.get_by_text("2 of 6").wait_for()
        wait_for_photo(viewer)
        return tab, viewer, dataset

    return opened


def wait_for_photo(viewer):
    """Wait until the photo has been fetched and drawn."""
    viewer.locator(".message").wait_for(state="hidden")


def wait_for_zoom(viewer, zoomed):
    viewer.locator(".stage.zoomed" if zoomed else ".stage:not(.zoomed)").wait_for()


def pixels(viewer):
    return viewer.locator("canvas").evaluate("canvas => canvas.toDataURL()")


def wait_for_other_pixels(tab, viewer, before):
    canvas = viewer.locator("canvas").element_handle()
    tab.wait_for_function("([canvas, before]) => canvas.toDataURL() !== before", arg=[canvas, before])


def test_keys_show_other_photos_boxes_and_details_while_the_viewer_has_the_focus(opened):
    tab, viewer, dataset = opened()
    tab.keyboard.press("ArrowRight")
    viewer.get_by_text("3 of 6").wait_for()
    told = tab.get_by_role("dialog").get_by_test_id("stMarkdown")
    told.get_by_text(dataset.images[2].file).wait_for()  # the server knows as well
    wait_for_photo(viewer)
    tab.keyboard.press("ArrowDown")
    viewer.get_by_role("status").get_by_text(HOSTILE).wait_for()
    tab.keyboard.press("ArrowDown")
    viewer.get_by_role("status").get_by_text("apple").wait_for()
    tab.keyboard.press("+")
    wait_for_zoom(viewer, True)
    tab.keyboard.press("0")
    wait_for_zoom(viewer, False)
    tab.get_by_role("dialog").get_by_role("button", name="Close").focus()
    tab.keyboard.press("ArrowRight")
    viewer.get_by_role("button", name="Previous photo").click()
    viewer.get_by_text("2 of 6").wait_for()
    assert tab.evaluate("window.hurt") is None


def test_a_layer_is_hidden_without_a_word_to_the_server_and_a_step_fetches_one_photo(opened):
    fetched = []
    tab, viewer, _ = opened()
    tab.on("request", lambda request: fetched.append(request.url))
    tab.evaluate(COUNT_MESSAGES)
    before = pixels(viewer)
    viewer.get_by_role("checkbox", name="Labels").uncheck()
    wait_for_other_pixels(tab, viewer, before)
    viewer.get_by_role("checkbox", name="Names").uncheck()
    viewer.get_by_role("checkbox", name="Labels").check()
    viewer.locator(".stage").hover()
    tab.mouse.wheel(0, -300)
    wait_for_zoom(viewer, True)
    assert (fetched, tab.evaluate("window.messages")) == ([], 0)
    with tab.expect_response("**/media/*"):  # the next photo is there; the one after it is fetched
        viewer.get_by_role("button", name="Next photo").click()
    assert len(fetched) == 1
    assert tab.evaluate("window.messages") == 1
    assert viewer.get_by_role("checkbox", name="Names").is_checked() is False


def test_two_fingers_zoom_and_one_turns_the_page_on_a_phone(opened):
    tab, viewer, _ = opened(400, has_touch=True, device_scale_factor=2)
    session = tab.context.new_cdp_session(tab)
    area = viewer.locator(".stage").bounding_box()
    middle, y = area["x"] + area["width"] / 2, area["y"] + area["height"] / 2

    def touch(kind, *offsets):
        points = [{"x": middle + offset, "y": y, "id": number} for number, offset in enumerate(offsets)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", 80)
    touch("touchMove", 0)
    touch("touchMove", -80)
    touch("touchEnd")
    viewer.get_by_text("3 of 6").wait_for()
    wait_for_photo(viewer)
    touch("touchStart", -20, 20)
    touch("touchMove", -60, 60)
    wait_for_zoom(viewer, True)
    touch("touchEnd")
    assert tab.evaluate("document.documentElement.scrollWidth") <= 400


def test_it_can_be_read_and_named(app, visit, tmp_path):
    """On Predict, because axe does not judge contrast in dialogs."""
    add_model(untrained_bundle(tmp_path / "model.autodet"), "fruit", Workspace(app.home))
    draw_photo(seed=1).save(tmp_path / "photo.png")
    tab = visit("predict")
    tab.locator("input[type=file]").set_input_files(tmp_path / "photo.png")
    viewer = tab.locator(".viewer")
    wait_for_photo(viewer)
    viewer.get_by_text("photo.png").wait_for()
    settled(tab)
    tab.wait_for_function(UNFADED)
    assert violations(tab) == []
