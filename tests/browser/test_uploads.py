"""Uploads as visitors make them: folders that are chosen or dropped, and impatient clicks."""

import pytest
from playwright.sync_api import expect

from autodet.datasets.imports.import_job import list_imports
from autodet.datasets.manifest import list_datasets
from autodet.workspace import Workspace
from tests.browser.conftest import settled
from tests.helpers import write_voc, zip_folder

pytestmark = pytest.mark.browser


@pytest.fixture
def fruit(tmp_path):
    for split, photos in (("train", 12), ("val", 3)):
        write_voc(tmp_path / "my fruit" / split, photos)
    (tmp_path / "my fruit" / ".hidden").write_bytes(b"clutter")
    return tmp_path / "my fruit"


def choose_folder(tab, folder):
    tab.locator("input[type=file]").nth(1).set_input_files(folder)


def drop_folder(tab, folder, place=1):
    """Drop a folder from the computer's file manager on one of the page's uploaders."""
    room = tab.get_by_test_id("stFileUploaderDropzone").nth(place).bounding_box()
    mouse = {"x": room["x"] + room["width"] / 3, "y": room["y"] + room["height"] / 2}
    data = {"items": [], "files": [str(folder)], "dragOperationsMask": 1}
    devtools = tab.context.new_cdp_session(tab)
    for event in ("dragEnter", "dragOver", "drop"):
        devtools.send("Input.dispatchDragEvent", {"type": event, "data": data, **mouse})


@pytest.mark.parametrize("bring", [choose_folder, drop_folder])
def test_a_folder_is_imported_with_the_folders_in_it(app, visit, fruit, bring):
    tab = visit("datasets")
    tab.get_by_role("tab", name="A folder").click()
    bring(tab, fruit)
    tab.get_by_text("31 files").wait_for()
    expect(tab.get_by_label("Name", exact=True)).to_have_value("my fruit")  # the server answers after the browser
    tab.get_by_role("button", name="Import the folder").click()
    tab.get_by_text("Detected as Pascal VOC, imported").wait_for()
    (dataset,) = list_datasets(Workspace(app.home))
    assert (dataset.name, dataset.splits) == ("my fruit", {"train": 12, "val": 3})


def test_a_double_click_starts_one_import(app, visit, fruit, tmp_path):
    tab = visit("datasets")
    tab.locator("input[type=file]").first.set_input_files(zip_folder(fruit, tmp_path / "fruit.zip"))
    tab.get_by_role("button", name="Import", exact=True).dblclick()
    tab.get_by_text("Detected as Pascal VOC, imported").wait_for()
    settled(tab)
    tab.get_by_text("Import a data set").click()
    tab.get_by_role("tab", name="The sample").click()
    tab.get_by_role("button", name="Use the sample data set").dblclick()
    tab.get_by_text("240").first.wait_for()
    workspace = Workspace(app.home)
    assert len(list_imports(workspace)) + len(list_datasets(workspace)) <= 2


def test_the_form_stays_open_for_a_second_import(visit, fruit, tmp_path):
    archive = zip_folder(fruit, tmp_path / "fruit.zip")
    tab = visit("datasets")
    tab.locator("input[type=file]").first.set_input_files(archive)
    tab.get_by_role("button", name="Import", exact=True).click()
    tab.get_by_text("Detected as Pascal VOC, imported").wait_for()
    settled(tab)
    tab.get_by_text("Import a data set").click()
    tab.locator("input[type=file]").first.set_input_files(archive)
    tab.get_by_role("button", name="Import", exact=True).click()
    tab.get_by_text("fruit 2 is imported").wait_for()
