"""Ways between pages: links, addresses, the back button, reloads and the password."""

import random
import re

import pytest
from playwright.sync_api import expect

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.lock import hold_lock
from autodet.models.store import add_model
from autodet.records import EpochResult, SearchStatus, TrialStatus
from autodet.search.api import find_search, list_searches
from autodet.search.order.spec import SearchSpec
from autodet.search.status.status_file import write_snapshot
from autodet.workspace import Workspace
from tests.browser.conftest import goto, menu, settled, wait_for_address
from tests.helpers import untrained_bundle, write_voc

pytestmark = pytest.mark.browser
CLICKS = 20
SECRET = "open sesame, please"


def put_model(app, name, dataset="fruit"):
    workspace = Workspace(app.home)
    bundle = untrained_bundle(workspace.models.with_name("brought.autodet"), name=name, dataset=dataset)
    return add_model(bundle, name, workspace).id


def put_search(app, name, state="finished", day=1):
    folder = Workspace(app.home).searches / name
    folder.mkdir()
    SearchSpec(name=name, dataset="fruit").write(folder)
    trial = TrialStatus(
        0, "running" if state == "running" else "finished", {"lr": 1e-3}, (EpochResult(1, 1, 0.3, 0.2, 2),)
    )
    created = f"2026-01-0{day}T10:00:00+00:00"
    status = SearchStatus(
        name, "fruit", state, (trial,), planned_trials=2, planned_epochs=9, model="fruit", created=created
    )
    write_snapshot(folder, status)
    return folder


def choose(tab, option):
    tab.get_by_test_id("stSelectbox").first.locator("input").click()
    tab.get_by_role("option", name=option).click()
    settled(tab)


def test_no_page_is_empty_after_a_click_beside_a_chart_that_refreshes(app, visit):
    put_model(app, "fruit")
    folder = put_search(app, "fruit", "running")
    moments = random.Random(0)
    with hold_lock(folder):
        tab = visit("results")
        for number in range(CLICKS):
            tab.get_by_role("link", name="Try a photo").wait_for()
            tab.wait_for_timeout(moments.uniform(0, 2000))  # a refresh comes every two seconds
            tab.get_by_role("link", name="Try a photo").click()
            tab.get_by_role("heading", level=1, name="Predict").wait_for()
            tab.get_by_test_id("stFileUploader").wait_for()
            tab.wait_for_timeout(moments.uniform(0, 300))
            assert tab.get_by_test_id("stFileUploader").count(), f"an empty page after {number} clicks"
            tab.go_back()
            tab.get_by_role("heading", level=1, name="Results").wait_for()


@pytest.mark.parametrize("pause", [50, 300])
def test_a_second_click_on_start_leads_to_the_same_search(app, visit, tmp_path, pause):
    import_dataset(write_voc(tmp_path / "fruit", photos=20), "fruit", workspace=Workspace(app.home))
    tab = visit("search?dataset=fruit")  # an earlier address of the page
    wait_for_address(tab, r"/train\?dataset=fruit$")
    button = tab.get_by_role("button", name="Start training")
    place = button.bounding_box()
    button.click()
    tab.wait_for_timeout(pause)
    if button.count():  # the button is there until Results take its place
        tab.mouse.click(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    tab.get_by_role("heading", level=1, name="Results").wait_for()
    (search,) = list_searches(Workspace(app.home))
    find_search(search.search, Workspace(app.home)).stop()


def test_addresses_name_what_is_chosen_and_one_press_goes_back(app, visit, tmp_path):
    import_dataset(write_voc(tmp_path / "fruit"), "fruit", workspace=Workspace(app.home))
    for name in ("older", "newer"):
        put_model(app, name)
    for day, name in enumerate(("first", "second"), 1):
        put_search(app, name, day=day)
    tab = visit()
    assert tab.title() == "Home · autodet"
    menu(tab, "Evaluate")
    wait_for_address(tab, r"/evaluate\?model=newer&dataset=fruit&split=test$")
    menu(tab, "Results")
    wait_for_address(tab, r"/results\?search=second$")
    choose(tab, re.compile("first"))
    wait_for_address(tab, r"/results\?search=first$")
    menu(tab, "Predict")
    wait_for_address(tab, r"/predict\?model=newer$")
    menu(tab, "Data sets")
    wait_for_address(tab, r"/datasets\?dataset=fruit$")
    tab.wait_for_function("document.title === 'Data sets · autodet'")
    for name, address in (("Predict", "predict?model=newer"), ("Results", "results?search=first")):
        tab.go_back()
        tab.get_by_role("heading", level=1, name=name).wait_for()
        settled(tab)
        assert tab.url == f"{app.url}/{address}"
        assert tab.title() == f"{name} · autodet"
    expect(tab.get_by_test_id("stSelectbox").first.locator("input")).to_have_value(re.compile("fruit \\(first\\)"))
    tab.go_back()
    tab.get_by_role("heading", level=1, name="Evaluate").wait_for()
    tab.go_forward()
    tab.get_by_role("heading", level=1, name="Results").wait_for()
    tab.reload()
    settled(tab)
    wait_for_address(tab, r"/results\?search=first$")


def test_a_copied_link_leads_another_visitor_to_the_same(app, visit, tmp_path):
    import_dataset(write_voc(tmp_path / "fruit"), "fruit", workspace=Workspace(app.home))
    for name in ("older", "newer"):
        put_model(app, name)
    tab = visit("evaluate", permissions=["clipboard-read", "clipboard-write"])
    choose(tab, re.compile("older"))
    wait_for_address(tab, "model=older")
    tab.get_by_role("button", name="Copy link").click()
    tab.get_by_role("button", name="Copied").wait_for()
    link = tab.evaluate("navigator.clipboard.readText()")
    assert link == f"{app.url}/evaluate?model=older&dataset=fruit&split=test"
    other = visit()
    other.goto(link)
    settled(other)
    expect(other.get_by_test_id("stSelectbox").first.locator("input")).to_have_value(re.compile("older"))


@pytest.mark.parametrize("settings", [{"AUTODET_PASSWORD": SECRET}])
def test_the_password_is_asked_once_for_a_browser_and_again_after_signing_out(app, visit):
    def is_asked():
        tab.get_by_role("heading", level=1).wait_for()
        return tab.get_by_role("heading", level=1).inner_text() == "autodet"

    def enter():
        tab.get_by_label("Password", exact=True).fill(SECRET)
        tab.get_by_role("button", name="Enter").click()
        tab.get_by_role("heading", level=1, name="Settings").wait_for()

    tab = visit("settings")
    enter()
    cookies = tab.context.cookies()
    tab.reload()
    settled(tab)
    assert not is_asked()
    goto(tab, app, "models")
    expect(tab.get_by_role("heading", level=1)).to_have_text("Models")
    goto(tab, app, "settings")
    (cookie,) = [cookie for cookie in cookies if cookie["name"].startswith("autodet") and not cookie["httpOnly"]]
    assert SECRET not in cookie["value"]
    assert (cookie["sameSite"], cookie["expires"]) == ("Strict", -1)

    second = visit("results", storage_state=tab.context.storage_state())
    expect(second.get_by_role("heading", level=1)).to_have_text("Results")
    tab.get_by_role("button", name="Sign out").click()
    tab.get_by_role("heading", level=1, name="autodet", exact=True).wait_for()
    second.get_by_test_id("stSidebarNav").get_by_role("link", name="Models").click()
    second.get_by_role("heading", level=1, name="autodet", exact=True).wait_for()
    tab.reload()
    assert is_asked()
    tab.context.add_cookies([cookie])  # a copy of it is worth nothing any more
    tab.reload()
    assert is_asked()
    enter()
    stranger = visit("models")
    expect(stranger.get_by_role("heading", level=1)).to_have_text("autodet")


def test_on_a_phone_the_menu_closes_after_a_choice(app, visit):
    tab = visit("datasets")
    tab.set_viewport_size({"width": 400, "height": 800})
    goto(tab, app, "datasets")
    tab.get_by_test_id("stExpandSidebarButton").click()
    tab.get_by_test_id("stSidebarNav").get_by_role("link", name="Results").click()
    tab.get_by_role("heading", level=1, name="Results").wait_for()
    expect(tab.get_by_test_id("stExpandSidebarButton")).to_be_visible()
