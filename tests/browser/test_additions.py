"""A wrong prediction, kept on Predict and corrected on Label."""

import pytest
from playwright.sync_api import expect

from autodet.datasets.drafts.journal import read_drafts
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.manifest import load_dataset
from autodet.datasets.versions.waiting_photos import waiting_photos
from autodet.models.store import add_model
from autodet.workspace import Workspace
from tests.helpers import draw_photo, untrained_bundle, write_voc

pytestmark = pytest.mark.browser


def test_photos_of_wrong_predictions_are_collected_and_open_on_label(app, visit, tmp_path):
    workspace = Workspace(app.home)
    import_dataset(write_voc(tmp_path / "fruit"), "fruit", workspace=workspace)
    add_model(untrained_bundle(tmp_path / "fruit.autodet", ("apple", "banana"), dataset="fruit"), "fruit", workspace)
    for seed in (300, 301):
        draw_photo(seed=seed).save(tmp_path / f"{seed}.png")
    tab = visit("predict")
    tab.get_by_test_id("stFileUploaderDropzoneInput").set_input_files([tmp_path / "300.png", tmp_path / "301.png"])
    shown = tab.get_by_role("region", name="Predictions")
    for number in (1, 2):
        shown.locator(".open").nth(number - 1).click()
        tab.get_by_role("button", name="This prediction is wrong: correct it and keep it").click()
        expect(tab.get_by_text("Kept to be corrected")).to_be_visible()
        tab.keyboard.press("Escape")
        expect(tab.get_by_role("button", name=f"Label {number} photo")).to_be_visible()
    tab.get_by_role("button", name="Label 2 photos").click()
    tab.wait_for_url("**/label?**")
    expect(tab.get_by_text("300.png").first).to_be_visible()
    version = load_dataset("fruit-2", workspace)
    assert sorted(waiting_photos(version)) == ["train/300.png", "train/301.png"]
    assert len(version.images) == 22 and read_drafts(version).classes == ("apple", "banana")
