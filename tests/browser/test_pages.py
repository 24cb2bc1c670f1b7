"""What only a browser shows: charts that grow by themselves, dialogs, and names that must not become markup."""

from dataclasses import replace

import pytest
from playwright.sync_api import expect

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.manifest import list_datasets
from autodet.lock import hold_lock
from autodet.models.store import add_model, list_models
from autodet.records import EpochResult, SearchStatus, TrialStatus
from autodet.search.order.spec import SearchSpec
from autodet.search.status.status_file import write_snapshot
from autodet.workspace import Workspace
from tests.browser.conftest import settled, wait_for_address
from tests.helpers import draw_photo, untrained_bundle, write_labelled, write_voc, zip_folder

pytestmark = pytest.mark.browser
CHECKBOX, ROW = 16, 35  # pixels, in a table
LINES = ".scatterlayer .trace"
HOSTILE = '<img src=x onerror="window.hurt=1">![x](http://127.0.0.1:9/x)'


def trial(number, state, *scores):
    results = tuple(EpochResult(epoch, 1 / epoch, score, score / 2, 2.0) for epoch, score in enumerate(scores, 1))
    return TrialStatus(number, state, {"lr": 1e-3}, results)


def wait_for_lines(tab, count):
    """Wait until the first chart, the mAP's, has so many lines; the star is one."""
    tab.wait_for_function(f"document.querySelector('.js-plotly-plot')?.querySelectorAll('{LINES}').length === {count}")


def wait_for_choice(tab, words):
    """Wait until what the first select box says begins so."""
    tab.wait_for_function(
        "words => document.querySelector('[data-testid=stSelectbox] input').value.startsWith(words)", arg=words
    )


def epochs_in_view(tab):
    return tab.evaluate("document.querySelector('.js-plotly-plot')._fullLayout.xaxis.range")


def zoom_in(tab):
    """Draw a frame around the middle of the first chart."""
    area = tab.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
    x, y, width, height = (area[key] for key in ("x", "y", "width", "height"))
    tab.mouse.move(x + 0.3 * width, y + 0.3 * height)
    tab.mouse.down()
    tab.mouse.move(x + 0.7 * width, y + 0.7 * height, steps=5)
    tab.mouse.up()


def test_the_chart_grows_by_itself_and_the_buttons_change_at_the_end(app, visit):
    folder = Workspace(app.home).searches / "fruit"
    folder.mkdir()
    status = SearchStatus("fruit", "fruit", "queued", planned_trials=2, planned_epochs=3, seconds=5.0)
    with hold_lock(folder):
        write_snapshot(folder, status)
        tab = visit("results")
        tab.get_by_text("No trial has started yet").first.wait_for()
        tab.evaluate("window.drawn_once = true")
        wait_for_choice(tab, "fruit · queued")
        status = replace(status, state="running", trials=(trial(0, "running"),))
        write_snapshot(folder, status)
        tab.get_by_text("The first epoch is under way").first.wait_for()
        wait_for_choice(tab, "fruit · running")
        whole = epochs_in_view(tab)
        status = replace(status, trials=(trial(0, "running", 0.3),))
        write_snapshot(folder, status)
        wait_for_lines(tab, 2)  # the trial and the star
        zoom_in(tab)
        zoomed = epochs_in_view(tab)
        assert zoomed != whole
        clock = tab.get_by_test_id("stMetricValue").last
        before = clock.inner_text()
        tab.wait_for_function(
            "before => [...document.querySelectorAll('[data-testid=stMetricValue]')].at(-1).innerText !== before",
            arg=before,
        )
        assert epochs_in_view(tab) == zoomed  # a refresh without a new epoch leaves the chart alone
        status = replace(status, trials=(trial(0, "finished", 0.3, 0.6, 0.5), trial(1, "running", 0.2)))
        write_snapshot(folder, status)
        wait_for_lines(tab, 3)
        tab.get_by_text("0.600").first.wait_for()
        tab.get_by_role("button", name="Stop, keep the best").wait_for()
        write_snapshot(folder, replace(status, state="finished"))
    tab.get_by_role("button", name="Stop, keep the best").wait_for(state="detached")
    tab.locator(".stMarkdownBadge", has_text="finished").wait_for()
    assert tab.evaluate("window.drawn_once"), "the page was loaded anew"


def test_a_click_on_a_row_or_on_a_point_opens_the_trial(app, visit):
    folder = Workspace(app.home).searches / "fruit"
    folder.mkdir()
    SearchSpec(name="fruit", dataset="sample").write(folder)
    trials = tuple(trial(number, "finished", 0.2 * number, 0.1 + 0.2 * number) for number in range(4))
    write_snapshot(folder, SearchStatus("fruit", "fruit", "finished", trials, planned_trials=4, planned_epochs=2))
    tab = visit("results", reduced_motion="reduce")
    opened = tab.get_by_role("heading", level=3)
    table = tab.get_by_test_id("stDataFrame").first
    table.locator("[role=gridcell]", has_text="finished").first.wait_for(state="attached")
    table.scroll_into_view_if_needed()
    place, row = table.bounding_box(), 2
    tab.mouse.click(place["x"] + CHECKBOX, place["y"] + ROW * (row + 1.5))
    opened.get_by_text("Trial 2").wait_for()
    wait_for_address(tab, "trials=2$")
    settled(tab)
    point = tab.locator(".js-plotly-plot").first.locator(f"{LINES} .points path").nth(2)  # the first of trial 1
    point.scroll_into_view_if_needed()
    point.hover(force=True)
    tab.locator(".js-plotly-plot .hoverlayer text").first.wait_for()
    point.click(force=True)
    opened.get_by_text("Trial 1").wait_for()
    tab.get_by_text("Differs from the defaults").or_(tab.get_by_text("Has the default settings")).wait_for()
    wait_for_address(tab, "trials=1$")
    tab.reload()
    opened.get_by_text("Trial 1").wait_for()
    tab.get_by_role("button", name="Close", exact=True).last.click()
    opened.wait_for(state="detached")
    wait_for_address(tab, "search=fruit$")


def test_a_model_is_deleted_after_a_second_yes(app, visit, tmp_path):
    workspace = Workspace(app.home)
    for name, map50 in (("other", 0.5), ("fruit", 0.9)):
        bundle = untrained_bundle(tmp_path / "model.autodet", metrics={"map50": map50})
        add_model(bundle, name, workspace)
    tab = visit("models")
    tab.get_by_text("Details").first.click()
    tab.get_by_role("button", name="Delete").first.wait_for()
    settled(tab)  # what is in it has just been made
    tab.get_by_role("button", name="Delete").first.click()
    assert len(list_models(workspace)) == 2
    tab.get_by_role("dialog").get_by_role("button", name="Delete it").click()
    tab.get_by_role("dialog").wait_for(state="detached")
    settled(tab)
    tab.get_by_text("0.900").wait_for(state="detached")
    assert [model.id for model in list_models(workspace)] == ["other"]


def test_an_address_leads_to_its_search_even_if_it_is_the_first_that_the_server_is_asked_for(app, visit):
    for day, name in enumerate(("older", "newer"), 1):
        folder = app.home / "searches" / name
        folder.mkdir(parents=True)
        write_snapshot(folder, SearchStatus(name, "sample", "finished", created=f"2026-01-0{day}T10:00:00+00:00"))
    tab = visit("results?search=older")
    shown = "document.querySelector('[data-testid=stSelectbox] input')?.value.startsWith('older · finished')"
    tab.wait_for_function(shown)
    tab.reload()
    tab.wait_for_function(shown)
    assert tab.url.endswith("/results?search=older")


def test_a_search_is_deleted_after_a_second_yes(app, visit):
    for day, name in enumerate(("kept", "gone"), 1):
        folder = app.home / "searches" / name
        folder.mkdir(parents=True)
        SearchSpec(name=name, dataset="sample").write(folder)
        created = f"2026-01-0{day}T10:00:00+00:00"
        write_snapshot(folder, SearchStatus(name, "sample", "finished", created=created))
    tab = visit("results")
    tab.get_by_role("button", name="Delete").click()
    assert (app.home / "searches" / "gone").exists()
    tab.get_by_role("dialog").get_by_role("button", name="Delete it").click()
    tab.get_by_role("dialog").wait_for(state="detached")
    settled(tab)
    assert [path.parent.name for path in app.home.glob("searches/[!.]*/spec.json")] == ["kept"]
    tab.get_by_test_id("stMetric").first.wait_for()
    assert tab.get_by_role("alert").count() == 0


def test_a_data_set_is_deleted_after_a_second_yes(app, visit, tmp_path):
    workspace = Workspace(app.home)
    for name in ("kept", "gone"):
        import_dataset(write_voc(tmp_path / name, 4), name, workspace=workspace)
    tab = visit("datasets")
    tab.get_by_role("button", name="Delete").click()
    assert len(list_datasets(workspace)) == 2
    tab.get_by_role("dialog").get_by_role("button", name="Delete it").click()
    tab.get_by_role("dialog").wait_for(state="detached")
    settled(tab)
    assert [dataset.id for dataset in list_datasets(workspace)] == ["kept"]
    tab.get_by_test_id("stMetric").first.wait_for()
    assert tab.get_by_role("alert").count() == 0


def test_a_class_name_is_never_markup(app, visit, tmp_path):
    import_dataset(
        write_voc(tmp_path / "fruit", marks=[(HOSTILE, (4, 6, 30, 40))]), "fruit", workspace=Workspace(app.home)
    )
    tab = visit("datasets")
    requests = []
    tab.on("request", lambda request: requests.append(request.url))
    tab.get_by_test_id("stImage").first.wait_for()
    tab.get_by_test_id("stHtml").get_by_text(HOSTILE[:30]).wait_for()
    tab.get_by_role("tab", name="Statistics").click()
    tab.locator(".js-plotly-plot .barlayer .trace").first.wait_for()
    tab.locator(".js-plotly-plot .barlayer .point").first.hover(force=True)
    tab.locator(".js-plotly-plot .hoverlayer text").first.wait_for()
    assert not tab.locator("a[href*='127.0.0.1:9']").count()
    assert tab.evaluate("window.hurt") is None
    assert not [url for url in requests if ":9/" in url]


def test_a_photo_is_enlarged_and_the_next_one_too_and_a_kind_shows_its_pairs(app, visit, tmp_path):
    folder = write_voc(tmp_path / "fruit", 16)
    for split in ("train", "val"):
        write_labelled(folder / split, "twice", seed=77)
    dataset = import_dataset(folder, "fruit", workspace=Workspace(app.home))
    tab = visit("datasets")
    first, second = (record.file for record in dataset.images[:2])
    tab.get_by_role("button", name=first, exact=True).click()
    dialog = tab.get_by_role("dialog")
    dialog.get_by_text(first).wait_for()
    dialog.get_by_role("button", name="Next").click()
    dialog.get_by_text(second).wait_for()
    dialog.get_by_text("2 of 18").wait_for()
    tab.keyboard.press("Escape")
    dialog.wait_for(state="detached")

    tab.get_by_role("tab", name="Findings").click()
    tab.get_by_text("Duplicate photos").click()
    one, other = (tab.get_by_test_id("stImage").filter(has_text=f"{split}/twice.png") for split in ("train", "val"))
    assert one.bounding_box()["y"] == other.bounding_box()["y"]
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Report as CSV").click()
    assert "photo_copies" in download.value.path().read_text()


def test_an_import_asks_before_it_loses_labels_and_waits_for_the_answer(app, visit, tmp_path):
    folder = write_voc(tmp_path / "torn", 8, [(HOSTILE, (4, 6, 30, 90))])
    for number in range(3):
        (folder / f"torn{number}.xml").write_text("<annotation>")
        draw_photo(seed=90 + number).save(folder / f"torn{number}.png")
    tab = visit("datasets")
    tab.locator("input[type=file]").first.set_input_files(zip_folder(folder, tmp_path / "torn.zip"))
    tab.get_by_role("button", name="Import", exact=True).click()
    tab.get_by_text("torn: review before the import").wait_for()
    tab.close()

    tab = visit("datasets")
    tab.get_by_text("would lose 3 of 11 labelled photos").first.wait_for()
    store = tab.get_by_role("button", name="Import 8 photos")
    expect(store).to_be_disabled()
    tab.get_by_text("Other findings").click()
    tab.get_by_text("torn0.xml", exact=True).wait_for()
    tab.get_by_text("I have checked this").click()
    settled(tab)
    store.click()
    tab.get_by_text("Detected as Pascal VOC, imported").wait_for()
    settled(tab)
    tab.get_by_text("review before the import").wait_for(state="detached")
    assert not tab.evaluate("window.hurt")
    assert [dataset.splits["train"] for dataset in list_datasets(Workspace(app.home))] == [6]
