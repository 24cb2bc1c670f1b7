"""A viewer in a browser, who follows links to everything."""

import re

import pytest
from playwright.sync_api import expect

from autodet.access.audit_log import read_entries
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.ui.common.frame import PAGES
from autodet.workspace import Workspace
from tests.access.test_viewer import tree
from tests.browser.conftest import goto
from tests.browser.test_navigation import put_model, put_search
from tests.helpers import write_voc

pytestmark = pytest.mark.browser
EDITOR, VIEWER = "open sesame, please", "look, do not touch"
LINKS = {
    "home": "",
    "datasets": "datasets?dataset=fruit",
    "label": "label?dataset=fruit",
    "search": "search?dataset=fruit",
    "results": "results?search=fruit",
    "evaluate": "evaluate?model=fruit&dataset=fruit&split=val",
    "compare": "compare?dataset=fruit&models=fruit",
    "predict": "predict?model=fruit",
    "models": "models?model=fruit",
    "use": "use?model=fruit",
    "settings": "settings",
}


def fill(app, tmp_path):
    workspace = Workspace(app.home)
    import_dataset(write_voc(tmp_path / "fruit"), "fruit", workspace=workspace)
    put_model(app, "fruit")
    put_search(app, "fruit", "interrupted")
    return workspace


@pytest.mark.parametrize("settings", [{"AUTODET_PASSWORD": EDITOR, "AUTODET_VIEWER_PASSWORD": VIEWER}])
def test_a_viewer_who_follows_links_changes_nothing(app, visit, tmp_path):
    workspace = fill(app, tmp_path)
    tab = visit()
    tab.get_by_label("Password", exact=True).fill(VIEWER)
    tab.get_by_role("button", name="Enter").click()
    tab.get_by_role("heading", level=1, name=re.compile("detectors")).wait_for()
    before = tree(app.home)
    assert set(LINKS) == set(PAGES)
    for link in LINKS.values():
        goto(tab, app, link)
        expect(tab.get_by_test_id("stSidebar").get_by_role("button", name="Sign out")).to_be_visible()
        offered = set(tab.get_by_role("button").all_inner_texts())
        assert not {
            text
            for text in offered
            if re.search("Delete|Start the search|Resume|Rename|Add the model|Make a token", text)
        }
    assert tree(app.home) == before
    assert "viewer" in {entry.role for entry in read_entries(workspace)}
