"""Contrast (WCAG AA) and names of everything that can be pressed, in both themes, judged by axe."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.models.store import add_model
from autodet.records import EpochResult, Notice, SearchStatus, TrialStatus
from autodet.search.order.spec import SearchSpec
from autodet.search.status.status_file import write_snapshot
from autodet.ui.common.frame import PAGES
from autodet.workspace import Workspace
from tests.browser.conftest import goto, settled
from tests.helpers import untrained_bundle, write_voc

pytestmark = pytest.mark.browser
RULES = ["color-contrast", "button-name", "link-name", "image-alt", "label", "aria-input-field-name"]


@pytest.fixture
def filled(app, tmp_path):
    """A workspace with one of everything."""
    workspace = Workspace(app.home)
    import_dataset(write_voc(tmp_path / "fruit"), "fruit", workspace=workspace)
    add_model(untrained_bundle(tmp_path / "model.autodet"), "fruit", workspace)
    folder = workspace.searches / "fruit"
    folder.mkdir()
    SearchSpec(name="fruit", dataset="fruit").write(folder)
    epochs = tuple(EpochResult(number, 1 / number, 0.3 * number, 0.2, 2.0) for number in (1, 2))
    trials = (
        TrialStatus(0, "finished", {"lr": 1e-3}, epochs),
        TrialStatus(1, "failed", {"lr": 1e-3}, reason=Notice.of("error", detail="It failed.")),
    )
    write_snapshot(folder, SearchStatus("fruit", "fruit", "finished", trials, 2, 2, model="fruit"))
    return app


def violations(tab, milliseconds=500) -> list[str]:
    """What axe objects to in either theme, a line each, once the page has had some time to draw and to fade in."""
    found = []
    for theme in ("light", "dark"):
        tab.emulate_media(color_scheme=theme)
        settled(tab)
        tab.wait_for_timeout(milliseconds)
        rules = Axe().run(tab, options={"runOnly": RULES, "resultTypes": ["violations"]}).response["violations"]
        found += [f"{theme}, {rule['id']}: {node['html'][:200]}" for rule in rules for node in rule["nodes"]]
    return found


def test_every_page_can_be_read_and_named(filled, visit):
    tab = visit("models")
    tab.get_by_text("Details").first.click()
    for name in PAGES:
        goto(tab, filled, "" if name == "home" else name)
        assert violations(tab, 2000) == [], name  # charts and tables draw themselves


def test_every_empty_page_too(app, visit):
    tab = visit("home")
    for name in PAGES:
        goto(tab, app, "" if name == "home" else name)
        assert violations(tab) == [], name


def test_dialogs_too(filled, visit):
    tab = visit("datasets")
    tab.get_by_role("button", name="Delete").click()
    tab.get_by_role("dialog").get_by_role("button", name="Delete it").wait_for()
    assert violations(tab, 1000) == []


@pytest.mark.parametrize("settings", [{"AUTODET_PASSWORD": "secret"}])
def test_the_password_s_page_too(app, visit):
    tab = visit("home")
    tab.get_by_role("button", name="Enter").wait_for()
    assert violations(tab, 2000) == []
