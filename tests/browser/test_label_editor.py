"""The label editor: mouse, keys and fingers; drafts that survive reloads, crashes and other tabs."""

import pytest
from playwright.sync_api import expect

from autodet.datasets.drafts.flags import flag_photos
from autodet.datasets.drafts.journal import add_draft_class, propose_labels, read_drafts, save_draft
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.records import DraftBox, LabelIssue
from autodet.text_format import harmless
from autodet.workspace import Workspace
from tests.browser.conftest import settled
from tests.browser.test_accessibility import violations
from tests.browser.test_photo_viewer import UNFADED
from tests.helpers import draw_photo
from tests.hostile_names import HOSTILE_NAMES

pytestmark = pytest.mark.browser
SIZE = (320, 240)


@pytest.fixture
def pool(app, tmp_path):
    """Six photos without labels."""
    folder = tmp_path / "pool"
    folder.mkdir()
    for number in range(6):
        draw_photo(SIZE, number).save(folder / f"{number}.png")
    return import_dataset(folder, "pool", format="unlabelled", workspace=Workspace(app.home))


@pytest.fixture
def opened(app, visit, pool):
    """Open a photo in the editor; the first one unless another is named."""

    def opened(place=0, width=1280, height=1000, **options):
        tab = visit(f"label?dataset={pool.id}&photo={pool.images[place].file}", **options)
        tab.set_viewport_size({"width": width, "height": height})
        editor = tab.locator(".editor")
        expect(editor.locator(".place").first).to_contain_text("of")  # the data have arrived
        expect(editor.locator(".frame .message")).to_be_hidden()
        settled(tab)
        return tab, editor

    return opened


def draw(tab, editor, start=(0.4, 0.4), end=(0.6, 0.6)):
    """Drag between two points, given as shares of the stage."""
    area = editor.locator(".frame .stage").bounding_box()
    first, second = ((area["x"] + area["width"] * x, area["y"] + area["height"] * y) for x, y in (start, end))
    tab.mouse.move(*first)
    tab.mouse.down()
    tab.mouse.move(*second, steps=4)
    tab.mouse.up()


def wait_until_saved(editor):
    expect(editor.locator(".saved")).to_have_attribute("data-condition", "saved")


def boxes_of(pool, place=0):
    return [(box.class_name, *box.box_xyxy) for box in read_drafts(pool).of(pool.images[place].file).boxes]


def test_twenty_labels_begin_with_one_box_and_a_class_by_mouse(opened, pool):
    tab, editor = opened()
    draw(tab, editor)
    editor.get_by_role("textbox", name="Find or add a class").fill("raccoon")
    editor.get_by_role("button", name="Add “raccoon”").click()
    wait_until_saved(editor)
    ((name, x1, y1, x2, y2),) = boxes_of(pool)
    assert name == "raccoon" and 0 <= x1 < x2 <= SIZE[0] and 0 <= y1 < y2 <= SIZE[1]
    expect(tab.get_by_text("1 of 6 photos labelled")).to_be_visible()

    draw(tab, editor, (0.5, 0.5), (0.55, 0.5))  # within the selected box: it moves
    wait_until_saved(editor)
    ((_, left, top, right, bottom),) = boxes_of(pool)
    assert left > x1 and (right - left, bottom - top) == pytest.approx((x2 - x1, y2 - y1), abs=0.05)
    editor.get_by_role("button", name="Undo").click()
    editor.get_by_role("button", name="Next photo").click()
    expect(editor.locator(".place").first).to_have_text("2 of 6")
    wait_until_saved(editor)
    assert boxes_of(pool) == [(name, x1, y1, x2, y2)]
    editor.get_by_role("button", name="No objects here").click()
    expect(editor.locator(".condition")).to_have_text("no objects")
    wait_until_saved(editor)
    assert read_drafts(pool).of(pool.images[1].file).state == "empty"

    tab.reload()
    expect(editor.locator(".place").first).to_have_text("2 of 6")
    expect(editor.locator(".condition")).to_have_text("no objects")
    editor.get_by_role("button", name="Unlabelled 4").click()
    expect(editor.locator(".place").first).to_have_text("1 of 4")  # the next photo that passes
    draw(tab, editor)
    expect(editor.get_by_role("button", name="Unlabelled 3")).to_be_visible()
    expect(editor.locator(".place").first).to_have_text("1 of 4")  # it stays until it is left
    editor.get_by_role("button", name="Next unlabelled").click()
    expect(editor.locator(".place").first).to_have_text("1 of 3")


def test_keys_alone_suffice(opened, pool):
    tab, editor = opened()
    press = tab.keyboard.press
    press("n")
    tab.keyboard.type("red panda")
    press("Enter")
    wait_until_saved(editor)
    ((_, x1, y1, x2, y2),) = boxes_of(pool)
    for key in ("Alt+ArrowRight", "Alt+ArrowUp", "Alt+Shift+ArrowRight", "Alt+Shift+ArrowDown"):
        press(key)
    wait_until_saved(editor)
    assert boxes_of(pool) == [("red panda", x1 + 1, y1 - 1, x2 + 2, y2)]
    press("Control+Shift+ArrowRight")
    press("Control+ArrowLeft")
    wait_until_saved(editor)
    ((_, left, _, right, _),) = boxes_of(pool)
    assert left < x1 - 10 and right - left > x2 - x1 + 10  # large steps
    press("n")
    wait_until_saved(editor)
    (_, new_left, _, new_right, _), _ = boxes_of(pool)
    assert new_right - new_left == pytest.approx(right - left, abs=0.05) and new_left > left  # as large as the last one
    press("Control+z")
    press("Tab")
    press("Control+z")  # the box stays selected
    press("Alt+ArrowLeft")
    wait_until_saved(editor)
    assert boxes_of(pool) == [("red panda", x1, y1 - 1, x1 + right - left, y2)]
    press("/")
    tab.keyboard.type("fox")
    press("Enter")
    press("d")
    wait_until_saved(editor)
    assert [name for name, *_ in boxes_of(pool)] == ["fox"]
    press("1")
    press("Control+z")
    press("Control+z")  # no longer difficult
    press("Control+Shift+z")
    wait_until_saved(editor)
    (box,) = read_drafts(pool).of(pool.images[0].file).boxes
    assert (box.class_name, box.difficult) == ("fox", True)
    press("Escape")
    press("Enter")
    expect(editor.locator(".place").first).to_have_text("2 of 6")
    press("v")  # the boxes of the previous photo
    wait_until_saved(editor)
    assert boxes_of(pool, 1) == boxes_of(pool)
    press("Tab")
    press("Delete")
    press("f")
    wait_until_saved(editor)
    assert read_drafts(pool).of(pool.images[1].file).state == "unlabelled"
    press("ArrowRight")
    expect(editor.get_by_role("button", name="Next flagged")).to_be_visible()
    press("g")
    expect(editor.locator(".place").first).to_have_text("2 of 6")
    press("?")
    help_ = editor.get_by_role("dialog")
    expect(help_.get_by_text("No objects here")).to_be_visible()
    press("Escape")
    expect(help_).to_be_hidden()


def test_the_page_is_as_before_after_the_full_window(opened, pool):
    tab, editor = opened(height=800)
    editor.evaluate("editor => editor.scrollIntoView()")
    shown = editor.bounding_box()
    tab.keyboard.press("w")
    expect(editor).to_have_css("position", "fixed")
    tab.keyboard.press("w")
    expect(editor).to_have_css("position", "static")
    assert editor.bounding_box() == pytest.approx(shown, abs=1)


def test_a_held_arrow_key_keeps_the_box_at_the_edge_and_never_leaves_the_photo(opened, pool):
    add_draft_class(pool, "fox")
    tab, editor = opened(1)
    draw(tab, editor)
    for _ in range(40):  # further presses of a key that is down are repeats
        tab.keyboard.down("ArrowLeft")
    wait_until_saved(editor)
    ((_, x1, *_),) = boxes_of(pool, 1)
    assert x1 == 0
    tab.keyboard.down("ArrowLeft")
    expect(editor.get_by_role("button", name="Delete")).to_have_attribute("aria-disabled", "false")  # still selected
    tab.keyboard.press("Escape")
    tab.keyboard.down("ArrowLeft")
    expect(editor.locator(".place").first).to_have_text("2 of 6")
    tab.keyboard.up("ArrowLeft")
    tab.keyboard.press("ArrowLeft")
    expect(editor.locator(".place").first).to_have_text("1 of 6")


def test_a_box_without_a_class_waits_for_one_on_its_photo(opened, pool):
    tab, editor = opened()
    draw(tab, editor)
    expect(editor.locator(".saved")).to_have_text("A box needs a class")
    editor.get_by_role("button", name="Next photo").click()
    expect(editor.locator(".place").first).to_have_text("2 of 6")
    tab.reload()
    editor.get_by_role("button", name="Show it").click()
    expect(editor.locator(".place").first).to_have_text("1 of 6")
    editor.get_by_role("textbox", name="Find or add a class").fill("fox")
    tab.keyboard.press("Enter")
    wait_until_saved(editor)
    assert [name for name, *_ in boxes_of(pool)] == ["fox"]


def test_missing_labels_are_shown_until_each_is_added(opened, pool):
    add_draft_class(pool, "fox")
    file, places = pool.images[0].file, [(10.0, 10.0, 90.0, 90.0), (200.0, 100.0, 300.0, 200.0)]
    flag_photos(pool, {file: [LabelIssue(file, "missing", "fox", place, 0.1) for place in places]})
    tab, editor = opened(1)
    expect(editor.locator(".strip .flagged")).to_have_count(1)
    tab.keyboard.press("g")
    expect(editor.get_by_role("button", name="Looks like fox, without a label")).to_have_count(2)
    for left in (1, 0):
        editor.get_by_role("button", name="Add it").first.click()
        expect(editor.get_by_role("button", name="Add it")).to_have_count(left)
        wait_until_saved(editor)
    assert boxes_of(pool) == [("fox", *place) for place in reversed(places)]
    expect(editor.locator(".strip .flagged")).to_have_count(0)


def test_proposals_are_decided_one_by_one_all_or_above_a_score(opened, pool):
    add_draft_class(pool, "fox")
    scores = (0.9, 0.6, 0.3)
    proposals = [DraftBox("fox", (10.0 * n, 10.0, 10.0 * n + 8, 60.0), score=score) for n, score in enumerate(scores)]
    propose_labels(pool, {pool.images[0].file: proposals}, "model")
    tab, editor = opened()
    editor.get_by_role("button", name="Accept 2 from 0.50 on").click()
    wait_until_saved(editor)
    draft = read_drafts(pool).of(pool.images[0].file)
    assert (len(draft.labels), [box.score for box in draft.proposals]) == (2, [0.3])
    tab.keyboard.press("Control+z")
    wait_until_saved(editor)
    assert read_drafts(pool).of(pool.images[0].file).proposals == tuple(proposals)
    tab.keyboard.press("Enter")  # selects the first, which the next one accepts
    tab.keyboard.press("Enter")
    tab.keyboard.press("Delete")
    editor.get_by_role("button", name="Reject all").click()
    wait_until_saved(editor)
    draft = read_drafts(pool).of(pool.images[0].file)
    assert [box.box_xyxy for box in draft.boxes] == [proposals[0].box_xyxy] and draft.state == "labelled"


def test_a_killed_server_and_a_reload_lose_nothing(app, opened, pool):
    add_draft_class(pool, "fox")
    tab, editor = opened()
    tab.keyboard.press("PageDown")
    draw(tab, editor)
    wait_until_saved(editor)
    app.kill()
    tab.keyboard.press("Escape")
    draw(tab, editor, (0.3, 0.3), (0.35, 0.4))
    expect(editor.locator(".saved")).to_contain_text("kept in this browser")
    assert len(boxes_of(pool, 1)) == 1
    app.start(app.port)
    wait_until_saved(editor)
    assert len(boxes_of(pool, 1)) == 2
    expect(editor.locator(".place").first).to_have_text("2 of 6")  # the photo stays as well
    for keys, boxes in (("Control+z", 1), ("Control+Shift+z", 2)):  # and so do the undo steps
        tab.keyboard.press(keys)
        wait_until_saved(editor)
        assert len(boxes_of(pool, 1)) == boxes

    app.kill()
    tab.keyboard.press("Tab")
    tab.keyboard.press("Delete")
    expect(editor.locator(".saved")).to_contain_text("kept in this browser")
    tab.goto("about:blank")  # the tab is left before the server is back
    app.start(app.port)
    tab.goto(f"{app.url}/label?dataset={pool.id}&photo={pool.images[1].file}")
    wait_until_saved(editor)
    expect(editor.locator(".classes output").first).to_have_text("1")
    assert len(boxes_of(pool, 1)) == 1


@pytest.mark.parametrize(
    ("choice", "kept"), [("Keep mine", [2]), ("Take theirs", [1]), ("Keep the boxes of both", [2, 1])]
)
def test_the_second_of_two_tabs_sees_both_and_chooses(opened, pool, choice, kept):
    add_draft_class(pool, "fox")
    (first, one), (second, other) = opened(), opened()
    draw(first, one, (0.4, 0.4), (0.5, 0.5))
    wait_until_saved(one)
    draw(second, other, (0.6, 0.6), (0.7, 0.7))
    expect(other.get_by_role("alert")).to_contain_text("compare both, and choose")
    expect(other.locator(".conflict .side").filter(has_text="1 box")).to_have_count(2)
    (theirs,) = boxes_of(pool)
    other.get_by_role("button", name=choice).click()
    wait_until_saved(other)
    stored = boxes_of(pool)
    assert [1 if box == theirs else 2 for box in stored] == kept
    first.evaluate("window.dispatchEvent(new Event('focus'))")  # the first tab is looked at again
    expect(one.locator(".classes output").first).to_have_text(str(len(stored)))


def test_fingers_draw_move_the_view_and_zoom_on_a_phone(opened, pool):
    tab, editor = opened(width=400, height=800, has_touch=True, device_scale_factor=2)
    session = tab.context.new_cdp_session(tab)

    def touch(kind, *points):
        area = editor.locator(".frame .stage").bounding_box()
        x, y = area["x"] + area["width"] / 2, area["y"] + area["height"] / 2
        places = [{"x": x + left, "y": y + top, "id": number} for number, (left, top) in enumerate(points)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    def drag(*points):
        touch("touchStart", points[0])
        for point in points[1:]:
            touch("touchMove", point)
        touch("touchEnd")

    drag((-60, -40), (0, 0), (20, 30))
    tab.keyboard.type("fox")
    editor.get_by_role("button", name="Add “fox”").tap()
    wait_until_saved(editor)
    expect(editor.locator(".frame .stage")).to_be_in_viewport(ratio=1)
    assert len(boxes_of(pool)) == 1
    touch("touchStart", (-20, 0), (20, 0))
    touch("touchMove", (-60, 0), (60, 0))
    touch("touchEnd")
    expect(editor.locator(".stage.zoomed")).to_have_count(1)
    tab.keyboard.press("Escape")
    editor.get_by_role("button", name="Draw").tap()
    expect(editor.get_by_role("button", name="Move view")).to_have_attribute("aria-pressed", "true")
    editor.locator(".frame").scroll_into_view_if_needed()
    drag((0, 60), (0, 20))
    wait_until_saved(editor)
    editor.get_by_role("button", name="Next photo").click()  # a tap may end Chromium's scroll of the drag
    expect(editor.locator(".place").first).to_have_text("2 of 6")
    wait_until_saved(editor)
    assert len(boxes_of(pool)) == 1
    assert tab.evaluate("document.documentElement.scrollWidth") <= 400
    small = "buttons => buttons.filter(b => b.offsetParent && (b.offsetHeight < 40 || b.offsetWidth < 40)).length"
    assert editor.get_by_role("button").evaluate_all(small) == 0


def test_hostile_names_are_text_and_everything_can_be_read(opened, pool):
    for name in HOSTILE_NAMES:
        if name == harmless(name):  # others cannot be the name of a class
            add_draft_class(pool, name)
    add_draft_class(pool, "R" * 200)
    names = read_drafts(pool).classes
    file = pool.images[0].file
    propose_labels(pool, {file: [DraftBox(name, (1.0, 1.0, 90.0, 90.0), score=0.4) for name in names]}, "model")
    tab, editor = opened()
    expect(editor.locator(".class .text")).to_have_text(list(names))
    expect(editor.locator(".strip img[src]")).to_have_count(6)  # the pictures have arrived
    tab.wait_for_function(UNFADED)
    assert violations(tab) == []
    assert editor.locator(".panel").evaluate("panel => panel.offsetWidth < panel.parentElement.offsetWidth / 2")
    tab.set_viewport_size({"width": 400, "height": 800})
    assert violations(tab) == []
    editor.get_by_label("Find or add a class").fill("R" * 260)
    expect(editor.get_by_text("A class name has up to 200 characters, and this one has 260")).to_be_visible()
    assert tab.evaluate("window.hurt") is None


def test_three_hundred_boxes_of_a_large_photo_are_drawn_and_moved(app, visit, tmp_path):
    folder = tmp_path / "large"
    folder.mkdir()
    draw_photo((60, 40)).resize((3000, 2000)).save(folder / "large.jpg")
    pool = import_dataset(folder, "large", format="unlabelled", workspace=Workspace(app.home))
    add_draft_class(pool, "fox")
    places = [(100.0 * (n % 20), 100.0 * (n // 20)) for n in range(300)]
    draft = read_drafts(pool).of(pool.images[0].file)
    boxes = tuple(DraftBox("fox", (x + 5, y + 5, x + 95, y + 95)) for x, y in places)
    save_draft(pool, type(draft)(draft.file, boxes, reviewed=True))
    tab = visit(f"label?dataset={pool.id}")
    editor = tab.locator(".editor")
    expect(editor.locator(".frame .message")).to_be_hidden()
    expect(editor.locator(".classes output").first).to_have_text("300")
    editor.locator(".frame .stage").press("Tab")
    tab.keyboard.press("Alt+ArrowRight")
    wait_until_saved(editor)
    stored = read_drafts(pool).of(pool.images[0].file).boxes
    assert stored == (DraftBox("fox", (6.0, 5.0, 96.0, 95.0)), *boxes[1:])
    tab.keyboard.press("Escape")
    with tab.expect_response("**/media/*"):  # beyond the downscaled picture, the whole photo is fetched
        for _ in range(6):
            tab.keyboard.press("+")
    expect(editor.locator(".stage.zoomed")).to_have_count(1)
