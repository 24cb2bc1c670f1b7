"""The whole path in a real browser: from the sample to boxes on a dropped photo."""

import pytest
from playwright.sync_api import expect

from autodet.datasets.manifest import load_dataset
from autodet.workspace import Workspace
from tests.browser.conftest import goto, menu, settled

pytestmark = pytest.mark.browser
LINES = ".js-plotly-plot .scatterlayer .trace"
SEARCH_SECONDS = 400


def button(tab, name):
    return tab.get_by_test_id("stMain").get_by_role("button", name=name)


def link(tab, name):
    return tab.get_by_test_id("stMain").get_by_role("link", name=name)


def test_from_the_sample_to_boxes(app, visit, tmp_path):
    tab = visit()
    tab.get_by_text("Drop a zip of photos or a folder").wait_for()
    link(tab, "Other ways to import").click()
    tab.get_by_role("tab", name="The sample").click()
    button(tab, "Use the sample data set").click()
    tab.get_by_text("Detected as Pascal VOC, imported").wait_for(timeout=120_000)
    tab.get_by_test_id("stImage").nth(11).wait_for()
    dataset = load_dataset("sample", Workspace(app.home))
    assert len(dataset.images) == 240

    link(tab, "Train with more choices").click()
    tab.get_by_role("heading", name="Train a detector", level=1).wait_for()
    tab.get_by_text("Quick look").click()
    tab.get_by_text("for 2 trials of 3 epochs").wait_for()
    tab.get_by_text("Trials, epochs and learning rate").click()
    tab.get_by_role("spinbutton", name="Epochs per trial").fill("2")
    tab.get_by_role("spinbutton", name="Epochs per trial").press("Enter")
    tab.get_by_text("for 2 trials of 2 epochs").wait_for()
    settled(tab)
    button(tab, "Start training").dblclick()
    tab.get_by_role("heading", name="Results", level=1).wait_for()
    tab.close()

    # The tab is closed and the app is restarted; the search goes on.
    app.stop()
    app.start()
    tab = visit("results")
    tab.locator(LINES).first.wait_for(timeout=SEARCH_SECONDS * 1000)
    tab.locator(".stMarkdownBadge", has_text="finished").wait_for(timeout=SEARCH_SECONDS * 1000)
    settled(tab)
    traces = tab.locator(".js-plotly-plot").first.locator(".scatterlayer .trace")
    expect(traces).to_have_count(3)  # two trials, a star
    assert len(list((app.home / "searches").glob("[!.]*/spec.json"))) == 1  # the double click started one search

    link(tab, "Evaluate").click()
    button(tab, "Evaluate on 40 photos").click()
    tab.get_by_text("Worst first").wait_for(timeout=180_000)
    tab.get_by_role("tab", name="Classes").click()
    tab.locator(".js-plotly-plot .barlayer .trace").nth(1).wait_for()

    menu(tab, "Predict")
    record = next(record for record in dataset.split("test") if len(record.annotations) >= 3)
    (tmp_path / "notes.txt").write_text("not a photo")
    tab.locator("input[type=file]").set_input_files([dataset.photo(record), tmp_path / "notes.txt"])
    tab.get_by_text("1 of 2 files could not be read").click()
    tab.get_by_text("is not a photo that can be read").wait_for()
    tab.locator(".predictions .chip output").first.wait_for()
    settled(tab)
    found = objects(tab)
    assert found >= 1
    tab.get_by_role("slider", name="Confidence").press("Home")
    assert objects(tab) > found
    settled(tab)
    button(tab, "Download").click()
    with tab.expect_download() as download:
        tab.get_by_role("button", name="CSV").click()
    assert len(download.value.path().read_text().splitlines()) > found

    menu(tab, "Models")
    with tab.expect_download() as download:
        button(tab, "Download").first.click()
    bundle = tmp_path / download.value.suggested_filename
    download.value.save_as(bundle)
    cut = tmp_path / "cut.autodet"
    cut.write_bytes(bundle.read_bytes()[:-1000])
    tab.get_by_text("Upload a model").click()
    tab.locator("input[type=file]").set_input_files(cut)
    settled(tab)
    button(tab, "Add the model").click()
    tab.get_by_text("cannot be used as a model").wait_for()
    goto(tab, app, "models")
    tab.get_by_text("Upload a model").click()
    tab.locator("input[type=file]").set_input_files(bundle)
    settled(tab)
    button(tab, "Add the model").click()
    tab.get_by_text("sample-2").first.wait_for()
    assert len(list((app.home / "models").glob("*/model.autodet"))) == 2


def objects(tab):
    return sum(map(int, tab.locator(".predictions .chip output").all_text_contents()))
