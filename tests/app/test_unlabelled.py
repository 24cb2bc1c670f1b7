"""A data set without labels: the steps that are possible with it, and those that are not."""

import json
import zipfile
from dataclasses import replace

import pytest

from autodet.datasets.drafts.journal import add_draft_class, save_draft
from autodet.datasets.drafts.version import derive_labels
from autodet.datasets.export import export_dataset
from autodet.datasets.label_layouts import LAYOUTS
from autodet.datasets.manifest import fingerprint_of, list_datasets, load_dataset, write_dataset
from autodet.datasets.versions.derive import derive_dataset
from autodet.errors import ModelError, SearchError
from autodet.inference.evaluations import evaluate_model
from autodet.records import Annotations, DraftBox, PhotoDraft
from autodet.search.start import start_search
from tests.app.conftest import checked, follow, labelled, labels, primary_links, says
from tests.app.test_predict import sent


@pytest.fixture
def bare(fruit, workspace):
    """The photos of the fruit without their labels."""
    records = tuple(replace(record, annotations=Annotations.of([], [])) for record in fruit.images)
    write_dataset(replace(fruit, images=records, classes=(), findings=(), fingerprint=fingerprint_of((), records)))
    return load_dataset(fruit.id, workspace)


def test_its_page_says_what_can_be_done(visit, bare):
    app = visit("datasets")
    assert "No labels yet. Label some of the photos here" in says(app)
    assert len(app.get("image")) == 12
    assert primary_links(app) == ["Label its photos"]
    app.session_state[f"views {bare.id}"] = "Statistics"
    assert "No labels yet, so there are only the sizes" in says(checked(app.run()))
    app.session_state[f"views {bare.id}"] = "Findings (0)"
    assert "found no problems" in says(checked(app.run()))


def test_its_page_and_home_tell_of_its_labels_and_of_the_newest_version(visit, bare):
    add_draft_class(bare, "apple")
    for record in bare.images[:3]:
        save_draft(bare, PhotoDraft(record.file, (DraftBox("apple", (4, 6, 30, 40)),), reviewed=True))
    save_draft(bare, PhotoDraft(bare.images[3].file, (), reviewed=True))
    assert "4 of 20 photos labelled, on the page Label. Make a version" in says(visit("datasets"))
    assert "20 photos, 4 labelled" in says(visit("home"))
    version = derive_labels(bare)
    app = visit("datasets", dataset=bare.id)
    assert "No labels yet" not in says(app)
    assert f"The newest version of the labels is **{version.name}**" in says(app)
    app = follow(app, f"Open {version.name}")
    assert labelled(app.selectbox, "Data set").value == version.id


def test_a_search_and_an_evaluation_refuse_it_with_a_sentence(visit, bare, model_there):
    model = model_there(dataset="other")
    app = visit("search")
    assert "fruit has no labels yet, so there is nothing to learn from" in says(app) and not app.button
    app = visit("evaluate")
    assert "no data set here with the classes of this model" in says(app)
    with pytest.raises(SearchError, match="no labels, so there is nothing to learn from"):
        start_search(bare, trials=1, epochs=1)
    with pytest.raises(ModelError, match="no labels, so there is nothing to compare"):
        evaluate_model(model, bare, "test")


def test_an_evaluation_beside_a_labelled_data_set_can_still_name_it(visit, bare, model_there, workspace, tmp_path):
    from autodet.datasets.imports.import_dataset import import_dataset
    from tests.helpers import write_voc

    import_dataset(write_voc(tmp_path / "more"), "more", workspace=workspace)
    model_there()
    app = visit("evaluate")
    assert labelled(app.selectbox, "Data set").value == "more"
    app = checked(labelled(app.selectbox, "Data set").set_value(bare.id).run())
    assert "fruit has no labels yet, so there is nothing to compare detections with" in says(app)


def test_new_splits_can_be_drawn_for_it(visit, bare, workspace):
    app = visit("datasets", dataset=bare.id, **{f"new version {bare.id}": True, f"resplit {bare.id}": True})
    assert "Redraw the splits. This data set stays as it is" in says(app) and "Classes" not in labels(app.tabs)
    app = checked(labelled(app.number_input, "Training, %").set_value(50).run())
    checked(labelled(app.button, "Create the version").click().run())
    [version] = [one for one in list_datasets(workspace) if one.parent]
    assert version.splits["train"] == 10 and version.boxes == 0
    assert derive_dataset(bare, resplit=(0.8, 0.2), workspace=workspace).splits == {"train": 16, "val": 4}


@pytest.mark.parametrize("format", LAYOUTS)
def test_it_is_exported_with_empty_labels(bare, tmp_path, format):
    with zipfile.ZipFile(export_dataset(bare, format, tmp_path / "bare.zip")) as archive:
        names = archive.namelist()
        assert sum(name.endswith(".png") for name in names) == 20
        if format == "coco":
            document = json.loads(archive.read("annotations/instances_train.json"))
            assert (document["categories"], document["annotations"], len(document["images"])) == ([], [], 14)
        if format == "yolo":
            assert {archive.read(name) for name in names if name.endswith(".txt")} == {b""}


@pytest.mark.process
def test_a_model_predicts_on_its_photos(visit, bare, model_there):
    model_there()
    app = follow(visit("datasets"), "Predict on its photos")
    assert labelled(app.selectbox, "Data set").value == bare.id
    app = checked(labelled(app.number_input, "Photos").set_value(2).run())
    app = checked(labelled(app.toggle, "Predict on the first 2 photos").set_value(True).run())
    assert len(sent(app)["photos"]) == 2
    app = checked(labelled(app.get("button_group"), "Split").set_value("val").run())
    assert labelled(app.number_input, "Photos").max == 3
