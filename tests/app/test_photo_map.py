"""The tab Map of Data sets; tests/browser/test_photo_map.py selects in the chart."""

import shutil
from dataclasses import replace

import pytest
from PIL import Image

from autodet.datasets.drafts.journal import read_drafts
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.manifest import list_datasets, load_dataset, write_dataset
from autodet.inference import background_jobs
from autodet.inference.demo import demo_model
from autodet.inference.feature_jobs import feature_job
from autodet.inference.photo_features import find_features
from autodet.records import Annotations
from tests.app.conftest import address, checked, labelled, says


def open_map(visit, dataset):
    app = visit("datasets")
    app.session_state[f"views {dataset.id}"] = "Map"
    return checked(app.run())


def show(app, dataset, name):
    app.session_state[f"map list {dataset.id}"] = name
    return checked(app.run())


@pytest.fixture
def compared(fruit):
    find_features(demo_model(), fruit)
    return fruit


@pytest.mark.process
def test_the_photos_are_compared_by_a_job(visit, fruit):
    app = open_map(visit, fruit)
    assert "You find photos that are nearly the same" in says(app)
    app = checked(labelled(app.button, "Compare 20 photos").click().run())
    while background_jobs._jobs and not any(job.error for job in background_jobs._jobs.values()):
        app = checked(app.run())
    assert feature_job(demo_model(), fruit) is None
    assert "Each point is a photo" in says(checked(app.run()))


def test_the_map_and_its_lists(visit, compared):
    app = open_map(visit, compared)
    assert "Each point is a photo" in says(app)
    assert "Drag a line around points" in says(app)
    assert address(app)["view"] == "map"
    assert len(app.get("plotly_chart")) == 1
    app = show(app, compared, "unusual")
    assert "the least similar to all others" in says(app)
    assert len(app.get("image")) == 12
    app = show(app, compared, "labels")
    assert "objects that look like these" in says(app) or "Similar objects have the same labels" in says(app)


def test_listed_photos_are_flagged(visit, compared):
    app = show(open_map(visit, compared), compared, "unusual")
    app = checked(labelled(app.button, "Flag these 12 photos").click().run())
    assert "the page Label finds them" in says(app)
    assert sum(draft.flagged for draft in read_drafts(compared).changed.values()) == 12


def test_listed_photos_are_left_out_in_a_version(visit, compared):
    app = visit("datasets")
    app.query_params["view"] = "map"
    app = show(app, compared, "unusual")
    app.session_state[f"leave out map unusual {compared.id}"] = True
    app = checked(app.run())
    assert "Leave out 12 chosen photos" in says(app)
    app = checked(labelled(app.button, "Create the version").click().run())
    (version,) = (one for one in list_datasets() if one.parent == compared.id)
    assert sum(version.splits.values()) == len(compared.images) - 12


def test_pairs_in_two_splits_come_with_a_warning(visit, workspace, sample_dataset, tmp_path):
    folder = tmp_path / "pairs"
    folder.mkdir()
    for index, record in enumerate(sample_dataset.images[:8]):
        photo = Image.open(sample_dataset.photo(record)).convert("RGB")
        photo.save(folder / f"{index}-a.png")
        if index == 3:
            photo.resize((photo.width * 9 // 10, photo.height * 9 // 10)).save(folder / f"{index}-b.png")
    dataset = import_dataset(folder, "pairs", workspace=workspace)
    splits = {"3-a.png": "train", "3-b.png": "val"}
    images = [replace(record, split=splits.get(record.origin, record.split)) for record in dataset.images]
    write_dataset(replace(dataset, images=tuple(images)))
    dataset = load_dataset("pairs", workspace)
    find_features(demo_model(), dataset)
    app = show(open_map(visit, dataset), dataset, "pairs")
    assert "**1 pair** of photos that are nearly the same. 1 pair lies in two splits" in says(app)


def test_a_large_photo_shows_similar_ones(visit, compared):
    app = visit("datasets")
    app = checked(app.button(key=f"enlarge {compared.id} {compared.images[0].file}").click().run())
    assert "Similar photos" in says(app)
    assert len(app.get("image")) == 12 + 6


def test_a_large_photo_tells_how_to_find_similar_ones(visit, fruit):
    app = visit("datasets")
    app = checked(app.button(key=f"enlarge {fruit.id} {fruit.images[0].file}").click().run())
    assert "compare the photos once under the tab Map" in says(app)


def test_photos_without_labels_have_a_map_coloured_by_split(visit, fruit, workspace):
    records = tuple(replace(record, annotations=Annotations.of([], [])) for record in fruit.images)
    write_dataset(replace(fruit, images=records, classes=(), findings=()))
    bare = load_dataset(fruit.id, workspace)
    find_features(demo_model(), bare)
    app = open_map(visit, bare)
    assert "Each point is a photo" in says(app)
    assert app.session_state[f"map colour {bare.id}"] == "split"


def test_a_viewer_sees_a_map_and_starts_none(visit, compared, fruit, monkeypatch):
    monkeypatch.setenv("AUTODET_MODE", "demo")
    app = show(open_map(visit, compared), compared, "unusual")
    assert "the least similar to all others" in says(app)
    assert not [button for button in app.button if button.label.startswith("Flag")]
    shutil.rmtree(fruit.folder / "features")
    app = open_map(visit, fruit)
    assert not [button for button in app.button if button.label.startswith("Compare")]
    assert "start comparisons of photos" in says(app)
