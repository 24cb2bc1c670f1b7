"""The photos on Predict with their boxes: thresholds without the server, downloads, the viewer, two models."""

import csv
import re

import pytest
from playwright.sync_api import expect

from autodet.inference.demo import BUNDLE
from autodet.models.store import add_model
from autodet.text_format import harmless
from autodet.workspace import Workspace
from tests.browser.conftest import settled
from tests.browser.test_accessibility import violations
from tests.browser.test_photo_viewer import COUNT_MESSAGES, UNFADED, wait_for_photo
from tests.helpers import untrained_bundle
from tests.hostile_names import HOSTILE_NAMES

pytestmark = pytest.mark.browser
# Moves a slider as a visitor does who has not let it go.
DRAG = "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input', { bubbles: true })); }"


@pytest.fixture
def dropped(app, visit, sample_dataset):
    """Drop photos on a page with a model of 80 classes."""
    add_model(BUNDLE, "demo", Workspace(app.home))

    def dropped(count, **options):
        tab = visit("predict", **options)
        photos = [sample_dataset.photo(record) for record in sample_dataset.images[:count]]
        tab.locator("input[type=file]").first.set_input_files(photos)
        tab.locator(".predictions .chip").first.wait_for()
        settled(tab)
        return tab, tab.locator(".predictions"), photos

    return dropped


def objects(view):
    """The number of objects that are shown, of all classes."""
    return sum(int(text) for text in view.locator(".chip output").all_text_contents())


def test_a_threshold_acts_without_the_server_and_downloads_have_what_is_shown(dropped):
    tab, view, photos = dropped(3)
    fetched = []
    tab.on("request", lambda request: fetched.append(request.url))
    tab.evaluate(COUNT_MESSAGES)
    own = objects(view)
    slider = view.get_by_role("slider", name="Confidence")
    slider.evaluate(DRAG, -0.3)
    many = objects(view)
    assert many > own
    slider.evaluate(DRAG, 0.55)
    expect(view.get_by_role("status").filter(has_text="No detection reaches the threshold")).to_be_visible()
    assert objects(view) == 0
    assert (fetched, tab.evaluate("window.messages")) == ([], 0)

    slider.evaluate(DRAG, -0.3)
    slider.press("ArrowRight")  # the server learns it now
    shown = [chip for chip in view.locator(".chip").all() if chip.locator("output").text_content() != "0"]
    hidden = shown[0].locator(".class").text_content()
    shown[0].get_by_role("checkbox").uncheck()
    settled(tab)
    tab.get_by_role("button", name="Download").click()
    with tab.expect_download() as download:
        tab.get_by_role("button", name="CSV").click()
    rows = list(csv.DictReader(download.value.path().read_text().splitlines()))
    assert len(rows) == objects(view) > 0
    assert hidden not in {row["class"] for row in rows}
    assert {row["photo"] for row in rows} <= {photo.name for photo in photos}
    first = [[float(row[side]) for side in ("x1", "y1", "x2", "y2")] for row in rows if row["photo"] == photos[0].name]
    shown_before = objects(view)
    tab.reload()
    expect(view.locator(".chip").filter(has=tab.get_by_role("checkbox", checked=False)).first).to_be_visible()
    assert objects(view) == shown_before
    assert view.locator(".chip").filter(has_text=hidden).get_by_role("checkbox").first.is_checked() is False
    assert drawn_boxes(view.locator(".tile").first)[::-1] == [pytest.approx(box, abs=0.06) for box in first]


def test_a_thumbnail_opens_the_viewer_and_escape_leads_back(dropped):
    tab, view, photos = dropped(4)
    assert objects(view) == sum(int(text.split(", ")[1].split()[0]) for text in names(view))
    second = view.locator(".tile .open").nth(1)
    second.focus()
    tab.keyboard.press("Enter")
    dialog = view.get_by_role("dialog")
    expect(dialog.locator(".place")).to_have_text("2 of 4")
    wait_for_photo(dialog)
    before = objects(view)
    dialog.get_by_role("slider", name="Confidence").evaluate(DRAG, -0.3)
    assert objects(view) > before
    tab.keyboard.press("ArrowRight")
    expect(dialog.locator(".name")).to_have_text(photos[2].name)
    tab.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(view.locator(".tile .open").nth(2)).to_be_focused()
    tab.locator("input[type=file]").first.set_input_files(photos[0])
    expect(view.locator(".tile")).to_have_count(5)
    assert objects(view) > before  # the sliders stay


def drawn_boxes(tile):
    """The boxes of a thumbnail as x1, y1, x2, y2, from bottom to top."""
    lines = tile.locator(".line").evaluate_all("paths => paths.map(path => path.getAttribute('d')).join('')")
    corners = re.findall(r"M(\S+) (\S+)H(\S+)V(\S+)H", lines)
    return [[float(corner) for corner in box] for box in corners]


def names(view):
    return view.locator(".tile .open").evaluate_all("buttons => buttons.map(button => button.ariaLabel)")


def test_hostile_names_are_shown_as_written_and_everything_can_be_read(app, visit, sample_dataset):
    classes = HOSTILE_NAMES[:3]
    bundle = untrained_bundle(
        app.home.parent / "a.autodet", classes, name=HOSTILE_NAMES[2], thresholds=dict.fromkeys(classes, 0.01)
    )
    workspace = Workspace(app.home)
    for name in ("one", "other"):
        add_model(bundle, name, workspace)
    content = sample_dataset.photo(sample_dataset.images[0]).read_bytes()
    tab = visit("predict")
    files = [
        {"name": f"{name[:40].replace('/', '')}.webp", "mimeType": "image/webp", "buffer": content} for name in classes
    ]
    tab.locator("input[type=file]").first.set_input_files(files)
    view = tab.locator(".predictions")
    sent = [harmless(file["name"].replace('"', "%22")) for file in files]  # as browsers send names of files
    expect(view.locator(".tile .name")).to_have_text(sent)
    expect(view.locator(".chip .class").filter(has_text=harmless(classes[0]))).to_be_visible()
    tab.get_by_label("Compare with").click()
    tab.get_by_role("option").first.click()
    expect(view.locator(".tile .note").first).to_have_text("the models agree")
    expect(view.locator(".frame.second").first).to_be_visible()
    settled(tab)
    tab.wait_for_function(UNFADED)
    assert violations(tab) == []
    tab.set_viewport_size({"width": 400, "height": 800})
    expect(view.locator(".frame.second").first).to_be_hidden()
    assert violations(tab) == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= 400
    assert tab.evaluate("window.hurt") is None
